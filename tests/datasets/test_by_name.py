"""The contract of all data sets that have a name and can be had anywhere; and that a loader of one's own joins them."""

from functools import lru_cache

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.datasets import changes, load, names, search_report, split
from spikelearn.datasets.registry import SOURCES

FILES = "mnist", "fashion", "cifar10"  # that are not on every computer
EVERYWHERE = [name for name, source in SOURCES.items() if getattr(source, "base", name) not in FILES]
SIZES = {"digits": (1437, 360, 64, 10), "mnist-1d": (4000, 1000, 40, 10), "yin-yang": (5000, 1000, 4, 3)}
# Draws of NumPy and roundings: run folders made elsewhere and with other versions must find the same examples.
DIGESTS = {
    "digits": "11872d4b6977109e b80a26f0afc9204d",
    "mnist-1d": "058eb4d59742f5cb a64d46681c23f712",
    "yin-yang": "6e478b4663a1bbc9 16c9b3e8aa1b3621",
    "digits-permuted": "af1fd6cace285c2c 734f651c128fd082",
    "digits-rotated": "9454a1a476aa2b8c 0f95ccb58bf28710",
    "digits-noise": "95da3f03d9f2fce7 e23d92cf55d8089c",
    "digits-blurred": "8267ec89445ef70c 73637bc179884a31",
}


loaded = lru_cache(load)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_data_set_keeps_the_contract(name):
    found = loaded(name)
    n_train, n_test, n_inputs, n_classes = SIZES[name if name in SIZES else name.partition("-")[0]]
    assert found.name == name
    for part, which, n in ((found.train, "train", n_train), (found.test, "test", n_test)):
        assert part.name == f"{name} {which}"
        assert (len(part), part.n_inputs, part.n_classes) == (n, n_inputs, n_classes)
        x = part.intensities(slice(None))
        assert x.dtype == np.float32 and x.min() >= 0 and 0.8 < x.max() <= 1
        counts = np.bincount(part.y, minlength=n_classes)
        assert counts.min() > 0.85 * n / n_classes
    rows = [{row.tobytes() for row in part.intensities(slice(None))} for part in (found.train, found.test)]
    assert not rows[0] & rows[1]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_its_examples_are_always_the_same(name):
    assert loaded(name).digests() == dict(zip(("train", "test"), DIGESTS[name].split(), strict=True))


def test_every_name_is_listed_with_where_it_comes_from(monkeypatch, tmp_path):
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path))
    report = dict(search_report())
    assert tuple(report) == names()
    assert report["yin-yang"] == "drawn here, always the same points"
    assert report["fashion-permuted"] == "fashion, pixels in another order, the same for all"
    assert "digits-rotated" in names() and set(names()) >= {f"mnist-{how}" for how in changes.ABOUT}


def test_a_loader_of_ones_own_joins_them(forgotten):
    @sl.register_data("two_points")
    def two_points():
        x = np.random.default_rng(1).random((50, 2))
        return split(sl.Images(x=x, y=(x[:, 0] > x[:, 1]).astype(int), n_classes=2, name="two points"))

    assert names()[-1] == "two_points"
    assert len(sl.load("two_points").train) == 40


def test_the_nearest_name_is_said():
    with pytest.raises(sl.InputError, match="'mnist-rotate' is not a data set.* did you mean 'mnist-rotated'"):
        load("mnist-rotate")
    with pytest.raises(sl.InputError, match="scale=2 is for images of your own; those of 'yin-yang' have theirs"):
        load("yin-yang", scale=2.0)
