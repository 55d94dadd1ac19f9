"""Descriptions, which hold numbers only: what they refuse and what they derive."""

import math
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.descriptions import from_dict, to_dict
from spikelearn.errors import InputError, check_range, nearest, wording
from spikelearn.feedback import ProductFeedback, RandomFeedback
from spikelearn.network import MAX_SIZE

# -- units and ranges -------------------------------------------------------------------------------------------------


def test_times_are_in_ms_and_rates_in_spikes_per_ms():
    assert (50 * sl.ms, 2 * sl.second, 200 * sl.Hz) == (50.0, 2000.0, 0.2)


@pytest.mark.parametrize("value", [1, 1.5, np.int64(1), np.float32(1), np.float64(1)])
def test_every_finite_number_passes_whoever_made_it(value):
    check_range("x", value, at_least=1)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, np.True_, None, "1", 1j])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(InputError, match=re.escape(f"x={value!r} must be a finite number >= -5")):
        check_range("x", value, at_least=-5)


@pytest.mark.parametrize("value", [1.0, 1.5, np.float64(2), "1", None, True])
def test_a_whole_number_must_be_an_integer(value):
    with pytest.raises(InputError, match=re.escape(f"n={value!r} must be an integer >= 1")):
        check_range("n", value, at_least=1, integer=True)


def test_a_range_is_written_with_all_its_bounds_and_its_unit():
    with pytest.raises(InputError, match=r"^x=7 must be a finite number > 0 and <= 5 ms$"):
        check_range("x", 7, above=0, at_most=5, unit="ms")
    with pytest.raises(InputError, match=r"^x=nan must be a finite number$"):
        check_range("x", math.nan)


def test_the_nearest_name_is_suggested_and_all_are_listed():
    assert nearest("clok", ["event", "clock"]) == "did you mean 'clock'? Known: event, clock"
    assert nearest("x", ["event", "clock"]) == "Known: event, clock"


def test_words_of_another_library_come_on_one_line_and_end():
    """A damaged .npz makes zipfile repeat what it holds, 5,000 characters with line breaks."""
    assert wording(ValueError("header\n  parse\terror")) == "header parse error"
    assert wording(EOFError()) == "EOFError"
    assert wording(ValueError("x" * 5000)) == "x" * 300 + " ..."


# -- refusals ---------------------------------------------------------------------------------------------------------

REFUSED = [
    (sl.Synapse, {"tau_rise": 0.0}, "Synapse.tau_rise=0.0 must be a finite number > 0 ms"),
    (sl.Synapse, {"tau_rise": -1.0}, "Synapse.tau_rise=-1.0"),
    (sl.Synapse, {"tau_rise": "3"}, "Synapse.tau_rise='3'"),
    (sl.Synapse, {"tau_decay": 3.0}, "Synapse.tau_decay=3.0 must be a finite number > 3 ms (tau_rise)"),
    (sl.Synapse, {"tau_decay": math.inf}, "Synapse.tau_decay=inf"),
    (sl.Synapse, {"cutoff": 0.0}, "Synapse.cutoff=0.0 must be a finite number > 0 ms, or none"),
    (sl.HiddenNeuron, {"g_leak": 0.0}, "HiddenNeuron.g_leak=0.0 must be a finite number > 0 1/ms"),
    (sl.HiddenNeuron, {"g_basal": math.nan}, "HiddenNeuron.g_basal=nan"),
    (sl.HiddenNeuron, {"g_apical": -0.05}, "HiddenNeuron.g_apical=-0.05 must be a finite number >= 0 1/ms"),
    (sl.OutputNeuron, {"g_leak": -0.1}, "OutputNeuron.g_leak=-0.1"),
    (sl.OutputNeuron, {"g_dendrite": 0.0}, "OutputNeuron.g_dendrite=0.0"),
    (sl.OutputNeuron, {"g_teach": 0.0}, "OutputNeuron.g_teach=0.0"),
    (sl.OutputNeuron, {"e_excite": math.nan}, "OutputNeuron.e_excite=nan must be a finite number"),
    (sl.OutputNeuron, {"e_inhibit": 9.0}, "OutputNeuron.e_inhibit=9.0 must be a finite number <= 8 (e_excite)"),
    (sl.Phases, {"minimum": 0.0}, "Phases.minimum=0.0 must be a finite number > 0 ms"),
    (sl.Phases, {"minimum": 30.0}, "Phases.minimum=30 ms must be longer than the settling time settle=30 ms"),
    (sl.Phases, {"test": 20.0}, "Phases.test=20 ms must be longer than the settling time settle=30 ms"),
    (sl.Phases, {"settle": -1.0}, "Phases.settle=-1.0"),
    (sl.Phases, {"extra_mean": 0.0}, "Phases.extra_mean=0.0"),
    (sl.Phases, {"extra_shape": -1.0}, "Phases.extra_shape=-1.0"),
    (sl.Phases, {"window": 21.0}, "Phases.window=21.0 must be a finite number > 0 and <= 20 ms (minimum - settle)"),
    (sl.Phases, {"window": 0.0}, "Phases.window=0.0"),
    (RandomFeedback, {"gain": math.inf}, "RandomFeedback.gain=inf must be a finite number"),
    (ProductFeedback, {"gain": "1"}, "ProductFeedback.gain='1' must be a finite number"),
    (sl.InitialWeights, {"v_mean": 0.0}, "InitialWeights.v_mean=0.0"),
    (sl.InitialWeights, {"v_sd": -3.0}, "InitialWeights.v_sd=-3.0"),
    (sl.InitialWeights, {"bias_mean": math.nan}, "InitialWeights.bias_mean=nan"),
    (sl.InitialWeights, {"bias_sd": -0.1}, "InitialWeights.bias_sd=-0.1"),
    (sl.InitialWeights, {"activity": 1.5}, "InitialWeights.activity=1.5 must be a finite number > 0 and <= 1"),
    (sl.InitialWeights, {"activity": 0.0}, "InitialWeights.activity=0.0"),
    (sl.Network, {"sizes": (5,)}, "Network.sizes=(5,) needs at least an input and an output layer"),
    (sl.Network, {"sizes": (5, 0)}, f"Network.sizes=(5, 0): every layer needs an integer of 1 to {MAX_SIZE} neurons"),
    (sl.Network, {"sizes": (5, -2)}, "neurons, got -2"),
    (sl.Network, {"sizes": (5, 2.0)}, "neurons, got 2.0"),
    (sl.Network, {"sizes": (5, True)}, "neurons, got True"),
    (sl.Network, {"sizes": (5, MAX_SIZE + 1)}, f"neurons, got {MAX_SIZE + 1}"),
    (sl.Network, {"sizes": (5, 2), "rate_max": 0.0}, "Network.rate_max=0.0 must be a finite number > 0 spikes/ms"),
    (
        sl.Model,
        {"network": sl.Network(sizes=(5, 4, 3)), "learning_rates": (0.1,)},
        "Model.learning_rates=(0.1,) has 1 rates; a network of sizes (5, 4, 3) needs 2",
    ),
    (sl.Model, {"network": sl.Network(sizes=(5, 3)), "learning_rates": (-0.1,)}, "Model.learning_rates=-0.1"),
    (sl.Model, {"network": sl.Network(sizes=(5, 3)), "learning_rates": (math.nan,)}, "Model.learning_rates=nan"),
]


@pytest.mark.parametrize(
    ("description", "parameters", "message"),
    REFUSED,
    ids=[f"{case[0].__name__}-{list(case[1])[-1]}-{number}" for number, case in enumerate(REFUSED)],
)
def test_a_parameter_out_of_range_is_refused_by_name_and_value(description, parameters, message):
    with pytest.raises(InputError, match=re.escape(message)):
        description(**parameters)


@pytest.mark.parametrize("description", [sl.Synapse(), sl.HiddenNeuron(), sl.Phases(), sl.Network(sizes=(2, 1))])
def test_descriptions_cannot_be_changed_behind_the_back_of_their_checks(description):
    with pytest.raises(FrozenInstanceError):
        description.anything = 1


def test_sizes_and_rates_may_be_lists_and_of_numpy():
    network = sl.Network(sizes=[5, np.int64(4), 3])
    assert network == sl.Network(sizes=(5, 4, 3))
    assert all(type(n) is int for n in network.sizes)
    assert sl.Model(network=network, learning_rates=[0.1, 0.2]).learning_rates == (0.1, 0.2)


def test_every_description_is_rebuilt_from_what_is_written_of_it():
    network = sl.Network(
        sizes=(7, 5, 4, 3),
        rate_max=100 * sl.Hz,
        synapse=sl.Synapse(tau_rise=2.0, tau_decay=5.0, cutoff=7.0),
        hidden=sl.HiddenNeuron(g_leak=0.2, g_basal=0.5, g_apical=0.05),
        output=sl.OutputNeuron(g_leak=0.2, g_dendrite=0.5, g_teach=0.5, e_excite=6.0, e_inhibit=-6.0),
        feedback=ProductFeedback(gain=2.0),
        phases=sl.Phases(minimum=40.0, extra_mean=3.0, extra_shape=2.0, settle=20.0, window=10.0, test=100.0),
        initial=sl.InitialWeights(v_mean=2.0, v_sd=4.0, bias_mean=0.5, bias_sd=0.01, activity=0.5),
        carry_state=False,
    )
    model = sl.Model(network=network, learning_rates=(0.1, 0.2, 0.3), rule=sl.Backprop(hidden_scale=0.2))
    assert from_dict(sl.Model, to_dict(model)) == model


# -- neurons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("g_apical", "gain"), [(0.0, 6 / 7), (0.05, 0.8), (0.6, 0.6 / 1.3)])
def test_the_gain_of_a_hidden_neuron_is_that_of_the_paper(g_apical, gain):
    # k_b = g_b / (g_l + g_b + g_a), equation 34, for the three apical conductances of Table 1; 0.6 / 1.3 = 0.4615
    assert sl.HiddenNeuron(g_apical=g_apical).dendrite_gain == pytest.approx(gain, rel=1e-12)


def test_the_gain_of_an_output_neuron_is_that_of_the_paper():
    assert sl.OutputNeuron().dendrite_gain == pytest.approx(6 / 7, rel=1e-12)


def test_each_layer_of_a_network_has_the_gain_of_its_neurons():
    network = sl.Network(sizes=(9, 8, 7, 3), hidden=sl.HiddenNeuron(g_apical=0.05))
    assert network.dendrite_gains == pytest.approx((0.8, 0.8, 6 / 7))


def relax(step, v_dendrite, v_apical=0.0):
    """Repeat a step of the soma until its potential stays as it is."""
    v = 0.0
    for _ in range(2000):
        v = step.keep * v + step.dendrite * v_dendrite + step.apical * v_apical + step.current
    return v


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("g_apical", [0.0, 0.05, 0.6])
def test_a_hidden_soma_relaxes_to_the_mean_of_its_compartments_at_any_time_step(dt, g_apical):
    cell = sl.HiddenNeuron(g_apical=g_apical)
    expected = (0.6 * 3.0 + g_apical * -2.0) / (0.7 + g_apical)
    assert relax(cell.soma_step(dt), 3.0, -2.0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.1])
@pytest.mark.parametrize("e_teach", [8.0, -8.0, 0.0])
def test_teaching_pulls_an_output_soma_to_its_reversal_potential(dt, e_teach):
    # At 0, rest, the conductance shunts: it must not be mistaken for no teaching.
    step = sl.OutputNeuron().soma_step(dt, e_teach)
    assert relax(step, 3.0) == pytest.approx((0.6 * 3.0 + 1.0 * e_teach) / 1.7, rel=1e-9)


def test_without_teaching_an_output_soma_follows_its_dendrite():
    assert relax(sl.OutputNeuron().soma_step(1.0), 3.0) == pytest.approx(3.0 * 6 / 7, rel=1e-9)


def test_teaching_clamps_silent_outputs_to_about_198_and_2_spikes_a_second():
    # Fact sheet 1.4: at V_dendrite = 0; the paper says that the target fires at its maximum, the others not at all
    rates = [200 / (1 + math.exp(-relax(sl.OutputNeuron().soma_step(1.0, e), 0.0))) for e in (8.0, -8.0)]
    assert rates == pytest.approx([198.2, 1.8], abs=0.1)


@pytest.mark.parametrize("dt", [2.0 / 0.7, 3.0, 100.0])
def test_a_time_step_that_makes_a_soma_oscillate_is_refused(dt):
    problem = rf"dt={dt:g} ms is too large: .* of the hidden soma = [\d.]+, must be < 2; use dt < 2.857 ms"
    with pytest.raises(InputError, match=problem):
        sl.HiddenNeuron().soma_step(dt)


def test_teaching_lowers_the_largest_time_step():
    cell = sl.OutputNeuron()
    cell.soma_step(2.0)
    with pytest.raises(InputError, match=r"of the output soma = 3\.4, must be < 2; use dt < 1\.176 ms"):
        cell.soma_step(2.0, 8.0)


@pytest.mark.parametrize("e_teach", [8.0, -8.0])
def test_the_largest_time_step_allowed_is_stable(e_teach):
    step = sl.OutputNeuron().soma_step(1.17, e_teach)
    assert abs(step.keep) < 1
    assert relax(step, 3.0) == pytest.approx((1.8 + e_teach) / 1.7, rel=1e-6)
