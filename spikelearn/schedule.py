"""How learning rates change from epoch to epoch: one frozen class for each course, with a method `factor`."""

from dataclasses import dataclass
from typing import Protocol

from spikelearn.errors import check_range
from spikelearn.kinds import register


class Schedule(Protocol):
    """A frozen dataclass, made known by ``spikelearn.register(like=Schedule)``."""

    def factor(self, epoch: int) -> float:
        """Return by what all learning rates are multiplied in an epoch, counted from 0."""


@register(like=Schedule)
@dataclass(frozen=True, kw_only=True)
class Constant:
    """The same in every epoch, as in the paper."""

    def factor(self, epoch: int) -> float:
        """Return by what all learning rates are multiplied in an epoch, counted from 0."""
        return 1.0


@register(like=Schedule)
@dataclass(frozen=True, kw_only=True)
class Decay:
    """Less by the same factor from each epoch to the next.

    Parameters
    ----------
    by : float
        Within (0, 1].
    """

    by: float = 0.95

    def __post_init__(self) -> None:
        check_range("Decay.by", self.by, above=0, at_most=1)

    def factor(self, epoch: int) -> float:
        """Return by what all learning rates are multiplied in an epoch, counted from 0."""
        return self.by**epoch


@register(like=Schedule)
@dataclass(frozen=True, kw_only=True)
class Hyperbolic:
    """As ``1 / (1 + epoch / half)``: slowly enough to get anywhere, fast enough to come to rest.

    Robbins & Monro (1951), Annals of Mathematical Statistics 22.

    Parameters
    ----------
    half : float
        Epochs after which rates are half of what they were.
    """

    half: float = 5.0

    def __post_init__(self) -> None:
        check_range("Hyperbolic.half", self.half, above=0, unit="epochs")

    def factor(self, epoch: int) -> float:
        """Return by what all learning rates are multiplied in an epoch, counted from 0."""
        return 1.0 / (1.0 + epoch / self.half)
