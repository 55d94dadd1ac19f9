"""Data sets: examples to learn from and to test on, found offline where possible, and checked.

`load` takes a name, a folder or a file. Each kind has a file here; `registry` has all names.
"""

from spikelearn.datasets.changes import changed
from spikelearn.datasets.dataset import Dataset, split
from spikelearn.datasets.idx_folder import IDX_NAMES
from spikelearn.datasets.mnist import fetch_mnist, find_mnist
from spikelearn.datasets.pictures import load_pictures
from spikelearn.datasets.registry import OWN, absolute, load, names, register_data, search_report, stamp
from spikelearn.datasets.table import load_csv
from spikelearn.examples import Images
from spikelearn.idx import read_idx

__all__ = [
    "IDX_NAMES",
    "OWN",
    "Dataset",
    "Images",
    "absolute",
    "changed",
    "fetch_mnist",
    "find_mnist",
    "load",
    "load_csv",
    "load_pictures",
    "names",
    "read_idx",
    "register_data",
    "search_report",
    "split",
    "stamp",
]
