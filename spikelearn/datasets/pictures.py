"""A folder of PNG images: a subfolder for each class, or ``train`` and ``test`` with such subfolders."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn.datasets.classes import numbered, tell_single
from spikelearn.datasets.dataset import Dataset, split
from spikelearn.errors import InputError, wording
from spikelearn.examples import Images
from spikelearn.paths import expanded

PARTS = ("train", "test")
GREY, COLOURED = ("1", "L", "LA"), ("P", "RGB", "RGBA")  # kinds of image, as Pillow calls them


def has_pictures(folder: Path) -> bool:
    """Return whether there are PNG images by class in a folder, or in its subfolder ``train``."""
    return bool(_by_class(folder) or _by_class(folder / PARTS[0]))


def load_pictures(folder: str | Path, scale: float | None = None) -> Dataset:
    """Load PNG images of one size.

    Parameters
    ----------
    folder : str or Path
        With ``CLASS/*.png``, which `split` divides, or with ``train/CLASS/*.png`` and ``test/CLASS/*.png``. Classes are
        numbered in the order of their names. If an image has colours, all become red pixels row by row, then green,
        then blue; else they are grey. Transparency is left out.
    scale : float, optional
        Pixel of intensity 1; see `Images`.

    Returns
    -------
    Dataset
        Training and test images.

    Raises
    ------
    InputError
        An image has another size, no 8 bits, or cannot be read; or a class has no image to train on.
    """
    folder = expanded(folder)
    name = folder.resolve().name
    files = _by_class(folder)
    if files:
        y, classes = numbered([label for label, _ in files])
        x = _pixels([path for _, path in files])
        found = split(Images(x=x, y=y, n_classes=len(classes), name=name, scale=scale))
        tell_single(name, y, classes)
        return found
    train, test = (_by_class(folder / part) for part in PARTS)
    if not train and not test:
        raise InputError(
            f"{folder} has no PNG images in a subfolder for each class, nor such subfolders in train and test"
        )
    y, classes = numbered([label for label, _ in (*train, *test)])
    n_train = len(train)
    if unknown := set(y[n_train:]) - set(y[:n_train]):
        raise InputError(f"{folder}: there are images of class {classes[min(unknown)]!r} in test, but none in train")
    if not test:
        raise InputError(f"{folder}: there are PNG images by class in train, but none in test")
    x = _pixels([path for _, path in (*train, *test)])
    parts = {
        part: Images(x=x[of], y=y[of], n_classes=len(classes), name=f"{name} {part}", scale=scale)
        for part, of in zip(PARTS, (slice(n_train), slice(n_train, None)), strict=True)
    }
    return Dataset(name=name, **parts)


def _by_class(folder: Path) -> list[tuple[str, Path]]:
    """Return name of the subfolder and path of each PNG file, in the order of their names."""
    if not folder.is_dir():
        return []
    files = sorted(path for subfolder in folder.iterdir() if subfolder.is_dir() for path in subfolder.iterdir())
    return [(path.parent.name, path) for path in files if path.suffix.lower() == ".png" and path.name[0] != "."]


def _pixels(paths: Sequence[Path]) -> np.ndarray:
    """Return the pixels of all images, (n, pixels) uint8."""
    kinds = []
    for path in paths:
        with _opened(path) as image:
            kinds.append((image.mode, image.size))
    _check(paths, kinds)
    width, height = kinds[0][1]
    coloured = any(mode in COLOURED for mode, _ in kinds)
    found = np.empty((len(paths), (3 if coloured else 1) * height * width), np.uint8)
    for row, path in zip(found, paths, strict=True):
        with _opened(path) as image:
            if coloured:  # by way of RGBA, as a palette may have transparent colours
                row[:] = np.asarray(image.convert("RGBA").convert("RGB")).transpose(2, 0, 1).ravel()
            else:
                row[:] = np.asarray(image.convert("L")).ravel()
    return found


def _check(paths: Sequence[Path], kinds: Sequence[tuple[str, tuple[int, int]]]) -> None:
    """Raise `InputError` unless all images have 8 bits and one size."""
    width, height = kinds[0][1]
    for path, (mode, size) in zip(paths, kinds, strict=True):
        if mode not in GREY + COLOURED:
            raise InputError(f"{path} is of Pillow's mode {mode}; must be of 8 bits: {', '.join(GREY + COLOURED)}")
        if size != (width, height):
            raise InputError(
                f"{path} has {size[0]} x {size[1]} pixels, but {paths[0]} has {width} x {height}; all images of a set "
                f"must have one size"
            )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an image; what Pillow raises until it is closed becomes an `InputError`."""
    from PIL import Image  # slow to import; comes with Matplotlib

    try:
        with Image.open(path, formats=["PNG"]) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path} cannot be read as a PNG image ({wording(error)}); replace it, or leave it out"
        ) from error
