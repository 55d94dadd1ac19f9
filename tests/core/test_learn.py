"""From averages to weights: errors, updates, losses and angles against matrices; rules from outside the package."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
import reference

import spikelearn as sl
from spikelearn.core import learn
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.learn import angles, apply_errors, compute_errors, losses, register_rule
from spikelearn.core.trial import derive
from spikelearn.engines import Clock, Silent, _of_package

NETWORKS = {
    "no hidden layer": sl.Network(sizes=(5, 3)),
    "one": sl.Network(sizes=(5, 7, 3), hidden=sl.HiddenNeuron(g_apical=0.3)),
    "several blocks": sl.Network(sizes=(70, 130, 66, 65), rate_max=0.1, output=sl.OutputNeuron(g_dendrite=0.3)),
}
of_each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
RULES = {
    "plateau": sl.Plateau(),
    "backprop": sl.Backprop(),
    "backprop, scaled": sl.Backprop(0.2),
    "feedback alignment": sl.FeedbackAlignment(),
    "feedback alignment, scaled": sl.FeedbackAlignment(0.3),
    "direct feedback alignment": sl.DirectFeedbackAlignment(),
    "direct feedback alignment, scaled": sl.DirectFeedbackAlignment(0.4),
    "output only": sl.OutputOnly(),
}


def suited(network, rule):
    """Let feedback come from where the rule needs it."""
    return replace(network, feedback_from="above" if isinstance(rule, sl.FeedbackAlignment) else "output")


def averages_of(network, seed=0):
    """Draw averages as a trial could leave them."""
    rng = np.random.default_rng(seed)
    hidden, layers = network.sizes[1:-1], network.sizes[1:]
    return reference.Averages(
        psp=[rng.random(n) * (rng.random(n) > 0.3) for n in network.sizes[:-1]],
        v_forward=[rng.normal(size=n) * 2 for n in layers],
        activity_target=[rng.random(n) for n in layers],
        apical_forward=[rng.normal(size=n) for n in hidden],
        apical_target=[rng.normal(size=n) for n in hidden],
    )


def core_with(network, averages, weights=None):
    """Build a core in float64 in which a trial with these averages just ended."""
    core = Clock(dtype="float64").build(network, weights or network.draw_weights(1))
    trial = core._trial
    for layer in range(network.n_layers):
        cells = slice(trial.first[layer], trial.stop[layer])
        trial.v_forward[cells] = averages.v_forward[layer]
        trial.predicted[cells] = reference.sigmoid(averages.v_forward[layer])
        trial.slope[cells] = reference.slope(averages.v_forward[layer])
        trial.activity_target[cells] = averages.activity_target[layer]
        first = core._layout.first_source[layer]
        core._averages.psp[first : first + network.sizes[layer]] = averages.psp[layer]
        if layer < network.n_hidden:
            trial.plateau_forward[cells] = averages.plateau_forward[layer]
            trial.plateau_target[cells] = averages.plateau_target[layer]
    return core


@kernel
def _all_errors(rule, trial, error):
    for layer in range(trial.first.shape[0] - 1, -1, -1):
        compute_errors(rule, trial, layer, error)


def errors(core, rule):
    """Return the errors of a rule, by cell."""
    out = np.zeros(len(core._layout.lanes) * LANES)
    _all_errors(rule.constants(), core._trial, out)
    return out


def by_layer(core, cells):
    trial = core._trial
    return [cells[first:stop] for first, stop in zip(trial.first, trial.stop, strict=True)]


# -- rules ------------------------------------------------------------------------------------------------------------


@of_each_network
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_errors_of_a_rule_are_those_of_its_equations(network, rule):
    network = suited(network, rule)
    averages = averages_of(network)
    core = core_with(network, averages)
    found = errors(core, rule)
    wanted = reference.errors_of(rule, network, network.draw_weights(1), averages)
    for f, w in zip(by_layer(core, found), wanted, strict=True):
        np.testing.assert_allclose(f, w, rtol=1e-12, atol=1e-15)
    # Padding has no errors; whoever learns has some.
    learning = network.sizes[-1:] if rule == sl.OutputOnly() else network.sizes[1:]
    assert np.count_nonzero(found) == sum(learning)


@of_each_network
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_there_is_nothing_to_learn_where_teaching_changes_nothing(network, rule):
    network = suited(network, rule)
    averages = averages_of(network)
    averages.activity_target = [reference.sigmoid(v) for v in averages.v_forward]
    averages.apical_target = averages.apical_forward
    core = core_with(network, averages)
    np.testing.assert_allclose(errors(core, rule), 0, atol=1e-13)
    out = np.zeros(network.n_layers)
    losses(core._trial, out)
    np.testing.assert_allclose(out, 0, atol=1e-28)


def test_an_error_raises_the_rate_that_is_too_low():
    network = NETWORKS["one"]
    averages = averages_of(network)
    core = core_with(network, averages)
    hidden, output = by_layer(core, errors(core, sl.Plateau()))
    wanted = averages.activity_target[-1] - reference.sigmoid(averages.v_forward[-1])
    np.testing.assert_array_equal(np.sign(output), np.sign(wanted))
    wanted = averages.plateau_target[0] - averages.plateau_forward[0]
    np.testing.assert_array_equal(np.sign(hidden), np.sign(wanted))


@pytest.mark.parametrize("sizes", [(5, 4, 3), (5, 70, 4, 3), (3, 4, 66, 5)])
def test_backprop_is_the_gradient_of_the_output_loss_of_the_rate_network(sizes):
    """Numerical gradient of half the loss (eq. 23) with respect to dendritic potentials, times ``P_1``.

    Rate network: ``v = k (W psp + b)``, ``psp = rate_max sigmoid(v)``: means of a network with kernels of unit area.
    """
    network = sl.Network(sizes=sizes, rate_max=0.15, hidden=sl.HiddenNeuron(g_apical=0.2))
    drawn = network.draw_weights(1)
    weights = replace(drawn, W=tuple(w - w.mean() for w in drawn.W), b=tuple(0 * b for b in drawn.b))
    k, rng = reference.gains(network), np.random.default_rng(0)
    psp_input, target = 0.1 * rng.random(sizes[0]), network.rate_max * rng.random(sizes[-1])

    def potentials(added):
        v, psp = [], psp_input
        for layer in range(network.n_layers):
            v.append(k[layer] * (weights.W[layer] @ psp + weights.b[layer] + added[layer]))
            psp = network.rate_max * reference.sigmoid(v[-1])
        return v

    def half_loss(added):
        return ((target - network.rate_max * reference.sigmoid(potentials(added)[-1])) ** 2).sum() / 2

    averages = averages_of(network)
    averages.v_forward = potentials([0.0] * network.n_layers)
    averages.activity_target[-1] = target / network.rate_max
    core = core_with(network, averages, weights)
    for layer, found in enumerate(by_layer(core, errors(core, sl.Backprop()))):
        gradient = []
        for step in 1e-4 * np.eye(sizes[layer + 1]):
            added, taken = ([(sign * step if m == layer else 0.0) for m in range(len(k))] for sign in (1, -1))
            gradient.append((half_loss(added) - half_loss(taken)) / 2e-4)
        wanted = -20 / network.rate_max**2 * np.array(gradient)
        assert np.abs(wanted).max() > 1e-3
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-8)


def test_the_output_learns_alike_by_every_rule():
    outputs = []
    for rule in RULES.values():
        network = suited(NETWORKS["several blocks"], rule)
        core = core_with(network, averages_of(network))
        outputs.append(by_layer(core, errors(core, rule))[-1])
    for other in outputs[1:]:
        np.testing.assert_array_equal(outputs[0], other)


def test_a_plateau_neuron_reads_nothing_but_its_own_potentials():
    """Changing those of one neuron changes the error of that neuron only; nor do weights matter."""
    network = NETWORKS["several blocks"]
    averages = averages_of(network)
    before = errors(core_with(network, averages), sl.Plateau())
    for layer in range(network.n_hidden):
        averages.v_forward[layer][3] += 1
        averages.apical_target[layer][3] += 1
    core = core_with(network, averages, network.draw_weights(2))
    changed = np.flatnonzero(errors(core, sl.Plateau()) != before)
    assert changed.tolist() == [core._trial.first[layer] + 3 for layer in range(network.n_hidden)]


# -- updates ----------------------------------------------------------------------------------------------------------


@of_each_network
def test_weights_change_by_rate_times_error_times_presynaptic_average(network):
    averages = averages_of(network)
    core = core_with(network, averages)
    before, found = core.weights, errors(core, sl.Backprop())
    rates = np.linspace(0.1, 0.3, network.n_layers)
    apply_errors(core._net.weights, core._layout, found.reshape(-1, LANES), core._averages.psp, rates)
    wanted = reference.backprop_errors(network, before, averages)
    after = core.weights
    for layer, error in enumerate(wanted):
        change = rates[layer] * error
        np.testing.assert_allclose(
            after.W[layer], before.W[layer] + np.outer(change, averages.psp[layer]), rtol=1e-12, atol=1e-14
        )
        np.testing.assert_allclose(after.b[layer], before.b[layer] + change, rtol=1e-12)
        silent = averages.psp[layer] == 0
        np.testing.assert_array_equal(after.W[layer][:, silent], before.W[layer][:, silent])
    for found, wanted in zip(after.Y, before.Y, strict=True):
        np.testing.assert_array_equal(found, wanted)
    # Padded neurons and inputs got no weights: their rows and lanes stay zero.
    assert np.count_nonzero(core._net.weights.forward) <= sum(w.size for w in before.W)
    assert np.count_nonzero(core._net.weights.bias) == sum(network.sizes[1:])


@of_each_network
def test_mean_apical_potentials_are_feedback_weights_times_mean_output(network):
    """And plateaus their sigmoid, predictions that of the somatic potential, of neurons in any block."""
    averages = averages_of(network)
    core = core_with(network, averages)
    for field in (core._trial.predicted, core._trial.slope, core._trial.plateau_forward, core._trial.plateau_target):
        field[:] = 7
    output = np.random.default_rng(1).random((2, network.sizes[-1]))
    core._averages.echo[:, : network.sizes[-1]] = output if network.n_hidden else 0
    derive(core._net, core._averages)
    trial = core._trial
    for layer, feedback in enumerate(core.weights.Y):
        for mean, found in zip(output, (trial.plateau_forward, trial.plateau_target), strict=True):
            np.testing.assert_allclose(by_layer(core, found)[layer], reference.sigmoid(feedback @ mean), rtol=1e-12)
    for found, predicted, v in zip(
        by_layer(core, trial.slope), by_layer(core, trial.predicted), averages.v_forward, strict=True
    ):
        np.testing.assert_allclose(predicted, reference.sigmoid(v), rtol=1e-12)
        np.testing.assert_allclose(found, reference.slope(v), rtol=1e-12)


@of_each_network
def test_losses_are_those_of_the_equations(network):
    averages, out = averages_of(network), np.zeros(network.n_layers)
    losses(core_with(network, averages)._trial, out)
    np.testing.assert_allclose(out, reference.losses(network, averages), rtol=1e-12)


# -- angles -----------------------------------------------------------------------------------------------------------


def angles_between(a, b, network=NETWORKS["several blocks"]):
    out = np.zeros(network.n_hidden)
    angles(core_with(network, averages_of(network))._trial, a, b, out)
    return out


def random_errors(seed):
    network = NETWORKS["several blocks"]
    core = core_with(network, averages_of(network, seed))
    return core, errors(core, sl.Plateau()), errors(core, sl.Backprop())


def test_angles_are_those_between_the_vectors_of_each_hidden_layer():
    core, plateau, backprop = random_errors(0)
    pairs = zip(by_layer(core, plateau)[:-1], by_layer(core, backprop)[:-1], strict=True)
    np.testing.assert_allclose(angles_between(plateau, backprop), [reference.angle(a, b) for a, b in pairs], rtol=1e-10)


def test_the_angle_to_itself_is_zero_to_its_opposite_180_and_to_a_perpendicular_90_degrees():
    _, a, _ = random_errors(0)
    np.testing.assert_allclose(angles_between(a, a), 0, atol=1e-5)
    np.testing.assert_allclose(angles_between(a, 3 * a), 0, atol=1e-5)
    np.testing.assert_allclose(angles_between(a, -a), 180, atol=1e-5)
    even, odd = a.copy(), a.copy()
    even[::2], odd[1::2] = 0, 0
    np.testing.assert_allclose(angles_between(even, odd), 90)


def test_the_angle_to_a_zero_vector_is_not_a_number():
    core, a, _ = random_errors(0)
    zero = a.copy()
    zero[core._trial.first[1] : core._trial.stop[1]] = 0
    assert np.isnan(angles_between(a, zero)).tolist() == [False, True]
    assert np.isnan(angles_between(zero, a)).tolist() == [False, True]


# -- a rule from outside the package ----------------------------------------------------------------------------------


class CentredConstants(NamedTuple):
    """A user's rule, without sense: rates and changes of plateaus, minus their mean over the layer."""

    factor: float


@dataclass(frozen=True)
class Centred:
    factor: float

    def constants(self):
        return CentredConstants(self.factor)


@kernel
def _centred_errors(rule, trial, layer, error):
    first, stop = trial.first[layer], trial.stop[layer]
    mean = 0.0
    for cell in range(first, stop):
        error[cell] = trial.activity_target[cell]
        if layer < trial.first.shape[0] - 1:
            error[cell] += trial.plateau_target[cell] - trial.plateau_forward[cell]
        mean += error[cell] / (stop - first)
    for cell in range(first, stop):
        error[cell] = rule.factor * (error[cell] - mean)


register_rule(CentredConstants, _centred_errors)


def centred_errors(factor):
    """Return the twin of a `Centred` rule."""

    def errors(network, weights, averages):
        plateaus = [t - f for t, f in zip(averages.plateau_target, averages.plateau_forward, strict=True)]
        plateaus.append(np.zeros(network.sizes[-1]))
        sums = [p + a for p, a in zip(plateaus, averages.activity_target, strict=True)]
        return [factor * (s - s.mean()) for s in sums]

    return errors


def test_a_users_rule_learns_what_its_twin_learns():
    network = sl.Network(sizes=(12, 7, 3), phases=sl.Phases(minimum=20.0, settle=8.0))
    rng = np.random.default_rng(0)
    images, labels = rng.random((3, 12)).astype(np.float32), np.array([0, 1, 2])
    core = Clock(dtype="float64").build(network, network.draw_weights(1))
    settings = {"seed": 1, "learning_rates": (0.3, 0.2)}
    chunk = core.train(images, labels, first_example=0, rule=Centred(2.0), compare=Centred(-1.0), **settings)
    twin = reference.train(network, 1.0, network.draw_weights(1), images, labels, rule=centred_errors(2.0), **settings)
    for found, wanted in zip(core.weights.W + core.weights.b, twin[-1].weights.W + twin[-1].weights.b, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(chunk.angle, 180, atol=1e-5)


def test_compiled_code_of_a_users_rule_is_not_cached():
    """The cache would not notice a change of the rule: only rules of the package may use it."""
    assert not _of_package(Centred(1.0).constants())
    assert all(_of_package(rule.constants()) for rule in RULES.values())
    assert _of_package(Silent())


def test_a_rule_that_nobody_registered_is_refused():
    class Unknown(NamedTuple):
        step: float

    core = core_with(NETWORKS["one"], averages_of(NETWORKS["one"]))
    with pytest.raises(KeyError):
        compute_errors(Unknown(1.0), core._trial, 0, np.zeros(128))
    assert Unknown not in learn._RULES
