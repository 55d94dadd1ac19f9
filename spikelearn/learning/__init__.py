"""Learning rules, one a file. Each turns the averages of a trial into one error for each neuron."""

from spikelearn.learning.backprop import Backprop
from spikelearn.learning.plateau import Plateau

Rule = Plateau | Backprop

__all__ = ["Backprop", "Plateau", "Rule"]
