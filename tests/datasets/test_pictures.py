"""PNG images in folders by class."""

import numpy as np
import pytest
from PIL import Image

from datasets.helpers import damaged
from spikelearn.compare import Comparison
from spikelearn.datasets import load, load_pictures
from spikelearn.errors import InputError, InputWarning


def write(folder, per_class, size=(4, 3), mode="L"):
    """Write random images, (width, height); return their pixels by class, in the order of their names."""
    rng, pixels = np.random.default_rng(0), {}
    for label, n in per_class.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        shape = (n, size[1], size[0], *([len(mode)] if len(mode) > 1 else []))
        pixels[label] = rng.integers(0, 256, shape).astype(np.uint8)
        for k, image in enumerate(pixels[label]):
            Image.fromarray(image).save(folder / label / f"{k:03d}.png")
    return pixels


def test_images_by_class_are_divided_and_numbered_by_name(tmp_path):
    pixels = write(tmp_path / "pets", {"dog": 5, "cat": 10})
    (tmp_path / "pets" / "readme.txt").write_text("not an image")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / "pets" / "cat" / "._000.png").write_text("not an image")
    found = load(tmp_path / "pets")
    assert (found.name, len(found.train), len(found.test), found.train.n_inputs) == ("pets", 12, 3, 12)
    assert np.bincount(found.train.y).tolist() == [8, 4] and np.bincount(found.test.y).tolist() == [2, 1]
    cats, dogs = (pixels[label].reshape(-1, 12) for label in ("cat", "dog"))
    np.testing.assert_array_equal(found.test.x, np.concatenate([cats[[0, 5]], dogs[[0]]]))


def test_numbers_are_in_the_order_of_their_values(tmp_path):
    pixels = write(tmp_path, {"10": 2, "9": 2, "0": 2})
    found = load(tmp_path)
    np.testing.assert_array_equal(found.train.x[found.train.y == 1], pixels["9"].reshape(2, 12))


def test_parts_of_ones_own_stay_as_they_are(tmp_path):
    write(tmp_path / "train", {"a": 3, "b": 2})
    pixels = write(tmp_path / "test", {"b": 4})
    found = load(tmp_path)
    assert (len(found.train), len(found.test)) == (5, 4)
    np.testing.assert_array_equal(found.test.x, pixels["b"].reshape(4, 12))
    assert found.test.y.tolist() == [1] * 4


def test_classes_may_be_called_train_and_test(tmp_path):
    write(tmp_path, {"train": 4, "test": 4})
    assert np.bincount(load(tmp_path).train.y).tolist() == [3, 3]


def test_an_image_that_is_overwritten_in_its_class_is_noticed_where_images_are_remembered(tmp_path):
    write(tmp_path, {"a": 6, "b": 6})
    comparison = Comparison(data=str(tmp_path), sizes=(12, 4, 2), rules=("fa",), epochs=1, seeds=1)
    before = comparison.load().train.x
    Image.fromarray(np.full((3, 4), 7, np.uint8)).save(tmp_path / "a" / "001.png")
    with pytest.raises(InputError, match="was replaced while it was compared on"):
        comparison.load()
    assert not np.array_equal(load(tmp_path).train.x, before)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_are_one_after_the_other_and_grey_images_among_them_have_all(tmp_path, mode):
    pixels = write(tmp_path, {"a": 2}, mode=mode) | write(tmp_path, {"b": 2}, mode="L")
    found = load(tmp_path)
    assert found.train.n_inputs == 36
    np.testing.assert_array_equal(found.train.x[0], pixels["a"][1, :, :, :3].transpose(2, 0, 1).ravel())
    np.testing.assert_array_equal(found.train.x[1], np.tile(pixels["b"][0].ravel(), 3))


def test_palettes_and_black_and_white_are_read(tmp_path):
    grey = write(tmp_path, {"a": 3})["a"]
    Image.fromarray(grey[0] > 127).save(tmp_path / "a" / "000.png")
    assert load(tmp_path).test.x.tolist() == [(255 * (grey[0] > 127)).ravel().tolist()]
    palette = Image.new("P", (4, 3))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "a" / "000.png", transparency=bytes([0, 255]))
    assert load(tmp_path).test.x.tolist() == [[10] * 12 + [20] * 12 + [30] * 12]


def test_the_pixel_of_intensity_1_may_be_given(tmp_path):
    write(tmp_path, {"a": 5})
    bright = load(tmp_path).train.intensities([0])
    np.testing.assert_allclose(load_pictures(tmp_path, scale=510).train.intensities([0]), bright / 2)


def test_a_class_with_one_image_is_told(tmp_path):
    write(tmp_path, {"a": 5, "b": 1})
    with pytest.warns(InputWarning, match="only one example of class 'b'; it is learned from, and never tested"):
        found = load(tmp_path)
    assert set(found.train.y) == {0, 1} and set(found.test.y) == {0}


def one_image_a_class(folder):
    write(folder, {"a": 1, "b": 1})


def two_sizes(folder):
    write(folder, {"a": 2})
    write(folder, {"b": 2}, size=(5, 3))


def sixteen_bits(folder):
    write(folder, {"a": 2})
    Image.fromarray(np.full((3, 4), 999, np.uint16)).save(folder / "a" / "001.png")


def cut_off(folder):
    write(folder, {"a": 2}, size=(40, 30))
    path = folder / "a" / "001.png"
    path.write_bytes(path.read_bytes()[:200])


def no_png(folder):
    write(folder, {"a": 2})
    (folder / "a" / "001.png").write_text("text")


def class_in_test_only(folder):
    write(folder / "train", {"a": 2})
    write(folder / "test", {"a": 2, "b": 2})


def no_test(folder):
    write(folder / "train", {"a": 2})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (one_image_a_class, "2 examples, one of each class, cannot be divided"),
        (two_sizes, r"b/000\.png has 5 x 3 pixels, but .*a/000\.png has 4 x 3; all images of a set must have one size"),
        (sixteen_bits, r"a/001\.png is of Pillow's mode I;16; must be of 8 bits: 1, L, LA, P, RGB, RGBA"),
        (cut_off, r"a/001\.png cannot be read as a PNG image \(.*; replace it, or leave it out"),
        (no_png, r"a/001\.png cannot be read as a PNG image"),
        (class_in_test_only, "there are images of class 'b' in test, but none in train"),
        (no_test, "PNG images by class in train, but none in test"),
        (lambda folder: folder.mkdir(exist_ok=True), "the folder .* lacks train-images-idx3-ubyte"),
    ],
)
def test_unusable_folders_are_refused(tmp_path, make, message):
    make(tmp_path / "set")
    with pytest.raises(InputError, match=message):
        load(tmp_path / "set")


def test_a_folder_without_images_is_refused_where_images_are_asked_for(tmp_path):
    with pytest.raises(InputError, match="has no PNG images in a subfolder for each class, nor such subfolders in"):
        load_pictures(tmp_path)


def test_damaged_images_are_refused_or_harmless(tmp_path):
    write(tmp_path, {"a": 2}, size=(20, 20))
    path, rng, refused = tmp_path / "a" / "001.png", np.random.default_rng(0), 0
    good = path.read_bytes()
    for _ in range(200):
        path.write_bytes(damaged(good, rng))
        try:
            assert load(tmp_path).train.n_inputs == 400
        except InputError:
            refused += 1
    assert refused > 100
