r"""Sparse n-step approximation (SnAp-n): real-time recurrent learning that keeps the near part of the influence.

.. math::
    M_t = P_n \circ (J_t M_{t-1} + \partial a_t / \partial W),\quad
    P_n[k, i] = 1 \text{ where unit i reaches unit k by at most n - 1 connections}

SnAp-1 keeps what a synapse does to its own neuron: one number a synapse, :math:`J_{ii}` the only Jacobian entry. With
dense connections every unit reaches every other by one, so SnAp-2 is the exact gradient there; what it saves, it saves
in sparse networks.

Source: Menick et al., arXiv:2006.07232 (2020).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikelearn.errors import check_range
from spikelearn.temporal.network import RecurrentNetwork, Step
from spikelearn.temporal.rule import Rule, State, direct
from spikelearn.temporal.weights import Weights


class Reach(NamedTuple):
    """The units that each unit reaches.

    Attributes
    ----------
    units : (n, K) array of int
        Those that unit i reaches, itself first; K is the largest number, short rows are filled up with i.
    real : (n, K) bool array
        False where a row is filled up.
    """

    units: np.ndarray
    real: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SnAp(Rule):
    """Influence kept within `order` steps.

    Parameters
    ----------
    order : int
        The n of SnAp-n: the influence may have passed ``order - 1`` connections.
    """

    order: int = 1

    def __post_init__(self) -> None:
        check_range("SnAp.order", self.order, at_least=1, integer=True)

    def start(self, network: RecurrentNetwork, weights: Weights, rng: np.random.Generator) -> Reach:
        """Find the units that each unit reaches; they do not change while the network learns."""
        n = network.n
        onward = weights.free[:, :n].T | np.eye(n, dtype=bool)  # from row to column
        reached = np.eye(n, dtype=bool)
        for _ in range(self.order - 1):
            reached = (reached.astype(float) @ onward) > 0
        units = np.repeat(np.arange(n)[:, None], reached.sum(axis=1).max(), axis=1)
        real = np.zeros(units.shape, bool)
        for i, row in enumerate(reached):
            others = np.flatnonzero(row & (np.arange(n) != i))
            units[i, 1 : 1 + len(others)] = others
            real[i, : 1 + len(others)] = True
        return Reach(units, real)

    def begin(self, state: State, batch: int) -> np.ndarray:
        """Return an influence of zero, (batch, n, K, m): of the weights into i on the units that i reaches."""
        return np.zeros((batch, *state.fixed.units.shape, state.weights.recurrent.shape[1]))

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Update the influence within its reach; where there is a loss, multiply it by the direct credit."""
        (units, real), network = state.fixed, state.network
        inner = state.weights.units[units[:, :, None], units[:, None, :]]  # a copy, (n, K, K)
        inner *= real[:, :, None] & real[:, None, :]
        J = step.slope[:, units][..., None] * inner
        if network.alpha < 1:
            np.einsum("bikk->bik", J)[...] += (1 - network.alpha) * real
        state.memory = J @ state.memory
        state.memory[:, :, 0] += step.slope[:, :, None] * step.senders[:, None, :]
        if error is None:
            return False
        q: Any = direct(state.weights, error) / len(error)
        state.gradient.recurrent[...] += np.einsum("bik,bikj->ij", q[:, units] * real, state.memory)
        return True
