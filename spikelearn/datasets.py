"""Images to learn from: rows of pixels with intensities in 0..1, found offline where possible, and checked."""

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spikelearn.errors import InputError, InputWarning, check_range, check_shares, nearest

NAMES = ("digits", "mnist")
DIM = 64  # uint8 images whose pixels are all below this may be of another scale than 0..255
NPZ_NAMES = ("x_train", "y_train", "x_test", "y_test"), ("x", "y")

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
class Images:
    """Images and the class of each; `InputError` if a shape, a type, a pixel or a label is not as below.

    Parameters
    ----------
    x : (n, n_pixels) or (n, height, width) array
        Pixels, flattened row by row: numbers in 0..scale. uint8 is kept, all else becomes float32.
    y : (n,) int array
        Class of each image, in ``0 .. n_classes - 1``; becomes int64.
    n_classes : int
    name : str
        What error messages call these images.
    scale : float, optional
        Pixel of intensity 1. By default 255 for uint8, with an `InputWarning` where all pixels are far below that,
        and 1 for floats; of other integers it must be given.
    targets : (n, n_classes) array, optional
        What share of each class is taught, in place of all of `y`: numbers >= 0 that sum to 1; become float64.
    """

    x: np.ndarray
    y: np.ndarray
    n_classes: int
    name: str
    scale: float | None = None
    targets: np.ndarray | None = None

    def __post_init__(self) -> None:
        x, y = np.asarray(self.x), np.asarray(self.y)
        _check_kinds(x, y, self.scale is None, self.name)
        scale = _scale_of(x, self.scale, self.name)
        _check_images(x, y, self.n_classes, self.name, scale)
        x = np.ascontiguousarray(x.reshape(len(x), -1))
        if x.dtype != np.uint8:
            x, scale = (x if scale == 1 else x / scale).astype(np.float32, copy=False), 1.0
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y.astype(np.int64, copy=False))
        if self.targets is not None:
            object.__setattr__(self, "targets", check_shares(self.targets, len(x), self.n_classes, self.name))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_pixels(self) -> int:
        """Number of pixels of one image."""
        return self.x.shape[1]

    def intensities(self, index: np.ndarray | Sequence[int] | slice) -> np.ndarray:
        """Intensities of the images selected: a new (len(index), n_pixels) float32 array, in 0..1."""
        return np.divide(self.x[index], np.float32(self.scale or 1), dtype=np.float32)

    def digest(self) -> str:
        """Return a hash of what a network gets to see: intensities and classes, in their order."""
        digest = hashlib.sha256(f"{len(self)} {self.n_pixels} {self.n_classes}".encode() + self.y.tobytes())
        for at in range(0, len(self), 1000):
            digest.update(self.intensities(slice(at, at + 1000)).tobytes())
        if self.targets is not None:
            digest.update(self.targets.tobytes())
        return digest.hexdigest()[:16]

    def first(self, n: int) -> "Images":
        """Return the first `n` images; `InputError` unless there are that many, and at least one."""
        if not 1 <= n <= len(self):
            raise InputError(f"{self.name}: cannot take the first {n} of {len(self)} images; ask for 1 to {len(self)}")
        return self.at(slice(n))

    def at(self, index: np.ndarray | slice) -> "Images":
        """Return the images selected."""
        targets = None if self.targets is None else self.targets[index]
        return replace(self, x=self.x[index], y=self.y[index], targets=targets)


def _scale_of(x: np.ndarray, scale: float | None, name: str) -> float:
    """Return the pixel of intensity 1; where it is a guess that may be wrong, say so."""
    if scale is not None:
        check_range(f"{name}: scale", scale, above=0)
        return float(scale)
    if x.dtype != np.uint8:
        return 1.0
    if 0 < x.max(initial=0) < DIM:
        warnings.warn(
            f"{name}: the largest pixel is {x.max()}, and 255 is taken for intensity 1, as pixels are uint8; if "
            f"{x.max()} is meant to be 1, give scale={x.max()}",
            InputWarning,
            stacklevel=4,
        )
    return 255.0


def _check_kinds(x: np.ndarray, y: np.ndarray, unscaled: bool, name: str) -> None:
    if x.ndim not in (2, 3) or x.size == 0:
        raise InputError(f"{name}: images must be (n, pixels) or (n, height, width), n at least 1; got shape {x.shape}")
    if y.shape != x.shape[:1]:
        raise InputError(f"{name}: {len(x)} images but labels of shape {y.shape}; give one class number per image")
    if y.dtype.kind not in "iu":
        raise InputError(f"{name}: labels must be integers, got {y.dtype}; use astype")
    if x.dtype != np.uint8 and x.dtype.kind not in ("f" if unscaled else "fiu"):
        raise InputError(
            f"{name}: pixels must be uint8 (0..255) or float (0..1), got {x.dtype}; give scale=, the pixel of "
            f"intensity 1, or use astype"
        )


def _check_images(x: np.ndarray, y: np.ndarray, n_classes: int, name: str, scale: float) -> None:
    bad = (y < 0) | (y >= n_classes)
    if bad.any():
        raise InputError(f"{name}: label {y[bad][0]} at image {bad.argmax()}; must be within 0..{n_classes - 1}")
    bad = ~((x >= 0) & (x <= scale))  # true for NaN
    if bad.any():
        image, pixel = divmod(int(bad.argmax()), x[0].size)
        value = str(x[bad][0]).replace("nan", "NaN")
        where = f"image {image}, pixel {pixel}"
        advice = " (if 0..255: give scale=255)" if scale == 1 else ""
        raise InputError(f"{name}: {value} at {where}; must be finite and within 0..{scale:g}{advice}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Images to train on and images to test on, of equal size and with the same classes."""

    train: Images
    test: Images
    name: str

    def __post_init__(self) -> None:
        for what in ("n_pixels", "n_classes"):
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
        * A folder: the four files of `IDX_NAMES`, with or without ``.gz``. ``./mnist`` is a folder, ``mnist`` is not.
        * A ``.npz`` file: ``x_train, y_train, x_test, y_test``, or ``x, y`` that `split` divides; see `Images`.
    folders : iterable of str or Path
        More folders to search for MNIST.
    scale : float, optional
        Pixel of intensity 1 in a folder or a ``.npz`` file; see `Images`.
    """
    if scale is not None and source in NAMES:
        raise InputError(f"scale={scale:g} is for images of your own; those of {source!r} have theirs")
    if source == "digits":
        from sklearn.datasets import load_digits  # slow to import

        pixels, labels = load_digits(return_X_y=True)  # pixels are 0..16
        return split(Images(x=pixels / 16, y=labels, n_classes=10, name="digits"))
    if source == "mnist":
        return _load_mnist(folders)
    path = Path(source).expanduser()
    if path.is_dir():
        return _load_idx_folder(path, path.resolve().name, {}, scale)
    if path.is_file() and path.suffix.lower() == ".npz":
        return _load_npz(path, scale)
    problem = "is not a .npz file" if path.exists() else "is not a data set, and no such path exists"
    hint = nearest(str(source), NAMES)
    raise InputError(f"{str(source)!r} {problem}; {hint}; or give a folder with the four IDX files, or a .npz file")


def split(images: Images) -> Dataset:
    """Put a fifth of the images in the test part, always the same ones: sorted by class, then every fifth.

    Of each class some are left to train on, so the only image of a class is never in the test part.
    """
    _, place, count = np.unique(images.y, return_inverse=True, return_counts=True)
    order = np.argsort(images.y, kind="stable")
    for_test = np.zeros(len(images), bool)
    for_test[order[count[place[order]] > 1][::5]] = True
    if not for_test.any():
        raise InputError(
            f"{images.name}: {len(images)} images, one of each class, cannot be divided into some to train on and some "
            f"to test; give more, or x_train, y_train, x_test, y_test"
        )
    train = replace(images.at(~for_test), name=f"{images.name} train")
    test = replace(images.at(for_test), name=f"{images.name} test")
    return Dataset(train=train, test=test, name=images.name)


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


def _tell_gaps(images: Images) -> None:
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
    try:
        with open(path, "rb") as file, np.load(file) as archive:  # of a damaged one, NumPy would leave its own open
            found = sorted(archive.files)
            names: tuple[str, ...] = next((names for names in NPZ_NAMES if set(names) <= set(found)), ())
            arrays = [np.asarray(archive[name]) for name in names]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: cannot read {', '.join(found)} ({error}); write numbers with np.savez") from error
    if not arrays:
        either = " or ".join(", ".join(names) for names in NPZ_NAMES)
        raise InputError(f"{path} must have the arrays {either}; found: {', '.join(found) or 'none'}")
    if len(arrays) == 4:
        return _join(path.name, arrays, scale)
    x, y = arrays
    images = Images(x=x, y=y, n_classes=_n_classes(y), name=path.name, scale=scale)
    _tell_gaps(images)
    return split(images)


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
    report = [("digits", "embedded in scikit-learn")]
    for folder in _mnist_folders(()):
        try:
            _load_idx_folder(folder, "mnist", MNIST_SHA256)
            report.append(("mnist", f"{folder} (found, verified by hash)"))
        except InputError as error:
            report.append(("mnist", f"{folder} (not usable: {error})"))
    return report
