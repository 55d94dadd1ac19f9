"""Changed images: what a change does, what it leaves as it is, and what cannot be changed."""

import numpy as np
import pytest

from datasets.helpers import images
from spikelearn.datasets import Dataset, Images, changed, load
from spikelearn.datasets.changes import ABOUT, CHANGES
from spikelearn.errors import InputError
from spikelearn.timed import Frames


def squares(n=60, side=14, dtype=np.uint8):
    """A bright bar in the upper part of each image, in one of its columns."""
    x = np.zeros((2 * n, side, side), dtype)
    x[np.arange(2 * n), 1:6, np.arange(2 * n) % side] = 255 if dtype == np.uint8 else 1
    parts = {
        part: Images(x=x[rows], y=np.arange(n) % 2, n_classes=2, name=f"bars {part}")
        for part, rows in (("train", slice(n)), ("test", slice(n, None)))
    }
    return Dataset(name="bars", **parts)


def pictures(part):
    return part.intensities(slice(None)).reshape(len(part), 14, 14)


@pytest.mark.parametrize("how", ABOUT)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_change_keeps_classes_and_sizes_and_follows_the_seed(how, dtype):
    bars = squares(dtype=dtype)
    found = changed(bars, how)
    assert (found.name, found.train.name, found.test.name) == (f"bars-{how}", f"bars-{how} train", f"bars-{how} test")
    for part, before in ((found.train, bars.train), (found.test, bars.test)):
        np.testing.assert_array_equal(part.y, before.y)
        assert part.x.shape == before.x.shape and part.digest() != before.digest()
    assert changed(bars, how).digests() == found.digests()
    if how != "blurred":
        assert changed(bars, how, seed=1).digests() != found.digests()


def test_permuted_pixels_are_the_same_ones_in_one_order_for_both_parts():
    n = 14 * 14
    number = np.tile(np.arange(n) / n, (3, 1))
    found = changed(Dataset(train=images_of(number), test=images_of(number[:2]), name="numbers"), "permuted")
    order = found.train.x[0]
    np.testing.assert_array_equal(np.sort(order), number[0].astype(np.float32))
    assert (np.diff(order) > 0).mean() < 0.7
    for part in (found.train, found.test):
        np.testing.assert_array_equal(part.x, np.tile(order, (len(part), 1)))


def images_of(x):
    return Images(x=x, y=np.zeros(len(x), int), n_classes=1, name="numbers")


def test_a_turned_image_is_as_far_from_the_middle_as_before_in_any_direction():
    x = np.zeros((400, 15, 15))
    x[:, 6:9, 11:14] = 1  # right of the middle
    found = changed(Dataset(train=images_of(x), test=images_of(x), name="dots"), "rotated")
    seen = found.train.intensities(slice(None)).reshape(-1, 15, 15)
    place = np.arange(15) - 7
    weight = seen.sum(axis=(1, 2))
    right, down = (seen * place).sum(axis=(1, 2)) / weight, (seen * place[:, None]).sum(axis=(1, 2)) / weight
    np.testing.assert_allclose(np.hypot(right, down), 5, atol=0.15)
    assert abs(np.mean(right)) < 0.6 and abs(np.mean(down)) < 0.6  # 2.4 SD of the mean of 400 directions
    assert (found.train.x != found.test.x).any(axis=1).all()


def test_noise_is_seen_where_it_is_brighter():
    bars, found = squares(n=200), changed(squares(n=200), "noise")
    before, after = pictures(bars.train), pictures(found.train)
    assert (after >= before - 1 / 255).all()
    background = after[before == 0]
    assert abs(background.mean() - 0.5) < 0.01 and background.std() == pytest.approx(1 / np.sqrt(12), rel=0.02)
    assert (after[before == 1] == 1).all()


def test_a_blur_keeps_the_light_and_spreads_it_by_its_sd():
    x = np.zeros((2, 42, 42))
    x[:, 20, 20] = 1
    found = changed(Dataset(train=images_of(x), test=images_of(x), name="point"), "blurred").train
    seen = CHANGES["blurred"].make(x.astype(np.float32), np.random.default_rng(0))
    assert seen[0].sum() == pytest.approx(1, rel=1e-3)
    assert np.sqrt((seen[0].sum(axis=0) * (np.arange(42) - 20) ** 2).sum()) == pytest.approx(42 / 14, rel=0.02)
    np.testing.assert_array_equal(found.x[0], np.rint(255 * seen[0].ravel()))


def test_many_images_are_changed_as_a_few_are():
    many = changed(squares(n=1300), "rotated").train
    np.testing.assert_array_equal(many.x[:60], changed(squares(n=60), "rotated").train.x[:60])


def test_what_cannot_be_changed_is_refused():
    oblong = Dataset(train=images(), test=images(), name="oblong")
    with pytest.raises(InputError, match=r"toy: 6 pixels make no square of one channel; only 'permuted' can"):
        changed(oblong, "blurred")
    assert changed(oblong, "permuted").train.n_inputs == 6
    with pytest.raises(InputError, match="how='rotate' is unknown; did you mean 'rotated'"):
        changed(oblong, "rotate")
    with pytest.raises(InputError, match="seed=-1 must be an integer >= 0"):
        changed(oblong, "permuted", seed=-1)
    film = Frames(x=np.zeros((3, 2, 4)), y=[0, 1, 0], n_classes=2, name="film", frame=10.0)
    with pytest.raises(InputError, match="films: train must be of the class Images, got a Frames; what changes in"):
        changed(Dataset(train=film, test=film, name="films"), "permuted")


def test_a_changed_set_of_a_name_is_that_set_changed():
    found, expected = load("digits-rotated"), changed(load("digits"), "rotated")
    assert found.name == "digits-rotated" and found.digests() == expected.digests()
