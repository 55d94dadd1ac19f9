"""Images made harder: pixels in another order, turned, before a bright background, or blurred."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spikelearn.datasets.dataset import Dataset
from spikelearn.errors import InputError, check_choice, check_kind, check_range
from spikelearn.examples import Images

ROWS = 1000  # images changed at a time
BLUR = 1 / 14  # SD of the blur, as a share of the side: 2 of 28 pixels


class Change(NamedTuple):
    """What becomes of images: `make` returns (n, side, side) float32 from as many, and draws from a generator."""

    about: str
    make: Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _rotated(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import rotate  # slow to import

    angles = rng.uniform(0, 360, len(x))
    return np.stack([rotate(image, angle, reshape=False, order=1) for image, angle in zip(x, angles, strict=True)])


def _noise(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.maximum(x, rng.random(x.shape, np.float32))


def _blurred(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from scipy.ndimage import gaussian_filter  # slow to import

    sd = BLUR * x.shape[1]
    return gaussian_filter(x, (0, sd, sd))


PERMUTED = "permuted"
CHANGES: Mapping[str, Change] = {
    "rotated": Change("each turned about its middle by an angle of its own, 0 to 360 degrees", _rotated),
    "noise": Change("before a background of random pixels, each equally likely to be of any brightness", _noise),
    "blurred": Change("blurred by a Gaussian whose SD is a 14th of the side", _blurred),
}
ABOUT = {PERMUTED: "pixels in another order, the same for all"} | {name: each.about for name, each in CHANGES.items()}


def changed(data: Dataset, how: str, *, seed: int = 0) -> Dataset:
    """Change all images of a data set, to train and to test, in a way that `seed` fixes.

    Parameters
    ----------
    data : Dataset
        Of `Images`. All ways but "permuted" need square ones of one channel, and leave 256 levels of brightness.
    how : str
        * ``"permuted"``: pixels in another order, the same for all images; what is learned cannot rest on neighbours.
        * ``"rotated"``: each turned by an angle of its own, 0 to 360 degrees.
        * ``"noise"``: before a background of random pixels, uniform in 0..1: the brighter of the two is seen.
        * ``"blurred"``: by a Gaussian whose SD is a 14th of the side.
    seed : int
        Train and test have draws of their own, but the order of pixels is the same.

    Returns
    -------
    Dataset
        As many images, of the same classes.

    Raises
    ------
    InputError
        There is no such change, or it cannot be made to these examples.

    Notes
    -----
    "rotated" and "noise" are as in Larochelle, Erhan, Courville, Bergstra & Bengio (ICML 2007), who drew other sizes of
    train and test.
    """
    check_choice("how", how, ABOUT)
    check_range("seed", seed, at_least=0, integer=True)
    name, parts = f"{data.name}-{how}", {}
    for part, which in enumerate(("train", "test")):
        images = getattr(data, which)
        check_kind(f"{data.name}: {which}", images, Images, "what changes in time cannot be changed like this")
        if how == PERMUTED:
            order = np.random.default_rng(seed).permutation(images.n_inputs)
            x, scale = images.x[:, order], images.scale
        else:
            x, scale = _bytes(images, CHANGES[how], np.random.default_rng([seed, part])), 255.0
        parts[which] = replace(images, x=x, scale=scale, name=f"{name} {which}")
    return Dataset(name=name, **parts)


def _bytes(images: Images, change: Change, rng: np.random.Generator) -> np.ndarray:
    side = math.isqrt(images.n_inputs)
    if side * side != images.n_inputs:
        raise InputError(
            f"{images.name}: {images.n_inputs} pixels make no square of one channel; only {PERMUTED!r} can change them"
        )
    found = np.empty(images.x.shape, np.uint8)
    for at in range(0, len(images), ROWS):
        x = images.intensities(slice(at, at + ROWS))
        made = change.make(x.reshape(-1, side, side), rng).reshape(x.shape)
        found[at : at + ROWS] = np.rint(255 * np.clip(made, 0, 1))
    return found
