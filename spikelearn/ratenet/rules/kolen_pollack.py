r"""Kolen-Pollack: forward and feedback weights get the same change and the same decay, so their difference dies out.

.. math::
    W \leftarrow (1 - \lambda) W - \Delta,\quad Y \leftarrow (1 - \lambda) Y - \Delta^T
    \quad\Rightarrow\quad \|W - Y^T\| \propto (1 - \lambda)^t

The change is the optimiser's step, momentum and all: with a step of its own for each the difference would not decay.
The lowest weights have no feedback partner and do not decay.

Sources: Kolen & Pollack, IEEE ICNN 1994; Akrout et al., NeurIPS 2019, arXiv:1904.05391.
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.delta import draw_feedback
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, State


@dataclass(frozen=True, kw_only=True)
class KolenPollack(FeedbackRule):
    """Feedback weights that learn by the same steps as the forward weights.

    Parameters
    ----------
    decay : float
        Share of both weights that each minibatch takes away, 0..1.
    """

    decay: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("KolenPollack.decay", self.decay, at_least=0, at_most=1)

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw feedback weights independent of the forward ones."""
        return draw_feedback(network, rng)

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the present feedback weights."""
        return state.memory

    def learn(self, state: State, batch: Batch, rng: np.random.Generator) -> None:
        """Change forward and feedback weights by the same step."""
        step = self.gradients(state, batch, rng)
        self.optimiser.steps(state.moments, step.flat)
        layers = zip(state.network.connections[1:], state.memory, state.parameters.W[1:], step.W[1:], strict=True)
        for connection, Y, W, change in layers:
            Y *= 1 - self.decay
            W *= 1 - self.decay
            Y -= connection.turn(change)
        state.parameters.flat -= step.flat
