"""Agreement of forward and feedback weights."""

import math

import numpy as np
import pytest

from spikelearn.analysis import alignment, alignments, way_up
from spikelearn.errors import InputError


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def slow_angle(a, b):
    dot, aa, bb = (math.fsum(x * y for x, y in zip(p, q, strict=True)) for p, q in ((a, b), (a, a), (b, b)))
    return math.degrees(math.acos(dot / math.sqrt(aa * bb)))


def test_alignment_is_the_angle_of_the_definition_over_all_weights_and_by_neuron():
    w, y = draw(3, 8), draw(8, 3, seed=1)
    found = alignment(w, y)
    pairs = [(w[k, i], y[i, k]) for i in range(8) for k in range(3)]
    assert found.degrees == pytest.approx(slow_angle(*zip(*pairs, strict=True)))
    np.testing.assert_allclose(found.by_neuron, [slow_angle(w[:, i], y[i]) for i in range(8)])
    assert found.norm_ratio == pytest.approx(math.sqrt((w**2).sum() / (y**2).sum()))


def test_symmetric_feedback_is_at_0_degrees_and_its_negative_at_180():
    w = draw(3, 8)
    found = alignment(2 * w, w.T)
    assert found.degrees == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found.by_neuron, 0, atol=1e-6)
    assert found.norm_ratio == pytest.approx(2)
    assert alignment(-w, w.T).degrees == pytest.approx(180)


def test_independent_weights_are_at_90_degrees_as_closely_as_chance_has_it():
    angles = [alignment(draw(10, 50, seed=k), draw(50, 10, seed=1000 + k)).degrees for k in range(400)]
    assert np.mean(angles) == pytest.approx(90, abs=0.4)
    assert np.std(angles) == pytest.approx(57.3 / math.sqrt(500), rel=0.15)


def test_neurons_may_agree_while_the_layer_does_only_in_part():
    w = draw(3, 8)
    y = w.T.copy()
    y[:4] *= -1
    found = alignment(w, y)
    np.testing.assert_allclose(found.by_neuron, [180] * 4 + [0] * 4, atol=1e-6)
    assert 0 < found.degrees < 180


def test_a_neuron_without_feedback_has_no_angle():
    w, y = draw(3, 8), draw(8, 3, seed=1)
    y[5] = 0
    assert np.flatnonzero(np.isnan(alignment(w, y).by_neuron)).tolist() == [5]
    nothing = alignment(w, np.zeros((8, 3)))
    assert math.isnan(nothing.degrees)
    assert nothing.norm_ratio == math.inf


def test_broadcast_feedback_is_compared_with_the_whole_way_up():
    W = [draw(7, 5), draw(6, 7, seed=1), draw(4, 6, seed=2), draw(3, 4, seed=3)]
    slow = np.zeros((3, 7))
    for k in range(3):
        for i in range(7):
            slow[k, i] = sum(W[3][k, b] * W[2][b, a] * W[1][a, i] for a in range(6) for b in range(4))
    np.testing.assert_allclose(way_up(W, 0), slow)
    np.testing.assert_array_equal(way_up(W, 2), W[3])
    Y = [draw(7, 3, seed=4), draw(6, 3, seed=5), draw(4, 3, seed=6)]
    found = alignments(W, Y)
    assert [one.degrees for one in found] == [alignment(way_up(W, layer), Y[layer]).degrees for layer in range(3)]
    exact = alignments(W, [way_up(W, layer).T for layer in range(3)])
    np.testing.assert_allclose([one.degrees for one in exact], 0, atol=1e-6)


def test_without_hidden_layers_there_is_nothing_to_align():
    assert alignments([draw(3, 5)], []) == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: alignment(draw(3, 8), draw(3, 8)),
            "w of shape (3, 8) must be (outputs, hidden) and y of shape (3, 8)",
        ),
        (lambda: alignments([draw(3, 8)], [draw(8, 3)]), "1 W and 1 Y do not fit"),
        (lambda: way_up([draw(7, 5), draw(3, 7)], 1), "layer=1 must be within 0..0"),
        (
            lambda: way_up([draw(7, 5), draw(6, 7), draw(3, 5)], 0),
            "W[2] of shape (3, 5) and the product of those below",
        ),
        (lambda: alignment(draw(3, 8) * np.inf, draw(8, 3)), "w is"),
    ],
)
def test_weights_that_do_not_fit_are_refused(call, message):
    with pytest.raises(InputError) as info:
        call()
    assert message in str(info.value)
