r"""Unbiased online recurrent optimisation: the influence as one outer product, right on average.

.. math::
    M \approx A \otimes B,\quad A' = \rho_0 J A + \rho_1 \nu,\quad
    B' = \frac{B}{\rho_0} + \frac{\nu^T (\partial a / \partial W)}{\rho_1},\quad \Delta W(t) = (q_t \cdot A) B \\
    \rho_0 = \sqrt{\|B\| / \|J A\|},\quad \rho_1 = \sqrt{\|\nu^T \partial a / \partial W\| / \|\nu\|}

The signs :math:`\nu_i` are drawn anew at each step, for each sequence; the mean over them of A' (x) B' is
J (A (x) B) + the step's own part, whatever the two scales, which keep the variance low. J A is exact here (the paper
takes a finite difference). Do not clip the gradient: the mean of what is clipped is another one.

Source: Tallec & Ollivier, arXiv:1702.05043 (2017).
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.temporal.network import Step
from spikelearn.temporal.rule import Rule, State, direct

TINY = 1e-30  # added to all four norms, which are zero at the start


@dataclass(frozen=True, kw_only=True)
class UORO(Rule):
    """A noisy but unbiased gradient."""

    def begin(self, state: State, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return A, (batch, n), and B, (batch, n, m), of zero."""
        n, m = state.weights.recurrent.shape
        return np.zeros((batch, n)), np.zeros((batch, n, m))

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Draw signs and update both factors; where there is a loss, multiply them by the direct credit."""
        A, B = state.memory
        onward = state.network.forward(state.weights, step, A)
        nu = 2.0 * rng.integers(0, 2, A.shape) - 1
        own = nu * step.slope  # times senders: nu times the derivative of each unit by its own weights
        size = lengths(step.slope) * lengths(step.senders)
        rho0 = np.sqrt((lengths(B) + TINY) / (lengths(onward) + TINY))[:, None]
        rho1 = np.sqrt((size + TINY) / (A.shape[1] ** 0.5 + TINY))[:, None]
        A = rho0 * onward + rho1 * nu
        B /= rho0[:, :, None]
        B += (own / rho1)[:, :, None] * step.senders[:, None, :]
        state.memory = A, B
        if error is None:
            return False
        share = (direct(state.weights, error) * A).sum(axis=1) / len(error)
        state.gradient.recurrent[...] += np.tensordot(share, B, axes=1)
        return True


def lengths(arrays: np.ndarray) -> np.ndarray:
    """Return the Euclidean length of each row's array, (batch,)."""
    rows = arrays.reshape(len(arrays), -1)
    return np.sqrt(np.einsum("bi,bi->b", rows, rows))
