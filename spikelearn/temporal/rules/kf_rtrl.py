r"""Kronecker-factored real-time recurrent learning: an unbiased influence of lower variance, as senders times units.

.. math::
    M \approx A \otimes B,\quad A' = \nu_0 \rho_0 A + \nu_1 \rho_1 \hat a,\quad
    B' = \frac{\nu_0}{\rho_0} J B + \frac{\nu_1}{\rho_1} diag(D),\quad \Delta W(t) = (q_t B) A^T \\
    \rho_0 = \sqrt{\|J B\| / \|A\|},\quad \rho_1 = \sqrt{\|D\| / \|\hat a\|}

The step's own part of the influence *is* such a product, so only two signs have to be drawn a step, and their mean is
J (A (x) B) + the own part. Source: Mujika, Meier & Steger, NeurIPS 2018, arXiv:1805.10842.
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.temporal.network import Step
from spikelearn.temporal.rule import Rule, State, direct
from spikelearn.temporal.rules.uoro import TINY, lengths


@dataclass(frozen=True, kw_only=True)
class KFRTRL(Rule):
    """A less noisy, unbiased gradient; a step costs a product of two (n, n) matrices."""

    def begin(self, state: State, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return A, (batch, m), and B, (batch, n, n), of zero."""
        n, m = state.weights.recurrent.shape
        return np.zeros((batch, m)), np.zeros((batch, n, n))

    def step(self, state: State, step: Step, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Draw two signs and update both factors; where there is a loss, multiply them by the direct credit."""
        A, B = state.memory
        onward = state.network.jacobian(state.weights, step) @ B
        nu = 2.0 * rng.integers(0, 2, (2, len(A))) - 1
        rho0 = np.sqrt((lengths(onward) + TINY) / (lengths(A) + TINY))
        rho1 = np.sqrt((lengths(step.slope) + TINY) / lengths(step.senders))
        A = (nu[0] * rho0)[:, None] * A + (nu[1] * rho1)[:, None] * step.senders
        B = (nu[0] / rho0)[:, None, None] * onward
        np.einsum("bii->bi", B)[...] += (nu[1] / rho1)[:, None] * step.slope
        state.memory = A, B
        if error is None:
            return False
        post = np.einsum("bk,bki->bi", direct(state.weights, error), B)
        state.gradient.recurrent[...] += (post / len(error)).T @ A
        return True
