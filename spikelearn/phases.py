"""When things happen in a trial: a forward phase, a target phase with the teaching current on, and learning."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from spikelearn.errors import InputError, check_choice, check_range, described
from spikelearn.units import ms

STEPS = ("forward", "target", "learn")


class Showing(NamedTuple):
    """A part of a trial, in which its image is shown: a phase, or a forward phase and the target phase after it."""

    forward: bool
    target: bool
    learns: bool  # do weights change after it?


@dataclass(frozen=True, kw_only=True)
class Phases:
    """Lengths of the phases and of the window over which each is averaged.

    A training phase lasts ``minimum + extra`` with `extra` inverse-Gaussian (Wald), drawn anew for every phase; a
    test image is shown for `test` without a target phase. "Simulation details" of the paper; equations 21-22.

    Parameters
    ----------
    minimum, extra_mean, extra_shape : float
        Shortest length of a training phase, mean of the length beyond it, and shape (lambda) of its Wald distribution,
        ms.
    settle : float
        Time from the onset of a phase that averages leave out, ms.
    window : float or None
        Length of the averages at the end of a training phase, ms. None: everything after `settle`.
    test : float
        Duration of a test image, ms; averaged from `settle` to the end.
    order : tuple of str
        Steps of a training example, in any number and order: ``"forward"`` and ``"target"`` phases, and ``"learn"``,
        which changes the weights by the averages of the last forward and the last target phase of this example. Where
        there was only one of the two, it stands for both, and a rule that compares phases finds no difference. The
        prediction is that of the first forward phase, if there is one.

    Raises
    ------
    InputError
        A time is out of its range, nothing is left to average, or `order` has no phase before learning.
    """

    minimum: float = 50.0 * ms
    extra_mean: float = 2.0 * ms
    extra_shape: float = 1.0 * ms
    settle: float = 30.0 * ms
    window: float | None = None
    test: float = 500.0 * ms
    order: tuple[str, ...] = STEPS

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
        self._check_order()

    def _check_order(self) -> None:
        given: Any = self.order
        if not isinstance(given, str | tuple | list):
            raise InputError(f"Phases.order must be a tuple of {', '.join(STEPS)}, got {described(given)}")
        order = (given,) if isinstance(given, str) else tuple(given)
        object.__setattr__(self, "order", order)
        for step in order:
            check_choice("Phases.order", step, STEPS)
        news = [k for k, step in enumerate(order) if step == "learn" and (k == 0 or order[k - 1] == "learn")]
        if news or not order:
            raise InputError(
                f"Phases.order={order} needs a phase, 'forward' or 'target', "
                + (f"before the 'learn' at place {news[0]}" if news else "at least")
            )

    @property
    def showings(self) -> tuple[Showing, ...]:
        """Parts of a training trial: a target phase that follows a forward phase is in the same part."""
        parts: list[Showing] = []
        for k, step in enumerate(self.order):
            if step == "learn":
                parts[-1] = parts[-1]._replace(learns=True)
            elif step == "target" and k > 0 and self.order[k - 1] == "forward":
                parts[-1] = parts[-1]._replace(target=True)
            else:
                parts.append(Showing(step == "forward", step == "target", False))
        return tuple(parts)
