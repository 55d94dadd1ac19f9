"""Curves of neurons: the f-I curve of a soma, and how large a plateau potential an apical dendrite has.

One frozen class per curve, with a method `constants`, whose NamedTuple stands for kernels: value, slope and inverse
(`spikelearn.core.curves.register_curve`). From these follow what arrays need. To add a curve, write another class.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.core import dynamics
from spikelearn.core.curves import INVERSE, SLOPE, VALUE, over, register_curve
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.random import fill_logits
from spikelearn.core.registered import registered
from spikelearn.errors import InputError, check_able, check_range, described
from spikelearn.kinds import register
from spikelearn.logistic import Logistic

SHARES = np.linspace(0.001, 0.999, 999)  # at which a curve is looked at
STEP = 1e-4  # of potentials, in differences
CLOSE = 1e-4  # of an inverse, as a share
BENDS = 0.02  # of all places, at which slope and difference may differ: where a curve has corners


class Curve(Protocol):
    """Contract of a curve: a frozen dataclass derived from this class, registered by ``register(like=Curve)``.

    It may also have a method ``expression(v)``, which returns the curve for Brian2 as a string; `v` is the name of the
    potential there. Making one with a number out of its range raises `InputError`.
    """

    def constants(self) -> Any:
        """Return the numbers of the curve for the compiled kernels.

        Returns
        -------
        NamedTuple
            Of a class registered by `spikelearn.core.curves.register_curve`.
        """

    def value(self, v: ArrayLike) -> np.ndarray:
        """Return the curve at potentials.

        Parameters
        ----------
        v : array_like of any shape
            Potentials, relative to rest.

        Returns
        -------
        array of the shape of `v`
            Values within 0 to 1.
        """
        return _over(self, VALUE, v)

    def slope(self, v: ArrayLike) -> np.ndarray:
        """Return the derivative of the curve at potentials.

        Parameters
        ----------
        v : array_like of any shape
            Potentials, relative to rest.

        Returns
        -------
        array of the shape of `v`
            Derivatives with respect to the potential.
        """
        return _over(self, SLOPE, v)

    def inverse(self, share: ArrayLike) -> np.ndarray:
        """Return the potentials above which the curve exceeds given values.

        Parameters
        ----------
        share : array_like of any shape
            Values within (0, 1).

        Returns
        -------
        array of the shape of `share`
            Potentials, relative to rest; infinite where the curve stays below.
        """
        return _over(self, INVERSE, share)


def _over(curve: Curve, part: int, at: ArrayLike) -> np.ndarray:
    numbers, array = curve.constants(), np.asarray(at)
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    code, lanes = registered(type(numbers))
    return np.asarray(over(code[part], numbers, array, lanes and part != INVERSE))


# -- the sigmoid ------------------------------------------------------------------------------------------------------


class SigmoidNumbers(NamedTuple):
    """Constants of the sigmoid: none."""


@register(like=Curve)
@dataclass(frozen=True, kw_only=True)
class Sigmoid(Logistic, Curve):
    """Sigmoid curve of the paper: ``1 / (1 + exp(-v))`` (equations 3 and 5)."""

    def constants(self) -> SigmoidNumbers:
        """Return the numbers of the curve for the compiled kernels: none."""
        return SigmoidNumbers()

    def expression(self, v: str) -> str:
        """Return the curve for Brian2.

        Parameters
        ----------
        v : str
            Name of the potential.

        Returns
        -------
        str
            Formula without unit.
        """
        return f"1/(1 + exp(-{v}))"


@inlined
def sigmoid_value(curve, v):
    """``1 / (1 + exp(-v))``."""
    return dynamics.sigmoid(v)


@inlined
def sigmoid_slope(curve, v):
    """``p (1 - p)`` where `p` is the value."""
    p = dynamics.sigmoid(v)
    return p * (1.0 - p)


@inlined
def logit(curve, share):
    """``log(p / (1 - p))``."""
    return np.log(share / (1.0 - share))


@inlined
def draw_logits(curve, words, row, out):
    """Logits of uniform draws, many at once."""
    fill_logits(words, row, out)


register_curve(SigmoidNumbers, sigmoid_value, sigmoid_slope, logit, lanes=True, thresholds=draw_logits)


# -- threshold-linear -------------------------------------------------------------------------------------------------


class LinearNumbers(NamedTuple):
    """Constants of the threshold-linear curve."""

    gain: float
    threshold: float


@register(like=Curve)
@dataclass(frozen=True, kw_only=True)
class ThresholdLinear(Curve):
    """Curve that is 0 up to a threshold, then a line up to 1: ``gain * (v - threshold)`` within 0 to 1.

    By default the tangent of the sigmoid at 0. Not in the paper.

    Parameters
    ----------
    gain : float
        Slope of the line, above 0.
    threshold : float
        Potential at which the line begins, relative to rest.
    """

    gain: float = 0.25
    threshold: float = -2.0

    def __post_init__(self) -> None:
        check_range("ThresholdLinear.gain", self.gain, above=0)
        check_range("ThresholdLinear.threshold", self.threshold)

    def constants(self) -> LinearNumbers:
        """Return the numbers of the curve for the compiled kernels."""
        return LinearNumbers(self.gain, self.threshold)

    def expression(self, v: str) -> str:
        """Return the curve for Brian2.

        Parameters
        ----------
        v : str
            Name of the potential.

        Returns
        -------
        str
            Formula without unit.
        """
        return f"clip({self.gain!r}*({v} - ({self.threshold!r})), 0, 1)"


@kernel
def linear_value(curve, v):
    """``gain (v - threshold)``, within 0 to 1."""
    return min(max(curve.gain * (v - curve.threshold), 0.0), 1.0)


@kernel
def linear_slope(curve, v):
    """`gain` between the threshold and where the curve is 1, else 0."""
    return curve.gain if 0.0 < curve.gain * (v - curve.threshold) < 1.0 else 0.0


@kernel
def linear_inverse(curve, share):
    """``threshold + share / gain``."""
    return curve.threshold + share / curve.gain


register_curve(LinearNumbers, linear_value, linear_slope, linear_inverse)


# -- looking at one ---------------------------------------------------------------------------------------------------


def check_curve(where: str, curve: Any) -> None:
    """Raise `InputError` unless this is a curve whose kernels fit together, as far as a thousand places tell."""
    check_able(where, curve, ("constants", "value", "slope", "inverse"), "spikelearn.ThresholdLinear()")
    name = type(curve).__name__
    numbers = curve.constants()
    try:
        code = registered(type(numbers)).code
    except TypeError as error:
        raise InputError(
            f"{name}.constants() returned {described(numbers)}, and {error}; see spikelearn.core.curves.register_curve"
        ) from error
    _check_kernels(where, name, curve, (numbers, *code))


_CHECKED: set[Any] = set()


def _check_kernels(where: str, name: str, curve: Any, key: tuple[Any, ...]) -> None:
    if key in _CHECKED:
        return
    v = np.asarray(curve.inverse(SHARES), np.float64)
    inside = np.isfinite(v)  # a curve may end below 1
    if np.isnan(v).any() or not (np.diff(v[inside]) >= 0).all():
        raise InputError(f"{where}: the inverse of {name} must not fall as shares grow from 0 to 1, nor be NaN")
    v = np.concatenate([v[inside], np.linspace(-20, 20, 401)])
    y, slope = curve.value(v), curve.slope(v)
    if not ((y >= 0) & (y <= 1)).all():
        at = int(np.argmin((y >= 0) & (y <= 1)))
        raise InputError(f"{where}: the value of {name} must lie within 0 to 1, got {y[at]:g} at v={v[at]:g}")
    n = int(inside.sum())
    wrong = abs(y[:n] - SHARES[inside]) > CLOSE
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            f"{where}: the inverse of {name} does not fit its value: inverse({SHARES[inside][at]:g}) = {v[at]:g}, "
            f"value({v[at]:g}) = {y[at]:g}"
        )
    difference = (curve.value(v + STEP) - curve.value(v - STEP)) / (2 * STEP)
    wrong = ~(abs(slope - difference) <= 1e-3 + 0.01 * abs(difference))
    if wrong.mean() > BENDS:
        at = int(wrong.argmax())
        raise InputError(
            f"{where}: the slope of {name} does not fit its value: slope({v[at]:g}) = {slope[at]:g}, but the value "
            f"rises by {difference[at]:g} there"
        )
    _CHECKED.add(key)
