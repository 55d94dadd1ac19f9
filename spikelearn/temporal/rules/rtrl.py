r"""Real-time recurrent learning: the true gradient forward in time. Nothing runs back, at the price of n^2 m numbers.

The influence of every weight on every unit is carried along,

.. math::
    M_t = \frac{d a_t}{d W} = J_t M_{t-1} + \frac{\partial a_t}{\partial W},\quad
    \frac{\partial a_k}{\partial W_{ij}} = \delta_{ki} D_i \hat a_j,\quad \Delta W(t) = q_t M_t

A step costs n^3 m multiplications. Source: Williams & Zipser, Neural Computation 1:270 (1989).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikelearn.temporal.network import Step
from spikelearn.temporal.rule import Rule, State, direct


class Influence:
    """M of each sequence, (batch, n, n m), and room for the next."""

    def __init__(self, batch: int, n: int, m: int) -> None:
        self.now, self.next = np.zeros((batch, n, n * m)), np.zeros((batch, n, n * m))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield what is remembered from step to step."""
        yield self.now


@dataclass(frozen=True, kw_only=True)
class RTRL(Rule):
    """The exact gradient of each step's loss, at that step."""

    def begin(self, state: State, batch: int) -> Influence:
        """Return an influence of zero."""
        return Influence(batch, *state.weights.recurrent.shape)

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Update the influence; where there is a loss, multiply it by the direct credit."""
        memory, (batch, n) = state.memory, step.slope.shape
        np.matmul(state.network.jacobian(state.weights, step), memory.now, out=memory.next)
        memory.now, memory.next = memory.next, memory.now
        by_weight = memory.now.reshape(batch, n, n, -1)
        np.einsum("biij->bij", by_weight)[...] += step.slope[:, :, None] * step.senders[:, None, :]
        if error is None:
            return False
        q = direct(state.weights, error) / batch
        state.gradient.recurrent[...] += (q.reshape(-1) @ memory.now.reshape(batch * n, -1)).reshape(n, -1)
        return True
