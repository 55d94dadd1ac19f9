r"""Diagonal real-time recurrent learning: the true gradient where units do not receive each other.

The Jacobian is diagonal, so a weight influences its own unit only, and one number a weight is exact:

.. math::
    p_{ij}(t) = J_{ii}(t) p_{ij}(t-1) + D_i \hat a_j,\quad \Delta W_{ij}(t) = q_i p_{ij}(t)

The weights into a unit are its own recurrent one, its inputs' and its bias.

Source: Mozer, Complex Systems 3:349 (1989).
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.errors import InputError
from spikelearn.temporal.connections import Independent
from spikelearn.temporal.network import Network, Step
from spikelearn.temporal.rule import Rule, State, direct


@dataclass(frozen=True, kw_only=True)
class Diagonal(Rule):
    """The exact gradient for independent units."""

    def check(self, network: Network) -> None:
        """Raise `InputError` for a network whose units receive each other."""
        super().check(network)
        if not isinstance(network.connections, Independent):  # type: ignore[attr-defined]
            raise InputError(
                f"Diagonal is exact for independent units only, got {network.connections!r}; "  # type: ignore[attr-defined]
                f"use connections=Independent(), or SnAp(order=1)"
            )

    def begin(self, state: State, batch: int) -> np.ndarray:
        """Return traces of zero, (batch, n, 1 + inputs + 1)."""
        n, m = state.weights.recurrent.shape
        return np.zeros((batch, n, 1 + m - n))

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Update the traces; where there is a loss, multiply them by the direct credit."""
        network, traces, n = state.network, state.memory, step.slope.shape[1]
        own = step.slope * np.diag(state.weights.units) + (1 - network.alpha)
        traces *= own[:, :, None]
        traces[:, :, 0] += step.slope * step.senders[:, :n]
        traces[:, :, 1:] += step.slope[:, :, None] * step.senders[:, None, n:]
        if error is None:
            return False
        q = direct(state.weights, error) / len(error)
        found = np.einsum("bi,bij->ij", q, traces)
        np.einsum("ii->i", state.gradient.recurrent[:, :n])[...] += found[:, 0]
        state.gradient.recurrent[:, n:] += found[:, 1:]
        return True
