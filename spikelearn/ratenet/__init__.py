"""Rate networks and the rules that train them without automatic differentiation, to compare answers with each other.

Take a rule and the network that it is meant for, and iterate over epochs::

    import spikelearn as sl
    from spikelearn.ratenet import fit, rules

    rule = rules.FeedbackAlignment()
    for epoch in fit(rule.network((64, 100, 10)), rule, sl.load("digits"), seed=1, epochs=5):
        print(epoch.epoch, epoch.test_error, epoch.angle, epoch.alignment)

A rule of one's own: ``experiments/own_rate_rule.py``.
"""

from spikelearn.ratenet import rules
from spikelearn.ratenet.architectures import ARCHITECTURES, Architecture, architecture
from spikelearn.ratenet.connections import Dense, Local
from spikelearn.ratenet.delta_rule import DeltaRule, FeedbackRule
from spikelearn.ratenet.fit import Epoch, fit
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.optimisers import SGD, Adam
from spikelearn.ratenet.registry import ENTRIES, entry
from spikelearn.ratenet.rule import Batch, Rule, State

__all__ = [
    "ARCHITECTURES",
    "ENTRIES",
    "SGD",
    "Activity",
    "Adam",
    "Architecture",
    "Batch",
    "DeltaRule",
    "Dense",
    "Epoch",
    "FeedbackRule",
    "Local",
    "RateNetwork",
    "Rule",
    "State",
    "architecture",
    "entry",
    "fit",
    "rules",
]
