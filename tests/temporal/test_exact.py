"""Every exact or truncated rule is its own definition, step by step.

The gradient that a rule emits at a step is compared with sums over `blame`, which says what the use of the weights at
one step did to the loss of another. A whole sequence would not do: all these rules agree where nothing is cut off.
"""

import numpy as np
import pytest

from spikelearn.temporal import rules
from spikelearn.temporal.connections import Independent
from spikelearn.temporal.feedback import Symmetric
from spikelearn.temporal.learning import walk
from spikelearn.temporal.network import RecurrentNetwork
from temporal.helpers import NETWORKS, blame, emitted, loss, numerical, sequences, state_of, trajectory

each_network = pytest.mark.parametrize("name", NETWORKS)
STEPS = 9


def close(found, expected, tolerance=1e-10):
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def shares(network, rule, shown):
    state = state_of(network, rule)
    return state.weights, blame(network, state.weights, shown)


@each_network
def test_blame_is_the_derivative_of_each_loss_by_each_use_of_the_weights(name):
    network = NETWORKS[name]
    shown = sequences(network, steps=4, batch=2, unscored=(1,))
    weights, G = shares(network, rules.RTRL(), shown)
    for s in range(4):
        own = [weights.copy() for _ in range(4)]
        found = numerical(lambda own=own: loss(network, weights, shown, own), own[s].recurrent)
        np.testing.assert_allclose(np.moveaxis(found, -1, 0), G[s], atol=1e-8)


@each_network
def test_backpropagation_through_time_is_the_gradient_of_the_whole_sequence(name):
    network = NETWORKS[name]
    shown = sequences(network)
    _, G = shares(network, rules.BPTT(), shown)
    found = emitted(network, rules.BPTT(), shown)
    assert not found[:-1].any()
    close(found[-1], G.sum(axis=(0, 1)))


@each_network
@pytest.mark.parametrize("rule", [rules.RTRL(), rules.SnAp(order=8)], ids=repr)
def test_real_time_recurrent_learning_emits_the_gradient_of_each_loss_when_it_comes(name, rule):
    network = NETWORKS[name]
    shown = sequences(network)
    weights, G = shares(network, rule, shown)
    found = emitted(network, rule, shown)
    close(found[:-1] * weights.free, G.sum(axis=0) * weights.free)
    assert not found[-1].any()
    close(found.sum(axis=0) * weights.free, emitted(network, rules.BPTT(), shown)[-1] * weights.free)


@each_network
@pytest.mark.parametrize("window", [1, 2, 4, 9, 20])
def test_truncated_blames_losses_on_the_steps_of_their_block(name, window):
    network, rule = NETWORKS[name], rules.Truncated(window=window)
    shown = sequences(network)
    _, G = shares(network, rule, shown)
    found = emitted(network, rule, shown)
    assert np.abs(found).max() > 1e-3
    for start in range(0, STEPS, window):
        block = slice(start, min(start + window, STEPS))
        when = block.stop - 1 if block.stop - start == window else STEPS  # a block that was cut short ends last
        np.testing.assert_allclose(found[when], G[block, block].sum(axis=(0, 1)), atol=1e-10)
        found[when] = 0
    assert not found.any()


@each_network
@pytest.mark.parametrize("window", [1, 2, 4, 9, 20])
def test_sliding_blames_the_losses_of_a_window_on_the_use_of_the_weights_at_its_start(name, window):
    network, rule = NETWORKS[name], rules.Sliding(window=window)
    shown = sequences(network)
    _, G = shares(network, rule, shown)
    found = emitted(network, rule, shown)
    uses = [G[s, s : s + window].sum(axis=0) for s in range(STEPS)]
    for t in range(STEPS):
        expected = uses[t - window + 1] if t >= window - 1 else np.zeros_like(uses[0])
        np.testing.assert_allclose(found[t], expected, atol=1e-10)
    close(found.sum(axis=0), sum(uses))


def test_the_two_truncations_are_different_estimators():
    network = NETWORKS["tanh"]
    shown = sequences(network)
    both = [emitted(network, rule, shown).sum(axis=0) for rule in (rules.Truncated(window=4), rules.Sliding(window=4))]
    assert np.abs(both[0] - both[1]).max() > 0.01


def kept(weights, order, n):
    """Which units a unit reaches by fewer than `order` connections: paths found one by one."""
    reach = [{i} for i in range(n)]
    for _ in range(order - 1):
        reach = [set(near) | {k for i in near for k in range(n) if weights.free[k, i]} for near in reach]
    return reach


@each_network
@pytest.mark.parametrize("order", [1, 2, 3])
def test_snap_is_real_time_recurrent_learning_with_the_far_influence_set_to_zero(name, order):
    network, rule = NETWORKS[name], rules.SnAp(order=order)
    shown = sequences(network)
    weights = state_of(network, rule).weights
    steps, q = trajectory(network, weights, shown)
    found = emitted(network, rule, shown)
    n, m = weights.recurrent.shape
    reach = kept(weights, order, n)
    M = np.zeros((3, n, n, m))
    for t, step in enumerate(steps):
        expected = np.zeros((n, m))
        for b in range(3):
            J = np.diag(step.slope[b]) @ weights.units + (1 - network.alpha) * np.eye(n)
            M[b] = np.einsum("kl,lij->kij", J, M[b])
            for k in range(n):
                M[b, k, k] += step.slope[b, k] * step.senders[b]
                for i in range(n):
                    if k not in reach[i]:
                        M[b, k, i] = 0
            expected += np.einsum("k,kij->ij", q[t][b], M[b]) / 3
        np.testing.assert_allclose(found[t] * weights.free, expected * weights.free, atol=1e-10)
    assert np.abs(found).max() > 1e-3


def test_snap_of_a_sparse_network_keeps_less_than_everything_and_more_than_the_diagonal():
    network = NETWORKS["sparse"]
    sizes = [state_of(network, rules.SnAp(order=order)).fixed.real.sum() for order in (1, 2, 3, 8)]
    assert sizes[0] == 7 < sizes[1] < sizes[2] <= sizes[3]
    by_order = [emitted(network, rules.SnAp(order=order), sequences(network)).sum(axis=0) for order in (1, 2, 8)]
    assert np.abs(by_order[0] - by_order[2]).max() > np.abs(by_order[1] - by_order[2]).max() > 1e-3


@pytest.mark.parametrize("alpha", [1.0, 0.4])
@pytest.mark.parametrize("rule", [rules.Diagonal(), rules.SnAp()], ids=repr)
def test_one_trace_a_synapse_is_exact_for_independent_units(rule, alpha):
    network = RecurrentNetwork(n_in=3, n=5, n_out=2, alpha=alpha, connections=Independent())
    shown = sequences(network)
    weights, G = shares(network, rule, shown)
    close(emitted(network, rule, shown)[:-1] * weights.free, G.sum(axis=0) * weights.free)


@each_network
def test_rflo_weighs_leaky_traces_by_fed_back_errors(name):
    network, rule = NETWORKS[name], rules.RFLO()
    shown = sequences(network)
    state = state_of(network, rule)
    found = emitted(network, rule, shown)
    steps, q = trajectory(network, state.weights, shown)
    for t in range(STEPS):
        errors = q[t] @ np.linalg.pinv(state.weights.outward)  # back to e
        expected = np.zeros(found[t].shape)
        for s in range(t + 1):
            trace = (1 - network.alpha) ** (t - s) * steps[s].slope[:, :, None] * steps[s].senders[:, None, :]
            expected += np.einsum("bi,bij->ij", errors @ state.fixed, trace) / 3
        np.testing.assert_allclose(found[t], expected, atol=1e-10)
    assert np.abs(found).max() > 1e-3


def test_rflo_of_units_that_do_not_leak_is_one_step_of_backpropagation():
    network = NETWORKS["tanh"]
    shown = sequences(network)
    symmetric = rules.RFLO(feedback=Symmetric())
    found = emitted(network, symmetric, shown)
    close(found[:-1], emitted(network, rules.Sliding(window=1), shown)[:-1])


def test_the_readout_learns_the_gradient_and_the_control_nothing_else():
    network = NETWORKS["leaky"]
    shown, rule = sequences(network), rules.ReadoutOnly()
    assert not emitted(network, rule, shown).any()
    state = state_of(network, rule)
    for _ in walk(rule, state, shown, np.random.default_rng(0)):
        pass
    weights = state.weights
    found = numerical(lambda: loss(network, weights, shown).sum(), weights.readout)
    np.testing.assert_allclose(state.gradient.readout, found, atol=1e-8)
