"""Which units a recurrent network connects, and with which weights it begins."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.errors import check_range

__all__ = ["Connections", "Dense", "Independent", "Sparse"]


class Connections(Protocol):
    """Contract of which units a network connects, and with which initial weights.

    Making one with a number out of its range raises `InputError`.
    """

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw initial weights between units.

        Parameters
        ----------
        n : int
            Number of units.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        weights : (n, n) array
            Initial weights, zero where there is no connection.
        exists : (n, n) bool array
            True where there is a connection.
        """


@dataclass(frozen=True)
class Dense:
    """Connections from every unit to every unit: a random orthogonal matrix times `gain`.

    Such a matrix keeps the length of a vector that it multiplies, so activity neither dies out nor explodes.

    Parameters
    ----------
    gain : float
        Factor of the orthogonal matrix, above 0.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("Dense.gain", self.gain, above=0)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw by the QR decomposition of a Gaussian matrix, with the signs that make it uniform."""
        Q, R = np.linalg.qr(rng.standard_normal((n, n)))
        return self.gain * Q * np.sign(np.diag(R)), np.ones((n, n), bool)


@dataclass(frozen=True)
class Sparse:
    """Connections that exist with probability `density`; Gaussian, of variance ``1 / (density n)``.

    Parameters
    ----------
    density : float
        Probability of a connection, in (0, 1].
    """

    density: float = 0.25

    def __post_init__(self) -> None:
        check_range("Sparse.density", self.density, above=0, at_most=1)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw which connections exist, then their weights."""
        exists = rng.random((n, n)) < self.density
        return exists * rng.standard_normal((n, n)) / np.sqrt(self.density * n), exists


@dataclass(frozen=True)
class Independent:
    """Connections from each unit to itself only; weights uniform in (0, 1): units forget at different speeds."""

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw the diagonal."""
        return np.diag(rng.random(n)), np.eye(n, dtype=bool)
