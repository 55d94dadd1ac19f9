"""When things happen in a trial: a forward phase, then a target phase with the teaching current on."""

from dataclasses import dataclass

from spikelearn.errors import InputError, check_range
from spikelearn.units import ms


@dataclass(frozen=True, kw_only=True)
class Phases:
    """Lengths of the phases and of the window over which each is averaged.

    A training phase lasts ``minimum + extra`` with `extra` inverse-Gaussian (Wald), drawn anew for every phase; a
    test image is shown for `test` without a target phase. "Simulation details" of the paper; equations 21-22.

    Parameters
    ----------
    minimum, extra_mean, extra_shape : float
        ms; the shape of the Wald distribution is its lambda.
    settle : float
        Time from the onset of a phase that no average includes, ms.
    window : float or None
        Length of the averages at the end of a training phase, ms. None: everything after `settle`.
    test : float
        Duration of a test image, ms; averaged from `settle` to the end.
    """

    minimum: float = 50.0 * ms
    extra_mean: float = 2.0 * ms
    extra_shape: float = 1.0 * ms
    settle: float = 30.0 * ms
    window: float | None = None
    test: float = 500.0 * ms

    def __post_init__(self) -> None:
        check_range("Phases.settle", self.settle, at_least=0, unit="ms")
        check_range("Phases.extra_mean", self.extra_mean, above=0, unit="ms")
        check_range("Phases.extra_shape", self.extra_shape, above=0, unit="ms")
        for name in ("minimum", "test"):
            length = getattr(self, name)
            check_range(f"Phases.{name}", length, above=0, unit="ms")
            if not length > self.settle:
                raise InputError(
                    f"Phases.{name}={length:g} ms must be longer than the settling time settle={self.settle:g} ms: "
                    f"nothing would be left to average; lengthen the phase or shorten settle"
                )
        if self.window is not None:
            longest = self.minimum - self.settle
            check_range("Phases.window", self.window, above=0, at_most=longest, unit="ms (minimum - settle), or none")
