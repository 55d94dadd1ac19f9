"""What the analyses accept: arrays of finite numbers whose axes have the right names and lengths."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.errors import InputError


def numbers(where: str, value: ArrayLike, *axes: str, finite: bool = True) -> np.ndarray:
    """Return `value` as float64; `InputError` unless it has these axes, none of them empty.

    Parameters
    ----------
    where : str
        Name of the argument, for the message.
    value : array_like
    *axes : str
        What each axis counts, for the message.
    finite : bool
        Whether NaN and infinities are refused.
    """
    array = np.asarray(value)
    wanted = f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
    if array.dtype.kind not in "fiub":
        raise InputError(f"{where} of type {array.dtype} must be an array of real numbers of shape {wanted}")
    if array.ndim != len(axes) or 0 in array.shape:
        raise InputError(f"{where} of shape {array.shape} must be of shape {wanted}, and not empty; reshape or select")
    if finite and not np.isfinite(array).all():
        at = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise InputError(f"{where} is {array[at]} at {at}; must be finite: leave such entries out")
    return array.astype(np.float64)


def labels(where: str, value: ArrayLike, n: int, n_classes: int | None = None) -> np.ndarray:
    """Return `value` as int64; `InputError` unless it is `n` class labels, below `n_classes` if that is given."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.shape != (n,):
        raise InputError(
            f"{where} must be integers of shape ({n},), one for each example, got {array.dtype} of shape {array.shape}"
        )
    limit = np.inf if n_classes is None else n_classes
    bad = (array < 0) | (array >= limit)
    if bad.any():
        allowed = ">= 0" if n_classes is None else f"within 0..{n_classes - 1}"
        raise InputError(f"{where} is {array[bad][0]} at example {bad.argmax()}; must be {allowed}")
    return array.astype(np.int64)


def same_length(axis: str, **arrays: np.ndarray) -> None:
    """Raise `InputError` unless the arrays, given by name, are equally long along their first axis."""
    if len({len(array) for array in arrays.values()}) > 1:
        sizes = ", ".join(f"{len(array)} in {name}" for name, array in arrays.items())
        raise InputError(f"numbers of {axis} differ: {sizes}; give the same {axis} in the same order")


def check_product(left: str, w: Any, right: str, y: Any, axis: str) -> None:
    """Raise `InputError` unless the last axis of `w` and the last but one of `y` are the same neurons."""
    if w.shape[-1] != y.shape[-2]:
        raise InputError(
            f"{left} of shape {w.shape} and {right} of shape {y.shape} do not fit: the last axis of {left} and the "
            f"last but one of {right} must be the same {axis}; W is (post, pre), Y (hidden, outputs)"
        )
