"""How the error of the outputs comes to the units: through the readout weights, or through weights of its own."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.errors import check_range
from spikelearn.temporal.weights import Weights

__all__ = ["Feedback", "Random", "Symmetric"]


class Feedback(Protocol):
    """Contract of the weights by which errors of the outputs reach the units.

    Making one with a number out of its range raises `InputError`.
    """

    def draw(self, weights: Weights, rng: np.random.Generator) -> np.ndarray | None:
        """Return the weights that stay the same while the network learns.

        Parameters
        ----------
        weights : Weights
            Initial weights of the network.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        (outputs, units) array or None
            None where there are no such weights.
        """

    def send(self, drawn: np.ndarray | None, weights: Weights, error: np.ndarray) -> np.ndarray:
        """Return the learning signal of each unit.

        Parameters
        ----------
        drawn : (outputs, units) array or None
            What `draw` returned.
        weights : Weights
            Present weights of the network.
        error : (batch, outputs) array
            Gradient of the loss with respect to the outputs' input.

        Returns
        -------
        (batch, units) array
            Learning signals.
        """


@dataclass(frozen=True)
class Symmetric:
    """Feedback through the present readout weights, transposed: the signal is the gradient. It is not local."""

    def draw(self, weights: Weights, rng: np.random.Generator) -> None:
        """Draw nothing."""

    def send(self, drawn: np.ndarray | None, weights: Weights, error: np.ndarray) -> np.ndarray:
        """Return the errors times the readout weights."""
        return error @ weights.outward


@dataclass(frozen=True)
class Random:
    """Feedback through fixed Gaussian weights; their SD is that of the initial readout weights times `gain`.

    Parameters
    ----------
    gain : float
        Factor of the SD, above 0.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("Random.gain", self.gain, above=0)

    def draw(self, weights: Weights, rng: np.random.Generator) -> np.ndarray:
        """Draw one weight from each output to each unit."""
        return self.gain * weights.outward.std() * rng.standard_normal(weights.outward.shape)

    def send(self, drawn: np.ndarray | None, weights: Weights, error: np.ndarray) -> np.ndarray:
        """Return the errors times the fixed weights."""
        return error @ drawn
