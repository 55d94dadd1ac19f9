"""Fashion-MNIST: found where Debian or the user put it, verified, and else said how to get it."""

import hashlib

import numpy as np
import pytest

from datasets.helpers import idx_bytes, tiny_set, write_set
from spikelearn.datasets import IDX_NAMES, fashion, load
from spikelearn.errors import InputError


@pytest.fixture
def tiny_fashion(monkeypatch, tmp_path):
    """A tiny set takes the place of Fashion-MNIST, and nothing is installed."""
    files = tiny_set()
    monkeypatch.setattr(fashion, "FASHION_SHA256", {n: hashlib.sha256(c).hexdigest() for n, c in files.items()})
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "data"))
    return files


@pytest.mark.parametrize("place", ["data/fashion", "more/fashion", "debian"])
def test_it_is_found_in_every_place_that_is_searched(tiny_fashion, tmp_path, place):
    write_set(tmp_path / place, tiny_fashion)
    found = load("fashion", folders=[tmp_path / "more"])
    assert (found.name, len(found.train), found.test.name) == ("fashion", 6, "fashion test")


def test_four_files_that_lie_beside_its_folder_are_those_of_mnist(tiny_fashion, tmp_path):
    write_set(tmp_path / "data", tiny_set(seed=1))
    write_set(tmp_path / "debian", tiny_fashion)
    assert load("fashion").train.x.tobytes() == tiny_fashion[IDX_NAMES[0]][16:]


def test_what_to_install_or_where_to_put_it_is_said(tiny_fashion, tmp_path, monkeypatch):
    message = "fashion is not on this computer: install Debian's package dataset-fashion-mnist, or put the four files"
    with pytest.raises(InputError, match=f"{message} {', '.join(IDX_NAMES)} .* in {tmp_path / 'data' / 'fashion'}$"):
        load("fashion")
    monkeypatch.delenv("SPIKELEARN_DATA")
    with pytest.raises(InputError, match=r"in a folder fashion, and set SPIKELEARN_DATA to what it is in$"):
        load("fashion")
    (state,) = fashion.states()
    assert state.startswith(f"{tmp_path / 'debian'} (not usable: the folder ")


def test_another_content_is_refused_with_file_and_remedy(tiny_fashion, tmp_path):
    name = "t10k-labels-idx1-ubyte"
    write_set(tmp_path / "debian", tiny_fashion | {name: idx_bytes(np.array([0, 1, 2, 1], np.uint8))})
    with pytest.raises(InputError, match=rf"{name}\.gz: SHA-256 .* expected .*not Fashion-MNIST .*delete the file"):
        load("fashion")


def test_itself_has_its_published_sizes():
    if not fashion.DEBIAN.is_dir():
        pytest.skip("Fashion-MNIST is not there; to enable: apt install dataset-fashion-mnist")
    found = load("fashion")
    assert (len(found.train), len(found.test), found.train.n_inputs, found.test.n_classes) == (60_000, 10_000, 784, 10)
    assert set(np.bincount(found.train.y)) == {6000} and set(np.bincount(found.test.y)) == {1000}
