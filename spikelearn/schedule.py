"""How learning rates change from epoch to epoch: one frozen class for each course, with a method `factor`."""

from dataclasses import dataclass
from typing import Protocol

from spikelearn.errors import check_range
from spikelearn.kinds import register


class Schedule(Protocol):
    """Contract of a course of learning rates: a frozen dataclass, registered by ``register(like=Schedule)``.

    Making one with a number out of its range raises `InputError`.
    """

    def factor(self, epoch: int) -> float:
        """Return the factor of all learning rates in an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.

        Returns
        -------
        float
            Factor, 1 in the first epoch.
        """


@register(like=Schedule)
@dataclass(frozen=True, kw_only=True)
class Constant:
    """Learning rates that stay the same in every epoch (Methods)."""

    def factor(self, epoch: int) -> float:
        """Return 1."""
        return 1.0


@register(like=Schedule)
@dataclass(frozen=True, kw_only=True)
class Decay:
    """Learning rates that fall by the same factor from each epoch to the next. Not in the paper.

    Parameters
    ----------
    by : float
        Factor within (0, 1].
    """

    by: float = 0.95

    def __post_init__(self) -> None:
        check_range("Decay.by", self.by, above=0, at_most=1)

    def factor(self, epoch: int) -> float:
        """Return ``by ** epoch``."""
        return self.by**epoch


@register(like=Schedule)
@dataclass(frozen=True, kw_only=True)
class Hyperbolic:
    """Learning rates that fall as ``1 / (1 + epoch / half)``.

    They fall slowly enough to reach any weights, and fast enough to come to rest. Robbins & Monro (1951), Annals of
    Mathematical Statistics 22.

    Parameters
    ----------
    half : float
        Number of epochs after which rates are half of the first ones.
    """

    half: float = 5.0

    def __post_init__(self) -> None:
        check_range("Hyperbolic.half", self.half, above=0, unit="epochs")

    def factor(self, epoch: int) -> float:
        """Return ``1 / (1 + epoch / half)``."""
        return 1.0 / (1.0 + epoch / self.half)
