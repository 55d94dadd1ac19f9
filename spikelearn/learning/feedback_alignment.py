r"""Feedback alignment through rates: backpropagation with the feedback weights in place of the transposed ones.

.. math::
    E^l = k_l\, A\, r_{max}\, \sigma'(\bar V^{f,l}) \sum_k Y^l_{ik} E^{l+1}_k

`A` is the area of the synaptic kernel, as in backpropagation. Lillicrap, Cownden, Tweed & Akerman (2016), Nature
Communications 7:13276. A neuron needs the errors of the layer above, as numbers, by a pathway of their own: what the
paper's plateau potentials do without.
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.learn import STEP, output_errors
from spikelearn.core.rules import SOURCE, register_rule
from spikelearn.errors import InputError
from spikelearn.kinds import register
from spikelearn.learning.rule import Rule
from spikelearn.network import Network


class FeedbackAlignmentConstants(NamedTuple):
    """Numbers of the rule for the kernel."""

    step: float
    hidden: float


@register(like=Rule)
@dataclass(frozen=True)
class FeedbackAlignment:
    """Errors that go down layer by layer through the feedback weights, which must come from the layer above.

    Parameters
    ----------
    hidden_scale : float
        Factor of the hidden errors, as that of `Backprop`.
    """

    hidden_scale: float = 1.0

    def check(self, network: Network) -> None:
        """Raise `InputError` unless every hidden layer receives feedback from the layer above it.

        Parameters
        ----------
        network : Network
            The network to train.
        """
        if any(feeding != layer + 1 for layer, feeding in enumerate(network.feeding)):
            raise InputError(
                "FeedbackAlignment needs the layer above each hidden layer to feed back, but feedback_from='output'; "
                "set feedback_from='above', or use DirectFeedbackAlignment"
            )

    def constants(self) -> FeedbackAlignmentConstants:
        """Return the numbers of the rule for its compiled kernel."""
        return FeedbackAlignmentConstants(STEP, self.hidden_scale)


@kernel
def fed_back_errors(rule, own, source):
    """Errors of one layer: those of the layer that feeds back, through the feedback weights."""
    if own.is_output:
        output_errors(rule.step, own)
        return
    scale = rule.hidden if source.is_output else 1.0
    factor = own.error.dtype.type(scale * own.dendrite_gain * own.area * own.rate_max)
    for i in range(own.n):
        total = own.error.dtype.type(0)
        for k in range(source.n):
            total += own.feedback[i // LANES * own.n_feedback + k, i % LANES] * source.error[k]
        own.error[i] = factor * total * own.slope[i]


register_rule(FeedbackAlignmentConstants, fed_back_errors, reads=SOURCE)
