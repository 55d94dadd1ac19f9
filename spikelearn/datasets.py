"""Data sets: examples to learn from and to test on, found offline where possible, and checked."""

import contextlib
import gzip
import hashlib
import io
import math
import os
import shutil
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spikelearn.errors import InputError, InputWarning, described, nearest
from spikelearn.examples import Examples, Images
from spikelearn.timed import Frames, SpikeTrains, cut

OWN: dict[str, Callable[[], "Dataset"]] = {}  # loaders of a user's own, by name
NPZ_KINDS = ("x", "y"), ("first", "neuron", "time", "y")  # images or frames; spikes

Loader = TypeVar("Loader", bound=Callable[[], Any])

# The compressed bytes differ between copies of MNIST, so the hashes are those of the uncompressed content.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
IDX_NAMES = tuple(MNIST_SHA256)

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Examples to train on and examples to test on, of equal size and with the same classes."""

    train: Examples
    test: Examples
    name: str

    def __post_init__(self) -> None:
        for what in ("n_inputs", "n_classes"):
            train, test = getattr(self.train, what), getattr(self.test, what)
            if train != test:
                raise InputError(f"{self.name}: train has {what}={train} but test has {what}={test}; must be equal")

    def digests(self) -> dict[str, str]:
        """Return the hashes of both parts, by name."""
        return {"train": self.train.digest(), "test": self.test.digest()}


def load(source: str | Path, *, folders: Iterable[str | Path] = (), scale: float | None = None) -> Dataset:
    """Load a data set; `InputError` if there is none, or if its content cannot be used.

    Parameters
    ----------
    source : str or Path
        * ``"digits"``: 8x8 images that come with scikit-learn, by `split` 1437 to train and 360 to test. The two
          parts share writers, so that the test error is lower than on new writers.
        * ``"mnist"``: searched in `folders`, ``$SPIKELEARN_DATA`` (each of them, then its subfolder ``mnist``) and
          the user's cache folder; else downloaded to the cache. The content is verified by SHA-256.
        * A name that `register_data` made known.
        * A folder: the four files of `IDX_NAMES`, with or without ``.gz``. ``./mnist`` is a folder, ``mnist`` is not.
        * A ``.npz`` file: ``x_train, y_train, x_test, y_test``, or ``x, y`` that `split` divides; see `Images`. With
          ``frame``, ms, they are `Frames`. With ``first, neuron, time`` in place of ``x``, and ``n_inputs``, they are
          `SpikeTrains`: example `k` has spikes ``first[k]`` to ``first[k + 1]``. Both may have ``restart``.
    folders : iterable of str or Path
        More folders to search for MNIST.
    scale : float, optional
        Pixel of intensity 1 in a folder or a ``.npz`` file; see `Images`.
    """
    if scale is not None and source in names():
        raise InputError(f"scale={scale:g} is for images of your own; those of {source!r} have theirs")
    if source == "digits":
        from sklearn.datasets import load_digits  # slow to import

        pixels, labels = load_digits(return_X_y=True)  # pixels are 0..16
        return split(Images(x=pixels / 16, y=labels, n_classes=10, name="digits"))
    if source == "mnist":
        return _load_mnist(folders)
    if source in OWN:
        return _own(str(source))
    path = Path(source).expanduser()
    if path.is_dir():
        return _load_idx_folder(path, path.resolve().name, {}, scale)
    if path.is_file() and path.suffix.lower() == ".npz":
        return _load_npz(path, scale)
    problem = "is not a .npz file" if path.exists() else "is not a data set, and no such path exists"
    hint = nearest(str(source), names())
    raise InputError(
        f"{str(source)!r} {problem}; {hint}, and after --import those of your own; or give a folder with the four IDX "
        f"files, or a .npz file"
    )


def names() -> tuple[str, ...]:
    """Return the names of all data sets that are known."""
    return ("digits", "mnist", *OWN)


def absolute(source: str) -> str:
    """Make a path absolute, so that a run can be resumed from anywhere."""
    # Not resolved: a link may point elsewhere tomorrow, and that is what it is for.
    return source if source in names() else os.path.abspath(Path(source).expanduser())


def stamp(source: str) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when files of images are replaced; nothing for names, whose content is fixed."""
    path = Path(source).expanduser()
    if source in names() or not path.exists():
        return ()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)


def register_data(name: str) -> Callable[[Loader], Loader]:
    """Let a data set of one's own have a name: for `load`, ``--data`` and the configurations of runs.

    A decorator for a function without arguments that returns a `Dataset`. Whoever opens a run with it has to have made
    it known before, on the command line with ``--import MODULE``; other examples than before are refused.

    Raises
    ------
    InputError
        It is no function, or the name is taken, or looks like a path.
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


def split(examples: Any) -> Dataset:
    """Put a fifth of the examples in the test part, always the same ones: sorted by class, then every fifth.

    Of each class some are left to train on, so the only image of a class is never in the test part.
    """
    _, place, count = np.unique(examples.y, return_inverse=True, return_counts=True)
    order = np.argsort(examples.y, kind="stable")
    for_test = np.zeros(len(examples), bool)
    for_test[order[count[place[order]] > 1][::5]] = True
    if not for_test.any():
        raise InputError(
            f"{examples.name}: {len(examples)} examples, one of each class, cannot be divided into some to train on "
            f"and some to test; give more, or x_train, y_train, x_test, y_test"
        )
    train = replace(examples.at(~for_test), name=f"{examples.name} train")
    test = replace(examples.at(for_test), name=f"{examples.name} test")
    return Dataset(train=train, test=test, name=examples.name)


def _n_classes(*labels: np.ndarray) -> int:
    """Largest label + 1; labels which are not integers do not count, `Images` refuses them."""
    return 1 + max(int(y.max(initial=0)) if y.dtype.kind in "iu" else 0 for y in labels)


def _join(name: str, arrays: Sequence[np.ndarray], scale: float | None) -> Dataset:
    x_train, y_train, x_test, y_test = arrays
    n_classes = _n_classes(y_train, y_test)
    train = Images(x=x_train, y=y_train, n_classes=n_classes, name=f"{name} train", scale=scale)
    test = Images(x=x_test, y=y_test, n_classes=n_classes, name=f"{name} test", scale=scale)
    _tell_gaps(train)
    return Dataset(train=train, test=test, name=name)


def _tell_gaps(images: Examples) -> None:
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


def _load_npz(path: Path, scale: float | None) -> Dataset:
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is not a .npz file, or incomplete; write it with np.savez")
    found: list[str] = []
    needed: dict[tuple[str, ...], Any] = {
        tuple(f"{name}{end}" for end in ends for name in names): (names, ends)
        for names in NPZ_KINDS
        for ends in (("_train", "_test"), ("",))
    }
    try:
        with open(path, "rb") as file, np.load(file) as archive:  # of a damaged one, NumPy would leave its own open
            found = sorted(archive.files)
            wanted = next((names for names in needed if set(names) <= set(found)), ())
            more = [name for name in ("frame", "restart", "n_inputs") if name in found]
            arrays = {name: np.asarray(archive[name]) for name in (*wanted, *more)}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: cannot read {', '.join(found)} ({error}); write numbers with np.savez") from error
    if not wanted:
        either = " or ".join(", ".join(names) for names in needed)
        raise InputError(f"{path} must have the arrays {either}; found: {', '.join(found) or 'none'}")
    names, ends = needed[wanted]
    n_classes = _n_classes(*(arrays[f"y{end}"] for end in ends))
    numbers: dict[str, float] = {name: _number(path, name, arrays[name]) for name in more}
    parts = [
        _made(
            {name: arrays[f"{name}{end}"] for name in names} | {"n_classes": n_classes, "name": f"{path.name}{tail}"},
            numbers,
            scale,
        )
        for end, tail in zip(ends, (" train", " test") if len(ends) > 1 else ("",), strict=True)
    ]
    _tell_gaps(parts[0])
    return Dataset(train=parts[0], test=parts[1], name=path.name) if len(parts) > 1 else split(parts[0])


def _number(path: Path, name: str, array: np.ndarray) -> float:
    if array.shape != () or array.dtype.kind not in "fiub":
        raise InputError(f"{path}: {name} must be one number, got {array.dtype} of shape {array.shape}")
    return float(array)


def _made(fields: dict[str, Any], numbers: dict[str, float], scale: float | None) -> Any:
    """Return the examples that arrays of a ``.npz`` file describe."""
    restart = bool(numbers.get("restart", True))
    if "x" not in fields:
        first, neuron, time = (fields.pop(name) for name in ("first", "neuron", "time"))
        n_inputs = numbers.get("n_inputs", math.nan)
        if not n_inputs.is_integer() or scale is not None:
            what = "n_inputs must be a whole number" if scale is None else f"scale={scale:g} is for intensities"
            raise InputError(f"{fields['name']}: {what}; spikes need first, neuron, time, y and n_inputs")
        spikes = cut(fields["name"], first, neuron, time)
        return SpikeTrains(spikes=spikes, n_inputs=int(n_inputs), restart=restart, **fields)
    if "frame" in numbers:
        return Frames(frame=numbers["frame"], scale=scale, restart=restart, **fields)
    return Images(scale=scale, **fields)


def read_idx(path: str | Path, sha256: str | None = None) -> np.ndarray:
    """Read an IDX file of unsigned bytes, gzipped or not (its first bytes tell, not its name).

    Returns a read-only uint8 array of the shape given in the file. `InputError` if the file is corrupt, truncated, too
    long or of another type, or if its uncompressed content has not the hash `sha256` (hexadecimal; None: any).
    """
    content = _uncompressed(Path(path))
    if sha256 is not None and (got := hashlib.sha256(content).hexdigest()) != sha256:
        raise InputError(f"{path}: SHA-256 of the uncompressed content is {got[:12]}..., expected {sha256[:12]}...")
    if content[:4] not in (b"\0\0\x08\x01", b"\0\0\x08\x02", b"\0\0\x08\x03"):
        magic = content[:4].hex(" ") or "nothing"
        raise InputError(f"{path} is not an IDX file of unsigned bytes (00 00 08 01 to 03): it starts with {magic}")
    start = 4 + 4 * content[3]  # then the sizes, as big-endian 32-bit numbers
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + math.prod(shape)
    swapped = tuple(int.from_bytes(content[at : at + 4], "little") for at in range(4, start, 4))
    if len(content) != expected and len(content) == start + math.prod(swapped):
        raise InputError(f"{path}: its sizes {swapped} are little-endian numbers; IDX files have big-endian ones")
    if len(content) != expected:
        problem = "truncated" if len(content) < expected else "too long"
        raise InputError(f"{path} is {problem}: shape {shape} needs {expected} bytes, got {len(content)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _uncompressed(path: Path) -> bytes:
    buffer = io.BytesIO()  # grows in place: a plain read() would need twice the memory while joining its chunks
    with open(path, "rb") as raw:
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
        try:
            shutil.copyfileobj(gzip.GzipFile(fileobj=raw) if zipped else raw, buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{path} is a corrupt gzip file ({error}); get it again") from error
    return buffer.getvalue()


def _idx_files(folder: Path) -> dict[str, Path]:
    """Those of the four files that are in the folder, rather gzipped (as `fetch_mnist` writes) than plain."""
    found: dict[str, Path] = {}
    for name in IDX_NAMES:
        paths = [folder / (stem + end) for end in ("", ".gz") for stem in (name, name.replace("-idx", ".idx"))]
        found.update((name, path) for path in paths if path.is_file())  # the last one wins
    return found


def _load_idx_folder(folder: Path, name: str, sha256: Mapping[str, str], scale: float | None = None) -> Dataset:
    files = _idx_files(folder)
    missing = [name for name in IDX_NAMES if name not in files]
    if missing:
        raise InputError(f"the folder {folder} lacks {', '.join(missing)} (with or without .gz)")
    return _join(name, [read_idx(files[name], sha256.get(name)) for name in IDX_NAMES], scale)


def _cache() -> Path:
    import pooch  # slow to import

    return Path(pooch.os_cache("spikelearn")) / "mnist"


def _mnist_folders(folders: Iterable[str | Path]) -> list[Path]:
    from_user = [*folders, os.environ.get("SPIKELEARN_DATA")]
    parents = [Path(folder).expanduser() for folder in from_user if folder]
    return [place for parent in parents for place in (parent, parent / "mnist")] + [_cache()]


def find_mnist(folders: Iterable[str | Path] = ()) -> Path | None:
    """Return the first folder, in the order of the search, that has the files of MNIST; None if it is not at hand."""
    complete = (folder for folder in _mnist_folders(folders) if len(_idx_files(folder)) == len(IDX_NAMES))
    return next(complete, None)


def _load_mnist(folders: Iterable[str | Path]) -> Dataset:
    folder = find_mnist(folders) or fetch_mnist()
    try:
        return _load_idx_folder(folder, "mnist", MNIST_SHA256)
    except InputError as error:
        raise InputError(f"{error}; delete the file and run `spikelearn data fetch mnist`") from error


def fetch_mnist(folder: str | Path | None = None, mirrors: Sequence[str] = MIRRORS, progress: bool = False) -> Path:
    """Download to `folder` (None: the user's cache) the files of MNIST that it lacks, and return it.

    The `mirrors`, addresses to put before the file names, are tried in order for each file; `InputError` with every
    reason if all fail. A file appears only once it is complete and verified. `progress` shows a bar (needs tqdm).
    """
    folder = _cache() if folder is None else Path(folder).expanduser()
    for name, sha256 in MNIST_SHA256.items():
        _fetch(folder / f"{name}.gz", sha256, mirrors, progress)
    return folder


def _fetch(path: Path, sha256: str, mirrors: Sequence[str], progress: bool) -> None:
    import pooch  # slow to import

    with contextlib.suppress(InputError, OSError):
        read_idx(path, sha256)
        return
    failures = []
    for mirror in mirrors:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as part:  # on the same disk, so that replace is atomic
                arrived = Path(part) / path.name
                pooch.HTTPDownloader(progressbar=progress)(f"{mirror}{path.name}", str(arrived), None)
                read_idx(arrived, sha256)
                os.replace(arrived, path)
            return
        except (ValueError, OSError) as error:  # OSError: what requests raises, and a folder one cannot write to
            failures.append(f"{mirror} ({_reason(error)})")
    raise InputError(
        f"cannot download {path.name} to {path.parent}: {'; '.join(failures)}. Put the four files "
        f"{', '.join(IDX_NAMES)} in a folder and set SPIKELEARN_DATA to it; spikelearn train takes --data FOLDER, too"
    )


def _reason(error: Exception) -> str:
    """Return what went wrong; without the layers that a failed connection passed on its way up, if it was that."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return str(error) if cause is None else str(cause).split("): ", 1)[-1]


def search_report() -> list[tuple[str, str]]:
    """Name and state of every data set, place by place in the order of the search."""
    report = [("digits", "embedded in scikit-learn"), *((name, f"of {OWN[name].__module__}") for name in OWN)]
    for folder in _mnist_folders(()):
        try:
            _load_idx_folder(folder, "mnist", MNIST_SHA256)
            report.append(("mnist", f"{folder} (found, verified by hash)"))
        except InputError as error:
            report.append(("mnist", f"{folder} (not usable: {error})"))
    return report
