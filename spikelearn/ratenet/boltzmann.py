r"""A restricted Boltzmann machine, and its learning by contrastive divergence.

.. math::
    E(v, h) = -h^T W v - b^T v - c^T h,\quad p(h=1|v) = \sigma(W v + c),\quad p(v=1|h) = \sigma(W^T h + b) \\
    CD_k:\; \Delta W = \eta \left( \langle p(h|v) v^T \rangle_{data} - \langle p(h|v_k) v_k^T \rangle \right)

Hidden units are sampled on the way down; reconstructions and the statistics keep probabilities (Hinton's practice).

Sources: Hinton, Neural Computation 14:1771 (2002); Hinton & Salakhutdinov, Science 313:504 (2006).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikelearn.ratenet.activations import Logistic


@dataclass
class Machine:
    """A restricted Boltzmann machine.

    Attributes
    ----------
    W : (hidden, visible) array
    visible : (visible,) array
        Biases b.
    hidden : (hidden,) array
        Biases c.
    """

    W: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray

    def up(self, v: np.ndarray) -> np.ndarray:
        """Return the probabilities of the hidden units for (n, visible) activities."""
        return Logistic().apply(v @ self.W.T + self.hidden)

    def down(self, h: np.ndarray) -> np.ndarray:
        """Return the probabilities of the visible units for (n, hidden) activities."""
        return Logistic().apply(h @ self.W + self.visible)


def sample(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return 1 with probability `p`, else 0."""
    return (rng.random(p.shape, np.float32) < p).astype(p.dtype)


def probabilities(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `p`: no sample is taken."""
    return p


def contrastive_divergence(
    machine: Machine,
    v: np.ndarray,
    k: int,
    rng: np.random.Generator,
    reconstruct: Callable[[np.ndarray, np.random.Generator], np.ndarray] = probabilities,
) -> Machine:
    """Return the direction uphill of ``CD_k``: means over the rows of the data, shaped as the machine.

    Parameters
    ----------
    machine : Machine
    v : (n, visible) array
        Data.
    k : int
        Steps down and up.
    rng : numpy Generator
    reconstruct : function
        What becomes of the visible units' probabilities: `probabilities`, Hinton's practice, has less noise; with
        `sample` the chain is that of the machine, and many steps give the gradient of the likelihood.
    """
    first = h = machine.up(v)
    seen = v
    for _ in range(k):
        seen = reconstruct(machine.down(sample(h, rng)), rng)
        h = machine.up(seen)
    return Machine(
        W=(first.T @ v - h.T @ seen) / len(v),
        visible=(v - seen).mean(axis=0),
        hidden=(first - h).mean(axis=0),
    )
