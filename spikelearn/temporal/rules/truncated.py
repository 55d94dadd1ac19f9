r"""Truncated backpropagation through time, in two forms that are different estimators.

`Truncated` cuts the sequence into blocks of T steps and backpropagates within each: a loss blames the steps of its own
block, which are 0 to T - 1 steps back, depending on where in the block it falls. One pass back for T steps.

`Sliding` looks back from every step: the parameters' use at step s is blamed for the T losses from s on,

.. math::
    c_s = q_s + J_{s+1}^T (q_{s+1} + \cdots J_{s+T-1}^T q_{s+T-1}),\quad \Delta W(s) = (D_s c_s) \hat a_s^T

so each step emits, T - 1 steps late, the gradient for the parameters as they were then. T passes back for T steps.

Sources: Williams & Peng, Neural Computation 2:490 (1990); "efficient" and "future-facing" in Marschall, Cho & Savin,
JMLR 21:135 (2020).
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.errors import check_range
from spikelearn.temporal.network import Step
from spikelearn.temporal.rule import Rule, State, add_outer, direct
from spikelearn.temporal.rules.backprop import Past, add_gradient


@dataclass(frozen=True, kw_only=True)
class Truncated(Rule):
    """Backpropagation within blocks (Williams & Peng 1990).

    Parameters
    ----------
    window : int
        Number of steps of a block, T. The last block of a sequence may be shorter.
    """

    window: int

    def __post_init__(self) -> None:
        check_range("Truncated.window", self.window, at_least=1, integer=True)

    def begin(self, state: State, batch: int) -> Past:
        """Return an empty block."""
        return []

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Store the step; at the end of a block send credit back to the block's first step."""
        state.memory.append((step, direct(state.weights, error)))
        return len(state.memory) == self.window and self.finish(state)

    def finish(self, state: State) -> bool:
        """Send credit back to the first step of the last block, if there is one."""
        if not state.memory:
            return False
        add_gradient(state.gradient.recurrent, state.network, state.weights, state.memory)
        state.memory.clear()
        return True


@dataclass(frozen=True, kw_only=True)
class Sliding(Rule):
    """Backpropagation from every step (Williams & Peng 1990; Marschall, Cho & Savin 2020).

    Parameters
    ----------
    window : int
        Number of steps whose losses count for one use of the parameters, T.
    """

    window: int

    def __post_init__(self) -> None:
        check_range("Sliding.window", self.window, at_least=1, integer=True)

    def begin(self, state: State, batch: int) -> deque[Any]:
        """Return an empty window."""
        return deque()

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Store the step; once the window is full, add the gradient of its oldest step."""
        state.memory.append((step, direct(state.weights, error)))
        if len(state.memory) < self.window:
            return False
        self._emit(state)
        return True

    def finish(self, state: State) -> bool:
        """Add the gradients of the steps that are left, each with the losses after it."""
        left = bool(state.memory)
        while state.memory:
            self._emit(state)
        return left

    def _emit(self, state: State) -> None:
        past = state.memory
        credit = np.zeros_like(past[-1][0].slope) + past[-1][1]
        for t in reversed(range(len(past) - 1)):
            credit = state.network.backward(state.weights, past[t + 1][0], credit) + past[t][1]
        step, _ = past.popleft()
        add_outer(state.gradient.recurrent, step.slope * credit, step.senders)
