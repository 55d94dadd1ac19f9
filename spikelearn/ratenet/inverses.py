r"""Decoders of target propagation: each learns to undo one layer, from noisy activities of the layer below.

.. math::
    g_l(u) = \tanh(V_l u + c_l),\quad u = h_{l-1} + \epsilon,\; \epsilon \sim N(0, \sigma^2),\quad r = g_l(f_l(u)) \\
    noise-preserving:\; \|r - u\|^2 \text{ (Lee et al.)},\quad denoising:\; \|r - h_{l-1}\|^2 \text{ (Bartunov et al.)}

summed over units, the mean over the minibatch. ``f_l(u)`` and the target of ``r`` are constants: only ``V_l`` and
``c_l`` learn. When they learn is a schedule: `Alternating` with the forward weights, epoch by epoch, or in `Parallel`.

Sources: Lee, Zhang, Fischer & Bengio, ECML 2015; Bartunov et al., NeurIPS 2018, arXiv:1807.04587.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.ratenet.optimisers import Moments
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Batches


@dataclass
class Decoders:
    """Arrays of the decoders: number k leads from ``h[k + 2]`` down to ``h[k + 1]``, into hidden layer k."""

    parameters: Parameters
    moments: Moments
    gradient: Parameters

    def decode(self, k: int, h: np.ndarray) -> np.ndarray:
        """Return what decoder k makes of activities of the layer above, (n, units of hidden layer k)."""
        a = h @ self.parameters.W[k].T
        a += self.parameters.b[k]
        return np.tanh(a, out=a)


Learn = Callable[[Batch], None]  # one step of the inverses, on one minibatch


class Schedule(Protocol):
    """When the inverses learn."""

    def before_epoch(self, learn: Learn, batches: Batches) -> None:
        """Act before the forward weights learn for an epoch."""

    def with_batch(self, learn: Learn, batch: Batch) -> None:
        """Act before the forward weights learn from a minibatch."""


@dataclass(frozen=True)
class Alternating:
    """A pass over the images for the inverses, then one for the forward weights, as in Lee et al.'s code."""

    def before_epoch(self, learn: Learn, batches: Batches) -> None:
        """Train the inverses on all images."""
        for batch in batches():
            learn(batch)

    def with_batch(self, learn: Learn, batch: Batch) -> None:
        """Leave them as they are."""


@dataclass(frozen=True)
class Parallel:
    """Both at once: more plausible, less stable (Bartunov et al.)."""

    def before_epoch(self, learn: Learn, batches: Batches) -> None:
        """Leave them as they are."""

    def with_batch(self, learn: Learn, batch: Batch) -> None:
        """Train the inverses on the same minibatch."""
        learn(batch)


def reconstruction_error(reconstructed: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the gradient of ``||r - wanted||**2`` with respect to a decoder's pre-activation, tanh included."""
    return 2 * (reconstructed - wanted) * (1 - reconstructed * reconstructed)
