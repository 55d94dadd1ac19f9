"""Weights that come to suit each other: the mirror's angle, feedback alignment's invariant and its linear task."""

import numpy as np
import pytest

from ratenet.helpers import degrees
from spikelearn.errors import InputError
from spikelearn.ratenet import RateNetwork, rules
from spikelearn.ratenet.activations import Identity, Logistic
from spikelearn.ratenet.angles import angle, mean_angles
from spikelearn.ratenet.fit import begin
from spikelearn.ratenet.linear_task import RULES, LinearTask, learn


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("vectors", "predicted"), [(16, 76.0), (256, 45.1), (4096, 14.1)])
def test_the_mirrors_angle_falls_as_predicted(vectors, predicted):
    # One minibatch from Y = 0 is a plain mean: cos = 1 / sqrt(1 + (n_in + 1) / n) for a random W.
    rule = rules.WeightMirror(rate=1.0)
    network = RateNetwork(sizes=(2, 256, 200), activation=Identity(), dtype="float64")
    state = begin(network, rule, 1)
    rule.mirror(state, vectors, rng())
    assert rule.alignment(state)[0] == pytest.approx(predicted, abs=0.7)
    assert predicted == pytest.approx(np.degrees(np.arccos((1 + 257 / vectors) ** -0.5)), abs=0.05)


def test_the_mirrors_fixed_point_is_the_transpose_itself():
    rule = rules.WeightMirror(rate=0.05)
    network = RateNetwork(sizes=(2, 20, 10), activation=Identity(), dtype="float64")
    state, generator, mean = begin(network, rule, 1), rng(), 0
    for _ in range(200):
        rule.mirror(state, 100, generator)
    for _ in range(1600):
        rule.mirror(state, 100, generator)
        mean = mean + state.memory[0] / 1600
    np.testing.assert_allclose(mean, state.parameters.W[1].T, atol=0.02)


def test_the_mirror_subtracts_what_units_do_on_average():
    rule = rules.WeightMirror(rate=1.0)
    network = RateNetwork(sizes=(2, 100, 100, 3), activation=Logistic())
    state = begin(network, rule, 1)
    rule.mirror(state, 4096, rng())
    assert rule.alignment(state)[0] < 15  # with the mean left in: 87


def test_feedback_alignment_conserves_its_invariant():
    # Gradient flow with white input: B W + W^T B^T - W0 W0^T stays, while the error vanishes (Lillicrap et al.).
    task = LinearTask(omega=0.1)
    state, T = task.state(RULES["feedback alignment"], 1)
    (W0, W), B = state.parameters.W, state.memory[0]

    def invariant():
        return B @ W + W.T @ B.T - W0 @ W0.T

    before = invariant()
    for _ in range(4000):
        E = T - W @ W0
        change, change0 = E @ W0.T, B @ E @ np.eye(30)
        W += 1e-3 * change
        W0 += 1e-3 * change0
    assert np.linalg.norm(invariant() - before) < 0.005 * np.linalg.norm(W0 @ W0.T)
    assert np.linalg.norm(T - W @ W0) < 1e-2 * np.linalg.norm(T)


def test_from_zero_one_pattern_makes_feedback_alignment_step_along_the_pseudo_inverse():
    B = rng().uniform(-0.5, 0.5, (20, 10))
    x, t = rng().standard_normal(30), rng().standard_normal(10)
    W0, W = np.zeros((20, 30)), np.zeros((10, 20))
    for step in range(50):
        h = W0 @ x
        e = t - W @ h
        if step > 1:
            assert degrees(B @ e, np.linalg.pinv(W) @ e) < 1e-4
        W += 0.002 * np.outer(e, h)
        W0 += 0.002 * np.outer(B @ e, x)
    assert np.linalg.norm(t - W @ W0 @ x) < np.linalg.norm(t)


@pytest.fixture(scope="module")
def linear():
    """Two seeds of the linear task with the rates that suit each rule."""
    rates = {"shallow": 3e-2, "perturbation": 2e-3, "backprop": 1e-2, "feedback alignment": 1e-2}
    return {
        name: [list(learn(RULES[name], rate, seed=seed, samples=2000, every=500)) for seed in (1, 2)]
        for name, rate in rates.items()
    }


def test_feedback_alignment_ends_near_the_pseudo_inverse_step(linear):
    for run in linear["feedback alignment"]:
        assert run[0].angle_pseudo > 70
        assert run[-1].angle_pseudo < 10
        assert run[-1].angle_pseudo < run[-1].angle_backprop < 45


def test_feedback_alignment_is_as_fast_as_backprop_and_both_leave_the_controls_behind(linear):
    def errors(name, point):
        return np.median([run[point].error for run in linear[name]])

    assert errors("feedback alignment", -1) < 1e-10
    assert errors("backprop", -1) < 1e-10
    assert errors("feedback alignment", 1) < 2 * errors("backprop", 1)
    assert 1e-4 < errors("perturbation", -1) < 0.05
    assert errors("shallow", -1) > 0.8
    assert all(run[-1].angle_backprop < 1e-3 for run in linear["backprop"])


def test_every_rule_of_the_linear_task_sees_the_same_task():
    first, second = (LinearTask().state(RULES[name], 5) for name in ("backprop", "feedback alignment"))
    np.testing.assert_array_equal(first[1], second[1])
    np.testing.assert_array_equal(first[0].parameters.flat, second[0].parameters.flat)


def test_a_rate_of_zero_is_refused():
    with pytest.raises(InputError, match="rate=0 must be a finite number > 0"):
        next(learn(RULES["backprop"], 0, seed=1, samples=1, every=1))


def test_angles_are_signed_and_zero_vectors_have_none():
    assert angle(np.array([1.0, 0.0]), np.array([-1.0, 0.0])) == 180
    assert angle(np.array([[1.0, 1.0]]), np.array([[1.0, 0.0]])) == pytest.approx(45)
    assert np.isnan(angle(np.zeros(2), np.ones(2)))
    assert np.isnan(angle(np.array([1.0, np.inf]), np.ones(2)))
    rows, others = np.array([[1.0, 0], [0, 0], [0, 1], [np.nan, 1]]), np.array([[0, 1.0], [1, 0], [0, 1], [1, 1]])
    found = mean_angles([rows, np.zeros((2, 2))], [others, np.eye(2)])
    assert found == pytest.approx((45, float("nan")), nan_ok=True)  # of 90 and 0
