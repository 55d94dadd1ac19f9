"""The published networks have the numbers of the publication."""

import re
from dataclasses import replace

import pytest

import spikelearn as sl
from spikelearn.errors import InputError
from spikelearn.models import beyond, guerguiev2017
from spikelearn.models.guerguiev2017 import NETWORKS

# Guerguiev et al. 2017: figure 6 and Methods. Sizes and learning rates of each network.
PUBLISHED = {
    "no-hidden": ((784, 10), (0.19,)),
    "one-hidden": ((784, 500, 10), (0.21, 0.21)),
    "two-hidden": ((784, 500, 100, 10), (0.23, 0.23, 0.12)),
}
every_network = pytest.mark.parametrize("name", PUBLISHED)
every_reading = pytest.mark.parametrize("reading", ["cited", "released", "text"])


def test_the_three_published_networks_are_there_in_three_readings():
    assert list(NETWORKS) == list(PUBLISHED)
    assert list(guerguiev2017.READINGS) == ["cited", "released", "text"]


@every_reading
@every_network
def test_sizes_and_learning_rates_are_the_published_ones(name, reading):
    model = NETWORKS[name](reading)
    assert (model.network.sizes, model.learning_rates) == PUBLISHED[name]
    assert model.rule == sl.Plateau()


@every_reading
@every_network
def test_what_all_readings_share_is_table_1(name, reading):
    network = NETWORKS[name](reading).network
    assert network.rate_max == 200 * sl.Hz
    assert (network.synapse.tau_rise, network.synapse.tau_decay) == (3, 10)
    assert network.hidden == sl.HiddenNeuron(g_leak=0.1, g_basal=0.6, g_apical=0.0)
    assert network.output == sl.OutputNeuron(g_leak=0.1, g_dendrite=0.6, g_teach=1.0, e_excite=8, e_inhibit=-8)
    phases = network.phases
    assert (phases.minimum, phases.extra_mean, phases.extra_shape, phases.settle) == (50, 2, 1, 30)
    # Not in the paper, but in the code it cites
    initial = sl.InitialWeights(v_mean=3, v_sd=3, bias_mean=0.8, bias_sd=0.001, activity=0.25)
    assert network.initial == replace(initial, apical_bias=1.0 if reading == "cited" else 0.0)
    assert network.carry_state


@every_network
def test_the_released_reading_has_the_numerics_of_the_cited_code(name):
    network = NETWORKS[name]("released").network
    assert network.synapse.cutoff == 10
    assert network.feedback == sl.ProductFeedback()
    assert (network.phases.window, network.phases.test) == (20, 250)


@every_network
def test_the_cited_reading_is_the_released_one_with_its_apical_bias(name):
    cited, released = (NETWORKS[name](reading).network for reading in ("cited", "released"))
    assert replace(cited, initial=released.initial) == released != cited


@every_network
def test_the_text_reading_has_the_equations_of_the_paper(name):
    network = NETWORKS[name]("text").network
    assert network.synapse.cutoff is None
    assert network.feedback == sl.RandomFeedback()
    assert (network.phases.window, network.phases.test) == (None, 500)


@every_network
def test_released_is_the_default(name):
    assert NETWORKS[name]() == NETWORKS[name]("released") != NETWORKS[name]("text")


@every_reading
@every_network
def test_every_published_network_can_be_simulated_in_steps_of_1_ms(name, reading):
    network = NETWORKS[name](reading, n_input=4, hidden=(3,) * (len(PUBLISHED[name][0]) - 2), n_output=2).network
    sl.Clock().build(network, network.draw_weights(1))


def test_other_sizes_keep_the_other_numbers():
    model = guerguiev2017.two_hidden("text", n_input=64, hidden=(30, 20), n_output=5)
    assert model.network.sizes == (64, 30, 20, 5)
    assert model.learning_rates == (0.23, 0.23, 0.12)


@pytest.mark.parametrize(
    ("name", "hidden", "message"),
    [
        ("no-hidden", (5,), "hidden=(5,) has 1 sizes; no-hidden needs 0, one for each hidden layer"),
        ("one-hidden", (), "hidden=() has 0 sizes; one-hidden needs 1"),
        ("two-hidden", [500], "hidden=(500,) has 1 sizes; two-hidden needs 2"),
        ("one-hidden", (5, 4), "needs 1, one for each hidden layer; or choose another of no-hidden, one-hidden"),
    ],
)
def test_a_wrong_number_of_hidden_layers_is_refused(name, hidden, message):
    with pytest.raises(InputError, match=re.escape(message)):
        NETWORKS[name](hidden=hidden)


def test_the_best_network_is_made_of_the_published_one():
    """What is not listed in the module's table is as it was, and what is listed is there."""
    best, paper = beyond.plateau_best(), guerguiev2017.one_hidden(hidden=(1000,), n_output=50)
    changed = {"population", "feedback", "output"}
    kept = {key: value for key, value in vars(best.network).items() if key not in changed}
    assert kept.items() <= vars(paper.network).items()
    assert best.network.sizes == (784, 1000, 50) and best.network.n_classes == 10
    assert (best.rule, best.schedule, best.augment) == (sl.Plateau(gate=0.5), sl.Decay(by=0.94), sl.Shifts(pixels=1))
    assert best.network.output == sl.OutputNeuron(loss="likelihood")


def test_the_best_network_of_two_hidden_layers_differs_in_its_layers_alone():
    one, two = beyond.plateau_best(), beyond.plateau_best_two_hidden()
    assert two.network.sizes == (784, 1000, 200, 50) and len(two.learning_rates) == 3
    assert replace(one.network, sizes=two.network.sizes) == two.network
    assert replace(one, network=two.network, learning_rates=two.learning_rates) == two


@pytest.mark.parametrize(
    ("name", "hidden", "message"),
    [
        ("plateau-best", (5, 4), "hidden=(5, 4) has 2 sizes; plateau-best needs 1, one for each hidden layer; or"),
        ("plateau-best-two-hidden", (5,), "needs 2, one for each hidden layer; or choose plateau-best"),
    ],
)
def test_the_best_networks_have_one_or_two_hidden_layers(name, hidden, message):
    with pytest.raises(InputError, match=re.escape(message)):
        beyond.NETWORKS[name](hidden=hidden)


@pytest.mark.parametrize(("n_input", "shifted"), [(784, True), (400, True), (64, False), (500, False)])
def test_only_images_that_are_large_and_square_are_shifted(n_input, shifted):
    assert (beyond.plateau_best(n_input=n_input).augment is not None) == shifted


@pytest.mark.parametrize(("reading", "hint"), [("txt", "did you mean 'text'?"), (None, "Known: cited, released, text")])
def test_an_unknown_reading_is_refused_with_the_nearest_one(reading, hint):
    with pytest.raises(InputError, match=re.escape(f"reading={reading!r} is unknown; {hint}")):
        guerguiev2017.one_hidden(reading)


def test_backpropagation_as_in_their_code_leaves_the_area_of_the_kernel_out():
    model = guerguiev2017.variant(guerguiev2017.one_hidden(), "backprop")
    core = sl.Clock().build(model.network, model.network.draw_weights(1))
    assert model.rule.hidden_scale * core._net.layers[0].own.area == pytest.approx(0.2, rel=1e-12)
    assert core._net.layers[0].own.area == pytest.approx(0.51, abs=0.001)
