"""One step of the network is its equation, and its derivatives are those of the step."""

from dataclasses import replace

import numpy as np
import pytest

from spikelearn.errors import InputError
from spikelearn.temporal import rules
from spikelearn.temporal.connections import Dense, Independent, Sparse
from spikelearn.temporal.feedback import Random
from spikelearn.temporal.network import RecurrentNetwork, outputs
from temporal.helpers import NETWORKS, numerical, state_of

each_network = pytest.mark.parametrize("name", NETWORKS)


def random_step(network, seed=0):
    state = state_of(network, rules.RTRL())
    rng = np.random.default_rng(seed)
    before, x = rng.standard_normal((2, network.n)), rng.standard_normal((2, network.n_in))
    return state.weights, before, x, network.advance(state.weights, before, x)


def test_a_step_is_its_equation():
    network = NETWORKS["leaky"]
    weights, before, x, step = random_step(network)
    for b in range(2):
        h = weights.recurrent @ np.concatenate([before[b], x[b], [1]])
        np.testing.assert_allclose(step.state[b], 0.7 * before[b] + 0.3 * np.tanh(h), rtol=1e-12)
        scores = np.exp(weights.readout @ np.append(step.state[b], 1))
        np.testing.assert_allclose(outputs(network, weights, step.sent)[b], scores / scores.sum(), rtol=1e-12)


@each_network
def test_the_jacobian_is_the_derivative_by_the_activity_before(name):
    network = NETWORKS[name]
    weights, before, x, step = random_step(network)
    found = numerical(lambda: network.advance(weights, before, x).state, before)  # [b, l, b, k]
    J = network.jacobian(weights, step)
    rng = np.random.default_rng(1)
    vector = rng.standard_normal((2, network.n))
    for b in range(2):
        np.testing.assert_allclose(J[b], found[b, :, b].T, atol=1e-8)
        np.testing.assert_allclose(network.forward(weights, step, vector)[b], J[b] @ vector[b], atol=1e-12)
        np.testing.assert_allclose(network.backward(weights, step, vector)[b], vector[b] @ J[b], atol=1e-12)


@each_network
def test_the_slope_is_the_derivative_by_the_bias(name):
    network = NETWORKS[name]
    weights, before, x, step = random_step(network)
    found = numerical(lambda: network.advance(weights, before, x).state, weights.recurrent[:, -1])
    np.testing.assert_allclose(np.einsum("ibi->bi", found), step.slope, atol=1e-8)


def test_dense_connections_keep_lengths_and_sparse_ones_their_density():
    rng = np.random.default_rng(0)
    Q, exists = Dense(gain=0.5).draw(30, rng)
    np.testing.assert_allclose(Q @ Q.T, 0.25 * np.eye(30), atol=1e-12)
    assert exists.all()
    W, exists = Sparse(0.25).draw(200, rng)
    assert exists.mean() == pytest.approx(0.25, abs=0.01)
    assert not W[~exists].any()
    assert W.var() * 200 == pytest.approx(1, abs=0.05)
    W, exists = Independent().draw(30, rng)
    assert (exists == np.eye(30, dtype=bool)).all() and not W[~exists].any()


def test_random_feedback_is_as_strong_as_the_initial_readout():
    network = RecurrentNetwork(n_in=1, n=400, n_out=10)
    state = state_of(network, rules.RFLO(feedback=Random(gain=2.0)))
    assert state.fixed.std() == pytest.approx(2 * state.weights.outward.std(), rel=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0.0}, "alpha=0.0 must be"),
        ({"alpha": 1.5}, "alpha=1.5 must be"),
        ({"n": 0}, "n=0 must be an integer >= 1"),
        ({"n_in": -1}, "n_in=-1 must be"),
    ],
)
def test_bad_numbers_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        replace(NETWORKS["tanh"], **changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sparse(0.0), "Sparse.density=0.0"),
        (lambda: Dense(gain=0.0), "Dense.gain=0.0"),
        (lambda: Random(gain=-1.0), "Random.gain=-1"),
        (lambda: rules.Truncated(window=0), "Truncated.window=0"),
        (lambda: rules.Sliding(window=0), "Sliding.window=0"),
        (lambda: rules.SnAp(order=0), "SnAp.order=0"),
        (lambda: rules.SyntheticGradients(rate=-1.0), "SyntheticGradients.rate=-1"),
        (
            lambda: rules.Diagonal().check(NETWORKS["tanh"]),
            r"exact for independent units only, got Dense.*Independent\(\)",
        ),
    ],
)
def test_bad_rules_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
