"""A folder with four IDX files: images and labels to train on and to test on, as MNIST comes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from spikelearn.datasets.dataset import Dataset, join
from spikelearn.errors import InputError
from spikelearn.idx import read_idx

IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def idx_files(folder: Path) -> dict[str, Path]:
    """Return those of the four files that are in the folder, rather gzipped (as `fetch_mnist` writes) than plain."""
    found: dict[str, Path] = {}
    for name in IDX_NAMES:
        paths = [folder / (stem + end) for end in ("", ".gz") for stem in (name, name.replace("-idx", ".idx"))]
        found.update((name, path) for path in paths if path.is_file())  # the last one wins
    return found


def load_folder(folder: Path, name: str, sha256: Mapping[str, str], scale: float | None = None) -> Dataset:
    """Load a folder; `InputError` if a file is missing or has not the hash of its name in `sha256`."""
    files = idx_files(folder)
    missing = [name for name in IDX_NAMES if name not in files]
    if missing:
        raise InputError(f"the folder {folder} lacks {', '.join(missing)} (with or without .gz)")
    return join(name, [read_idx(files[name], sha256.get(name)) for name in IDX_NAMES], scale)


def first_complete(folders: Iterable[Path]) -> Path | None:
    """Return the first folder that has all four files; None if there is none."""
    return next((folder for folder in folders if len(idx_files(folder)) == len(IDX_NAMES)), None)


def states(folders: Iterable[Path], name: str, sha256: Mapping[str, str]) -> list[str]:
    """Return for each folder whether the data set of these hashes is there, or why not."""
    found = []
    for folder in folders:
        try:
            load_folder(folder, name, sha256)
            found.append(f"{folder} (found, verified by hash)")
        except InputError as error:
            found.append(f"{folder} (not usable: {error})")
    return found
