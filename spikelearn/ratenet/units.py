r"""What a hidden unit sends on: its activity, a coin toss with that probability, or its activity or nothing.

In training each unit transmits a random variable; at test it transmits the mean. Backward, the sample counts as its
mean (straight-through), so a rule multiplies by the slope given here:

.. math::
    binary:\;  & s \sim Bernoulli(h),\; slope = f'(a) \\
    dropout:\; & s = m h,\; m \sim Bernoulli(keep),\; slope = m f'(a)

At test dropout multiplies activities by `keep`, which is halving the outgoing weights for ``keep=0.5``.

Source: G. Hinton, lectures on dropout and on stochastic binary units (sending p with probability 1/2 and sending 1/2
with probability p have the same mean).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.errors import check_range

__all__ = ["Deterministic", "Dropout", "StochasticBinary", "Units"]


class Units(Protocol):
    """Contract of what hidden units transmit of their activities.

    Making one with a number out of its range raises `InputError`.
    """

    def transmit(self, h: np.ndarray, slope: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return what is sent in training, and the slope of the backward pass.

        Parameters
        ----------
        h : (n, units) array
            Activities.
        slope : (n, units) array
            Derivatives of the activities with respect to the pre-activations.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        sent : (n, units) array
            Activities that the layer above receives.
        slope : (n, units) array
            Factors of the errors in the backward pass.
        """

    def mean(self, h: np.ndarray) -> np.ndarray:
        """Return what is sent at test.

        Parameters
        ----------
        h : (n, units) array
            Activities.

        Returns
        -------
        (n, units) array
            What the layer above receives at test.
        """


@dataclass(frozen=True)
class Deterministic:
    """Activities are sent as they are."""

    def transmit(self, h: np.ndarray, slope: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return both unchanged; nothing is drawn."""
        return h, slope

    def mean(self, h: np.ndarray) -> np.ndarray:
        """Return the activities."""
        return h


@dataclass(frozen=True)
class StochasticBinary:
    """A unit sends 1 with the probability of its activity, which must lie in 0..1 (`Logistic`), else 0."""

    def transmit(self, h: np.ndarray, slope: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw 1 with the probability of each activity, else 0."""
        return (rng.random(h.shape, np.float32) < h).astype(h.dtype), slope

    def mean(self, h: np.ndarray) -> np.ndarray:
        """Return the probabilities."""
        return h


@dataclass(frozen=True, kw_only=True)
class Dropout:
    """A unit sends its activity with probability `keep`, else 0.

    Parameters
    ----------
    keep : float
        Probability within (0, 1].
    """

    keep: float = 0.5

    def __post_init__(self) -> None:
        check_range("Dropout.keep", self.keep, above=0, at_most=1)

    def transmit(self, h: np.ndarray, slope: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Silence units at random, in the backward pass, too."""
        mask = rng.random(h.shape, np.float32) < self.keep
        return h * mask, slope * mask

    def mean(self, h: np.ndarray) -> np.ndarray:
        """Return the activities times `keep`."""
        return h * h.dtype.type(self.keep)
