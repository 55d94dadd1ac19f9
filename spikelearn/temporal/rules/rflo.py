r"""Random feedback local online learning: a trace at each synapse, and the output error through fixed random weights.

.. math::
    p_{ij}(t) = (1 - \alpha) p_{ij}(t-1) + D_i \hat a_j,\quad \Delta W_{ij}(t) = (B e_t)_i\, p_{ij}(t)

The trace decays as fast as the unit does, and leaves recurrent connections out. With alpha = 1 it looks back one step.
Source: Murray, eLife 8:e43299 (2019).
"""

from dataclasses import dataclass, field

import numpy as np

from spikelearn.temporal.feedback import Feedback, Random
from spikelearn.temporal.network import Network, Step
from spikelearn.temporal.rule import Rule, State
from spikelearn.temporal.weights import Weights


@dataclass(frozen=True, kw_only=True)
class RFLO(Rule):
    """Leaky traces times fed-back errors.

    Parameters
    ----------
    feedback : Feedback
        Weights of the fed-back errors; random in the paper.
    """

    feedback: Feedback = field(default_factory=Random)

    def start(self, network: Network, weights: Weights, rng: np.random.Generator) -> np.ndarray | None:
        """Draw the feedback weights, (outputs, units)."""
        return self.feedback.draw(weights, rng)

    def begin(self, state: State, batch: int) -> np.ndarray:
        """Return traces of zero, (batch, n, m)."""
        return np.zeros((batch, *state.weights.recurrent.shape))

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Update the traces; where there is a loss, multiply them by the fed-back error."""
        traces = state.memory
        traces *= 1 - state.network.alpha
        traces += step.slope[:, :, None] * step.senders[:, None, :]
        if error is None:
            return False
        signal = self.feedback.send(state.fixed, state.weights, error) / len(error)
        state.gradient.recurrent[...] += np.einsum("bi,bij->ij", signal, traces)
        return True
