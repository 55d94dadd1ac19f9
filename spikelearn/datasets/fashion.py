"""Fashion-MNIST: 60,000 + 10,000 pictures of clothes, in the files and sizes of MNIST, and harder to tell apart.

Xiao, Rasul & Vollgraf, arXiv:1708.07747 (2017). Debian has it as a package; it is not downloaded from here.
"""

from collections.abc import Iterable
from pathlib import Path

from spikelearn.datasets import idx_folder, places
from spikelearn.datasets.dataset import Dataset
from spikelearn.datasets.idx_folder import IDX_NAMES
from spikelearn.errors import InputError

FASHION_SHA256 = {  # of the uncompressed content, in version 0.0~git20200523.55506a9-1 of the package
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where the package dataset-fashion-mnist puts it


def load(folders: Iterable[str | Path] = ()) -> Dataset:
    """Load Fashion-MNIST from the first folder that has it; `InputError` with what to install if none has."""
    folder = idx_folder.first_complete(_folders(folders))
    if folder is None:
        raise InputError(
            f"fashion is not on this computer: install Debian's package dataset-fashion-mnist, or put the four files "
            f"{', '.join(IDX_NAMES)} (with or without .gz) in {places.advice('fashion')}"
        )
    try:
        return idx_folder.load_folder(folder, "fashion", FASHION_SHA256)
    except InputError as error:
        raise InputError(f"{error}; it is not Fashion-MNIST as published: delete the file and get it again") from error


def states() -> list[str]:
    """Return what is in each place that is searched."""
    return idx_folder.states(_folders(()), "fashion", FASHION_SHA256)


def _folders(folders: Iterable[str | Path]) -> list[Path]:
    # Never the folder itself: four files of these names there are those of MNIST.
    return [parent / "fashion" for parent in places.of_user(folders)] + [DEBIAN]
