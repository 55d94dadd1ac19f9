"""Which units a recurrent network connects, and with which weights it begins."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.errors import check_range


class Connections(Protocol):
    """The weights between units, before learning."""

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return initial weights, (n, n), and which of them exist, (n, n) of bool."""


@dataclass(frozen=True)
class Dense:
    """Every unit to every unit; a random orthogonal matrix times `gain`.

    Such a matrix keeps the length of what it acts on, so activity neither dies out nor explodes.
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
    """Each connection exists with probability `density`; Gaussian, of variance ``1 / (density n)``."""

    density: float = 0.25

    def __post_init__(self) -> None:
        check_range("Sparse.density", self.density, above=0, at_most=1)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw which exist, then the weights."""
        exists = rng.random((n, n)) < self.density
        return exists * rng.standard_normal((n, n)) / np.sqrt(self.density * n), exists


@dataclass(frozen=True)
class Independent:
    """Each unit to itself only; weights uniform in (0, 1), so that units forget at different speeds."""

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw the diagonal."""
        return np.diag(rng.random(n)), np.eye(n, dtype=bool)
