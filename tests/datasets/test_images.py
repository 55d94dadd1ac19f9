"""Images, data sets made of them, and how one set becomes two."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from datasets.helpers import images
from spikelearn import datasets
from spikelearn.datasets import Dataset
from spikelearn.errors import InputError, InputWarning

ZEROS = np.zeros((5, 2))


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
