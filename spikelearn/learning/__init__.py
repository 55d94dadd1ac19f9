"""Learning rules, one a file. Each turns the averages of a trial into one error for each neuron."""

from typing import Any

from spikelearn.errors import InputError, described
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
    """Raise `InputError` unless this is a rule, and the network meets the conditions that its method `check` has."""
    if isinstance(rule, type) or not hasattr(rule, "constants"):
        raise InputError(f"rule must be an object such as spikelearn.Plateau(), got {described(rule)}")
    if hasattr(rule, "check"):
        rule.check(network)
