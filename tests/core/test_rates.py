"""The rates engine: steady states that satisfy their equations, and are the means of the spiking network."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from conftest import needs_jit
from scipy import integrate

import spikelearn as sl
from spikelearn.models import guerguiev2017

CASES = {
    "text": {},
    "released": {"synapse": sl.Synapse(cutoff=10.0)},
    "apical conductance": {"hidden": sl.HiddenNeuron(g_apical=0.05)},
    "strong apical conductance, from above": {
        "hidden": sl.HiddenNeuron(g_apical=0.6),
        "feedback_from": "above",
        "feedback": sl.RandomFeedback(gain=0.3),
    },
    "apical bias": {"initial": sl.InitialWeights(apical_bias=1.0), "hidden": sl.HiddenNeuron(g_apical=0.05)},
    "rates are fed back": {"feedback_signal": "rates", "synapse": sl.Synapse(cutoff=10.0)},
    "rates are fed back, apical conductance": {"feedback_signal": "rates", "hidden": sl.HiddenNeuron(g_apical=0.05)},
}
of_each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
IMAGE = np.linspace(0, 1, 12, dtype=np.float32)


def network_of(case, sizes=(12, 70, 9, 3)):
    return sl.Network(sizes=sizes, **case)


def owns(core):
    return [layer.own for layer in core._net.layers]


def show(network, weights, label=1, rates=None, rule=None):
    core = sl.Rates(dtype="float64").build(network, weights)
    chunk = core.train(
        IMAGE[None], np.array([label]), seed=1, first_example=0, rule=rule or sl.Plateau(),
        learning_rates=rates or (0.0,) * network.n_layers,
    )  # fmt: skip
    return core, chunk


@pytest.mark.parametrize("cutoff", [3.0, 10.0, 40.0])
def test_the_area_of_a_kernel_is_its_integral(cutoff):
    synapse = sl.Synapse(cutoff=cutoff)
    whole = integrate.quad(lambda t: float(reference.kappa(sl.Synapse(), t)), 0, cutoff, epsabs=1e-13)[0]
    assert synapse.area() == pytest.approx(whole, rel=1e-10)
    assert sl.Synapse().area() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("cutoff", [None, 3.0, 10.0, 40.0])
@pytest.mark.parametrize("dt", [1.0, 0.25])
def test_the_area_in_steps_is_the_sum_over_them(cutoff, dt):
    synapse = sl.Synapse(cutoff=cutoff)
    assert synapse.area(dt) == pytest.approx(dt * reference.kappa(synapse, dt * np.arange(1, 4000)).sum(), rel=1e-10)
    assert synapse.area(1e-4) == pytest.approx(synapse.area(), rel=1e-4)


@of_each_case
def test_in_the_forward_phase_every_potential_is_the_weighted_mean_of_its_dendrites(case):
    network = network_of(case)
    weights = network.draw_weights(1)
    core, chunk = show(network, weights)
    v, hidden = [own.v_forward for own in owns(core)], network.hidden
    gain = network.synapse.area()
    rate = [network.rate_max * r for r in (IMAGE.astype(float), *(reference.sigmoid(x) for x in v))]
    received = [r if network.feedback_signal == "rates" else gain * r for r in rate]
    for layer in range(network.n_layers):
        dendrite = weights.W[layer] @ (gain * rate[layer]) + weights.b[layer]
        if layer == network.n_layers - 1:
            wanted = 6 / 7 * dendrite
        else:
            source = -1 if network.feedback_from == "output" else layer + 2
            apical = weights.Y[layer] @ received[source] + weights.c[layer]
            wanted = (hidden.g_basal * dendrite + hidden.g_apical * apical) / hidden.g_total
            np.testing.assert_allclose(owns(core)[layer].plateau_forward, reference.sigmoid(apical), rtol=1e-9)
        np.testing.assert_allclose(v[layer], wanted, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(chunk.v_output[0], v[-1], rtol=1e-12)


def test_in_the_target_phase_outputs_are_pulled_to_their_reversal_potentials():
    network = network_of({}, (12, 7, 3))
    weights = network.draw_weights(1)
    core, _ = show(network, weights, label=1)
    hidden, output = owns(core)
    dendrite = weights.W[1] @ (network.rate_max * reference.sigmoid(hidden.v_forward)) + weights.b[1]
    wanted = (0.6 * dendrite + 1.0 * np.array([-8.0, 8.0, -8.0])) / 1.7
    np.testing.assert_allclose(output.activity_target, reference.sigmoid(wanted), rtol=1e-12)


@needs_jit
@pytest.mark.parametrize("case", ["text", "released", "apical conductance", "apical bias", "rates are fed back"])
def test_the_spiking_network_does_the_same_in_the_mean(case):
    """For ten seconds, with weights so small that rates hardly depend on the noise of the potentials."""
    network = replace(network_of(CASES[case], (12, 70, 3)), phases=sl.Phases(minimum=10_000.0, settle=200.0))
    drawn = network.draw_weights(1)
    weights = replace(drawn, W=tuple(0.1 * w for w in drawn.W))
    core, _ = show(network, weights)
    spiking = sl.Event(dtype="float64") if case != "rates are fed back" else sl.Clock(dt=0.25, dtype="float64")
    other = spiking.build(network, weights)
    other.train(IMAGE[None], np.array([1]), seed=1, first_example=0, learning_rates=(0.0, 0.0), rule=sl.Plateau())
    for name in ("v_forward", "activity_target", "plateau_forward", "plateau_target"):
        for found, wanted in zip(owns(core), owns(other), strict=True):
            np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), atol=0.02)


def test_nothing_is_random_but_the_weights():
    network = network_of({})
    images, weights = np.tile(IMAGE, (3, 1)), network.draw_weights(1)
    core = sl.Rates().build(network, weights)
    found = [
        core.train(
            images, np.zeros(3, int), seed=seed, first_example=first, learning_rates=(0.0,) * 3, rule=sl.Plateau()
        ).loss
        for seed, first in ((1, 0), (2, 0), (1, 7))
    ]
    assert (np.concatenate(found) == found[0][0]).all()


def test_a_loop_that_does_not_settle_is_reported():
    network = sl.Network(sizes=(12, 1, 1), hidden=sl.HiddenNeuron(g_apical=30.0))
    drawn = network.draw_weights(1)
    # The hidden neuron inhibits itself through the output, which its bias holds at the brink: no small step will do.
    weights = replace(
        drawn, W=(drawn.W[0], np.array([[2000.0]])), b=(drawn.b[0], np.array([-50.0])), Y=(np.array([[-2000.0]]),)
    )
    with pytest.raises(sl.NotSettledError, match="rates do not settle.*lower g_apical"):
        show(network, weights, label=0)


def test_what_needs_time_is_refused():
    network = network_of({})
    core = sl.Rates().build(network, network.draw_weights(1))
    with pytest.raises(sl.InputError, match="neither spikes nor time"):
        core.record(IMAGE, None, seed=1, example=0)
    with pytest.raises(sl.InputError, match="neither spikes nor time"):
        core.train(
            IMAGE[None], np.array([0]), seed=1, first_example=0, learning_rates=(0.0,) * 3, rule=sl.Plateau(),
            watch=core.everything(),
        )  # fmt: skip
    jittered = replace(network, plateaus=sl.JitteredPlateaus())
    with pytest.raises(sl.InputError, match="knows no time.*SynchronousPlateaus"):
        sl.Rates().build(jittered, network.draw_weights(1))


@pytest.mark.parametrize("reading", ["released", "text"])
def test_the_steps_of_backpropagation_are_500_times_the_gradient_in_every_layer(reading):
    """By finite differences of the loss (equation 23), with the target as it is: ``P_1 = 20 / rate_max**2``."""
    network = guerguiev2017.two_hidden(reading, n_input=12, hidden=(7, 6), n_output=3).network
    weights = network.draw_weights(1)
    weights = replace(weights, W=tuple(w - w.mean() for w in weights.W))
    core, _ = show(network, weights)
    target = network.rate_max * owns(core)[-1].activity_target[:3].copy()

    def half_loss(W):
        v = show(network, replace(weights, W=W))[1].v_output[0]
        return ((target - network.rate_max * reference.sigmoid(v)) ** 2).sum() / 2

    learned, _ = show(network, weights, rates=(1.0,) * 3, rule=sl.Backprop())
    for layer, (before, after) in enumerate(zip(weights.W, learned.weights.W, strict=True)):
        step, h = after - before, 1e-5
        for i, j in zip(*np.unravel_index(np.argsort(-abs(step), axis=None)[:5], step.shape), strict=True):
            losses = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights.W]
                moved[layer][i, j] += sign * h
                losses.append(half_loss(tuple(moved)))
            gradient = (losses[0] - losses[1]) / (2 * h)
            assert -step[i, j] / gradient == pytest.approx(500, rel=1e-3)
