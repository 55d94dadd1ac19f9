"""What the output layer computes, its loss, and the error: the gradient of the loss with respect to its input.

For the first three the error is output minus target. It is applied once: no derivative of the output comes on top.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.ratenet.activations import Logistic

TINY = 1e-30  # below the smallest probability that matters, above what a float32 cannot hold


class Output(Protocol):
    """An output function together with its loss."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with the outputs, and return them."""

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the loss of each example; (n,) array."""

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the gradient of each example's loss with respect to its pre-activations; (n, outputs) array."""


@dataclass(frozen=True)
class Softmax:
    """Probabilities that sum to one, and their cross-entropy with the target."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite `a`."""
        a -= a.max(axis=1, keepdims=True)
        np.exp(a, out=a)
        a /= a.sum(axis=1, keepdims=True)
        return a

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the cross-entropy."""
        return -(target * np.log(np.maximum(h, TINY))).sum(axis=1)

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return output minus target."""
        return h - target


@dataclass(frozen=True)
class LogisticOutput:
    """Independent probabilities, and the sum of their cross-entropies with the target."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite `a`."""
        return Logistic().apply(a)

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the cross-entropy, summed over outputs."""
        on, off = np.maximum(h, TINY), np.maximum(1 - h, TINY)
        return -(target * np.log(on) + (1 - target) * np.log(off)).sum(axis=1)

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return output minus target."""
        return h - target


@dataclass(frozen=True)
class LinearOutput:
    """Linear units and half the squared distance to the target."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Leave `a` as it is."""
        return a

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return half the squared distance."""
        return 0.5 * np.square(h - target).sum(axis=1)

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return output minus target."""
        return h - target


@dataclass(frozen=True)
class SquaredLogistic:
    """Logistic units and half the squared distance to the target: here the slope does belong to the error."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite `a`."""
        return Logistic().apply(a)

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return half the squared distance."""
        return 0.5 * np.square(h - target).sum(axis=1)

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return output minus target, times the slope."""
        return (h - target) * h * (1 - h)
