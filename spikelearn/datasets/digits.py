"""Digits: 8x8 images that come with scikit-learn, 1437 to train and 360 to test; always at hand."""

from collections.abc import Iterable
from pathlib import Path

from spikelearn.datasets.dataset import Dataset, split
from spikelearn.examples import Images


def load(folders: Iterable[str | Path] = ()) -> Dataset:
    """Load the digits, divided by `split`; `folders` are not searched."""
    from sklearn.datasets import load_digits  # slow to import

    pixels, labels = load_digits(return_X_y=True)  # pixels are 0..16
    return split(Images(x=pixels / 16, y=labels, n_classes=10, name="digits"))


def states() -> list[str]:
    """Return where they are."""
    return ["embedded in scikit-learn"]
