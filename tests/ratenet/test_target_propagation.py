"""Inverses and targets."""

import numpy as np
import pytest

from ratenet.helpers import batch, numerical_gradient, state_of
from spikelearn.errors import InputError
from spikelearn.ratenet import RateNetwork, rules
from spikelearn.ratenet.activations import Identity
from spikelearn.ratenet.connections import Dense
from spikelearn.ratenet.inverses import Alternating, Parallel

KINDS = [rules.DTP, rules.SDTP, rules.AuxiliarySDTP]


def rng():
    return np.random.default_rng(0)


def state_for(rule, sizes=(6, 5, 4, 3)):
    return state_of(RateNetwork(sizes=sizes, dtype="float64"), rule)


def test_exact_inverses_of_linear_layers_make_gauss_newton_targets():
    rule = rules.DTP(alpha=0.3)
    network = RateNetwork(sizes=(5, 5, 5, 5), activation=Identity(), dtype="float64")
    state, shown = state_of(network, rule), batch(network)
    W, b = state.parameters.W, state.parameters.b

    class Inverse:
        def decode(self, k, h):
            return np.linalg.solve(W[k + 1], (h - b[k + 1]).T).T

    state.memory = Inverse()
    activity = network.forward(state.parameters, shown.x, rng())
    lower, upper = rule.targets(state, activity, shown.target)
    np.testing.assert_allclose(upper - activity.h[2], -0.3 * (activity.h[3] - shown.target) @ W[2], atol=1e-12)
    gauss_newton = np.linalg.lstsq(W[1], (upper - activity.h[2]).T, rcond=None)[0].T
    np.testing.assert_allclose(lower - activity.h[1], gauss_newton, atol=1e-10)
    # ... so the layer's own weights reach the target above in one step
    np.testing.assert_allclose(network.layer(state.parameters, 1, lower), upper, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_at_its_target_learns_nothing(kind):
    rule = kind()
    state = state_for(rule)
    x = batch(state.network).x
    activity = state.network.forward(state.parameters, x, rng())
    for target, h in zip(rule.targets(state, activity, activity.h[-1]), activity.h[1:-1], strict=True):
        np.testing.assert_allclose(target, h, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_forward_errors_are_the_gradients_of_the_local_losses_at_constant_targets(kind):
    rule = kind()
    state, shown = state_for(rule), batch(state_for(rule).network)
    network, parameters = state.network, state.parameters
    activity = network.forward(parameters, shown.x, rng())
    targets = rule.targets(state, activity, shown.target)
    gradient = rule.gradients(state, shown, rng())
    for layer, target in enumerate(targets):

        def loss(layer=layer, target=target):
            return np.square(network.layer(parameters, layer, activity.h[layer]) - target).sum(axis=1).mean()

        expected = numerical_gradient(loss, parameters.W[layer].reshape(-1))
        np.testing.assert_allclose(gradient.W[layer].reshape(-1), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("kind", "preserved"), [(rules.DTP, True), (rules.SDTP, False), (rules.AuxiliarySDTP, False)])
def test_inverses_descend_their_reconstruction_loss(kind, preserved):
    rule = kind(noise=0.3)
    state, shown = state_for(rule), batch(state_for(rule).network)
    decoders, network = state.memory, state.network
    generator, h, loss_of = rng(), shown.x, []
    for k in range(len(decoders.parameters.W)):
        h = network.layer(state.parameters, k, h)
        noisy = h + 0.3 * generator.standard_normal(h.shape)
        seen, wanted = rule.above(state, k + 1, noisy), noisy if preserved else h
        loss_of.append(lambda k=k, seen=seen, wanted=wanted: np.square(decoders.decode(k, seen) - wanted).sum(1).mean())
    expected = numerical_gradient(lambda: sum(loss() for loss in loss_of), decoders.parameters.flat)
    kept = []

    class Spy:
        def steps(self, moments, gradient):
            kept.append(gradient.copy())
            return 0 * gradient

    object.__setattr__(rule, "inverse", Spy())
    rule.learn_inverses(state, shown, rng())
    np.testing.assert_allclose(kept[0], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("schedule", "before", "during"), [(Alternating(), 3, 0), (Parallel(), 0, 1)])
def test_a_schedule_says_when_inverses_learn(schedule, before, during):
    shown, learned = batch(RateNetwork(sizes=(4, 3))), []
    schedule.before_epoch(learned.append, lambda: iter([shown] * 3))
    assert len(learned) == before
    schedule.with_batch(learned.append, shown)
    assert len(learned) == before + during


def test_auxiliary_features_do_not_learn_and_are_the_same_with_the_label_as_with_the_output():
    rule = rules.AuxiliarySDTP(auxiliary=7)
    state = state_for(rule)
    before = state.memory.features.copy()
    for k in range(3):
        rule.learn_inverses(state, batch(state.network, seed=k), rng())
        rule.learn(state, batch(state.network, seed=k), rng())
    np.testing.assert_array_equal(state.memory.features, before)
    h = rng().random((5, 4))
    first, second = (rule.extended(state, output, h) for output in (np.zeros((5, 3)), np.ones((5, 3))))
    np.testing.assert_array_equal(first[:, 3:], second[:, 3:])
    assert first.shape == (5, 10)


def test_dtp_needs_no_decoder_below_the_output_and_the_others_one():
    network = RateNetwork(sizes=(6, 5, 4, 3))
    assert rules.DTP().decoders(network) == [Dense(4, 5)]
    assert rules.SDTP().decoders(network) == [Dense(4, 5), Dense(3, 4)]
    assert rules.AuxiliarySDTP(auxiliary=7).decoders(network) == [Dense(4, 5), Dense(10, 4)]


def test_numbers_out_of_range_are_refused():
    with pytest.raises(InputError, match=r"DTP.noise=-1"):
        rules.DTP(noise=-1)
    with pytest.raises(InputError, match=r"AuxiliarySDTP.auxiliary=0"):
        rules.AuxiliarySDTP(auxiliary=0)
