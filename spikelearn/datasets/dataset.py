"""What every loader returns: examples to train on and examples to test on, and how one set becomes two."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikelearn.errors import InputError, InputWarning, described
from spikelearn.examples import Examples, Images


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Examples to train on and examples to test on, of equal size and with the same classes.

    Parameters
    ----------
    train : Examples
        Examples to train on.
    test : Examples
        Examples to test on.
    name : str
        Name in error messages.

    Raises
    ------
    InputError
        The two parts differ in inputs or classes.
    """

    train: Examples
    test: Examples
    name: str

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            needed = ("show", "digest", "n_inputs", "n_classes")
            if isinstance(getattr(self, part), type) or not all(hasattr(getattr(self, part), each) for each in needed):
                raise InputError(
                    f"Dataset.{part} must be Images, Frames or SpikeTrains, got {described(getattr(self, part))}; of "
                    f"arrays, make spikelearn.Images"
                )
        for what in ("n_inputs", "n_classes"):
            train, test = getattr(self.train, what), getattr(self.test, what)
            if train != test:
                raise InputError(f"{self.name}: train has {what}={train} but test has {what}={test}; must be equal")

    def digests(self) -> dict[str, str]:
        """Return the hashes of both parts.

        Returns
        -------
        dict
            Hash of each part: ``"train"`` and ``"test"``.
        """
        return {"train": self.train.digest(), "test": self.test.digest()}


def split(examples: Any) -> Dataset:
    """Divide examples: a fifth, always the same ones, is to test with; see `for_testing`.

    Parameters
    ----------
    examples : Examples
        At least two of one class.

    Returns
    -------
    Dataset
        Training and test examples.

    Raises
    ------
    InputError
        No class has two examples.
    """
    for_test = for_testing(examples.y, examples.name)
    train = replace(examples.at(~for_test), name=f"{examples.name} train")
    test = replace(examples.at(for_test), name=f"{examples.name} test")
    return Dataset(train=train, test=test, name=examples.name)


def for_testing(y: np.ndarray, name: str) -> np.ndarray:
    """Choose which examples to test with, always the same ones: sorted by class, then every fifth.

    Of each class some are left to train on, so the only image of a class is never in the test part.

    Parameters
    ----------
    y : (n,) int array
        Class of each example.
    name : str
        Name of the examples in error messages.

    Returns
    -------
    (n,) bool array
        True where an example is to test with.

    Raises
    ------
    InputError
        No class has two examples.
    """
    _, place, count = np.unique(y, return_inverse=True, return_counts=True)
    order = np.argsort(y, kind="stable")
    for_test = np.zeros(len(y), bool)
    for_test[order[count[place[order]] > 1][::5]] = True
    if not for_test.any():
        raise InputError(
            f"{name}: {len(y)} examples, one of each class, cannot be divided into some to train on "
            f"and some to test; give more, or x_train, y_train, x_test, y_test"
        )
    return for_test


def count_classes(*labels: np.ndarray) -> int:
    """Return the largest label + 1; labels which are not integers do not count, `Images` refuses them."""
    return 1 + max(int(y.max(initial=0)) if y.dtype.kind in "iu" else 0 for y in labels)


def join(name: str, arrays: Sequence[np.ndarray], scale: float | None) -> Dataset:
    """Return the data set of the arrays x_train, y_train, x_test and y_test."""
    x_train, y_train, x_test, y_test = arrays
    n_classes = count_classes(y_train, y_test)
    train = Images(x=x_train, y=y_train, n_classes=n_classes, name=f"{name} train", scale=scale)
    test = Images(x=x_test, y=y_test, n_classes=n_classes, name=f"{name} test", scale=scale)
    tell_gaps(train)
    return Dataset(train=train, test=test, name=name)


def tell_gaps(images: Examples) -> None:
    """Warn of classes below the largest that no image is of: each is an output that never learns to fire."""
    missing = sorted(set(range(min(images.n_classes, 1000))) - set(images.y.tolist()))
    if missing:
        some = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        warnings.warn(
            f"{images.name}: labels go up to {images.n_classes - 1}, but no image is of class {some}; the network gets "
            f"outputs for these, too; number the classes from 0 without gaps to spare them",
            InputWarning,
            stacklevel=4,
        )
