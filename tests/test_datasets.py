"""Data sets: what is loaded is what was stored, and what cannot be used is refused with the place and the remedy."""

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
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spikelearn import datasets
from spikelearn.datasets import IDX_NAMES, Dataset, Images, fetch_mnist, load, read_idx, search_report
from spikelearn.errors import InputError, InputWarning


def idx_bytes(array, kind=0x08):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


def tiny_set(seed=0):
    """Contents of the four files: 6 training and 4 test images of 3x2 pixels, classes 0..2."""
    rng = np.random.default_rng(seed)
    train, test = (rng.integers(0, 256, (n, 3, 2)).astype(np.uint8) for n in (6, 4))
    labels = np.array([0, 1, 2, 0, 1, 2], np.uint8)
    return dict(zip(IDX_NAMES, map(idx_bytes, (train, labels, test, labels[:4])), strict=True))


def write_set(folder, files, gz=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{'.gz' if gz else ''}").write_bytes(gzip.compress(content) if gz else content)
    return folder


def images(**changes):
    return Images(**{"x": np.zeros((4, 6), np.uint8), "y": [0, 1, 2, 0], "n_classes": 3, "name": "toy"} | changes)


@pytest.fixture
def tiny_mnist(monkeypatch, tmp_path):
    """A tiny set takes the place of MNIST, nothing is found on this computer, and nothing can be downloaded."""
    files = tiny_set()
    monkeypatch.setattr(datasets, "MNIST_SHA256", {n: hashlib.sha256(c).hexdigest() for n, c in files.items()})
    monkeypatch.setattr(datasets, "_cache", lambda: tmp_path / "cache" / "mnist")
    monkeypatch.setattr(datasets, "fetch_mnist", lambda: pytest.fail("would download"))
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


# Images and Dataset


def test_images_are_flattened_row_by_row_in_any_memory_order():
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    for stored in (x, np.asfortranarray(x), np.asfortranarray(x.reshape(2, 12))):
        flat = images(x=stored, y=[0, 1]).x
        assert flat.flags.c_contiguous
        np.testing.assert_array_equal(flat, np.arange(24).reshape(2, 12))


def test_bytes_stay_bytes_and_become_intensities_when_asked_for():
    toy = images(x=np.array([[0, 51], [255, 102]], np.uint8), y=[0, 1])
    assert toy.x.dtype == np.uint8
    wanted = toy.intensities(np.array([1, 0, 1]))
    assert wanted.dtype == np.float32
    np.testing.assert_array_equal(wanted, np.float32([[1, 0.4], [0, 0.2], [1, 0.4]]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_become_float32_and_the_caller_may_change_what_intensities_returns(dtype):
    toy = images(x=np.full((4, 6), 0.5, dtype))
    assert toy.x.dtype == np.float32
    toy.intensities(slice(0, 2))[:] = 0
    np.testing.assert_array_equal(toy.x, 0.5)


def test_labels_become_int64_from_any_integer_type():
    for dtype in (np.uint8, np.int32, np.uint64):
        assert images(y=np.array([0, 1, 2, 0], dtype)).y.dtype == np.int64


def test_the_first_images_keep_everything_else():
    few = images(y=[2, 1, 0, 0]).first(2)
    assert (len(few), few.n_inputs, few.n_classes, few.name) == (2, 6, 3, "toy")
    np.testing.assert_array_equal(few.y, [2, 1])


@pytest.mark.parametrize("n", [-1, 0, 5])
def test_more_images_than_there_are_or_less_than_one_are_refused(n):
    with pytest.raises(InputError, match=f"toy: cannot take the first {n} of 4 images"):
        images().first(n)


def with_pixel(value):
    x = np.full((5, 20), 0.5)
    x[3, 17] = value
    return {"x": x, "y": [0] * 5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (with_pixel(np.nan), "toy: NaN at image 3, pixel 17; must be finite"),
        (with_pixel(np.inf), "inf at image 3, pixel 17; must be finite"),
        (with_pixel(7.0), r"7\.0 at image 3, pixel 17; .* within 0..1 \(if 0..255: give scale=255\)"),
        (with_pixel(-0.25), r"-0\.25 at image 3, pixel 17"),
        ({"x": with_pixel(2.0)["x"].reshape(5, 4, 5), "y": [0] * 5}, r"2\.0 at image 3, pixel 17"),
        ({"x": np.zeros((4, 6), int)}, "pixels must be uint8 .* got int64"),
        ({"x": np.zeros((3, 6), np.uint8)}, r"3 images but labels of shape \(4,\)"),
        ({"x": np.zeros(4, np.uint8)}, r"got shape \(4,\)"),
        ({"x": np.zeros((4, 2, 3, 3), np.uint8)}, r"got shape \(4, 2, 3, 3\)"),
        ({"x": np.zeros((0, 28, 28), np.uint8), "y": []}, r"at least 1; got shape \(0, 28, 28\)"),
        ({"x": np.zeros((4, 0), np.uint8)}, r"got shape \(4, 0\)"),
        ({"y": [[0], [1], [2], [0]]}, r"labels of shape \(4, 1\)"),
        ({"y": [0, 1, 3, 0]}, "label 3 at image 2; must be within 0..2"),
        ({"y": [0, -1, 3, 0]}, "label -1 at image 1; must be within 0..2"),
        ({"y": [0.0, 1.0, 2.0, 0.0]}, "labels must be integers, got float64"),
    ],
)
def test_unusable_images_are_refused_with_the_place_and_the_range(changes, message):
    with pytest.raises(InputError, match=message):
        images(**changes)


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (images(x=np.zeros((4, 7), np.uint8)), "train has n_inputs=6 but test has n_inputs=7"),
        (images(n_classes=10), "train has n_classes=3 but test has n_classes=10"),
    ],
)
def test_train_and_test_must_fit_together(test, message):
    with pytest.raises(InputError, match=message):
        Dataset(train=images(), test=test, name="toy")


# Digits and .npz


def test_digits_are_intensities_split_evenly_over_the_classes():
    digits = load("digits")
    assert (len(digits.train), len(digits.test), digits.train.n_inputs, digits.train.n_classes) == (1437, 360, 64, 10)
    assert (digits.train.x.min(), digits.train.x.max()) == (0, 1)
    assert set(np.bincount(digits.test.y)) == {35, 36, 37}


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=60))
def test_a_split_uses_every_image_once_and_a_fifth_of_every_class_for_testing(labels):
    assume(max(np.bincount(labels)) > 1)
    x = np.arange(len(labels), dtype=np.uint8)[:, None]
    both = datasets.split(images(x=x, y=labels, n_classes=5))
    assert sorted([*both.train.x[:, 0], *both.test.x[:, 0]]) == list(x)
    for part in (both.train, both.test):
        assert (np.diff(part.x[:, 0].astype(int)) > 0).all()
        np.testing.assert_array_equal(part.y, np.array(labels)[part.x[:, 0]])
    share = np.bincount(labels, minlength=5) / 5
    assert (abs(np.bincount(both.test.y, minlength=5) - share) < 1).all()


@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1], [0, 1, 1, 2, 3, 4], [2, 0, 1, 1]])
def test_the_only_image_of_a_class_is_one_to_train_on(labels):
    both = datasets.split(images(x=np.zeros((len(labels), 2)), y=labels, n_classes=5))
    assert set(both.train.y) == set(labels)
    assert len(both.test) == 1


@pytest.mark.parametrize("largest", [1, 16, 63])
def test_bytes_far_below_255_are_taken_for_what_they_are_and_that_is_said(largest):
    x = np.array([[0, largest]], np.uint8)
    with pytest.warns(InputWarning, match=rf"largest pixel is {largest}, and 255 is taken .* give scale={largest}"):
        dark = images(x=x, y=[0])
    assert dark.intensities([0]).max() == np.float32(largest / 255)
    bright = images(x=x, y=[0], scale=largest)  # no warning
    np.testing.assert_array_equal(bright.intensities([0]), [[0, 1]])
    np.testing.assert_array_equal(bright.first(1).intensities([0]), [[0, 1]])
    np.testing.assert_array_equal(images(x=x.astype(int), y=[0], scale=largest).x, [[0, 1]])


@pytest.mark.parametrize("scale", [0, -1, np.nan, "255"])
def test_a_scale_is_a_positive_number(scale):
    with pytest.raises(InputError, match="scale"):
        images(x=ZEROS, y=np.zeros(len(ZEROS), int), scale=scale)


def test_a_pixel_beyond_the_scale_is_refused():
    with pytest.raises(InputError, match=r"17 at image 0, pixel 1; must be finite and within 0..16"):
        images(x=np.array([[0, 17]]), y=[0], scale=16)


def test_images_of_ones_own_may_have_a_scale_those_of_a_name_have_theirs(tmp_path):
    np.savez(tmp_path / "toy.NPZ.npz", x=np.full((10, 2), 16), y=[0, 1] * 5)
    (tmp_path / "toy.NPZ.npz").rename(tmp_path / "toy.NPZ")
    assert load(tmp_path / "toy.NPZ", scale=16).train.intensities([0]).min() == 1
    with pytest.raises(InputError, match="those of 'digits' have theirs"):
        load("digits", scale=16)


def test_classes_without_images_are_told(tmp_path):
    np.savez(tmp_path / "toy.npz", x=np.zeros((10, 2)), y=[1, 3] * 5)
    with pytest.warns(InputWarning, match="labels go up to 3, but no image is of class 0, 2; the network gets"):
        load(tmp_path / "toy.npz")


def test_little_endian_sizes_are_told(tmp_path):
    content = b"\0\0\x08\x02" + (2).to_bytes(4, "little") + (3).to_bytes(4, "little") + bytes(6)
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=r"its sizes \(2, 3\) are little-endian numbers; IDX files have big-endian"):
        read_idx(tmp_path / "x")


def test_an_npz_file_with_two_arrays_is_split(tmp_path):
    np.savez(tmp_path / "toy.npz", x=np.zeros((10, 3, 2), np.uint8), y=[0, 1] * 5)
    toy = load(tmp_path / "toy.npz")
    assert (len(toy.train), len(toy.test), toy.train.n_inputs, toy.test.n_classes) == (8, 2, 6, 2)
    np.testing.assert_array_equal(toy.test.y, [0, 1])


def test_an_npz_file_with_four_arrays_keeps_its_parts_and_counts_classes_over_both(tmp_path):
    x = np.linspace(0, 1, 12).reshape(4, 3)
    np.savez_compressed(tmp_path / "toy.npz", x_train=x, y_train=[0, 1, 0, 1], x_test=x[:2], y_test=[4, 0])
    toy = load(str(tmp_path / "toy.npz"))
    assert (len(toy.train), len(toy.test), toy.train.n_classes, toy.test.n_classes) == (4, 2, 5, 5)
    np.testing.assert_array_equal(toy.train.x, x.astype(np.float32))


ZEROS = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": ZEROS, "labels": [0] * 5},
            "x_train, y_train, x_test, y_test or x, y or first_train, .*; found: labels, x",
        ),
        ({}, "found: none"),
        ({"x": np.array([{}, {}]), "y": [0, 1]}, "cannot read x, y .*[oO]bject"),
        ({"x": ZEROS, "y": [0, 1, -1, 0, 1]}, "toy.npz: label -1 at image 2"),
        ({"x": ZEROS, "y": np.full(5, np.nan)}, "integers, got float64"),
        ({"x": ZEROS, "y": ["a"] * 5}, "integers, got <U1"),
        ({"x": ZEROS, "y": [0] * 4}, "5 images but labels of shape"),
        ({"x": ZEROS[:1], "y": [0]}, "toy.npz: 1 examples, one of each class, cannot be divided"),
        ({"x_train": ZEROS, "y_train": [0] * 5, "x_test": ZEROS + 9, "y_test": [0] * 5}, "toy.npz test: 9.0 at image"),
    ],
)
def test_unusable_npz_files_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "toy.npz", **arrays)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "toy.npz")


def test_damaged_npz_files_are_refused(tmp_path):
    path = tmp_path / "toy.npz"
    np.savez(path, x=ZEROS, y=[0] * 5)
    good = bytearray(path.read_bytes())
    path.write_bytes(good[:-30])
    with pytest.raises(InputError, match="not a .npz file, or incomplete"):
        load(path)
    good[140] ^= 0xFF  # inside the first array
    path.write_bytes(good)
    with pytest.raises(InputError, match="cannot read x, y .*[bB]ad"):
        load(path)


# IDX files


@settings(deadline=None)
@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=8)),
    st.booleans(),
)
def test_any_idx_file_is_read_back_gzipped_or_not(tmp_path_factory, array, gz):
    path = tmp_path_factory.getbasetemp() / "round-trip"  # no .gz: the content tells
    path.write_bytes(gzip.compress(idx_bytes(array)) if gz else idx_bytes(array))
    np.testing.assert_array_equal(read_idx(path), array)


GOOD = idx_bytes(np.zeros((2, 3, 4), np.uint8))
#: The header of gzip holds the time, and what makes a test's name must not: xdist's workers compare names.
ZIPPED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD[:-1], r"truncated: shape \(2, 3, 4\) needs 40 bytes, got 39"),
        (GOOD[:10], "truncated: .* needs 16 bytes, got 10"),
        (GOOD + b"!", r"too long: shape \(2, 3, 4\) needs 40 bytes, got 41"),
        (b"", "it starts with nothing"),
        (GOOD[:3], "it starts with 00 00 08"),
        (b"<html>not found</html>", "it starts with 3c 68 74 6d"),
        (idx_bytes(np.zeros(3, ">f4"), kind=0x0D), "unsigned bytes .* it starts with 00 00 0d 01"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "truncated"),
        (ZIPPED[:-9], "corrupt gzip file"),
        (ZIPPED[:-8] + bytes(8), "corrupt gzip file"),
        (ZIPPED + b"!", "corrupt gzip file"),
        (ZIPPED[:10] + b"\xff" * 20, "corrupt gzip file"),
        (b"\x1f\x8b" + GOOD, "corrupt gzip file"),
    ],
)
def test_unusable_idx_files_are_refused_with_their_path(tmp_path, content, message):
    path = tmp_path / "some-file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"some-file.*{message}"):
        read_idx(path)


@pytest.mark.parametrize("gz", [True, False])
@pytest.mark.parametrize("dot", [True, False])
def test_a_folder_of_idx_files_is_loaded_in_every_spelling(tmp_path, gz, dot):
    files = tiny_set()
    spelled = {name.replace("-idx", ".idx") if dot else name: content for name, content in files.items()}
    toy = load(write_set(tmp_path / "toy", spelled, gz=gz))
    assert (toy.name, len(toy.train), len(toy.test), toy.train.n_inputs, toy.test.n_classes) == ("toy", 6, 4, 6, 3)
    assert toy.train.x.tobytes() == files["train-images-idx3-ubyte"][16:]
    assert toy.test.y.tolist() == [0, 1, 2, 0]


def test_a_folder_that_lacks_files_is_refused_naming_them(tmp_path):
    files = tiny_set()
    del files["train-labels-idx1-ubyte"], files["t10k-images-idx3-ubyte"]
    folder = write_set(tmp_path / "toy", files)
    with pytest.raises(InputError, match="toy lacks train-labels-idx1-ubyte, t10k-images-idx3-ubyte "):
        load(folder)


def test_images_and_labels_that_do_not_belong_together_are_refused(tmp_path):
    files = tiny_set()
    files["train-labels-idx1-ubyte"] = files["t10k-labels-idx1-ubyte"]
    with pytest.raises(InputError, match="toy train: 6 images but labels of shape"):
        load(write_set(tmp_path / "toy", files))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("minst", "'minst' is not a data set, and no such path exists; did you mean 'mnist'.*folder.*npz"),
        ("digit", "did you mean 'digits'"),
        ("/no/such/folder", "no such path exists; Known: digits, mnist"),
        (__file__, "is not a .npz file"),
    ],
)
def test_an_unknown_source_is_refused_with_what_is_accepted(source, message):
    with pytest.raises(InputError, match=message):
        load(source)


# MNIST: search, verification, download


@pytest.mark.parametrize("place", ["data", "data/mnist", "more", "more/mnist", "cache/mnist"])
def test_mnist_is_found_in_every_place_that_is_searched(tiny_mnist, tmp_path, monkeypatch, place):
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path / "data"))
    write_set(tmp_path / place, tiny_mnist)
    found = load("mnist", folders=[tmp_path / "more"])
    assert (found.name, len(found.train), found.test.name) == ("mnist", 6, "mnist test")


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
        monkeypatch.setattr(datasets, "fetch_mnist", lambda: fetch_mnist(mirrors=[url]))
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
    digits, data, subfolder, cache = search_report()
    assert digits == ("digits", "embedded in scikit-learn")
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
