"""Spiking networks are their equations, and e-prop is the gradient with recurrent spikes and resets taken as given."""

from dataclasses import replace

import numpy as np
import pytest

from spikelearn.errors import InputError
from spikelearn.ratenet.outputs import LinearOutput
from spikelearn.temporal import rules
from spikelearn.temporal.feedback import Random
from spikelearn.temporal.learning import walk
from spikelearn.temporal.network import outputs
from spikelearn.temporal.spiking import SpikingNetwork
from temporal.helpers import NETWORKS, numerical, sequences, state_of

LIF = SpikingNetwork(n_in=3, n=6, n_out=2, threshold=0.8, output=LinearOutput())
KINDS = {
    "leaky": LIF,
    "adaptive": replace(LIF, adaptive=6, beta=0.5, tau_adaptation=30.0),
    "both": replace(LIF, adaptive=2, beta=0.5, tau_adaptation=30.0),
    "refractory": replace(LIF, adaptive=2, refractory=3),
    "softmax": replace(LIF, adaptive=3, output=NETWORKS["tanh"].output),
}
each_kind = pytest.mark.parametrize("kind", KINDS)
STEPS = 60


def shown_to(network):
    return sequences(network, STEPS, batch=2, unscored=range(0, 60, 3))


def run(network, weights, shown):
    """All steps with frozen weights."""
    state, found = network.rest(2), []
    for x in shown.x:
        found.append(network.advance(weights, state, x))
        state = found[-1].state
    return found


def detached_losses(network, weights, shown, real):
    """Each step's loss where presynaptic spikes and resets are those of `real`, and spikes follow their psi.

    A smooth function of the weights that equals the network's loss where `real` was run.
    """
    v = np.zeros((2, network.n))
    b, spikes, filtered = np.zeros((2, network.n)), np.zeros((2, network.n)), np.zeros((2, network.n))
    beta = np.where(np.arange(network.n) < network.n - network.adaptive, 0.0, network.beta)
    before, losses = np.zeros((2, network.n)), []
    fixed = network.n - network.adaptive
    for t, step in enumerate(real):
        v = network.decay * v + step.senders @ weights.recurrent.T - network.threshold * before
        b = network.rho * b + spikes
        real_distance = step.state.v.copy()
        real_distance[:, fixed:] -= network.beta * step.state.adaptation
        spikes = step.state.spikes + step.psi * (v - beta * b - real_distance)
        filtered = network.kappa * filtered + (1 - network.kappa) * spikes
        before = step.state.spikes
        z = outputs(network, weights, filtered)
        losses.append(network.output.loss(z, shown.target[t]).mean() * shown.scored[t])
    return np.array(losses)


@each_kind
def test_eprop_is_the_gradient_with_recurrent_spikes_and_resets_taken_as_given(kind):
    network = KINDS[kind]
    shown, rule = shown_to(network), rules.EProp()
    state = state_of(network, rule)
    state.weights.recurrent[:, -1] = 0
    weights = state.weights
    real = run(network, weights, shown)
    n_spikes = sum(step.state.spikes.sum() for step in real)
    assert 20 < n_spikes < 0.5 * STEPS * 12
    spoken = [
        network.output.loss(outputs(network, weights, s.sent), y).mean()
        for s, y in zip(real, shown.target, strict=True)
    ]
    np.testing.assert_allclose(detached_losses(network, weights, shown, real), spoken * shown.scored, atol=1e-12)
    expected = numerical(lambda: detached_losses(network, weights, shown, real), weights.recurrent)
    for t, _ in enumerate(walk(rule, state, shown, np.random.default_rng(0))):
        if t < STEPS:
            np.testing.assert_allclose(state.gradient.recurrent, expected[..., t], atol=1e-8)
        state.gradient.recurrent[...] = 0
    norms = np.linalg.norm(expected, axis=(0, 1))
    assert (norms[10:][shown.scored[10:]] > 1e-4).all()  # not 0 = 0


def test_with_random_feedback_only_the_learning_signal_changes():
    network = KINDS["both"]
    shown, rule = shown_to(network), rules.EProp(feedback=Random())
    state, symmetric = state_of(network, rule), state_of(network, rules.EProp())
    # with a readout that equals the feedback, and the same errors, both are the same
    found = list(walk(rule, state, shown, np.random.default_rng(0)))
    assert found
    symmetric.weights.readout[:, :-1] = state.fixed
    real = run(network, symmetric.weights, shown)
    errors = [
        s * network.output.error(outputs(network, state.weights, step.sent), y)
        for s, step, y in zip(shown.scored, real, shown.target, strict=True)
    ]
    symmetric.memory = rules.EProp().begin(symmetric, 2)
    for step, error in zip(real, errors, strict=True):
        rules.EProp().step(symmetric, step, error, np.random.default_rng(0))
    assert np.linalg.norm(state.gradient.recurrent) > 1e-3
    np.testing.assert_allclose(state.gradient.recurrent, symmetric.gradient.recurrent, atol=1e-12)


def test_a_silent_network_far_from_threshold_has_no_gradient():
    network = replace(LIF, threshold=1e3)
    state = state_of(network, rules.EProp())
    state.weights.recurrent[:, -1] = -5e3
    for _ in walk(rules.EProp(), state, shown_to(network), np.random.default_rng(0)):
        pass
    assert not state.gradient.recurrent.any()


@each_kind
def test_a_step_is_its_equations_unit_by_unit(kind):
    network = KINDS[kind]
    state = state_of(network, rules.EProp())
    weights = state.weights
    shown = shown_to(network)
    real = run(network, weights, shown)
    for j in range(network.n):
        beta = network.beta if j >= network.n - network.adaptive else 0.0
        v = b = filtered = 0.0
        last = -100
        spiked, others = 0.0, np.zeros(network.n)
        for t, step in enumerate(real):
            v = network.decay * v + weights.recurrent[j] @ np.concatenate([others, shown.x[t, 0], [1]])
            v -= network.threshold * spiked
            b = network.rho * b + spiked
            level = network.threshold + beta * b
            free = t - last > network.refractory
            spiked = float(v > level and free)
            last = t if spiked else last
            filtered = network.kappa * filtered + (1 - network.kappa) * spiked
            psi = 0.3 / network.threshold * max(0, 1 - abs(v - level) / network.threshold) * free
            assert step.state.v[0, j] == pytest.approx(v, abs=1e-12)
            assert step.state.spikes[0, j] == spiked
            assert step.sent[0, j] == pytest.approx(filtered, abs=1e-12)
            assert step.psi[0, j] == pytest.approx(psi, abs=1e-12)
            others = step.state.spikes[0]


def test_units_do_not_receive_themselves_and_have_no_bias():
    weights = LIF.draw(np.random.default_rng(0))
    assert not np.diag(weights.units).any() and not weights.recurrent[:, -1].any()
    assert not np.diag(weights.free[:, :6]).any() and not weights.free[:, -1].any()
    assert weights.free.sum() == 6 * 5 + 6 * 3


@pytest.mark.parametrize("rule", [rules.BPTT(), rules.RTRL(), rules.RFLO(), rules.UORO()], ids=repr)
def test_rules_for_rate_units_refuse_spiking_ones(rule):
    with pytest.raises(InputError, match="trains networks of rate units, got a SpikingNetwork; use RecurrentNetwork"):
        rule.check(LIF)


def test_eprop_refuses_rate_units():
    with pytest.raises(InputError, match="EProp trains spiking networks, got a RecurrentNetwork; use SpikingNetwork"):
        rules.EProp().check(NETWORKS["tanh"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adaptive": 7}, "adaptive=7"),
        ({"tau_membrane": 0.0}, "tau_membrane=0.0 must be .* ms"),
        ({"threshold": 0.0}, "threshold=0.0"),
        ({"refractory": -1}, "refractory=-1"),
        ({"beta": -0.1}, "beta=-0.1"),
    ],
)
def test_bad_numbers_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        replace(LIF, **changes)
