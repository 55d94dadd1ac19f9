r"""Feedback alignment: errors come back through fixed random weights, and forward weights come to suit them.

.. math::
    \delta^l = (Y^l \delta^{l+1}) \circ f'(a^l),\quad Y^l \text{ drawn once, of the shape of } (W^{l+1})^T

Source: Lillicrap, Cownden, Tweed & Akerman, arXiv:1411.0247 (2014); Nature Communications 7:13276 (2016).
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.ratenet.delta import draw_feedback
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import State


@dataclass(frozen=True, kw_only=True)
class FeedbackAlignment(FeedbackRule):
    """Fixed random feedback from layer to layer, distributed as the initial forward weights."""

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the feedback weights; they stay fixed."""
        return draw_feedback(network, rng)

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the fixed feedback weights."""
        return state.memory
