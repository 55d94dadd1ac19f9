"""How the error of the outputs comes to the units: through the readout weights, or through weights of its own."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.errors import check_range
from spikelearn.temporal.weights import Weights


class Feedback(Protocol):
    """Weights that carry errors back."""

    def draw(self, weights: Weights, rng: np.random.Generator) -> np.ndarray | None:
        """Return what stays the same while the network learns."""

    def send(self, drawn: np.ndarray | None, weights: Weights, error: np.ndarray) -> np.ndarray:
        """Return the learning signal of each unit, (batch, units), from the outputs' errors, (batch, outputs)."""


@dataclass(frozen=True)
class Symmetric:
    """The present readout weights, which no synapse knows that it should equal: the signal is the gradient."""

    def draw(self, weights: Weights, rng: np.random.Generator) -> None:
        """Draw nothing."""

    def send(self, drawn: np.ndarray | None, weights: Weights, error: np.ndarray) -> np.ndarray:
        """Multiply by the transposed readout weights."""
        return error @ weights.outward


@dataclass(frozen=True)
class Random:
    """Fixed Gaussian weights; SD is that of the initial readout weights times `gain`."""

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("Random.gain", self.gain, above=0)

    def draw(self, weights: Weights, rng: np.random.Generator) -> np.ndarray:
        """Draw one weight from each output to each unit, (outputs, units)."""
        return self.gain * weights.outward.std() * rng.standard_normal(weights.outward.shape)

    def send(self, drawn: np.ndarray | None, weights: Weights, error: np.ndarray) -> np.ndarray:
        """Multiply by them."""
        return error @ drawn
