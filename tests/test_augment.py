"""Images that are changed a little each time they are learned from."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from test_training import describe, images, same, trained

import spikelearn as sl
from spikelearn.errors import InputError

SHIFTING = replace(describe(), augment=sl.Shifts())


def shifted_by_hand(image, down, right):
    """Move the pixels of an image one by one."""
    moved = np.zeros_like(image)
    for row, column in np.ndindex(image.shape):
        if 0 <= row + down < image.shape[0] and 0 <= column + right < image.shape[1]:
            moved[row + down, column + right] = image[row, column]
    return moved


@pytest.mark.parametrize(("height", "width", "pixels"), [(4, 4, 1), (3, 5, 2), (6, 2, 1)])
def test_a_shift_moves_every_pixel_and_what_enters_is_black(height, width, pixels):
    shifts = sl.Shifts(pixels=pixels, width=width)
    drawn = np.array(list(itertools.product(range(-pixels, pixels + 1), repeat=2)))
    shown = np.random.default_rng(0).random((len(drawn), height * width), np.float32)
    found = shifts.change(shown, drawn)
    assert found.dtype == np.float32 and found.shape == shown.shape
    for image, (down, right), moved in zip(shown, drawn, found, strict=True):
        wanted = shifted_by_hand(image.reshape(height, width), down, right)
        np.testing.assert_array_equal(moved.reshape(height, width), wanted)


def test_all_shifts_are_equally_likely():
    drawn = sl.Shifts(pixels=1).draw(np.random.default_rng(0), 90_000)
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 9
    assert abs(counts - 10_000).max() < 5 * 10_000**0.5


def test_what_is_drawn_does_not_depend_on_the_size_of_chunks():
    first, told = trained(SHIFTING, chunk_size=7)
    second, also = trained(SHIFTING, chunk_size=1000)
    assert same(first, second)
    np.testing.assert_array_equal(told["prediction"], also["prediction"])
    still, _ = trained(describe())
    assert not same(first, still)


def test_an_image_is_learned_as_it_was_shifted():
    """Training on one image, shifted, is training on the image that the shift makes of it."""
    one = images(1)
    training = sl.train(SHIFTING, one, seed=3, epochs=1)
    list(training)
    moved = [
        one.intensities([0]) if (0, 0) == shift else sl.Shifts().change(one.intensities([0]), np.array([shift]))
        for shift in itertools.product((-1, 0, 1), repeat=2)
    ]
    same_as = []
    for x in moved:
        other = sl.train(describe(), replace(one, x=x), seed=3, epochs=1)
        list(other)
        same_as.append(same(training.weights, other.weights))
    assert same_as.count(True) == 1


def test_two_epochs_shift_an_image_in_two_ways():
    shown = []

    class Watching(sl.Shifts):
        def change(self, intensities, drawn):
            shown.append(drawn.copy())
            return super().change(intensities, drawn)

    trained(replace(describe(), augment=Watching()), chunk_size=1000)
    assert len(shown) == 2 and not np.array_equal(*shown)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sl.Shifts(pixels=0), r"Shifts\.pixels=0 must be an integer >= 1"),
        (lambda: replace(describe(), augment=sl.Shifts(pixels=3)), r"Shifts\.pixels=3 can shift all.*below 3"),
        (lambda: replace(describe(), augment=sl.Shifts(width=4)), r"Shifts\.width=4 does not divide the 9 pixels"),
        (lambda: replace(describe(), augment="shifts"), r"Model\.augment"),
        (
            lambda: sl.Model(network=sl.Network(sizes=(8, 3)), learning_rates=(1,), augment=sl.Shifts()),
            r"Shifts\.width is needed: images of 8 pixels are not square",
        ),
        (
            lambda: sl.train(
                SHIFTING,
                sl.Frames(x=np.zeros((3, 2, 9)), y=np.arange(3), n_classes=3, name="films", frame=20.0),
                seed=1,
            ),
            r"films: networks with augment= learn from images, not from Frames",
        ),
    ],
)
def test_what_cannot_be_shifted_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_recording_says_which_image_was_learned_from_and_how_it_was_shifted(tmp_path):
    """Images of one bright pixel each: the inputs that spike are where it is after the shift."""
    n = 9
    x = np.zeros((n, 5, 5), np.float32)
    x[np.arange(n), 1 + np.arange(n) // 3, 1 + np.arange(n) % 3] = 1
    bright = sl.Images(x=x.reshape(n, 25), y=np.arange(n) % 3, n_classes=3, name="bright")
    model = sl.Model(network=sl.Network(sizes=(25, 4, 3)), learning_rates=(0.1, 0.1), augment=sl.Shifts())
    record = sl.Record(variables=["spikes"], examples=range(n))
    list(sl.train(model, bright, seed=2, engine=sl.Clock(), record=record, record_to=tmp_path / "r.h5"))
    told = [recording.annotations for recording in sl.RecordingFile(tmp_path / "r.h5")]
    assert sorted(about["index"] for about in told) == list(range(n))
    shifts = [tuple(json.loads(about["augment"])) for about in told]
    assert len(set(shifts)) > 3
    for about, shift, recording in zip(told, shifts, sl.RecordingFile(tmp_path / "r.h5"), strict=True):
        moved = shifted_by_hand(x[about["index"]], *shift)
        assert set(recording.spikes["input"].neuron) == set(np.flatnonzero(moved))
        assert about["label"] == about["index"] % 3
