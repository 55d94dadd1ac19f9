r"""Direct feedback alignment through rates: the output's errors go to every hidden layer at once.

.. math::
    E^l = k_l\, A\, r_{max}\, \sigma'(\bar V^{f,l}) \sum_k Y^l_{ik} E^{out}_k

`A` is the area of the synaptic kernel, as in backpropagation. Nøkland (2016), NeurIPS 29. With one hidden layer it is
feedback alignment.
"""

from dataclasses import dataclass

from spikelearn.core.learn import STEP
from spikelearn.errors import InputError
from spikelearn.kinds import register
from spikelearn.learning.feedback_alignment import FeedbackAlignmentConstants
from spikelearn.learning.rule import Rule
from spikelearn.network import Network


@register(like=Rule)
@dataclass(frozen=True)
class DirectFeedbackAlignment:
    """Errors that go straight from the output layer through the feedback weights, which must come from there.

    Parameters
    ----------
    hidden_scale : float
        Factor of the hidden errors, as that of `Backprop`.
    """

    hidden_scale: float = 1.0

    def check(self, network: Network) -> None:
        """Raise `InputError` unless every hidden layer receives feedback from the output layer.

        Parameters
        ----------
        network : Network
            The network to train.
        """
        if any(feeding != network.n_layers - 1 for feeding in network.feeding):
            raise InputError(
                "DirectFeedbackAlignment needs the output layer to feed back to every hidden layer, but "
                "feedback_from='above'; set feedback_from='output', or use FeedbackAlignment"
            )

    def constants(self) -> FeedbackAlignmentConstants:
        """Return the numbers of feedback alignment: the sum is the same, over other neurons."""
        return FeedbackAlignmentConstants(STEP, self.hidden_scale)
