"""Classes that have names, of folders or in a table, become numbers."""

import warnings
from collections.abc import Sequence

import numpy as np

from spikelearn.errors import InputWarning


def numbered(labels: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Give classes numbers from 0 on, without gaps: by value if all are numbers, else by the alphabet.

    Parameters
    ----------
    labels : sequence of str
        Class of each example.

    Returns
    -------
    y : (n,) int64 array
    classes : list of str
        Name of class k at place k.
    """
    classes = sorted(set(labels))
    try:
        classes.sort(key=float)
    except ValueError:
        pass  # text: as it is
    number = {name: k for k, name in enumerate(classes)}
    return np.array([number[label] for label in labels], np.int64), classes


def tell_single(name: str, y: np.ndarray, classes: Sequence[str]) -> None:
    """Warn of classes with one example, which is learned from and never tested; see `for_testing`."""
    single = [classes[k] for k in np.flatnonzero(np.bincount(y, minlength=len(classes)) == 1)]
    if single:
        some = ", ".join(map(repr, single[:10])) + (", ..." if len(single) > 10 else "")
        warnings.warn(
            f"{name}: there is only one example of class {some}; it is learned from, and never tested; give more, or "
            f"leave the class out",
            InputWarning,
            stacklevel=4,
        )
