"""CIFAR-10: batches as Python 2 wrote them are read, others refused, and nothing in a pickle is run."""

import hashlib
import os
import pickle
import struct

import numpy as np
import pytest

from spikelearn.datasets import cifar10, load
from spikelearn.datasets.cifar10 import BATCHES, read_batch
from spikelearn.errors import InputError

N = 6  # images of a batch


def text(content):
    return b"T" + struct.pack("<i", len(content)) + content


def number(n):
    return b"J" + struct.pack("<i", n)


def array_of(data, kind=b"u1", by_column=False):
    """Opcodes of an array, as NumPy of that time wrote them with protocol 2."""
    begun = b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + b"(" + number(0) + b"t" + text(b"b")
    dtype = b"cnumpy\ndtype\n" + text(kind) + number(0) + number(1) + b"\x87R"
    dtype += b"(" + number(3) + text(b"|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb"
    shape = b"(" + b"".join(map(number, data.shape)) + b"t"
    content = (b"I01\n" if by_column else b"I00\n") + text(data.tobytes("F" if by_column else "C"))
    return begun + b"\x87R" + b"(" + number(1) + shape + dtype + content + b"tb"


def pickled(data, labels, **more):
    """A batch as it comes: a dictionary of label, labels, data and names of files."""
    items = text(b"batch_label") + text(b"a batch") + text(b"labels") + b"](" + b"".join(map(number, labels)) + b"e"
    items += text(b"data") + array_of(data, **more)
    items += text(b"filenames") + b"](" + text(b"a.png") + b"e"
    return b"\x80\x02}(" + items + b"u."


def batch(seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (N, cifar10.PIXELS)).astype(np.uint8), rng.integers(0, 10, N).tolist()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Batches of random images take the place of CIFAR-10."""
    place = tmp_path / "cifar-10-batches-py"
    place.mkdir()
    contents = {name: pickled(*batch(seed)) for seed, name in enumerate(BATCHES)}
    for name, content in contents.items():
        (place / name).write_bytes(content)
    monkeypatch.setattr(cifar10, "MD5", {name: md5(content) for name, content in contents.items()})
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path))
    return place


def md5(content):
    return hashlib.md5(content).hexdigest()


def test_a_made_batch_is_what_the_pickle_module_reads():
    data, labels = batch(0)
    found = pickle.loads(pickled(data, labels), encoding="bytes")
    np.testing.assert_array_equal(found[b"data"], data)
    assert found[b"labels"] == labels


def test_an_array_stored_by_column_is_the_same(tmp_path):
    content = pickled(DATA, LABELS).replace(array_of(DATA), array_of(DATA, by_column=True))
    np.testing.assert_array_equal(read(tmp_path / "a", content)[0], pickle.loads(content, encoding="bytes")[b"data"])
    np.testing.assert_array_equal(read(tmp_path / "a", content)[0], DATA)


def test_five_batches_are_to_train_on_and_one_to_test_on(folder):
    found = load("cifar10")
    assert (found.name, len(found.train), len(found.test), found.train.n_inputs) == ("cifar10", 5 * N, N, 3072)
    for seed in range(6):
        data, labels = batch(seed)
        part, at = (found.test, 0) if seed == 5 else (found.train, N * seed)
        pixels = part.x[at : at + N].reshape(N, 32, 32, 3)
        np.testing.assert_array_equal(pixels.transpose(0, 3, 1, 2).reshape(N, -1), data)  # there colour by colour
        assert part.y[at : at + N].tolist() == labels
    assert found.train.n_classes == found.test.n_classes == 10
    assert f"{folder} (found, verified by hash)" in cifar10.states()


@pytest.mark.parametrize("place", ["", "cifar10"])
def test_it_is_found_in_every_place_that_is_searched(folder, tmp_path, place, monkeypatch):
    monkeypatch.delenv("SPIKELEARN_DATA")
    folder.rename(tmp_path / "moved")
    (tmp_path / "more").mkdir()
    (tmp_path / "moved").rename(tmp_path / "more" / place if place else tmp_path / "all")
    assert len(load("cifar10", folders=[tmp_path / "more" if place else tmp_path / "all"]).test) == N


def test_where_to_get_it_and_where_to_put_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path))
    with pytest.raises(InputError, match=rf"not on this computer: unpack cifar-10-python.* in {tmp_path / 'cifar10'}$"):
        load("cifar10")
    states = cifar10.states()
    assert len(states) == 3 and "lacks data_batch_1, data_batch_2" in states[0]
    monkeypatch.delenv("SPIKELEARN_DATA")
    (state,) = cifar10.states()
    assert "put its batches in a folder cifar10" in state


def test_a_batch_with_another_hash_is_not_even_opened(folder, tmp_path):
    class Runs:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    (folder / "data_batch_3").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(InputError, match=r"data_batch_3: MD5 is .* get it again, from cifar-10-python\.tar\.gz"):
        load("cifar10")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("protocol", range(6))
def test_code_in_a_batch_is_not_run(tmp_path, protocol):
    class Runs:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    content = pickle.dumps([Runs()], protocol)
    with pytest.raises(InputError, match=r"a is no batch of CIFAR-10 .*asks for \w+\.mkdir, which no batch needs"):
        read(tmp_path / "a", content)
    assert not (tmp_path / "run").exists()


def read(path, content):
    path.write_bytes(content)
    return read_batch(path, md5(content))


DATA, LABELS = batch(0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "EOFError"),
        (b"text", "no batch of CIFAR-10"),
        (pickled(DATA, LABELS)[:-2], "no batch of CIFAR-10"),
        (pickle.dumps([1, 2]), "no batch of CIFAR-10"),
        (pickle.dumps({b"labels": [1]}), "KeyError: b'data'"),
        (pickle.dumps({b"data": b"abc", b"labels": [1]}), "AttributeError"),
        (pickled(DATA, LABELS, kind=b"f4"), "an array of b'f4' where bytes are needed"),
        (pickled(DATA[:, :3000], LABELS), r"data of shape \(6, 3000\) .* must be \(n, 3072\) and n"),
        (pickled(DATA, LABELS[:4]), r"int64 labels of shape \(4,\)"),
        (pickle.dumps(np.zeros(3)), r"asks for numpy\S*\._?\w+, which no batch needs"),
        (b"\x80\x02cnumpy\nload\n.", "asks for numpy.load"),
        (b"\x80\x02cnumpy\nndarray\n.", "no batch of CIFAR-10"),
    ],
)
def test_what_is_no_batch_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a", content)


def test_damaged_batches_are_refused_or_harmless(tmp_path):
    """A byte is changed in each place of the first 200, where the structure is."""
    good = pickled(DATA[:1], LABELS[:1])
    rng = np.random.default_rng(0)
    for at in range(min(200, len(good))):
        content = bytearray(good)
        content[at] = rng.integers(256)
        try:
            x, y = read(tmp_path / "a", bytes(content))
        except InputError:
            continue
        assert x.shape == (len(y), cifar10.PIXELS)
