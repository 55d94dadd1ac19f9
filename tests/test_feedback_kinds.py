"""Feedback weights that come to follow the forward ones: Kolen-Pollack and weight mirror, against their twins."""

import math
from dataclasses import replace

import numpy as np
import pytest
import reference

import spikelearn as sl
from spikelearn.core.random import make_keys
from spikelearn.models import guerguiev2017

ENGINES = [sl.Event(dtype="float64"), sl.Clock(dtype="float64"), sl.Rates(dtype="float64")]
of_each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
NETWORK = sl.Network(sizes=(5, 130, 66, 3), phases=sl.Phases(minimum=30.0, settle=10.0), feedback_from="above")
RATES = (0.3, 0.2, 0.1)


def steps(engine, feedback, n=3):
    """Train on one example after the other; yield core, weights before and after, and the example's number."""
    network = replace(NETWORK, feedback=feedback)
    core = engine.build(network, network.draw_weights(1))
    rng = np.random.default_rng(0)
    for example in range(n):
        before = core.weights
        x, y = rng.random((1, 5)).astype(np.float32), rng.integers(3, size=1)
        core.train(x, y, seed=1, first_example=example, learning_rates=RATES, rule=sl.Plateau())
        yield core, before, core.weights, example


@of_each_engine
def test_kolen_pollack_makes_every_change_both_ways_and_lets_both_decay(engine):
    for core, before, after, _ in steps(engine, sl.KolenPollack(decay=0.02)):
        for number in (1, 2):
            own = core._net.layers[number].own
            change = RATES[number] * np.outer(own.error, own.psp)
            assert change.any()
            wanted = 0.98 * (before.Y[number - 1] + change.T)
            np.testing.assert_allclose(after.Y[number - 1], wanted, rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(after.W[number], 0.98 * (before.W[number] + change), rtol=1e-12, atol=1e-14)
            np.testing.assert_allclose(
                after.Y[number - 1] - after.W[number].T,
                0.98 * (before.Y[number - 1] - before.W[number].T),
                rtol=1e-9,
                atol=1e-12,
            )
        own = core._net.layers[0].own
        np.testing.assert_allclose(
            after.W[0], before.W[0] + RATES[0] * np.outer(own.error, own.psp), rtol=1e-12, atol=1e-14
        )


@of_each_engine
def test_the_weight_mirror_moves_towards_noise_times_response(engine):
    key = make_keys(1, "feedback", 1)[0]
    for _, before, after, example in steps(engine, sl.WeightMirror(rate=0.01)):
        first_group = 0
        for number, n in enumerate(NETWORK.sizes[1:-1]):
            groups = math.ceil(n / 64)
            noise = np.concatenate([reference.normals(key, 0, first_group + g, example) for g in range(groups)])[:n]
            first_group += groups
            response = after.W[number + 1] @ noise
            wanted = before.Y[number] + 0.01 * (np.outer(noise, response) - before.Y[number])
            np.testing.assert_allclose(after.Y[number], wanted, rtol=1e-9, atol=1e-12)


def angle(weights, number=0):
    return reference.angle(weights.Y[number].ravel(), weights.W[number + 1].T.ravel())


def test_both_come_to_point_where_the_forward_weights_do():
    """Whatever is learned meanwhile: of random images random classes."""
    rng = np.random.default_rng(0)
    x, y = rng.random((2000, 5)).astype(np.float32), rng.integers(3, size=2000)
    for feedback, most in ((sl.KolenPollack(decay=5e-3), 1.5), (sl.WeightMirror(rate=2e-3), 25.0)):
        network = replace(NETWORK, feedback=feedback)
        core = sl.Rates(dtype="float64").build(network, network.draw_weights(1))
        assert min(angle(core.weights, 0), angle(core.weights, 1)) > 75
        core.train(x, y, seed=1, first_example=0, learning_rates=RATES, rule=sl.Plateau())
        assert max(angle(core.weights, 0), angle(core.weights, 1)) < most


@pytest.mark.parametrize("feedback", [sl.KolenPollack(decay=0.01), sl.WeightMirror(rate=0.01)])
@of_each_engine
def test_the_bits_are_the_same_in_chunks_of_any_size(engine, feedback):
    rng = np.random.default_rng(0)
    data = sl.Images(x=rng.random((12, 5)), y=rng.integers(3, size=12), n_classes=3, name="dots")
    model = sl.Model(network=replace(NETWORK, feedback=feedback), learning_rates=RATES)
    ways = [sl.train(model, data, seed=1, engine=engine, chunk_size=n) for n in (12, 5, 1)]
    for way in ways:
        list(way)
        assert way.weights == ways[0].weights


@pytest.mark.parametrize("kind", [sl.KolenPollack, sl.WeightMirror])
def test_feedback_past_a_layer_is_refused(kind):
    with pytest.raises(sl.InputError, match=f"{kind.__name__} needs the layer above .* set feedback_from='above'"):
        sl.Network(sizes=(5, 4, 3, 2), feedback=kind())
    sl.Network(sizes=(5, 4, 2), feedback=kind())  # one hidden layer: the output is the layer above


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sl.KolenPollack(decay=1.0), "KolenPollack.decay=1.0 must be a finite number >= 0 and < 1"),
        (lambda: sl.WeightMirror(rate=0.0), "WeightMirror.rate=0.0 must be a finite number > 0 and <= 1"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(sl.InputError, match=message):
        make()


@pytest.mark.slow
@pytest.mark.parametrize("feedback", [sl.KolenPollack(), sl.WeightMirror()])
def test_both_learn_digits(feedback):
    data = sl.load("digits")
    model = guerguiev2017.one_hidden("text", n_input=64, hidden=(100,))
    model = replace(model, network=replace(model.network, feedback=feedback))
    training = sl.train(model, data.train, seed=1, epochs=25)
    list(training)
    predictions = sl.evaluate(model.network, training.weights, data.test, seed=1)
    assert sl.error_percent(predictions, data.test.y)[0] < 8  # random feedback: 5.2 and 7.3 with two seeds
    assert angle(training.weights) < 25  # random feedback: 41
