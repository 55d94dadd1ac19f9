"""Descriptions, which hold numbers only: what they refuse, what they derive, and what is drawn from them."""

import math
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.core.random import make_generator
from spikelearn.descriptions import from_dict, to_dict
from spikelearn.errors import InputError, check_range, nearest
from spikelearn.feedback import ProductFeedback, RandomFeedback
from spikelearn.network import MAX_SIZE

RATE_MAX = 200 * sl.Hz
SQRT3 = math.sqrt(3)  # half the width of a uniform distribution over its standard deviation

# Fact sheet 1.10, computed from the authors' code: fan-in, mean and SD of forward weights.
MOMENTS = [(784, 0.018707, 0.504903), (500, 0.029333, 0.632115), (100, 0.146667, 1.410406)]


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


# -- weights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fan_in", "mean", "sd"), MOMENTS)
def test_forward_weights_have_the_moments_of_the_authors_code(fan_in, mean, sd):
    assert sl.InitialWeights().moments(fan_in, RATE_MAX) == pytest.approx((mean, sd), abs=5e-7)


@pytest.mark.parametrize("fan_in", [784, 100])
@pytest.mark.parametrize("wanted", [sl.InitialWeights(), sl.InitialWeights(v_mean=2.0, v_sd=1.0, bias_mean=0.3)])
def test_matched_weights_give_dendrites_the_wanted_mean_and_spread(fan_in, wanted):
    rng = np.random.default_rng(1)
    mean, sd = wanted.moments(fan_in, RATE_MAX)
    nu = wanted.activity * RATE_MAX
    weights = rng.normal(mean, sd, (4000, fan_in))
    inputs = nu * rng.normal(wanted.v_mean, wanted.v_sd, (4000, fan_in))
    v = (weights * inputs).sum(axis=1) + wanted.bias_mean
    # 4000 draws: the mean is known to 1.6 % of the SD, the SD to 1.1 %
    assert v.mean() == pytest.approx(wanted.v_mean, abs=0.07 * wanted.v_sd)
    assert v.std() == pytest.approx(wanted.v_sd, rel=0.05)


def test_moments_that_no_weights_have_are_refused():
    with pytest.raises(InputError, match="v_mean=3, v_sd=3 cannot be had with bias_mean=50 and fan-in 100; raise v_sd"):
        sl.InitialWeights(bias_mean=50.0).moments(100, RATE_MAX)


@pytest.fixture(scope="module")
def drawn():
    """Weights of the largest published network."""
    return sl.Network(sizes=(784, 500, 100, 10), feedback=ProductFeedback()).draw_weights(1)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_forward_weights_are_uniform_with_the_matched_moments(drawn, layer):
    _, mean, sd = MOMENTS[layer]
    w = drawn.W[layer]
    error = sd / math.sqrt(w.size)
    assert w.mean() == pytest.approx(mean, abs=4 * error)
    assert w.std() == pytest.approx(sd, rel=4 / math.sqrt(w.size))
    # Fact sheet: U range -0.856..0.894 for 784. All of it, and evenly.
    assert abs(w - mean).max() == pytest.approx(SQRT3 * sd, rel=0.02)
    assert abs(w - mean).max() <= SQRT3 * sd + 1e-6
    quarters = np.histogram(w, 4, (mean - SQRT3 * sd, mean + SQRT3 * sd))[0] / w.size
    assert quarters == pytest.approx(0.25, abs=2 / math.sqrt(w.size))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_biases_are_uniform_around_their_mean(drawn, layer):
    b = drawn.b[layer]
    assert abs(b - 0.8).max() <= SQRT3 * 0.001
    assert b.mean() == pytest.approx(0.8, abs=4 * 0.001 / math.sqrt(b.size))
    assert 0.0005 < b.std() < 0.0015


def test_biases_without_spread_are_all_equal():
    weights = sl.Network(sizes=(5, 4, 3), initial=sl.InitialWeights(bias_mean=0.5, bias_sd=0.0)).draw_weights(1)
    assert all((b == 0.5).all() for b in weights.b)


def test_receptive_fields_are_squares_anywhere_in_the_image_with_moments_of_their_own_fan_in():
    initial = sl.InitialWeights(receptive_field=3)
    lowest, upper = sl.Network(sizes=(49, 2000, 10), initial=initial).draw_weights(1).W
    places = lowest.reshape(-1, 7, 7) != 0
    rows, columns = places.any(axis=2), places.any(axis=1)
    assert (rows.sum(axis=1) == 3).all()
    assert (columns.sum(axis=1) == 3).all()
    assert (places == rows[:, :, None] & columns[:, None, :]).all()
    for sides in (rows, columns):
        first = sides.argmax(axis=1)
        assert (sides[np.arange(2000), first + 2]).all(), "a gap"
        assert np.bincount(first, minlength=5) == pytest.approx(400, abs=80), "not all places alike"
    mean, sd = initial.moments(9, RATE_MAX)
    assert lowest[lowest != 0].mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(18_000))
    assert lowest[lowest != 0].std() == pytest.approx(sd, rel=4 / math.sqrt(18_000))
    assert (upper != 0).all()


@pytest.mark.parametrize(
    ("n_inputs", "field", "message"),
    [
        (49, 8, "receptive_field=8 pixels do not fit into images of 7 x 7; 7 at most"),
        (50, 3, "receptive_field=3 needs square images; 50 pixels are not a square"),
        (49, 0, "receptive_field=0"),
        (49, 2.5, "receptive_field=2.5"),
    ],
)
def test_receptive_fields_that_images_cannot_have_are_refused(n_inputs, field, message):
    with pytest.raises(InputError, match=message):
        sl.Network(sizes=(n_inputs, 5, 3), initial=sl.InitialWeights(receptive_field=field))


def test_a_hidden_layer_that_does_not_learn_keeps_its_receptive_fields():
    x, y = np.random.default_rng(1).random((20, 49)), np.arange(20) % 3
    network = sl.Network(sizes=(49, 12, 3), initial=sl.InitialWeights(receptive_field=3))
    model = sl.Model(network=network, learning_rates=(0.2, 0.2), rule=sl.OutputOnly())
    training = sl.train(model, sl.Images(x=x, y=y, n_classes=3, name="noise"), seed=1)
    for _ in training:
        pass
    learned, drawn = training.weights.W, network.draw_weights(1).W
    assert np.array_equal(learned[0], drawn[0].astype(np.float32))
    assert not np.array_equal(learned[1], drawn[1].astype(np.float32))


def test_random_feedback_has_zero_mean_and_the_spread_of_the_layer_size():
    weights = sl.Network(sizes=(784, 500, 100, 10), feedback=RandomFeedback()).draw_weights(1)
    for y, (_, _, sd) in zip(weights.Y, MOMENTS[1:], strict=True):
        assert y.mean() == pytest.approx(0, abs=4 * sd / math.sqrt(y.size))
        assert y.std() == pytest.approx(sd, rel=4 / math.sqrt(y.size))
        assert abs(y).max() <= SQRT3 * sd + 1e-6
    common = np.corrcoef(weights.Y[0][:100].ravel(), weights.Y[1].ravel())[0, 1]
    assert abs(common) < 4 / math.sqrt(1000)


def test_product_feedback_has_a_spread_of_about_9_below_and_the_usual_one_above(drawn):
    assert drawn.Y[0].std() == pytest.approx(8.9, rel=0.05)  # sqrt(100) * 0.632 * 1.410
    assert drawn.Y[1].std() == pytest.approx(1.410, rel=0.05)
    assert abs(drawn.Y[0].mean()) < 0.6


def test_product_feedback_sees_the_outputs_through_the_layer_above(drawn):
    # Undo the upper matrix: what is left must be the lower one, of the SD that belongs to 500 neurons.
    combination = np.linalg.pinv(drawn.Y[1]) @ drawn.Y[1]
    np.testing.assert_allclose(drawn.Y[0] @ combination, drawn.Y[0], atol=1e-9)
    through = drawn.Y[0] @ np.linalg.pinv(drawn.Y[1])
    assert through.std() == pytest.approx(0.632 * math.sqrt(10 / 100), rel=0.1)


def test_with_one_hidden_layer_both_feedbacks_are_the_same():
    drawn = [sl.Network(sizes=(9, 5, 3), feedback=f).draw_weights(4).Y for f in (RandomFeedback(), ProductFeedback())]
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])


@pytest.mark.parametrize("kind", [RandomFeedback, ProductFeedback])
def test_the_gain_scales_feedback_and_nothing_else(kind):
    one, three = (sl.Network(sizes=(9, 7, 5, 3), feedback=kind(gain=gain)).draw_weights(4) for gain in (1.0, 3.0))
    for layer in range(2):
        np.testing.assert_allclose(three.Y[layer], 3 * one.Y[layer], rtol=1e-12)
    for before, after in zip(one.W + one.b, three.W + three.b, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("kind", [RandomFeedback, ProductFeedback])
def test_the_spread_of_feedback_is_the_scale_that_was_asked_for(kind):
    forward = [np.zeros((400, 3)), np.zeros((10, 400))]
    y = kind().draw(make_generator(1, "weights"), forward, [2.5], (1,))[0]
    assert y.std() == pytest.approx(2.5, rel=0.05)


def test_apical_biases_are_what_constant_rates_would_add_and_leave_the_other_draws_alone(drawn):
    network = sl.Network(
        sizes=(784, 500, 100, 10), feedback=ProductFeedback(), initial=sl.InitialWeights(apical_bias=2.0)
    )
    weights = network.draw_weights(1)
    assert [c.shape for c in weights.c] == [(500,), (100,)] and not any(c.any() for c in drawn.c)
    for before, after in zip(drawn.W + drawn.b + drawn.Y, weights.W + weights.b + weights.Y, strict=True):
        np.testing.assert_array_equal(before, after)
    for Y, c, (_, _, sd) in zip(weights.Y, weights.c, MOMENTS[1:], strict=True):
        rates, left, *_ = np.linalg.lstsq(Y, c, rcond=None)
        assert left == pytest.approx(0, abs=1e-9)
        assert abs(rates / 2).max() <= SQRT3 * sd
        assert rates.std() / 2 == pytest.approx(sd, rel=0.6)  # of ten draws


def test_of_one_strength_the_biases_are_those_of_the_code_that_is_cited():
    initial = sl.InitialWeights(apical_bias=1.0)
    found = [sl.Network(sizes=(784, 500, 10), initial=initial).draw_weights(seed).c[0].std() for seed in range(30)]
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(math.sqrt(10) * 0.632**2, rel=0.15)


@pytest.mark.parametrize("sizes", [(5, 3), (5, 4, 3), (5, 4, 2, 3)])
def test_weights_without_apical_biases_have_zeros(sizes):
    drawn = sl.Network(sizes=sizes).draw_weights(1)
    given = sl.Weights(drawn.W, drawn.b, drawn.Y)
    assert given == drawn and all(not c.any() for c in given.c) and len(given.c) == len(sizes) - 2


def test_equal_seeds_draw_equal_weights_and_others_do_not():
    network = sl.Network(sizes=(9, 5, 3))
    first, again, other = (network.draw_weights(seed) for seed in (1, 1, 2))
    for name in ("W", "b", "Y"):
        for a, b, c in zip(getattr(first, name), getattr(again, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)
            assert (a != c).all()


def test_a_seed_below_0_is_refused():
    with pytest.raises(InputError, match="seed=-1 must be an integer >= 0"):
        sl.Network(sizes=(2, 1)).draw_weights(-1)


def test_weights_know_the_sizes_of_their_network(drawn):
    assert drawn.sizes == (784, 500, 100, 10)
    assert [y.shape for y in drawn.Y] == [(500, 10), (100, 10)]
