"""What the output layer computes, its loss, and the error: the gradient of the loss with respect to its input.

For the first three the error is output minus target. It is applied once: no derivative of the output comes on top.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.ratenet.activations import Logistic

__all__ = ["LinearOutput", "LogisticOutput", "Output", "Softmax", "SquaredLogistic"]

TINY = 1e-30  # below the smallest probability that matters, above what a float32 cannot hold


class Output(Protocol):
    """Contract of an output function together with its loss."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with the outputs, and return them.

        Parameters
        ----------
        a : (n, outputs) array
            Pre-activations; overwritten.

        Returns
        -------
        (n, outputs) array
            The outputs.
        """

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the loss of each example.

        Parameters
        ----------
        h : (n, outputs) array
            Outputs.
        target : (n, outputs) array
            1 for the class, else 0.

        Returns
        -------
        (n,) array
            Losses: nats for a cross-entropy.
        """

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the gradient of each example's loss with respect to its pre-activations.

        Parameters
        ----------
        h : (n, outputs) array
            Outputs.
        target : (n, outputs) array
            1 for the class, else 0.

        Returns
        -------
        (n, outputs) array
            Errors of the outputs.
        """


@dataclass(frozen=True)
class Softmax:
    """Probabilities that sum to one, and their cross-entropy with the target."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with probabilities."""
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
        """Overwrite the pre-activations with probabilities."""
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
        """Return the pre-activations as they are."""
        return a

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return half the squared distance."""
        return 0.5 * np.square(h - target).sum(axis=1)

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return output minus target."""
        return h - target


@dataclass(frozen=True)
class SquaredLogistic:
    """Logistic units and half the squared distance to the target; their slope is part of the error."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with activities in 0..1."""
        return Logistic().apply(a)

    def loss(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return half the squared distance."""
        return 0.5 * np.square(h - target).sum(axis=1)

    def error(self, h: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return output minus target, times the slope."""
        return (h - target) * h * (1 - h)
