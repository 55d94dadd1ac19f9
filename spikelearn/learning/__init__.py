"""Learning rules, one a file. Each turns the averages of a trial into one error for each neuron."""

from typing import Any

from spikelearn.learning.backprop import Backprop
from spikelearn.learning.direct_feedback_alignment import DirectFeedbackAlignment
from spikelearn.learning.feedback_alignment import FeedbackAlignment
from spikelearn.learning.output_only import OutputOnly
from spikelearn.learning.plateau import Plateau
from spikelearn.network import Network

Rule = Plateau | Backprop | FeedbackAlignment | DirectFeedbackAlignment | OutputOnly

__all__ = [
    "Backprop",
    "DirectFeedbackAlignment",
    "FeedbackAlignment",
    "OutputOnly",
    "Plateau",
    "Rule",
    "check_rule",
]


def check_rule(rule: Any, network: Network) -> None:
    """Raise `InputError` if a rule has conditions on the network, in a method `check`, that this one does not meet."""
    if hasattr(rule, "check"):
        rule.check(network)
