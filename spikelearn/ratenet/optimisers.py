r"""From gradients to steps: gradient descent with momentum, and Adam.

A description is frozen; what it remembers is made by `start` and passed in. `steps` turns a gradient into the amount
to subtract, in place, so that a rule may apply the same step elsewhere (Kolen-Pollack does).

.. math::
    SGD:\;  & m \leftarrow \mu m + g,\; step = \eta m \\
    Adam:\; & m \leftarrow \beta_1 m + (1-\beta_1) g,\; v \leftarrow \beta_2 v + (1-\beta_2) g^2,\;
              step = \eta\, \hat m / (\sqrt{\hat v} + \epsilon)

with hats for the division by ``1 - beta**t`` (Kingma & Ba 2015). Moments are kept without their factors ``1 - beta``
(they are put into the two numbers of the last line): two passes over memory less.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from spikelearn.errors import check_range

__all__ = ["SGD", "Adam", "Moments", "Optimiser"]

BLOCK = 32768  # parameters at a time, so that the passes over a block find it in the cache


class Moments:
    """Memory of an optimiser: first and second moments, and the number of steps.

    Parameters
    ----------
    first : (size,) array
        Means of the gradient; empty where they are not needed.
    second : (size,) array
        Means of its square; empty where they are not needed.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self.first, self.second, self.count = first, second, 0

    @property
    def numbers(self) -> int:
        """How many there are."""
        return len(self.first) + len(self.second)


class Optimiser(Protocol):
    """Contract of how steps follow from gradients.

    Making one with a number out of its range raises `InputError`.
    """

    def start(self, size: int, dtype: DTypeLike) -> Moments:
        """Return the memory for `size` parameters before the first step.

        Parameters
        ----------
        size : int
            Number of parameters.
        dtype : dtype
            Type of the parameters.

        Returns
        -------
        Moments
            Memory before the first step.
        """

    def steps(self, moments: Moments, gradient: np.ndarray) -> np.ndarray:
        """Overwrite a flat gradient with the step to subtract, and return it.

        Parameters
        ----------
        moments : Moments
            Memory, changed in place.
        gradient : (size,) array
            Gradient of all parameters; overwritten.

        Returns
        -------
        (size,) array
            The step to subtract from the parameters.
        """


@dataclass(frozen=True, kw_only=True)
class SGD:
    """Gradient descent, with momentum if asked for.

    Parameters
    ----------
    rate : float
        Learning rate, at least 0.
    momentum : float
        Share of the last step's momentum that stays, 0..1.
    """

    rate: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        check_range("SGD.rate", self.rate, at_least=0)
        check_range("SGD.momentum", self.momentum, at_least=0, at_most=1)

    def start(self, size: int, dtype: DTypeLike) -> Moments:
        """Return momentum of zero; empty arrays where there is none."""
        return Moments(np.zeros(size if self.momentum else 0, dtype), np.zeros(0, dtype))

    def steps(self, moments: Moments, gradient: np.ndarray) -> np.ndarray:
        """Overwrite `gradient` with ``rate`` times itself, or times the momentum."""
        if self.momentum:
            moments.first *= self.momentum
            moments.first += gradient
            return np.multiply(moments.first, self.rate, out=gradient)
        gradient *= self.rate
        return gradient


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam (Kingma & Ba 2015), with the defaults of the paper.

    Parameters
    ----------
    rate : float
        Learning rate, at least 0.
    beta1 : float
        Share of the first moment that a step keeps, below 1.
    beta2 : float
        Share of the second moment that a step keeps, below 1.
    epsilon : float
        Added to the root of the second moment, above 0.
    """

    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check_range("Adam.rate", self.rate, at_least=0)
        for name in ("beta1", "beta2"):
            check_range(f"Adam.{name}", getattr(self, name), at_least=0, at_most=1 - 1e-9)
        check_range("Adam.epsilon", self.epsilon, above=0)

    def start(self, size: int, dtype: DTypeLike) -> Moments:
        """Return moments of zero."""
        return Moments(np.zeros(size, dtype), np.zeros(size, dtype))

    def steps(self, moments: Moments, gradient: np.ndarray) -> np.ndarray:
        """Overwrite `gradient` with Adam's step."""
        moments.count += 1
        first_factor = (1 - self.beta1) / (1 - self.beta1**moments.count)
        root_factor = math.sqrt((1 - self.beta2) / (1 - self.beta2**moments.count))
        rate, epsilon = self.rate * first_factor / root_factor, self.epsilon / root_factor
        for at in range(0, len(gradient), BLOCK):
            part = slice(at, at + BLOCK)
            g, m, v = gradient[part], moments.first[part], moments.second[part]
            m *= self.beta1
            m += g
            v *= self.beta2
            g *= g
            v += g
            np.sqrt(v, out=g)
            g += epsilon
            np.divide(m, g, out=g)
            g *= rate
        return gradient
