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

__all__ = ["Alternating", "Decoders", "Parallel", "Schedule"]


@dataclass
class Decoders:
    """Decoders of the hidden layers: number k leads from ``h[k + 2]`` down to ``h[k + 1]``, into hidden layer k.

    Parameters
    ----------
    parameters : Parameters
        Weights and biases of the decoders, which lead from a layer to the one below.
    moments : Moments
        Memory of their optimiser.
    gradient : Parameters
        Room for a gradient.
    """

    parameters: Parameters
    moments: Moments
    gradient: Parameters

    def decode(self, k: int, h: np.ndarray) -> np.ndarray:
        """Return the activities of hidden layer k that a decoder makes of those of the layer above.

        Parameters
        ----------
        k : int
            Number of the decoder.
        h : (n, units above) array
            Activities of the layer above.

        Returns
        -------
        (n, units of hidden layer k) array
            Decoded activities.
        """
        a = self.parameters.connections[k].send(self.parameters.W[k], h)
        a += self.parameters.b[k]
        return np.tanh(a, out=a)


Learn = Callable[[Batch], None]  # one step of the inverses, on one minibatch


class Schedule(Protocol):
    """Contract of when the inverses learn."""

    def before_epoch(self, learn: Learn, batches: Batches) -> None:
        """Act before the forward weights learn for an epoch.

        Parameters
        ----------
        learn : callable
            One step of the inverses, on one minibatch.
        batches : callable
            Each call returns an iterator over one pass through the training images.
        """

    def with_batch(self, learn: Learn, batch: Batch) -> None:
        """Act before the forward weights learn from a minibatch.

        Parameters
        ----------
        learn : callable
            One step of the inverses, on one minibatch.
        batch : Batch
            The minibatch from which the forward weights learn next.
        """


@dataclass(frozen=True)
class Alternating:
    """Inverses and forward weights learn in turns, epoch by epoch, as in the code of Lee et al. (2015)."""

    def before_epoch(self, learn: Learn, batches: Batches) -> None:
        """Train the inverses on all images."""
        for batch in batches():
            learn(batch)

    def with_batch(self, learn: Learn, batch: Batch) -> None:
        """Leave the inverses as they are."""


@dataclass(frozen=True)
class Parallel:
    """Both learn from each minibatch: more plausible, less stable (Bartunov et al. 2018)."""

    def before_epoch(self, learn: Learn, batches: Batches) -> None:
        """Leave the inverses as they are."""

    def with_batch(self, learn: Learn, batch: Batch) -> None:
        """Train the inverses on the same minibatch."""
        learn(batch)


def reconstruction_error(reconstructed: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the gradient of ``||r - wanted||**2`` with respect to a decoder's pre-activation, tanh included."""
    return 2 * (reconstructed - wanted) * (1 - reconstructed * reconstructed)
