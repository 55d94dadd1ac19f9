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
    """Contract of when plateaus come: a frozen dataclass, registered by ``spikelearn.register(like=Plateaus)``.

    Making one with a number out of its range raises `InputError`.
    """

    @property
    def grain(self) -> float:
        """Unit of the times from plateaus to the end of the phase, ms."""

    @property
    def earliest(self) -> float:
        """Longest time from a plateau to the end of its phase, ms."""

    def cumulative(self) -> np.ndarray:
        """Return the probability that a plateau comes at most 0, 1, ... grains before the end of its phase.

        Returns
        -------
        (n,) float64 array
            Probabilities; the last is 1.
        """


@register(like=Plateaus)
@dataclass(frozen=True, kw_only=True)
class SynchronousPlateaus:
    """Plateaus of all neurons at the end of the phase (equations 5 and 21)."""

    @property
    def grain(self) -> float:
        """Unit of the times from plateaus to the end of the phase, ms: without meaning here, 0."""
        return 0.0

    @property
    def earliest(self) -> float:
        """Longest time from a plateau to the end of its phase: 0 ms."""
        return 0.0

    def cumulative(self) -> np.ndarray:
        """Return the only probability: 1, that plateaus come at the end."""
        return np.ones(1)


@register(like=Plateaus)
@dataclass(frozen=True, kw_only=True)
class JitteredPlateaus:
    """Plateaus of each neuron somewhat before the end of each phase (figure 6, supplement 1).

    The time before the end is drawn anew for every example: the absolute value of a normal draw, rounded down to whole
    `grain`, and `at_most` where it is more.

    Parameters
    ----------
    sd : float
        Standard deviation of the normal draw, ms. The paper calls 3 the variance; the authors' code has 3 as SD.
    at_most, grain : float
        Longest time before the end, and unit of these times, ms; `at_most` is a whole number of grains.
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
        """Longest time from a plateau to the end of its phase, ms."""
        return self.at_most

    def cumulative(self) -> np.ndarray:
        """Return the probability that a plateau comes at most 0, 1, ... grains before the end of its phase."""
        n = round(self.at_most / self.grain)
        below = [math.erf((k + 1) * self.grain / self.sd / math.sqrt(2)) for k in range(n)]
        return np.array([*below, 1.0])
