"""The data sets by name, those of a user's own too; and one function that loads any of them, a folder or a file."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from spikelearn.datasets import cifar10, digits, fashion, idx_folder, mnist, mnist_1d, pictures, yin_yang
from spikelearn.datasets.changes import ABOUT, changed
from spikelearn.datasets.dataset import Dataset
from spikelearn.datasets.npz import load_npz
from spikelearn.datasets.table import load_csv
from spikelearn.errors import InputError, described, nearest
from spikelearn.paths import expanded

OWN: dict[str, Callable[[], Dataset]] = {}  # loaders of a user's own, by name

Loader = TypeVar("Loader", bound=Callable[[], Any])


class Source(Protocol):
    """Where a data set of a name comes from: a module with these two functions, or an object."""

    def load(self, folders: Iterable[str | Path] = ()) -> Dataset:
        """Load it, and search `folders` first if it is made of files; `InputError` if it cannot be had."""

    def states(self) -> list[str]:
        """Return what `spikelearn data` says of it: a line for each place that is searched."""


@dataclass(frozen=True)
class Changed:
    """Another data set, with all its images changed."""

    base: str
    how: str

    def load(self, folders: Iterable[str | Path] = ()) -> Dataset:
        """Load the other data set and change it."""
        return changed(SOURCES[self.base].load(folders), self.how)

    def states(self) -> list[str]:
        """Return what is done to which images."""
        return [f"{self.base}, {ABOUT[self.how]}"]


SOURCES: dict[str, Source] = {
    "digits": digits,
    "mnist": mnist,
    "fashion": fashion,
    "mnist-1d": mnist_1d,
    "yin-yang": yin_yang,
    "cifar10": cifar10,
}
SOURCES |= {f"{base}-{how}": Changed(base, how) for base in ("digits", "mnist", "fashion") for how in ABOUT}


def load(source: str | Path, *, folders: Iterable[str | Path] = (), scale: float | None = None) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    source : str or Path
        * ``"digits"``: 8x8 images that come with scikit-learn, by `split` 1437 to train and 360 to test. The two
          parts share writers, so that the test error is lower than on new writers.
        * ``"mnist"``: searched in `folders`, ``$SPIKELEARN_DATA`` (each of them, then its subfolder ``mnist``) and
          the user's cache folder; else downloaded to the cache. The content is verified by SHA-256.
        * ``"fashion"``: searched in the subfolder ``fashion`` of `folders` and ``$SPIKELEARN_DATA``, and where Debian's
          package puts it; verified by SHA-256.
        * ``"mnist-1d"``, ``"yin-yang"``: drawn here, always the same.
        * ``"cifar10"``: its batches for Python, searched in `folders` and ``$SPIKELEARN_DATA`` (each of them, then its
          subfolders ``cifar10`` and ``cifar-10-batches-py``); verified by MD5.
        * ``"digits"``, ``"mnist"`` or ``"fashion"`` with ``-permuted``, ``-rotated``, ``-noise`` or ``-blurred`` behind
          it: see `changed`.
        * A name that `register_data` made known.
        * A folder: the four files of `IDX_NAMES`, with or without ``.gz``, or PNG images: see `load_pictures`.
          ``./mnist`` is a folder, ``mnist`` is not.
        * A ``.npz`` file: ``x_train, y_train, x_test, y_test``, or ``x, y`` that `split` divides; see `Images`. With
          ``frame``, ms, they are `Frames`. With ``first, neuron, time`` in place of ``x``, and ``n_inputs``, they are
          `SpikeTrains`: example `k` has spikes ``first[k]`` to ``first[k + 1]``. Both may have ``restart``.
        * A ``.csv`` file: see `load_csv`.
    folders : iterable of str or Path
        More folders to search for a data set that is made of files.
    scale : float, optional
        Pixel of intensity 1 in a folder or a file; see `Images`.

    Returns
    -------
    Dataset
        Training and test examples.

    Raises
    ------
    InputError
        There is no such data set, or its content cannot be used.
    """
    if scale is not None and source in names():
        raise InputError(f"scale={scale:g} is for images of your own; those of {source!r} have theirs")
    if source in OWN:
        return _own(str(source))
    if source in SOURCES:
        return SOURCES[str(source)].load(folders)
    path = expanded(source)
    if path.is_dir():
        if not idx_folder.idx_files(path) and pictures.has_pictures(path):
            return pictures.load_pictures(path, scale)
        return idx_folder.load_folder(path, path.resolve().name, {}, scale)
    if path.is_file() and path.suffix.lower() == ".npz":
        return load_npz(path, scale)
    if path.is_file() and path.suffix.lower() == ".csv":
        return load_csv(path, scale)
    problem = "is not a .npz or .csv file" if path.exists() else "is not a data set, and no such path exists"
    hint = nearest(str(source), names())
    raise InputError(
        f"{str(source)!r} {problem}; {hint}, and after --import those of your own; or give a folder with the four IDX "
        f"files or with PNG images by class, or a .npz or .csv file"
    )


def names() -> tuple[str, ...]:
    """Return the names of all data sets.

    Returns
    -------
    tuple of str
        Those of the package, then the registered ones.
    """
    return (*SOURCES, *OWN)


def absolute(source: str) -> str:
    """Make a path absolute, so that a run can be resumed from anywhere.

    Parameters
    ----------
    source : str
        As `load` takes it.

    Returns
    -------
    str
        The name of a data set, or an absolute path.
    """
    # Not resolved: a link may point elsewhere tomorrow, and that is what it is for.
    return source if source in names() else os.path.abspath(expanded(source))


def stamp(source: str) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when files of images are replaced; nothing for names, whose content is fixed.

    Parameters
    ----------
    source : str
        As `load` takes it.

    Returns
    -------
    tuple of (str, int, int)
        Path below the folder, size in bytes and time of change, in ns, of each file.
    """
    path = expanded(source)
    if source in names() or not path.exists():
        return ()
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    found = ((str(file.relative_to(path)), file.stat()) for file in files)
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in found)


def search_report() -> list[tuple[str, str]]:
    """Return what is at hand.

    Returns
    -------
    list of (str, str)
        Name and state of every data set, place by place in the order of the search.
    """
    report = [(name, state) for name, source in SOURCES.items() for state in source.states()]
    return [*report, *((name, f"of {OWN[name].__module__}") for name in OWN)]


def register_data(name: str) -> Callable[[Loader], Loader]:
    """Register a data set under a name: for `load`, ``--data`` and the configurations of runs.

    A decorator for a function without arguments that returns a `Dataset`. To open a run with it, the name must be
    registered before, on the command line by ``--import MODULE``; examples that have changed are refused.

    Parameters
    ----------
    name : str
        A Python identifier.

    Returns
    -------
    callable
        A decorator that registers a function and returns it.

    Raises
    ------
    InputError
        It is no function, or the name is taken, or no identifier.
    """

    def known(loader: Loader) -> Loader:
        if not callable(loader) or not isinstance(name, str) or not name.isidentifier():
            raise InputError(f"register_data takes a name like my_images and a function, got {name!r} for {loader!r}")
        place = OWN[name].__module__ if name in OWN else "spikelearn" if name in names() else loader.__module__
        if place != loader.__module__:  # the same: an edited cell
            raise InputError(f"{name} is the name of a data set of {place}; choose another")
        OWN[name] = loader
        return loader

    return known


def _own(name: str) -> Dataset:
    found = OWN[name]()
    if not isinstance(found, Dataset):
        raise InputError(f"the loader of {name} returned {described(found)}; it must return a spikelearn.Dataset")
    return found
