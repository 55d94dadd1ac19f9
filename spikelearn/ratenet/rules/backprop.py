r"""Backpropagation: the true gradient. Not local, as an error travels back through the forward weights.

.. math::
    \delta^l = ((W^{l+1})^T \delta^{l+1}) \circ f'(a^l)

Source: Rumelhart, Hinton & Williams, Nature 323:533 (1986).
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.ratenet.delta import turned
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.rule import State


@dataclass(frozen=True, kw_only=True)
class Backprop(FeedbackRule):
    """Gradient descent on the loss."""

    def kept(self, network: RateNetwork) -> int:
        """Return 0: feedback is made of the forward weights."""
        return 0

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the transpose of the present forward weights."""
        return turned(state.parameters)
