"""CIFAR-10: 50,000 + 10,000 colour photographs of 32 x 32 pixels in ten classes, from its batches for Python.

Krizhevsky, *Learning multiple layers of features from tiny images* (2009). An image is 3072 numbers: row
by row, red, green and blue of a pixel side by side. (In the files all red comes first, then green, then blue.)

The batches are pickles, and to open a pickle may run any code. So each is compared with its published hash first. What
then opens it accepts three names only, and puts classes of this file in their place: they note what an array is made
of, and the array is made from these notes.
"""

import hashlib
import io
import math
import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn.datasets import places
from spikelearn.datasets.dataset import Dataset
from spikelearn.errors import InputError, wording
from spikelearn.examples import Images

PLANES = 3, 32, 32
PIXELS = math.prod(PLANES)
BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
MD5 = {  # those that torchvision compares with, too; no SHA-256 of the single batches is published
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
SOURCE = "cifar-10-python.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html"


def load(folders: Iterable[str | Path] = ()) -> Dataset:
    """Load CIFAR-10 from the first folder that has all batches; `InputError` with where to get them if none has."""
    folder = next((place for place in _folders(folders) if not _missing(place)), None)
    if folder is None:
        raise InputError(
            f"cifar10 is not on this computer: unpack {SOURCE} and put {', '.join(BATCHES)} in "
            f"{places.advice('cifar10')}"
        )
    return load_batches(folder, MD5)


def states() -> list[str]:
    """Return what is in each place that is searched."""
    found = []
    for folder in _folders(()):
        try:
            load_batches(folder, MD5)
            found.append(f"{folder} (found, verified by hash)")
        except InputError as error:
            found.append(f"{folder} (not usable: {error})")
    return found or [f"(not usable: put its batches in {places.advice('cifar10')})"]


def load_batches(folder: Path, md5: Mapping[str, str]) -> Dataset:
    """Load a folder of batches; `InputError` if one is missing, has not its hash, or holds something else."""
    if missing := _missing(folder):
        raise InputError(f"the folder {folder} lacks {', '.join(missing)}")
    parts = [(by_pixel(x), y) for x, y in (read_batch(folder / name, md5[name]) for name in BATCHES)]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts[:-1], strict=True))
    train = Images(x=x, y=y, n_classes=10, name="cifar10 train", scale=255)
    x, y = parts[-1]
    return Dataset(train=train, test=Images(x=x, y=y, n_classes=10, name="cifar10 test", scale=255), name="cifar10")


def read_batch(path: Path, md5: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a batch whose hash is `md5`: pixels, (n, 3072) uint8, and classes, (n,) int64."""
    content = path.read_bytes()
    if (got := hashlib.md5(content, usedforsecurity=False).hexdigest()) != md5:
        raise InputError(f"{path}: MD5 is {got[:12]}..., expected {md5[:12]}...; get it again, from {SOURCE}")
    try:
        batch = _Batch(io.BytesIO(content), encoding="bytes").load()
        x, y = batch[b"data"].array(), np.array(batch[b"labels"])
    except Exception as error:  # the documentation of pickle: any may be raised
        raise InputError(f"{path} is no batch of CIFAR-10 ({type(error).__name__}: {wording(error)})") from error
    if x.shape[1:] != (PIXELS,) or y.shape != x.shape[:1] or y.dtype.kind != "i":
        raise InputError(
            f"{path}: data of shape {x.shape} and {y.dtype} labels of shape {y.shape}; must be (n, {PIXELS}) and n"
        )
    return x, y


def by_pixel(x: np.ndarray) -> np.ndarray:
    """Return images, (n, 3072) plane by plane, with the colours of a pixel side by side."""
    return x.reshape(-1, *PLANES).transpose(0, 2, 3, 1).reshape(x.shape)


class _Kind:
    """Stands for a NumPy type: notes its name."""

    def __init__(self, name: bytes, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        """Ignore byte order and the like, of which single bytes have none."""


class _Array:
    """Stands for a NumPy array: notes shape, type, order and bytes."""

    def __init__(self, *_: object) -> None:
        self.notes: Any = None

    def __setstate__(self, state: object) -> None:
        self.notes = state

    def array(self) -> np.ndarray:
        """Return the array of these notes; an error of any kind if they are not those of an array of bytes."""
        _, shape, kind, by_column, content = self.notes
        if kind.name not in (b"u1", "u1"):
            raise ValueError(f"an array of {kind.name!r} where bytes are needed")
        return np.frombuffer(content, np.uint8).reshape(shape, order="F" if by_column else "C")


class _Batch(pickle.Unpickler):
    """Opens a batch: of all that a pickle may ask for, it gets these names, and no others."""

    KNOWN: Mapping[tuple[str, str], Callable[..., Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Kind,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no batch needs")
        return self.KNOWN[module, name]


def _folders(folders: Iterable[str | Path]) -> list[Path]:
    return [
        parent / subfolder for parent in places.of_user(folders) for subfolder in ("", "cifar10", "cifar-10-batches-py")
    ]


def _missing(folder: Path) -> list[str]:
    return [name for name in BATCHES if not (folder / name).is_file()]
