"""What hidden units do with their input: the function, and its slope as a function of what the unit gives out.

One small class each, so that a network names its function by an object. `apply` overwrites its argument.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Activation", "Clip", "Identity", "Logistic", "Relu", "Tanh"]


class Activation(Protocol):
    """Contract of a function of the pre-activations, unit by unit."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with the activities, and return them.

        Parameters
        ----------
        a : (n, units) array
            Pre-activations; overwritten.

        Returns
        -------
        (n, units) array
            The activities.
        """

    def slope(self, h: np.ndarray) -> np.ndarray:
        """Return the derivative where the activity is `h`.

        Parameters
        ----------
        h : (n, units) array
            Activities.

        Returns
        -------
        (n, units) array
            Derivatives with respect to the pre-activations.
        """


@dataclass(frozen=True)
class Tanh:
    """Hyperbolic tangent."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with their hyperbolic tangents."""
        return np.tanh(a, out=a)

    def slope(self, h: np.ndarray) -> np.ndarray:
        """Return ``1 - h**2``."""
        slope = h * h
        return np.subtract(1, slope, out=slope)


@dataclass(frozen=True)
class Logistic:
    """``1 / (1 + exp(-a))``, as a hyperbolic tangent: that cannot overflow, and is quicker."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with activities in 0..1."""
        a *= 0.5
        np.tanh(a, out=a)
        a += 1
        a *= 0.5
        return a

    def slope(self, h: np.ndarray) -> np.ndarray:
        """Return ``h (1 - h)``."""
        return h * (1 - h)


@dataclass(frozen=True)
class Relu:
    """``max(a, 0)``."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with 0 where they are negative."""
        return np.maximum(a, 0, out=a)

    def slope(self, h: np.ndarray) -> np.ndarray:
        """Return 1 where the unit is active, else 0."""
        return (h > 0).astype(h.dtype)


@dataclass(frozen=True)
class Clip:
    """``min(max(a, 0), 1)``, the hard sigmoid of equilibrium propagation."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Overwrite the pre-activations with the nearest number in 0..1."""
        return np.clip(a, 0, 1, out=a)

    def slope(self, h: np.ndarray) -> np.ndarray:
        """Return 1 strictly inside (0, 1), else 0."""
        return ((h > 0) & (h < 1)).astype(h.dtype)


@dataclass(frozen=True)
class Identity:
    """Linear units."""

    def apply(self, a: np.ndarray) -> np.ndarray:
        """Return the pre-activations as they are."""
        return a

    def slope(self, h: np.ndarray) -> np.ndarray:
        """Return ones."""
        return np.ones_like(h)
