"""Learning rules, one a file. Each turns the averages of a trial into one error for each neuron."""

from spikelearn.learning.backprop import Backprop
from spikelearn.learning.direct_feedback_alignment import DirectFeedbackAlignment
from spikelearn.learning.feedback_alignment import FeedbackAlignment
from spikelearn.learning.output_only import OutputOnly
from spikelearn.learning.plateau import Plateau
from spikelearn.learning.rule import Rule, check_rule

__all__ = [
    "Backprop",
    "DirectFeedbackAlignment",
    "FeedbackAlignment",
    "OutputOnly",
    "Plateau",
    "Rule",
    "check_rule",
]
