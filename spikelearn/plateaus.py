"""When hidden neurons have the plateau potentials at the end of a phase, from which they learn.

One frozen class per timing. A plateau is the sigmoid of the apical potential averaged over the window before it, so
one that comes early averages over a window that is early by as much. Weights change at the end of the target phase.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.kinds import register
from spikelearn.units import ms


class Plateaus(Protocol):
    """A frozen dataclass, made known by ``spikelearn.register(like=Plateaus)``."""

    @property
    def grain(self) -> float:
        """Unit of the times by which plateaus are early, ms."""

    @property
    def earliest(self) -> float:
        """By how much a plateau may come before the end of its phase, ms."""

    def cumulative(self) -> np.ndarray:
        """Return the chance of being early by at most 0, 1, ... grains; (n,) float64, the last is 1."""


@register(like=Plateaus)
@dataclass(frozen=True, kw_only=True)
class SynchronousPlateaus:
    """All neurons at the end of the phase."""

    @property
    def grain(self) -> float:
        """Unit of the times by which plateaus are early, ms."""
        return 0.0

    @property
    def earliest(self) -> float:
        """By how much a plateau may come before the end of its phase, ms."""
        return 0.0

    def cumulative(self) -> np.ndarray:
        """Return the chance of being early by at most 0, 1, ... grains; (n,) float64, the last is 1."""
        return np.ones(1)


@register(like=Plateaus)
@dataclass(frozen=True, kw_only=True)
class JitteredPlateaus:
    """Each neuron, in each phase, somewhat before its end, drawn anew for every example (figure 6, supplement 1).

    Early by the size of a normal draw, rounded down to whole `grain`, and by `at_most` where it is more.

    Parameters
    ----------
    sd : float
        Of the normal draw, ms. (The paper calls 3 the variance; the authors' code has 3 as SD.)
    at_most, grain : float
        ms; `at_most` is a whole number of grains.
    """

    sd: float = 3.0 * ms
    at_most: float = 5.0 * ms
    grain: float = 1.0 * ms

    def __post_init__(self) -> None:
        check_range("JitteredPlateaus.sd", self.sd, above=0, unit="ms")
        check_range("JitteredPlateaus.grain", self.grain, above=0, unit="ms")
        check_range("JitteredPlateaus.at_most", self.at_most, at_least=self.grain, unit="ms (grain)")
        if abs(round(self.at_most / self.grain) * self.grain - self.at_most) > 1e-9 * self.at_most:
            raise InputError(
                f"JitteredPlateaus.at_most={self.at_most:g} ms is not a whole number of grains of {self.grain:g} ms; "
                f"change one of them"
            )

    @property
    def earliest(self) -> float:
        """By how much a plateau may come before the end of its phase, ms."""
        return self.at_most

    def cumulative(self) -> np.ndarray:
        """Return the chance of being early by at most 0, 1, ... grains; (n,) float64, the last is 1."""
        n = round(self.at_most / self.grain)
        below = [math.erf((k + 1) * self.grain / self.sd / math.sqrt(2)) for k in range(n)]
        return np.array([*below, 1.0])
