"""Synthetic gradients: where the future credit is linear in the activity, the map finds it exactly."""

from dataclasses import replace

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

from spikelearn.temporal import rules
from spikelearn.temporal.connections import Dense
from spikelearn.temporal.learning import walk
from spikelearn.temporal.rules.synthetic import guess
from spikelearn.temporal.task import Sequences
from temporal.helpers import NETWORKS, emitted, sequences, state_of

DAMPED = replace(NETWORKS["linear"], connections=Dense(gain=0.7))


def unforced(rule):
    """A linear network without inputs and biases whose outputs should be 0: credit is linear in the activity."""
    state = state_of(DAMPED, rule)
    state.weights.recurrent[:, -1] = state.weights.readout[:, -1] = 0
    R, W = state.weights.outward, state.weights.units
    # f = P a: future credit is W^T (q + f) one step later, with q = R^T R a and a = W a
    P = solve_discrete_lyapunov(W.T, W.T @ (R.T @ R) @ W)
    return state, P


def run(rule, state, steps, seed):
    """Let the network go on from random activity, with random kicks as inputs to random directions."""
    rng = np.random.default_rng(seed)
    activity, state.memory = rng.standard_normal((4, DAMPED.n)), None
    for _ in range(steps):
        step = DAMPED.advance(state.weights, activity, np.zeros((4, 3)))
        activity = step.state
        rule.step(state, step, activity @ state.weights.outward.T, rng)


def test_the_exact_map_is_where_learning_stays():
    rule = rules.SyntheticGradients(rate=0.1)
    state, P = unforced(rule)
    state.fixed[:, :-1] = P
    run(rule, state, 10, seed=0)
    np.testing.assert_allclose(state.fixed[:, :-1], P, atol=1e-12)
    np.testing.assert_allclose(state.fixed[:, -1], 0, atol=1e-12)


def test_the_map_learns_the_exact_credit_from_nothing():
    rule = rules.SyntheticGradients(rate=0.2)
    state, P = unforced(rule)
    for seed in range(1500):
        run(rule, state, 4, seed)
    np.testing.assert_allclose(state.fixed[:, :-1], P, atol=1e-3 * np.abs(P).max())


def test_with_the_exact_future_credit_the_gradient_is_that_of_a_long_window():
    rule = rules.SyntheticGradients(rate=0.0)
    state, P = unforced(rule)
    state.fixed[:, :-1] = P
    shown = Sequences(np.zeros((60, 2, 3)), np.zeros((60, 2, 2)), np.ones(60, bool))
    shown.x[0] = np.random.default_rng(0).standard_normal((2, 3))
    for _ in walk(rule, state, shown, np.random.default_rng(0)):
        pass
    other = unforced(rules.BPTT())[0]
    for _ in walk(rules.BPTT(), other, shown, np.random.default_rng(0)):
        pass
    assert np.linalg.norm(other.gradient.recurrent) > 0.1
    np.testing.assert_allclose(state.gradient.recurrent, other.gradient.recurrent, atol=1e-10)


def test_without_a_guess_it_is_the_window_of_one_step():
    network = NETWORKS["leaky"]
    shown = sequences(network)
    found = emitted(network, rules.SyntheticGradients(rate=0.0), shown)
    np.testing.assert_allclose(found, emitted(network, rules.Sliding(window=1), shown), atol=1e-12)


def test_a_guess_descends_its_distance_to_the_next_guess():
    network, rule = NETWORKS["tanh"], rules.SyntheticGradients(rate=0.05)
    state = state_of(network, rule)
    rng = np.random.default_rng(0)
    state.fixed[...] = S = rng.standard_normal(state.fixed.shape)
    first = network.advance(state.weights, rng.standard_normal((2, 5)), rng.standard_normal((2, 3)))
    second = network.advance(state.weights, first.state, rng.standard_normal((2, 3)))
    error = rng.standard_normal((2, 2))
    rule.step(state, first, None, rng)
    rule.step(state, second, error, rng)
    expected = S.copy()
    for b in range(2):
        J = np.diag(second.slope[b]) @ state.weights.units
        target = J.T @ (state.weights.outward.T @ error[b] + S @ np.append(second.state[b], 1))
        miss = S @ np.append(first.state[b], 1) - target
        expected -= 0.05 / 2 * np.outer(miss, np.append(first.state[b], 1))
    np.testing.assert_allclose(state.fixed, expected, atol=1e-12)
    before = state.fixed.copy()
    rule.finish(state)  # nothing follows: the last guess is taught 0
    taught = before - 0.05 / 2 * guess(before, second.state).T @ np.hstack([second.state, np.ones((2, 1))])
    np.testing.assert_allclose(state.fixed, taught, atol=1e-12)
