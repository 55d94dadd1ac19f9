"""From averages to weights: errors, updates, losses and angles against matrices; rules from outside the package."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
import reference

import spikelearn as sl
from spikelearn.core import registered
from spikelearn.core.jit import kernel
from spikelearn.core.layer import FORWARD, MISMATCH, TARGET, Own, Trial
from spikelearn.core.learn import angle, apply_errors, loss
from spikelearn.core.registered import code_of
from spikelearn.core.rules import compute_errors, compute_others, layer_errors, register_rule
from spikelearn.core.trial import derive_all, measure_all
from spikelearn.engines import Clock

NETWORKS = {
    "no hidden layer": sl.Network(sizes=(5, 3)),
    "one": sl.Network(sizes=(5, 7, 3), hidden=sl.HiddenNeuron(g_apical=0.3)),
    "populations, likelihood": sl.Network(
        sizes=(5, 7, 6), population=2, output=sl.OutputNeuron(loss="likelihood", g_dendrite=0.3)
    ),
    "several blocks": sl.Network(sizes=(70, 130, 66, 65), rate_max=0.1, output=sl.OutputNeuron(g_dendrite=0.3)),
}
of_each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
RULES = {
    "plateau": sl.Plateau(),
    "plateau, gate half open": sl.Plateau(gate=1.0),
    "plateau, gate open": sl.Plateau(gate=0.01),
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
    populations = [core._net.inputs, *(layer.spikes for layer in core._net.layers)]
    for k, own in enumerate(owns(core)):
        own.v_forward[:] = averages.v_forward[k]
        own.predicted[:] = reference.sigmoid(averages.v_forward[k])
        own.slope[:] = reference.slope(averages.v_forward[k])
        own.activity_target[:] = averages.activity_target[k]
        own.signal[MISMATCH] = reference.mismatch(network, averages)
        populations[k].psp[:] = averages.psp[k]
        if not own.is_output:
            own.plateau_forward[:] = averages.plateau_forward[k]
            own.plateau_target[:] = averages.plateau_target[k]
    return core


def owns(core):
    """Return what the neurons of each layer may know."""
    return [layer.own for layer in core._net.layers]


@kernel
def _all_errors(rule, net):
    compute_errors(rule, net.layers)


def errors(core, rule):
    """Return the errors of a rule, by layer."""
    for layer in core._net.layers:
        layer.error[:] = 0
    _all_errors(rule.constants(), core._net)
    return [own.error.copy() for own in owns(core)]


def losses(core):
    return [loss(own) for own in owns(core)]


# -- rules ------------------------------------------------------------------------------------------------------------


@of_each_network
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_errors_of_a_rule_are_those_of_its_equations(network, rule):
    network = suited(network, rule)
    averages = averages_of(network)
    core = core_with(network, averages)
    found = errors(core, rule)
    wanted = reference.errors_of(rule, network, network.draw_weights(1), averages)
    for f, w in zip(found, wanted, strict=True):
        np.testing.assert_allclose(f, w, rtol=1e-12, atol=1e-15)
    # Padding has no errors; whoever learns has some.
    learning = network.sizes[-1:] if rule == sl.OutputOnly() else network.sizes[1:]
    assert sum(np.count_nonzero(layer.error) for layer in core._net.layers) == sum(learning)


@of_each_network
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_there_is_nothing_to_learn_where_teaching_changes_nothing(network, rule):
    network = suited(network, rule)
    averages = averages_of(network)
    averages.activity_target = [reference.sigmoid(v) for v in averages.v_forward]
    averages.apical_target = averages.apical_forward
    core = core_with(network, averages)
    np.testing.assert_allclose(np.concatenate(errors(core, rule)), 0, atol=1e-13)
    np.testing.assert_allclose(losses(core), 0, atol=1e-28)


def test_an_error_raises_the_rate_that_is_too_low():
    network = NETWORKS["one"]
    averages = averages_of(network)
    core = core_with(network, averages)
    hidden, output = errors(core, sl.Plateau())
    wanted = averages.activity_target[-1] - reference.sigmoid(averages.v_forward[-1])
    np.testing.assert_array_equal(np.sign(output), np.sign(wanted))
    wanted = averages.plateau_target[0] - averages.plateau_forward[0]
    np.testing.assert_array_equal(np.sign(hidden), np.sign(wanted))


@pytest.mark.parametrize("sizes", [(5, 4, 3), (5, 70, 4, 3), (3, 4, 66, 5)])
@pytest.mark.parametrize("cutoff", [None, 10.0])
def test_backprop_is_the_gradient_of_the_output_loss_of_the_rate_network(sizes, cutoff):
    """Numerical gradient of half the loss (eq. 23) with respect to dendritic potentials, times ``P_1``.

    Rate network: ``v = k (W psp + b)``, ``psp = area rate_max sigmoid(v)``: means of a network of spikes.
    """
    synapse = sl.Synapse(cutoff=cutoff)
    network = sl.Network(sizes=sizes, rate_max=0.15, hidden=sl.HiddenNeuron(g_apical=0.2), synapse=synapse)
    area = reference.kappa(synapse, np.arange(1.0, 500.0)).sum()
    drawn = network.draw_weights(1)
    weights = replace(drawn, W=tuple(w - w.mean() for w in drawn.W), b=tuple(0 * b for b in drawn.b))
    k, rng = reference.gains(network), np.random.default_rng(0)
    psp_input, target = 0.1 * rng.random(sizes[0]), network.rate_max * rng.random(sizes[-1])

    def potentials(added):
        v, psp = [], psp_input
        for layer in range(network.n_layers):
            v.append(k[layer] * (weights.W[layer] @ psp + weights.b[layer] + added[layer]))
            psp = area * network.rate_max * reference.sigmoid(v[-1])
        return v

    def half_loss(added):
        return ((target - network.rate_max * reference.sigmoid(potentials(added)[-1])) ** 2).sum() / 2

    averages = averages_of(network)
    averages.v_forward = potentials([0.0] * network.n_layers)
    averages.activity_target[-1] = target / network.rate_max
    core = core_with(network, averages, weights)
    for layer, found in enumerate(errors(core, sl.Backprop())):
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
        outputs.append(errors(core, rule)[-1])
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
    changed = [np.flatnonzero(a != b).tolist() for a, b in zip(errors(core, sl.Plateau()), before, strict=True)]
    assert changed == [[3]] * network.n_hidden + [[]]


def arrays_of(value):
    """Yield all arrays in nested records and tuples."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from arrays_of(part)


@pytest.mark.parametrize("rule", [sl.Plateau(), sl.OutputOnly()], ids=["plateau", "output only"])
def test_what_a_layer_owns_is_all_that_a_local_rule_reads(rule):
    """Not a number elsewhere in the network, and in the engine, has a say: here none of them is one."""
    network = NETWORKS["several blocks"]
    core = core_with(network, averages_of(network))
    wanted = errors(core, rule)
    own = owns(core)[0]
    kept = [array.copy() for array in arrays_of(own)]
    for array in arrays_of(core._net):
        array[...] = np.nan if array.dtype.kind == "f" else array.max(initial=0)
    for array, values in zip(arrays_of(own), kept, strict=True):
        array[:] = values
    own.error[:] = 7
    _all_errors(rule.constants(), core._net)
    np.testing.assert_array_equal(own.error, wanted[0])


def test_what_a_layer_owns_leads_to_no_other_layer_and_no_spike():
    network = NETWORKS["several blocks"]
    core = core_with(network, averages_of(network))
    for number, layer in enumerate(core._net.layers):
        assert isinstance(layer.own, Own)
        assert not any(isinstance(field, tuple) for field in layer.own)
        elsewhere = [core._net.inputs, layer.spikes, layer.work, *(m for m in core._net.layers if m.number != number)]
        assert layer.own.psp is layer.below.psp  # what arrives at its synapses is not the neurons below
        for mine in arrays_of(layer.own._replace(psp=0)):
            assert not any(np.shares_memory(mine, other) for other in arrays_of(tuple(elsewhere)))


# -- updates ----------------------------------------------------------------------------------------------------------


@of_each_network
def test_weights_change_by_rate_times_error_times_presynaptic_average(network):
    averages = averages_of(network)
    core = core_with(network, averages)
    before, _ = core.weights, errors(core, sl.Backprop())
    rates = np.linspace(0.1, 0.3, network.n_layers)
    for layer, psp, rate in zip(core._net.layers, averages.psp, rates, strict=True):
        layer.below.psp[:] = psp
        apply_errors(layer, rate)
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
    # Padded neurons got no weights: their lanes stay zero.
    for layer, weights in zip(core._net.layers, before.W, strict=True):
        assert np.count_nonzero(layer.weights) <= weights.size
        assert np.count_nonzero(layer.bias) == layer.n


@kernel
def _reach_of_all(net):
    measure_all(net.layers)


@of_each_network
def test_no_weight_is_larger_than_the_reach_that_learning_keeps(network):
    """Which is that of the weights when training begins, and from then on grows with them."""
    core = core_with(network, averages_of(network))
    _reach_of_all(core._net)
    for layer, weights in zip(core._net.layers, core.weights.W, strict=True):
        np.testing.assert_array_equal(layer.reach.reshape(-1)[: layer.n], np.abs(weights).max(1))
    errors(core, sl.Backprop())
    for layer, psp in zip(core._net.layers, averages_of(network).psp, strict=True):
        before = layer.reach.copy()
        layer.below.psp[:] = psp
        apply_errors(layer, 3.0)
        largest = np.abs(layer.weights.reshape(-1, layer.n_pre, layer.weights.shape[1])).max(1)
        np.testing.assert_array_equal(layer.reach, np.maximum(before, largest))


@kernel
def _derive(net, trial):
    derive_all(net.layers, net.pathway, trial)


# One with windows of both phases.
TRIAL = Trial(0, 0, np.zeros(1), np.ones(2), np.array([[0.0, 1.0], [1.0, 2.0]]), 0.0, True)


@of_each_network
def test_mean_apical_potentials_are_feedback_weights_times_mean_output(network):
    """And plateaus their sigmoid, predictions that of the somatic potential, of neurons in any block."""
    averages = averages_of(network)
    core = core_with(network, averages)
    for own in owns(core):
        for field in (own.predicted, own.slope, own.plateau_forward, own.plateau_target):
            field[:] = 7
    output = np.random.default_rng(1).random((2, network.sizes[-1]))
    core._net.layers[-1].fed.delivered[:] = output
    _derive(core._net, TRIAL)
    for own, feedback in zip(owns(core)[:-1], core.weights.Y, strict=True):
        for mean, found in zip(output, (own.plateau_forward, own.plateau_target), strict=True):
            np.testing.assert_allclose(found, reference.sigmoid(feedback @ mean), rtol=1e-12)
    for own, v in zip(owns(core), averages.v_forward, strict=True):
        np.testing.assert_allclose(own.predicted, reference.sigmoid(v), rtol=1e-12)
        np.testing.assert_allclose(own.slope, reference.slope(v), rtol=1e-12)


def test_where_plateaus_come_early_the_window_of_each_neuron_counts():
    network = replace(NETWORKS["several blocks"], plateaus=sl.JitteredPlateaus())
    core = core_with(network, averages_of(network))
    delivered = core._net.layers[-1].fed.delivered  # row ``phase * shifts + grains``
    delivered[:] = np.random.default_rng(1).random(delivered.shape)
    _derive(core._net, TRIAL)
    for layer, feedback in zip(core._net.layers[:-1], core.weights.Y, strict=True):
        assert len(np.unique(layer.early[:, : layer.n])) == len(delivered) // 2
        for phase, found in ((FORWARD, layer.own.plateau_forward), (TARGET, layer.own.plateau_target)):
            rows = phase * len(delivered) // 2 + layer.early[phase, : layer.n]
            np.testing.assert_allclose(found, reference.sigmoid((feedback * delivered[rows]).sum(1)), rtol=1e-12)


@of_each_network
def test_losses_are_those_of_the_equations(network):
    averages = averages_of(network)
    np.testing.assert_allclose(losses(core_with(network, averages)), reference.losses(network, averages), rtol=1e-12)


# -- angles -----------------------------------------------------------------------------------------------------------


def random_errors(seed):
    network = NETWORKS["several blocks"]
    core = core_with(network, averages_of(network, seed))
    return errors(core, sl.Plateau()), errors(core, sl.Backprop())


def test_angles_are_those_between_the_vectors_of_each_hidden_layer():
    plateau, backprop = random_errors(0)
    found = [angle(a, b) for a, b in zip(plateau, backprop, strict=True)]
    wanted = [reference.angle(a, b) for a, b in zip(plateau, backprop, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_the_angle_to_itself_is_zero_to_its_opposite_180_and_to_a_perpendicular_90_degrees():
    for a in random_errors(0)[0]:
        assert angle(a, a) == pytest.approx(0, abs=1e-5)
        assert angle(a, 3 * a) == pytest.approx(0, abs=1e-5)
        assert angle(a, -a) == pytest.approx(180, abs=1e-5)
        even, odd = a.copy(), a.copy()
        even[::2], odd[1::2] = 0, 0
        assert angle(even, odd) == pytest.approx(90)


def test_the_angle_to_a_zero_vector_is_not_a_number():
    a = random_errors(0)[0][0]
    assert np.isnan(angle(a, 0 * a)) and np.isnan(angle(0 * a, a))


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
def _centred_errors(rule, own):
    mean = 0.0
    for i in range(own.n):
        own.error[i] = own.activity_target[i]
        if not own.is_output:
            own.error[i] += own.plateau_target[i] - own.plateau_forward[i]
        mean += own.error[i] / own.n
    for i in range(own.n):
        own.error[i] = rule.factor * (own.error[i] - mean)


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


class AboveConstants(NamedTuple):
    """A rule that reads another layer, without sense: its size, and the first of its weights and errors."""

    factor: float


class SourceConstants(NamedTuple):
    """The same of another layer."""

    factor: float


@kernel
def _others_errors(rule, own, other):
    for i in range(own.n):
        own.error[i] = rule.factor * (other.n + other.weights[0, 0] + (0.0 if own.is_output else other.error[0]))


register_rule(AboveConstants, _others_errors, reads="above")
register_rule(SourceConstants, _others_errors, reads="source")


@pytest.mark.parametrize("constants, others", [(AboveConstants, (1, 2, 2)), (SourceConstants, (2, 2, 2))])
def test_a_rule_may_read_the_layer_above_or_the_one_that_feeds_back(constants, others):
    network = replace(NETWORKS["several blocks"], sizes=(5, 70, 66, 3))
    core = core_with(network, averages_of(network))
    _all_errors(constants(2.0), core._net)
    for own, other in zip(owns(core), others, strict=True):
        other = owns(core)[other]
        wanted = 2.0 * (other.n + other.weights[0, 0] + (0.0 if own.is_output else other.error[0]))
        np.testing.assert_allclose(own.error, wanted, rtol=1e-15)


@kernel
def _compared_errors(rule, net):
    compute_others(rule, net.layers)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_errors_that_are_only_compared_leave_those_that_are_learned(rule):
    network = suited(NETWORKS["several blocks"], rule)
    core = core_with(network, averages_of(network))
    wanted = errors(core, rule)
    for own in owns(core):
        own.error[:] = 7
    _compared_errors(rule.constants(), core._net)
    for layer, error in zip(core._net.layers, wanted, strict=True):
        assert (layer.error.reshape(-1)[: layer.n] == 7).all()
        np.testing.assert_array_equal(layer.other.error, error)


def test_a_rule_that_nobody_registered_is_refused():
    class Unknown(NamedTuple):
        step: float

    own = owns(core_with(NETWORKS["one"], averages_of(NETWORKS["one"])))[0]
    with pytest.raises(TypeError, match="no code is registered for .*Unknown"):
        layer_errors(Unknown(1.0), own, own, own)
    with pytest.raises(TypeError, match="no code is registered for .*Unknown"):
        code_of(Unknown)
    assert Unknown not in registered._REGISTERED
