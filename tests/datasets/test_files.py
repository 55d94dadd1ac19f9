"""Files: what is loaded is what was stored, and what cannot be used is refused with the place and the remedy."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from datasets.helpers import idx_bytes, tiny_set, write_set
from spikelearn.datasets import load, read_idx
from spikelearn.errors import InputError, InputWarning

# Digits and .npz


def test_digits_are_intensities_split_evenly_over_the_classes():
    digits = load("digits")
    assert (len(digits.train), len(digits.test), digits.train.n_inputs, digits.train.n_classes) == (1437, 360, 64, 10)
    assert (digits.train.x.min(), digits.train.x.max()) == (0, 1)
    assert set(np.bincount(digits.test.y)) == {35, 36, 37}


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
        (__file__, "is not a .npz or .csv file; Known: .*or with PNG images by class, or a .npz or .csv file"),
    ],
)
def test_an_unknown_source_is_refused_with_what_is_accepted(source, message):
    with pytest.raises(InputError, match=message):
        load(source)
