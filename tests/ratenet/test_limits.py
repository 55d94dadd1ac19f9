"""Every rule with an exact or symmetric limit is backpropagation there."""

from dataclasses import replace

import numpy as np
import pytest

from ratenet.helpers import batch, degrees, numerical_gradient, state_of
from spikelearn.ratenet import SGD, RateNetwork, rules
from spikelearn.ratenet.activations import Identity
from spikelearn.ratenet.delta import send_back
from spikelearn.ratenet.rule import Batch
from spikelearn.ratenet.rules.evolution_strategies import Losses

SIZES = (6, 9, 8, 4)


def rng():
    return np.random.default_rng(0)


def backprop(state, shown, rule):
    """The hidden errors of backpropagation, from the rule's own output error."""
    return rule.reference(state, shown, rng())


@pytest.mark.parametrize("rule", [rules.FeedbackAlignment(), rules.KolenPollack(), rules.WeightMirror()], ids=repr)
def test_with_transposed_feedback_the_gradient_is_backprops(rule):
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)
    state.memory = [W.T.copy() for W in state.parameters.W[1:]]
    shown = batch(state.network)
    found = rule.gradients(state, shown, rng()).flat.copy()
    # BLAS may sum in another order where the layout in memory differs; the terms are of order 0.1.
    np.testing.assert_allclose(found, rules.Backprop().gradients(state, shown, rng()).flat, rtol=1e-12, atol=1e-15)
    assert rule.alignment(state) == pytest.approx((0, 0), abs=1e-3)


def test_sign_symmetry_with_the_magnitudes_is_backprop():
    rule = rules.SignSymmetry()
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)
    state.memory = [abs(W.T) for W in state.parameters.W[1:]]
    shown = batch(state.network)
    found = rule.gradients(state, shown, rng()).flat.copy()
    np.testing.assert_allclose(found, rules.Backprop().gradients(state, shown, rng()).flat, rtol=1e-12, atol=1e-15)


def test_sign_symmetry_follows_the_signs_as_they_are_now():
    rule = rules.SignSymmetry()
    state = state_of(rule.network(SIZES), rule)
    state.parameters.W[1][2, 3] *= -1
    (lower, upper) = rule.feedback(state)
    np.testing.assert_array_equal(np.sign(lower), np.sign(state.parameters.W[1].T))
    assert np.unique(abs(lower)) == pytest.approx([np.sqrt(2 / 17)])
    assert np.unique(abs(upper)) == pytest.approx([np.sqrt(2 / 12)])


def test_direct_feedback_through_the_product_of_the_weights_is_backprop_in_a_linear_network():
    rule = rules.DirectFeedback()
    network = RateNetwork(sizes=SIZES, activation=Identity(), dtype="float64")
    state = state_of(network, rule)
    W = state.parameters.W
    state.memory = [(W[2] @ W[1]).T, W[2].T]
    shown = batch(network)
    found = rule.gradients(state, shown, rng()).flat.copy()
    np.testing.assert_allclose(found, rules.Backprop().gradients(state, shown, rng()).flat, atol=1e-15)
    assert rule.alignment(state) == pytest.approx((0, 0), abs=1e-5)


@pytest.mark.parametrize("optimiser", [SGD(rate=0.05), SGD(rate=0.02, momentum=0.9), rules.Backprop().optimiser])
def test_kolen_pollacks_difference_decays_exactly_with_any_optimiser(optimiser):
    rule = rules.KolenPollack(decay=0.01, optimiser=optimiser)
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)

    def difference():
        return np.linalg.norm(state.memory[0] - state.parameters.W[1].T)

    first = difference()
    for k in range(500):
        rule.learn(state, batch(state.network, seed=k), rng())
    assert difference() / first == pytest.approx(0.99**500, rel=1e-9)


def test_kolen_pollack_becomes_backprop():
    rule = rules.KolenPollack(decay=0.01, optimiser=SGD(rate=0.1))
    state = state_of(rule.network(SIZES), rule)
    assert min(rule.alignment(state)) > 60
    for k in range(2000):
        rule.learn(state, batch(state.network, seed=k), rng())
    shown = batch(state.network)
    assert max(rule.alignment(state)) < 0.5
    assert degrees(rule.teaching(state, shown, rng()), backprop(state, shown, rule)) < 0.5


def test_equilibrium_propagations_reference_is_the_gradient_of_the_loss_where_the_free_phase_settles():
    rule, state, shown = settled_network()

    def loss():
        return np.square(rule.outputs(state, shown.x) - shown.target).sum(axis=1).mean()

    expected = numerical_gradient(loss, state.parameters.flat, 1e-6)
    errors = rule.reference(state, shown, rng())
    gradient = state.parameters.zeros_like()
    gradient.flat[:] = expected
    np.testing.assert_allclose(errors[0].mean(axis=0), gradient.b[0], atol=1e-7)
    np.testing.assert_allclose(errors[0].T @ shown.x / len(shown.x), gradient.W[0], atol=1e-7)
    np.testing.assert_allclose(errors[1].mean(axis=0), gradient.b[1], atol=1e-7)


@pytest.mark.parametrize("sign", [-1, 1])
def test_equilibrium_propagation_becomes_the_gradient_as_the_nudge_weakens(sign):
    rule, state, shown = settled_network()
    found = []

    class Sign:
        def choice(self, options):
            return sign

    def loss():
        return np.square(rule.outputs(state, shown.x) - shown.target).sum(axis=1).mean()

    expected = numerical_gradient(loss, state.parameters.flat, 1e-6)
    for beta in (0.1, 0.01, 0.001):
        gradient = replace(rule, beta=beta).gradients(state, shown, Sign()).flat
        found.append(np.abs(gradient - expected).max() / np.abs(expected).max())
    assert found[2] < 0.005
    assert found[1] == pytest.approx(10 * found[2], rel=0.2)  # first order in beta
    both = sum(replace(rule, beta=0.01).gradients(state, shown, choosing(s)).flat.copy() for s in (-1, 1)) / 2
    assert np.abs(both - expected).max() / np.abs(expected).max() < found[1] / 20  # the average cancels it


def choosing(sign):
    """A generator that draws one sign only."""

    class Fixed:
        def choice(self, options):
            return sign

    return Fixed()


def settled_network():
    """A small network all of whose units rest strictly inside (0, 1)."""
    rule = rules.EquilibriumPropagation(free=60, nudged=60)
    network = replace(rule.network((8, 6, 5, 3)), dtype="float64")
    state = state_of(network, rule, biases=0)
    state.parameters.flat *= 0.2
    for b in state.parameters.b:
        b[:] = 0.5
    shown = batch(network, 6)
    _, s = rule.free_phase(state.parameters, shown.x)
    assert all(((layer > 0.05) & (layer < 0.95)).all() for layer in s)
    return rule, state, shown


@pytest.mark.parametrize("interneuron", [0.0, 0.5])  # however much interneurons know of the layer above
@pytest.mark.parametrize("nudge", [1e-2, 1e-3])  # smaller ones, cubed, are lost in rounding
def test_the_microcircuit_with_weak_nudging_is_backprop(nudge, interneuron):
    rule = rules.Microcircuit(nudge_output=nudge, nudge_hidden=nudge, nudge_interneuron=interneuron)
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)
    state.memory = [W.T for W in state.parameters.W[1:]]
    shown = batch(state.network)
    for found, expected in zip(rule.teaching(state, shown, rng()), backprop(state, shown, rule), strict=True):
        assert np.abs(found - expected).max() < 3 * nudge * np.abs(expected).max()


def test_without_a_teacher_the_microcircuit_learns_nothing():
    rule = rules.Microcircuit()
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)
    shown = batch(state.network)
    h = state.network.forward(state.parameters, shown.x, rng()).h[-1]
    at_rest = (h - 0.1) / 0.7  # the target whose rate is the output's own
    teaching = rule.teaching(state, Batch(shown.x, at_rest), rng())
    assert max(np.abs(signal).max() for signal in teaching) < 1e-9


def test_the_burst_rule_with_weak_symmetric_feedback_is_backprop():
    rule = rules.BurstPropagation()
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)
    angles = []
    for weakness in (1, 0.1, 0.01):  # weak feedback keeps dendrites where the logistic function is linear
        state.memory = [weakness * W.T for W in state.parameters.W[1:]]
        shown = batch(state.network)
        found, expected = rule.teaching(state, shown, rng()), backprop(state, shown, rule)
        angles.append(degrees(found[1], expected[1]))
    assert angles[2] < angles[1] / 5 < angles[0] / 25
    assert angles[2] < 0.01
    np.testing.assert_allclose(found[1] / 0.01, expected[1], rtol=0.02, atol=1e-4)  # the size, too: no 1/4, no p_b
    np.testing.assert_allclose(found[0] / 0.01**2, expected[0], rtol=0.1, atol=2e-4)


def test_target_propagation_with_the_transposed_jacobian_for_the_decoder_is_backprop():
    rule = rules.DTP(alpha=1e-6)
    network = RateNetwork(sizes=SIZES, dtype="float64")
    state = state_of(network, rule)

    class Transposed:  # what a decoder makes of a small difference, replaced by the exact transpose
        parameters = state.memory.parameters

        def decode(self, k, h):
            activity = network.forward(state.parameters, shown.x, rng())
            return (h * activity.slope[k + 1]) @ state.parameters.W[k + 1]

    shown = batch(network)
    state.memory = Transposed()
    expected = send_back(
        network.connections,
        state.network.output.error(network.outputs(state.parameters, shown.x), shown.target),
        [W.T for W in state.parameters.W[1:]],
        network.forward(state.parameters, shown.x, rng()).slope,
    )
    for found, exact in zip(rule.teaching(state, shown, rng()), expected[:-1], strict=True):
        np.testing.assert_allclose(found / (2 * rule.alpha), exact, rtol=1e-6, atol=1e-9)


def test_alternating_minimisation_moves_codes_down_the_gradient():
    rule = rules.AlternatingMinimisation(code_rate=1e-6, code_steps=1)
    state = state_of(replace(rule.network(SIZES), dtype="float64"), rule)
    shown = batch(state.network, 20)
    found, expected = rule.teaching(state, shown, rng()), backprop(state, shown, rule)
    for signal, exact in zip(found, expected, strict=True):
        assert degrees(signal, exact) < 0.1
    # one step: rate (1 + momentum) / (mu n) times the gradient for the highest layer
    np.testing.assert_allclose(found[1], 1e-6 * 1.9 / (rule.mu * 20) * expected[1], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("name", ["NodePerturbation", "WeightPerturbation", "EvolutionStrategies"])
def test_perturbation_is_the_gradient_on_average(name):
    numbers = {"pairs": 1, "shaping": Losses()} if name == "EvolutionStrategies" else {}
    rule = getattr(rules, name)(noise=1e-4, **numbers)
    network = RateNetwork(sizes=(4, 5, 3), dtype="float64")
    state, shown = state_of(network, rule), batch(network, 10)
    exact = rules.Backprop().gradients(state, shown, rng()).flat.copy()
    generator, mean, found = rng(), np.zeros_like(exact), []
    for k in range(1, 6001):
        mean += rule.gradients(state, shown, generator).flat
        if k in (60, 6000):
            found.append(np.linalg.norm(mean / k - exact) / np.linalg.norm(exact))
    assert found[1] < 0.12
    assert found[0] / found[1] == pytest.approx(10, rel=0.4)  # noise that falls as one over the root, and no bias
