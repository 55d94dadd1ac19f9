"""MNIST: it is found where it is searched, verified, and downloaded if it is nowhere."""

import gzip
import hashlib
import os
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from datasets.helpers import idx_bytes, tiny_set, write_set
from spikelearn.datasets import IDX_NAMES, fetch_mnist, load, mnist, search_report
from spikelearn.errors import InputError


@pytest.fixture
def tiny_mnist(monkeypatch, tmp_path):
    """A tiny set takes the place of MNIST, nothing is found on this computer, and nothing can be downloaded."""
    files = tiny_set()
    monkeypatch.setattr(mnist, "MNIST_SHA256", {n: hashlib.sha256(c).hexdigest() for n, c in files.items()})
    monkeypatch.setattr(mnist.places, "cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(mnist, "fetch_mnist", lambda: pytest.fail("would download"))
    monkeypatch.delenv("SPIKELEARN_DATA", raising=False)
    return files


@contextmanager
def mirror(folder):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@pytest.mark.parametrize("place", ["data", "data/mnist", "more", "more/mnist", "cache/mnist"])
def test_mnist_is_found_in_every_place_that_is_searched(tiny_mnist, tmp_path, monkeypatch, place):
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "data"))
    write_set(tmp_path / place, tiny_mnist)
    found = load("mnist", folders=[tmp_path / "more"])
    assert (found.name, len(found.train), found.test.name) == ("mnist", 6, "mnist test")


def test_changed_images_are_made_of_those_that_are_found(tiny_mnist, tmp_path):
    write_set(tmp_path / "more", tiny_mnist)
    found, plain = (load(name, folders=[tmp_path / "more"]) for name in ("mnist-permuted", "mnist"))
    assert found.name == "mnist-permuted" and found.train.x.tolist() != plain.train.x.tolist()
    np.testing.assert_array_equal(np.sort(found.train.x), np.sort(plain.train.x))


def test_an_incomplete_set_does_not_hide_a_complete_one(tiny_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "data"))
    write_set(tmp_path / "data", {IDX_NAMES[0]: tiny_mnist[IDX_NAMES[0]]})
    write_set(tmp_path / "cache" / "mnist", tiny_mnist)
    assert len(load("mnist").train) == 6


@pytest.mark.parametrize("gz", [True, False])
def test_mnist_with_another_content_is_refused_with_the_remedy(tiny_mnist, tmp_path, gz):
    name = "t10k-labels-idx1-ubyte"
    other = idx_bytes(np.array([0, 1, 2, 1], np.uint8))
    write_set(tmp_path, tiny_mnist | {name: other}, gz=gz)
    expected, got = (hashlib.sha256(content).hexdigest()[:12] for content in (tiny_mnist[name], other))
    with pytest.raises(InputError, match=f"{name}.* is {got}.*, expected {expected}.*delete .*spikelearn data fetch"):
        load("mnist", folders=[tmp_path])


def test_mnist_that_is_nowhere_is_downloaded_to_the_cache(tiny_mnist, tmp_path, monkeypatch):
    with mirror(write_set(tmp_path / "mirror", tiny_mnist)) as url:
        monkeypatch.setattr(mnist, "fetch_mnist", lambda: fetch_mnist(mirrors=[url]))
        assert len(load("mnist").train) == 6
    assert len(load("mnist").train) == 6, "the second time, without the mirror"


def test_the_next_mirror_is_tried_if_one_lacks_the_files_or_has_others(tiny_mnist, tmp_path):
    good, other = write_set(tmp_path / "good", tiny_mnist), write_set(tmp_path / "other", tiny_set(seed=1))
    broken = write_set(tmp_path / "broken", {})
    (broken / f"{IDX_NAMES[0]}.gz").write_bytes(gzip.compress(tiny_mnist[IDX_NAMES[0]])[:20])
    with mirror(tmp_path / "empty") as empty_url, mirror(other) as other_url, mirror(good) as good_url:
        with mirror(broken) as broken_url:
            folder = fetch_mnist(tmp_path / "new", mirrors=[empty_url, other_url, broken_url, good_url])
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.gz" for name in IDX_NAMES)
    assert len(load("mnist", folders=[folder]).test) == 4


def test_files_that_are_there_are_not_downloaded_again_and_damaged_ones_are_replaced(tiny_mnist, tmp_path):
    folder = write_set(tmp_path / "cache", tiny_mnist)
    fetch_mnist(folder, mirrors=[])
    damaged = folder / f"{IDX_NAMES[2]}.gz"
    damaged.write_bytes(b"damaged")
    with mirror(write_set(tmp_path / "good", tiny_mnist)) as url:
        fetch_mnist(folder, mirrors=[url])
    assert gzip.decompress(damaged.read_bytes()) == tiny_mnist[IDX_NAMES[2]]


def test_when_every_mirror_fails_each_reason_and_the_remedy_are_given_and_nothing_is_left(tiny_mnist, tmp_path):
    with mirror(tmp_path / "empty") as empty, mirror(write_set(tmp_path / "other", tiny_set(seed=1))) as other:
        with pytest.raises(InputError, match="(?s)404.*SHA-256.*SPIKELEARN_DATA.*--data FOLDER") as caught:
            fetch_mnist(tmp_path / "new", mirrors=[empty, other])
    assert empty in str(caught.value) and other in str(caught.value)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_mirror_that_does_not_answer_is_told_in_short(tmp_path):
    with pytest.raises(InputError, match=r"1/ \([\w ]+: \[Errno \d+\] Connection refused\)\. Put the four files"):
        fetch_mnist(tmp_path / "new", mirrors=["http://127.0.0.1:1/"])


def test_a_folder_that_cannot_be_written_to_is_named_with_the_remedy(tiny_mnist, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file.*SPIKELEARN_DATA"):
        fetch_mnist(tmp_path / "file" / "mnist", mirrors=["http://127.0.0.1:1/"])


def test_the_report_tells_what_was_found_where(tiny_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "data"))
    write_set(tmp_path / "data", tiny_set(seed=1))
    write_set(tmp_path / "cache" / "mnist", tiny_mnist)
    report = search_report()
    assert report[0] == ("digits", "embedded in scikit-learn")
    data, subfolder, cache = (each for each in report if each[0] == "mnist")
    assert data[0] == "mnist" and "SHA-256" in data[1]
    assert "lacks train-images-idx3-ubyte" in subfolder[1]
    assert cache == ("mnist", f"{tmp_path / 'cache' / 'mnist'} (found, verified by hash)")


def test_mnist_itself_has_its_known_sizes_and_class_counts():
    folder = os.environ.get("SPIKELEARN_DATA")
    if not any((Path(folder or "") / sub / f"{IDX_NAMES[0]}.gz").is_file() for sub in ("", "mnist")):
        pytest.skip("MNIST is not there; to enable: set SPIKELEARN_DATA to the folder of its four files")
    mnist = load("mnist")
    assert (len(mnist.train), len(mnist.test), mnist.train.n_inputs, mnist.test.n_classes) == (60_000, 10_000, 784, 10)
    # the counts given by LeCun, Cortes & Burges' files since 1998
    assert np.bincount(mnist.train.y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.train.x.nbytes == 47_040_000
