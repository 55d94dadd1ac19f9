"""What the campaign shares: how long each of its tests is, toy data, what a run has arrived at.

Every test has a short form, which runs with the others, and a long one, marked slow: ``make campaign``.
"""

import numpy as np
import pytest

from spikelearn import storage

SECONDS = {"train_seconds", "test_seconds"}


def sizes(short, long, name="n"):
    """Run a test at two sizes."""
    values = [pytest.param(short, id="short"), pytest.param(long, id="long", marks=pytest.mark.slow)]
    return pytest.mark.parametrize(name, values)


def bars(n, seed):
    """Draw images of 3 x 3 pixels with a bright row, which is the class, and noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = rng.random((n, 3, 3)) * 0.4
    x[np.arange(n), y] += 0.6
    return x.reshape(n, 9).astype(np.float32), y


def write_bars(path, n_train=20, n_test=8):
    """Write such images to a file; return its name."""
    (x_train, y_train), (x_test, y_test) = bars(n_train, 0), bars(n_test, 1)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return str(path)


def arrived_at(run):
    """Return all that a run folder holds but for times: arrays, counters, metrics."""
    arrays, attributes = storage.load_checkpoint(run / "checkpoint.h5")
    attributes.pop("seconds")
    rows = storage.RunFolder.open(run).metrics()
    bits = {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()}
    return bits, attributes, [{key: value for key, value in row.items() if key not in SECONDS} for row in rows]


def without_seconds(value):
    """Leave out of nested dicts what was measured by a watch."""
    if isinstance(value, dict):
        return {key: without_seconds(each) for key, each in value.items() if key != "seconds"}
    return [without_seconds(each) for each in value] if isinstance(value, list) else value
