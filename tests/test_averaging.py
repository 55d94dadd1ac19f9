"""Averaged weights to test with: by hand, however training is cut, and in run folders."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
from test_runs import assert_equal_runs, content, describe, source
from test_training import describe as small
from test_training import images, same

import spikelearn as sl
from spikelearn import runs
from spikelearn.averaging import EVERY
from spikelearn.errors import InputError

__all__ = ["source"]  # the fixture
TAU = 1300.0
AVERAGING = replace(small(), averaging=sl.Averaging(examples=TAU))
N, EPOCHS = 400, 8  # epochs do not end where weights are looked at


@pytest.fixture(scope="module")
def whole():
    training = sl.train(AVERAGING, images(N), seed=1, epochs=EPOCHS, engine=sl.Clock())
    list(training)
    return training


def test_averages_are_those_by_hand(whole):
    training = sl.train(small(), images(N), seed=1, epochs=EPOCHS, engine=sl.Clock(), chunk_size=100)
    average = None
    for _ in training:
        if training.trials % EVERY == 0:
            k, now = training.trials // EVERY, training.weights
            share = max(1 / k, 1 - math.exp(-EVERY / TAU))
            average = [
                new if average is None else old + share * (new - old)
                for old, new in zip(average or now.W + now.b, now.W + now.b, strict=True)
            ]
    for found, wanted in zip(whole.average.W + whole.average.b, average, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert same(whole.weights, training.weights)  # looking changes nothing
    np.testing.assert_array_equal(whole.average.Y[0], training.weights.Y[0])


def test_the_average_is_what_is_tested(whole):
    assert same(whole.tested, whole.average) and not same(whole.tested, whole.weights)
    plain = sl.train(small(), images(10), seed=1)
    assert plain.average is None and same(plain.tested, plain.weights)
    young = sl.train(AVERAGING, images(10), seed=1)
    list(young)
    assert young.average is None and same(young.tested, young.weights)


@pytest.mark.parametrize("chunk_size", [1, 130, 500, 10_000])
def test_averages_do_not_depend_on_the_size_of_chunks(whole, chunk_size):
    if chunk_size == 1:
        training = sl.train(AVERAGING, images(N), seed=1, epochs=EPOCHS, engine=sl.Clock(), chunk_size=10_000)
        for _ in range(2):
            next(training)
        training.chunk_size = 1
        for _ in range(300):
            next(training)
        training.chunk_size = 10_000
    else:
        training = sl.train(AVERAGING, images(N), seed=1, epochs=EPOCHS, engine=sl.Clock(), chunk_size=chunk_size)
    list(training)
    assert same(training.average, whole.average)


def test_a_copy_and_a_training_that_was_stopped_go_on_to_the_same_averages(whole):
    training = sl.train(AVERAGING, images(N), seed=1, epochs=EPOCHS, engine=sl.Clock())
    while training.trials < 900:
        next(training)
    twin = copy.deepcopy(training)
    other = sl.train(AVERAGING, images(N), seed=1, epochs=EPOCHS, engine=sl.Clock(), weights=training.weights)
    other.resume(training.trials, training.state(), training.average)
    for each in (twin, other):
        list(each)
        assert same(each.average, whole.average)
    assert training.trials < EPOCHS * N


def test_an_interrupted_chunk_leaves_the_average_as_it_was(monkeypatch):
    training = sl.train(AVERAGING, images(N), seed=1, epochs=EPOCHS, engine=sl.Clock(), chunk_size=200)
    while training.trials < 800:
        next(training)
    before, add = training.average, sl.Averaging.add

    def interrupted(self, *arguments):
        add(self, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sl.Averaging, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            next(training)
    assert training.average is before is not None and training.trials == 800
    list(training)
    whole = sl.train(AVERAGING, images(N), seed=1, epochs=EPOCHS, engine=sl.Clock())
    list(whole)
    assert same(training.average, whole.average)


def test_a_run_keeps_tests_and_goes_on_with_its_average(source, tmp_path):  # noqa: F811
    """30 epochs of 20 examples: weights are looked at once, in the 25th."""
    config = describe(source, epochs=30, engine=sl.Clock())
    config = replace(config, model=replace(config.model, averaging=sl.Averaging(examples=500.0)))
    for name, stops in (("whole", [30]), ("stopped", [26, 30])):
        for epochs in stops:
            path, now = tmp_path / name, replace(config, epochs=epochs)
            run = runs.Run.resume(path, epochs) if path.exists() else runs.Run.start(path, now, sl.load(config.data))
            run.train()
    assert_equal_runs(tmp_path / "whole", tmp_path / "stopped")
    arrays, _, rows = content(tmp_path / "whole")
    _, tested = runs.load_run(tmp_path / "whole")
    np.testing.assert_array_equal(tested.W[0], arrays["average/W/0"])
    assert (arrays["average/W/0"] != arrays["W/0"]).any()
    assert (runs.load_weights(tmp_path / "whole").W[0] == arrays["W/0"]).all()
    data = sl.load(config.data).test
    predictions = sl.evaluate(config.model.network, tested, data, seed=1, engine=sl.Clock())
    assert rows[-1]["test_error"] == sl.error_percent(predictions, data.y)[0]


def test_too_short_a_time_is_refused():
    with pytest.raises(InputError, match=r"Averaging\.examples=100 must be a finite number >= 500"):
        sl.Averaging(examples=100)
