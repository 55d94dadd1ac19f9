"""Images so few that a run takes milliseconds, and what a run has come to."""

import numpy as np
import pytest

from spikelearn import storage

SECONDS = ("seconds", "train_seconds", "test_seconds")


def bars(n, seed):
    """Images of 9 pixels, a bar for each of three classes in noise."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 3)
    x = 0.3 * rng.random((n, 9)) + 0.7 * np.eye(3)[y].repeat(3, axis=1)
    return x.astype(np.float32), y


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A file with 30 images to train on and 9 to test on."""
    path = tmp_path_factory.mktemp("images") / "bars.npz"
    (x, y), (x_test, y_test) = bars(30, 0), bars(9, 1)
    np.savez(path, x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return str(path)


@pytest.fixture
def grid(source):
    """Two settings, two seeds."""
    return {
        "network": "one-hidden", "data": source, "hidden": [5], "engine": "clock", "epochs": 2, "seeds": 2,
        "grid": {"g_apical": [0.0, 0.05]},
    }  # fmt: skip


def toml(path, mapping):
    """Write a mapping of numbers, text, lists and tables as a TOML file."""

    def written(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{name!r} = {written(each)}" for name, each in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(written, value)) + "]"
        return str(value).lower() if isinstance(value, bool) else repr(value)

    path.write_text("".join(f"{name!r} = {written(value)}\n" for name, value in mapping.items()))
    return path


def measured(rows):
    """A table without the seconds."""
    return [{key: value for key, value in row.items() if key not in SECONDS} for row in rows]


def content(path):
    """All that a run has arrived at: arrays, counters and metrics, but for the seconds it took."""
    arrays, attributes = storage.load_checkpoint(path / "checkpoint.h5")
    del attributes["seconds"]
    rows = measured(storage.RunFolder.open(path).metrics())
    return {name: (array.dtype.str, array.tobytes()) for name, array in arrays.items()}, attributes, rows


def runs_in(out):
    """What all runs of a sweep have arrived at, by the names of their folders."""
    return {path.name: content(path) for path in sorted((out / "runs").iterdir())}
