r"""Backpropagation through time: the true gradient. Credit runs back over the whole sequence, once that has ended.

.. math::
    c_t = q_t + J_{t+1}^T c_{t+1},\quad \Delta W = \sum_t (D_t c_t) \hat a_t^T

All activity of the sequence is stored, and replayed in reverse. Source: Werbos, Proceedings of the IEEE 78:1550 (1990).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.temporal.network import RecurrentNetwork, Step
from spikelearn.temporal.rule import Rule, State, direct
from spikelearn.temporal.weights import Weights

Past = list[tuple[Step, np.ndarray | float]]  # steps and their direct credit q, oldest first


@dataclass(frozen=True, kw_only=True)
class BPTT(Rule):
    """Gradient descent on the loss of whole sequences."""

    def begin(self, state: State, batch: int) -> Past:
        """Return an empty past."""
        return []

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Store the step."""
        state.memory.append((step, direct(state.weights, error)))
        return False

    def finish(self, state: State) -> bool:
        """Send credit back to the first step."""
        add_gradient(state.gradient.recurrent, state.network, state.weights, state.memory)
        state.memory.clear()
        return True


def credits(network: RecurrentNetwork, weights: Weights, past: Sequence[tuple[Step, Any]]) -> list[np.ndarray]:
    """Return the credit c of each step of the past, oldest first; nothing comes from after the last one."""
    found: list[np.ndarray] = []
    credit = np.zeros_like(past[-1][0].slope)
    for t in reversed(range(len(past))):
        if found:
            credit = network.backward(weights, past[t + 1][0], credit)
        credit = credit + past[t][1]
        found.append(credit)
    return found[::-1]


def add_gradient(gradient: np.ndarray, network: RecurrentNetwork, weights: Weights, past: Past) -> None:
    """Add the gradient of all losses of the past, its first state being given, to a (units, senders) array."""
    if not past:
        return
    batch = len(past[0][0].slope)
    post = np.concatenate([step.slope * c for (step, _), c in zip(past, credits(network, weights, past), strict=True)])
    gradient += (post / batch).T @ np.concatenate([step.senders for step, _ in past])
