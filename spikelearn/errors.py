"""The errors a user can meet: what, where, value, allowed range, remedy."""

import difflib
import numbers
from collections.abc import Iterable

import numpy as np

__all__ = [
    "InputError",
    "InputWarning",
    "NotFiniteError",
    "NotSettledError",
    "check_able",
    "check_choice",
    "check_kind",
    "check_name",
    "check_range",
    "check_shares",
    "described",
    "nearest",
    "wording",
]

LONGEST = 300  # characters of another library's words in a message
SUM_TOLERANCE = 1e-6  # of float32 numbers that were divided by their sum


class InputError(ValueError):
    """Error about an argument, a file or a configuration; the message says what, why and what to do."""


class InputWarning(UserWarning):
    """Warning about an argument that may not mean what it was taken for; the message says how it was taken."""


class NotFiniteError(FloatingPointError):
    """A potential, an error or a weight became NaN or infinite during training."""


class NotSettledError(ArithmeticError):
    """The rates of a network without spikes did not come to a steady state."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the closest of the known names, and all of them.

    Parameters
    ----------
    name : str
        The name that is not known.
    known : iterable of str
        Names that are.

    Returns
    -------
    str
        Such as ``"did you mean 'x'? Known: x, y"``, to end a message with.
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known: {', '.join(known)}"


def check_choice(where: str, value: str, known: Iterable[str]) -> None:
    """Raise `InputError` unless `value` is one of the `known` names.

    Parameters
    ----------
    where : str
        Name of the argument, for the message.
    value : str
        What was given.
    known : iterable of str
        What can be.

    Raises
    ------
    InputError
        It is none of them; the message suggests the closest.
    """
    known = list(known)
    if value not in known:
        raise InputError(f"{where}={value!r} is unknown; {nearest(str(value), known)}")


def check_name(what: str, name: str, known: Iterable[str]) -> None:
    """Raise `InputError` unless there is something of a name.

    Parameters
    ----------
    what : str
        What has the name, for the message: a rule, a network.
    name : str
        What was given.
    known : iterable of str
        The names that there are.

    Raises
    ------
    InputError
        It is none of them; the message suggests the closest.
    """
    known = list(known)
    if name not in known:
        raise InputError(f"unknown {what} {name!r}; {nearest(name, known)}")


def check_kind(where: str, value: object, kind: type, remedy: str) -> None:
    """Raise `InputError` unless `value` is an object of a class.

    Parameters
    ----------
    where : str
        Name of the argument, for the message.
    value : object
        What was given.
    kind : type
        The class.
    remedy : str
        End of the message: what to do.

    Raises
    ------
    InputError
        It is not; the message says what was given.
    """
    if not isinstance(value, kind):
        raise InputError(f"{where} must be of the class {kind.__name__}, got {described(value)}; {remedy}")


def check_able(where: str, value: object, methods: tuple[str, ...], example: str) -> None:
    """Raise `InputError` unless `value` is an object that has some methods.

    Parameters
    ----------
    where : str
        Name of the argument, for the message.
    value : object
        What was given.
    methods : tuple of str
        Names of the methods.
    example : str
        An object that has them, as one writes it.

    Raises
    ------
    InputError
        It is a class, or lacks one of them.
    """
    if isinstance(value, type) or not all(hasattr(value, name) for name in methods):
        needed = " and ".join(f"{name}()" for name in methods)
        raise InputError(f"{where} must be an object with {needed}, such as {example}, got {described(value)}")


def wording(error: BaseException) -> str:
    """Return what an error of a library says, on one line and not without end: some repeat what a damaged file holds.

    Parameters
    ----------
    error : BaseException
        The error.

    Returns
    -------
    str
        Its words, or its class if it has none.
    """
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} ..."


def described(value: object) -> str:
    """Return words for what was given: ``'event'``, ``the class Clock``, ``a Dataset``.

    Parameters
    ----------
    value : object
        What was given.

    Returns
    -------
    str
        For the end of a message: "got ...".
    """
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
    """Raise `InputError` unless `value` is a finite number inside a range.

    Parameters
    ----------
    where : str
        Name of the argument, for the message.
    value : float
        What was given.
    above : float, optional
        Largest number that is too small.
    at_least : float, optional
        Smallest number allowed.
    at_most : float, optional
        Largest number allowed, in the unit of `value`: ms, for example.
    below : float, optional
        Smallest number that is too large.
    unit : str
        Unit, for the message.
    integer : bool
        Refuse numbers that are not integers.

    Raises
    ------
    InputError
        It is not; the message names value, range and unit.
    """
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
    """Return soft targets, checked.

    Parameters
    ----------
    targets : (n, n_classes) array
        Share of each class: numbers >= 0 that sum to 1 in each row.
    n : int
        Number of images.
    n_classes : int
        Number of classes.
    where : str
        Name of the images, for the message.

    Returns
    -------
    (n, n_classes) float64 array
        The targets.

    Raises
    ------
    InputError
        The shape is another, or a row is not such.
    """
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
