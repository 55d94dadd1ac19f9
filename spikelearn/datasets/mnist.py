"""MNIST: 60,000 + 10,000 handwritten digits of 28 x 28 pixels; found on this computer, or downloaded, and verified."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from spikelearn.datasets import idx_folder, places
from spikelearn.datasets.dataset import Dataset
from spikelearn.datasets.idx_folder import IDX_NAMES
from spikelearn.errors import InputError
from spikelearn.idx import read_idx
from spikelearn.paths import expanded

# The compressed bytes differ between copies of MNIST, so the hashes are those of the uncompressed content.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def load(folders: Iterable[str | Path] = ()) -> Dataset:
    """Load MNIST from the first folder that has it; download it to the cache if none has."""
    folder = find_mnist(folders) or fetch_mnist()
    try:
        return idx_folder.load_folder(folder, "mnist", MNIST_SHA256)
    except InputError as error:
        raise InputError(f"{error}; delete the file and run `spikelearn data fetch mnist`") from error


def states() -> list[str]:
    """Return what is in each place that is searched."""
    return idx_folder.states(_folders(()), "mnist", MNIST_SHA256)


def find_mnist(folders: Iterable[str | Path] = ()) -> Path | None:
    """Find the files of MNIST on this computer.

    Parameters
    ----------
    folders : iterable of str or Path
        Folders to search first.

    Returns
    -------
    Path or None
        The first folder, in the order of the search, that has all four files; None if there is none.
    """
    return idx_folder.first_complete(_folders(folders))


def _folders(folders: Iterable[str | Path]) -> list[Path]:
    found = [place for parent in places.of_user(folders) for place in (parent, parent / "mnist")]
    with contextlib.suppress(InputError):  # nobody has a cache here
        found.append(places.cache("mnist"))
    return found


def fetch_mnist(folder: str | Path | None = None, mirrors: Sequence[str] = MIRRORS, progress: bool = False) -> Path:
    """Download the files of MNIST that a folder lacks. A file appears only once it is complete and verified.

    Parameters
    ----------
    folder : str or Path, optional
        By default the user's cache.
    mirrors : sequence of str
        Addresses to put before the file names, tried in order for each file.
    progress : bool
        Show a bar (needs tqdm).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        A file cannot be had from any mirror; the message has all reasons.
    """
    folder = places.cache("mnist") if folder is None else expanded(folder)
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
