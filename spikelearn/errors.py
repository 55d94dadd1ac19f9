"""The errors a user can meet: what, where, value, allowed range, remedy."""

import difflib
import numbers
from collections.abc import Iterable

import numpy as np

SUM_TOLERANCE = 1e-6  # of float32 numbers that were divided by their sum


class InputError(ValueError):
    """Something given to spikelearn cannot be used; the message says what, why and what to do."""


class InputWarning(UserWarning):
    """Something given to spikelearn was taken in a way that may not be what was meant; the message says how."""


class NotFiniteError(FloatingPointError):
    """A potential, an error or a weight became NaN or infinite during training."""


class NotSettledError(ArithmeticError):
    """The rates of a network without spikes did not come to a steady state."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the closest of the `known` names: ``"; did you mean 'x'? Known: x, y"``."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(known)}"


def check_choice(where: str, value: str, known: Iterable[str]) -> None:
    """Raise `InputError` unless `value` is one of the `known` names."""
    known = list(known)
    if value not in known:
        raise InputError(f"{where}={value!r} is unknown; {nearest(str(value), known)}")


def check_kind(where: str, value: object, kind: type, remedy: str) -> None:
    """Raise `InputError` unless `value` is an object of a class; the message says what was given, and the remedy."""
    if not isinstance(value, kind):
        raise InputError(f"{where} must be of the class {kind.__name__}, got {described(value)}; {remedy}")


def check_able(where: str, value: object, methods: tuple[str, ...], example: str) -> None:
    """Raise `InputError` unless `value` is an object that has these methods, as one of a user's own may have."""
    if isinstance(value, type) or not all(hasattr(value, name) for name in methods):
        needed = " and ".join(f"{name}()" for name in methods)
        raise InputError(f"{where} must be an object with {needed}, such as {example}, got {described(value)}")


def described(value: object) -> str:
    """Say what kind of thing was given: ``'event'``, ``the class Clock``, ``a Dataset``."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


def check_range(
    where: str,
    value: float,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    unit: str = "",
    integer: bool = False,
) -> None:
    """Raise `InputError` unless `value` is a finite number inside the range; the message names all of it."""
    bounds = []
    kind = numbers.Integral if integer else numbers.Real  # those of NumPy, too
    good = isinstance(value, kind) and not isinstance(value, bool) and abs(value) < float("inf")
    if above is not None:
        bounds.append(f"> {above:g}")
        good = good and value > above
    if at_least is not None:
        bounds.append(f">= {at_least:g}")
        good = good and value >= at_least
    if at_most is not None:
        bounds.append(f"<= {at_most:g}")
        good = good and value <= at_most
    if below is not None:
        bounds.append(f"< {below:g}")
        good = good and value < below
    if not good:
        what = "an integer" if integer else "a finite number"
        raise InputError(f"{where}={value!r} must be {' '.join(filter(None, [what, ' and '.join(bounds), unit]))}")


def check_shares(targets: object, n: int, n_classes: int, where: str) -> np.ndarray:
    """Return soft targets as float64; `InputError` unless they are shares of classes, a row for each of `n` images."""
    given = np.asarray(targets)
    if given.dtype.kind not in "fiu" or given.shape != (n, n_classes):
        raise InputError(
            f"{where}: targets must be numbers of shape ({n}, {n_classes}), a share of each class for each image; got "
            f"{given.dtype} of shape {given.shape}"
        )
    given = np.ascontiguousarray(given, np.float64)
    bad = ~((given >= 0).all(axis=1) & (abs(given.sum(axis=1) - 1) < SUM_TOLERANCE))  # true for NaN
    if bad.any():
        row = int(bad.argmax())
        raise InputError(
            f"{where}: targets {given[row].tolist()} of image {row} must be >= 0 and sum to 1; divide them by their sum"
        )
    return given
