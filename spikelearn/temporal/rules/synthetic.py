r"""Synthetic gradients (DNI): a linear map from activity guesses the credit that the future will send.

.. math::
    f_t = S [a_t; 1] \approx J_{t+1}^T c_{t+1},\quad c_t = q_t + f_t,\quad \Delta W(t) = (D_t c_t) \hat a_t^T

One step later there is another guess, which includes one loss more. The map learns from the difference, as a value
function does from a temporal difference:

.. math::
    \Delta S = -\eta \langle (f_{t-1} - J_t^T (q_t + f_t)) [a_{t-1}; 1]^T \rangle

After the last step of a sequence there is no future, so f is taught 0 there. With S = 0 this is `Sliding` of window 1.

Sources: Jaderberg et al., ICML 2017, arXiv:1608.05343; this form, with the direct credit kept apart: Marschall, Cho &
Savin, JMLR 21:135 (2020), who also show the labels to the map.
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.temporal.network import RecurrentNetwork, Step
from spikelearn.temporal.rule import Rule, State, add_outer, direct
from spikelearn.temporal.weights import Weights


@dataclass(frozen=True, kw_only=True)
class SyntheticGradients(Rule):
    """Learning from predicted credit.

    Parameters
    ----------
    rate : float
        Learning rate of the map, eta.
    """

    rate: float = 0.01

    def __post_init__(self) -> None:
        check_range("SyntheticGradients.rate", self.rate, at_least=0)

    def start(self, network: RecurrentNetwork, weights: Weights, rng: np.random.Generator) -> np.ndarray:
        """Return a map S of zero, (n, n + 1)."""
        return np.zeros((network.n, network.n + 1))

    def begin(self, state: State, batch: int) -> None:
        """Return None: no step is stored yet."""

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Predict the credit of this step, and correct the prediction of the step before."""
        credit = direct(state.weights, error) + guess(state.fixed, step.state)
        if state.memory is not None:
            self._teach(state, state.network.backward(state.weights, step, credit))
        state.memory = step.state
        add_outer(state.gradient.recurrent, step.slope * credit, step.senders)
        return True

    def finish(self, state: State) -> bool:
        """Correct the last prediction: no credit follows."""
        if state.memory is not None:
            self._teach(state, np.zeros_like(state.memory))
            state.memory = None
        return False

    def _teach(self, state: State, target: np.ndarray) -> None:
        S, activity = state.fixed, state.memory
        share = self.rate * (guess(S, activity) - target) / len(activity)
        S[:, :-1] -= share.T @ activity
        S[:, -1] -= share.sum(axis=0)


def guess(S: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """Return what a map says of activity, (batch, n)."""
    return activity @ S[:, :-1].T + S[:, -1]
