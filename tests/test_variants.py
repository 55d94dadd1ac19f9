"""Variants of the network: what each changes, what it must not change, and every way to ask for it."""

from dataclasses import replace

import numpy as np
import pytest

import spikelearn as sl
from spikelearn import descriptions, runs
from spikelearn.cli import main
from spikelearn.models import guerguiev2017

PHASES = sl.Phases(minimum=20.0, settle=8.0, window=10.0, test=30.0)
BASE = sl.Network(sizes=(12, 70, 9, 3), phases=PHASES, feedback=sl.ProductFeedback())
WEIGHTS = BASE.draw_weights(1)
IMAGES = sl.Images(
    x=np.random.default_rng(0).random((30, 12)).astype(np.float32), y=np.arange(30) % 3, n_classes=3, name="few"
)
RATES = (0.2, 0.2, 0.2)


def trained(network, weights=None, *, engine=None, rule=None, n=30, rates=RATES):
    model = sl.Model(network=network, learning_rates=rates, rule=rule or sl.Plateau())
    training = sl.train(model, IMAGES.first(n), seed=1, weights=weights, engine=engine)
    losses = np.concatenate([chunk.loss for chunk in training])
    return training.weights, losses


def assert_same(one, other, names="WbY"):
    for name in names:
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)


# -- feedback weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.8, 0.99])
def test_sparse_feedback_is_the_base_with_a_fraction_of_zeros_and_the_rest_amplified(fraction):
    sparse = replace(BASE, feedback=sl.SparseFeedback(fraction_zero=fraction, gain=5.0)).draw_weights(1)
    assert_same(sparse, WEIGHTS, "Wb")
    for y, base in zip(sparse.Y, WEIGHTS.Y, strict=True):
        assert (y == 0).sum() == int(fraction * y.size)
        np.testing.assert_allclose(y[y != 0], 5 * base[y != 0], rtol=1e-12)


def test_which_weights_are_zero_is_a_matter_of_chance():
    network = sl.Network(sizes=(2, 500, 10), feedback=sl.SparseFeedback(gain=1.0))
    one, other = (network.draw_weights(seed).Y[0] == 0 for seed in (1, 2))
    assert (one & other).mean() == pytest.approx(0.64, abs=0.03)
    assert np.abs(one.mean(axis=0) - 0.8).max() < 0.1 and np.abs(one.mean(axis=1) - 0.8).mean() < 0.15


@pytest.mark.parametrize("feedback_from", ["output", "above"])
@pytest.mark.parametrize("base", [sl.RandomFeedback(gain=3.0), sl.ProductFeedback()])
def test_pooled_feedback_gives_each_output_of_a_class_its_share(base, feedback_from):
    """A class's outputs together weigh what one output of the base does."""
    options = {"phases": PHASES, "feedback_from": feedback_from}
    pooled = sl.Network(
        sizes=(12, 70, 9, 6), population=2, feedback=sl.PooledFeedback(population=2, base=base), **options
    )
    single = sl.Network(sizes=(12, 70, 9, 3), feedback=base, **options)
    drawn = [pooled.feedback, single.feedback]
    found, wanted = (
        feedback.draw(np.random.default_rng(1), [np.zeros((70, 12)), np.zeros((9, 70)), np.zeros((n, 9))], [0.5, 0.7],
                      pooled.feeding)
        for feedback, n in zip(drawn, (6, 3), strict=True)
    )  # fmt: skip
    for layer, (y, one) in enumerate(zip(found, wanted, strict=True)):
        if pooled.feeding[layer] == 2:
            np.testing.assert_array_equal(y[:, ::2], y[:, 1::2])
            np.testing.assert_allclose(y[:, ::2] + y[:, 1::2], one, rtol=1e-14)
        else:
            np.testing.assert_array_equal(y, one)
    assert [y.shape for y in pooled.draw_weights(1).Y] == [y.shape for y in found]


def test_pooled_feedback_of_another_population_is_refused():
    message = r"PooledFeedback\.population=4 is not Network\.population=2; give both the same"
    with pytest.raises(sl.InputError, match=message):
        sl.Network(sizes=(12, 7, 8), population=2, feedback=sl.PooledFeedback(population=4))


@pytest.mark.parametrize("feedback_from", ["output", "above"])
def test_symmetric_feedback_follows_the_forward_weights(feedback_from):
    network = replace(BASE, feedback=sl.SymmetricFeedback(), feedback_from=feedback_from)
    for engine in (sl.Clock(dtype="float64"), sl.Rates(dtype="float64")):
        weights, _ = trained(network, engine=engine)
        top = weights.W[2].T
        below = weights.W[1].T if feedback_from == "above" else weights.W[1].T @ top
        np.testing.assert_array_equal(weights.Y[1], top)
        np.testing.assert_allclose(weights.Y[0], below, rtol=1e-12)
        assert not np.array_equal(weights.W[2], network.draw_weights(1).W[2])


def test_noise_on_symmetric_feedback_is_normal_and_new_for_every_example():
    network = sl.Network(sizes=(12, 200, 10), phases=PHASES, feedback=sl.SymmetricFeedback(noise=0.05))
    images = sl.Images(x=IMAGES.x, y=IMAGES.y, n_classes=10, name="few")
    training = sl.train(sl.Model(network=network, learning_rates=(0.0, 0.0)), images, seed=1, chunk_size=1)
    noise = []
    for _ in range(3):
        next(training)
        noise.append(training.weights.Y[0] - training.weights.W[1].T)
    for each in noise:
        assert each.mean() == pytest.approx(0, abs=4 * 0.05 / np.sqrt(each.size))
        assert each.std() == pytest.approx(0.05, rel=0.07)
        assert np.abs(each).max() < 0.05 * 5
        assert abs(((each / 0.05) ** 4).mean() - 3) < 0.6
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(noise[0][:, 0], noise[0][:, 1])[0, 1]) < 0.3


def test_learned_feedback_descends_the_inverse_loss_and_leaves_zeros_alone():
    feedback = sl.LearnedFeedback(rate=20.0, base=sl.SparseFeedback())
    network = sl.Network(sizes=(12, 70, 3), phases=PHASES, feedback=feedback)
    before = network.draw_weights(1)

    def inverse_loss(weights):
        core = sl.Rates(dtype="float64").build(network, weights)
        total = 0.0
        for image in IMAGES.intensities(slice(None)):
            core.train(
                image[None], np.array([0]), seed=1, first_example=0, learning_rates=(0.0, 0.0), rule=sl.OutputOnly()
            )
            own = core._net.layers[0].own
            total += ((network.rate_max * own.predicted - own.plateau_forward) ** 2).sum()
        return total

    model = sl.Model(network=network, learning_rates=(0.0, 0.0))
    training = sl.train(model, IMAGES, seed=1, epochs=30)
    for _ in training:
        pass
    after = training.weights
    assert_same(
        after, sl.Weights(*(tuple(a.astype(np.float32) for a in g) for g in (before.W, before.b, before.Y))), "Wb"
    )
    np.testing.assert_array_equal(after.Y[0] == 0, before.Y[0] == 0)
    assert np.isfinite(after.Y[0]).all() and np.abs(after.Y[0]).max() < 1000
    assert inverse_loss(after) < 0.8 * inverse_loss(before)


# -- where feedback comes from, and as what ----------------------------------------------------------------------------


def test_feedback_from_above_has_a_weight_for_each_neuron_there():
    for kind in (sl.RandomFeedback(), sl.ProductFeedback(), sl.SparseFeedback(), sl.SymmetricFeedback()):
        drawn = replace(BASE, feedback_from="above", feedback=kind).draw_weights(1)
        assert [y.shape for y in drawn.Y] == [(70, 9), (9, 3)]


def test_with_one_hidden_layer_the_layer_above_is_the_output():
    networks = [sl.Network(sizes=(12, 7, 3), phases=PHASES, feedback_from=k) for k in ("output", "above")]
    one, other = (trained(network, rates=(0.2, 0.2))[0] for network in networks)
    assert_same(one, other)


def test_without_apical_conductance_feedback_changes_no_spike_only_what_hidden_layers_learn():
    whole = sl.simulate(BASE, WEIGHTS, IMAGES.x[0], label=1)
    for changes in (
        {"feedback": sl.SparseFeedback()},
        {"feedback": sl.SymmetricFeedback(noise=0.3)},
        {"feedback_signal": "rates"},
        {"plateaus": sl.JitteredPlateaus()},
        {"feedback_from": "above"},
    ):
        network = replace(BASE, **changes)
        weights = network.draw_weights(1)
        other = sl.simulate(network, weights, IMAGES.x[0], label=1)
        for layer, spikes in whole.spikes.items():
            np.testing.assert_array_equal(other.spikes[layer].time, spikes.time)
            np.testing.assert_array_equal(other.spikes[layer].neuron, spikes.neuron)
        plateaus = other.plateaus["hidden[0]"]
        assert not np.array_equal(plateaus.forward, whole.plateaus["hidden[0]"].forward)
        one, others = (trained(n, rates=(0.2, 0.2, 0.0), n=1)[0] for n in (BASE, network))
        np.testing.assert_array_equal(one.W[2], others.W[2])
        assert not np.array_equal(one.W[0], others.W[0])


def test_rates_fed_back_are_less_noisy_than_spikes():
    """Across trials with the same image, so that nothing but noise makes plateaus differ."""
    spread = {}
    for signal in ("spikes", "rates"):
        network = sl.Network(sizes=(12, 70, 3), phases=PHASES, feedback_signal=signal)
        weights = network.draw_weights(1)
        plateaus = [
            sl.simulate(network, weights, IMAGES.x[0], seed=seed).plateaus["hidden[0]"].forward for seed in range(30)
        ]
        spread[signal] = np.std(plateaus, axis=0).mean()
    assert spread["rates"] < 0.6 * spread["spikes"]


def test_jittered_plateaus_come_when_the_authors_let_them():
    """Fact sheet, section 4: 0 to 5 ms early with probabilities .261 .234 .188 .135 .087 .095."""
    chances = np.diff(sl.JitteredPlateaus().cumulative(), prepend=0)
    np.testing.assert_allclose(chances, [0.261, 0.234, 0.188, 0.135, 0.087, 0.095], atol=1e-3)
    network = replace(BASE, sizes=(12, 2000, 3), plateaus=sl.JitteredPlateaus())
    plateaus = sl.simulate(network, network.draw_weights(1), IMAGES.x[0], label=0).plateaus["hidden[0]"]
    for times in (plateaus.time_forward, plateaus.time_target):
        early = np.round(times.max() - times).astype(int)
        np.testing.assert_allclose(np.bincount(early) / 2000, chances, atol=4 * np.sqrt(0.25 / 2000))
    assert abs(np.corrcoef(plateaus.time_forward, plateaus.time_target)[0, 1]) < 0.1


# -- rules -------------------------------------------------------------------------------------------------------------


def test_output_only_freezes_the_hidden_layers():
    before = sl.Weights(*(tuple(a.astype(np.float32) for a in g) for g in (WEIGHTS.W, WEIGHTS.b, WEIGHTS.Y)))
    after, _ = trained(BASE, rule=sl.OutputOnly())
    assert_same(after, before, "Y")
    for name in ("W", "b"):
        for layer in range(2):
            np.testing.assert_array_equal(getattr(after, name)[layer], getattr(before, name)[layer])
        assert not np.array_equal(getattr(after, name)[2], getattr(before, name)[2])


@pytest.mark.parametrize(
    "feedback_from, rule", [("above", sl.FeedbackAlignment()), ("output", sl.DirectFeedbackAlignment())]
)
def test_alignment_with_symmetric_feedback_is_backpropagation(feedback_from, rule):
    """Direct alignment only where no layer is between: above the first, the chain has slopes of its own."""
    sizes = (12, 70, 9, 3) if feedback_from == "above" else (12, 70, 3)
    network = sl.Network(sizes=sizes, phases=PHASES, feedback=sl.SymmetricFeedback(), feedback_from=feedback_from)
    engine, rates = sl.Clock(dtype="float64"), (0.2,) * network.n_layers
    one, other = (trained(network, engine=engine, rule=r, rates=rates)[0] for r in (rule, sl.Backprop()))
    for a, b in zip(one.W, other.W, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "feedback_from, rule, remedy",
    [
        ("output", sl.FeedbackAlignment(), "feedback_from='above'"),
        ("above", sl.DirectFeedbackAlignment(), "feedback_from='output'"),
    ],
)
def test_a_rule_and_the_feedback_it_needs_must_fit(feedback_from, rule, remedy):
    network = replace(BASE, feedback_from=feedback_from)
    with pytest.raises(sl.InputError, match=f"{type(rule).__name__} needs .*set {remedy}"):
        sl.Model(network=network, learning_rates=RATES, rule=rule)
    with pytest.raises(sl.InputError, match=f"{type(rule).__name__} needs"):
        sl.train(sl.Model(network=network, learning_rates=RATES), IMAGES, seed=1, compare=rule)


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: sl.SparseFeedback(fraction_zero=1.0), "fraction_zero=1.0 must be a finite number >= 0 and < 1"),
        (lambda: sl.SparseFeedback(fraction_zero=-0.1), "fraction_zero=-0.1"),
        (lambda: sl.SymmetricFeedback(noise=-1.0), "noise=-1.0"),
        (lambda: sl.LearnedFeedback(rate=-1.0), "rate=-1.0"),
        (lambda: sl.JitteredPlateaus(at_most=2.5), "at_most=2.5 ms is not a whole number of grains of 1 ms"),
        (lambda: replace(BASE, plateaus=sl.JitteredPlateaus(at_most=9.0)), "must not exceed Phases.settle=8"),
        (lambda: replace(BASE, feedback_from="belo"), "feedback_from='belo' is unknown.*Known: output, above"),
        (lambda: replace(BASE, feedback_signal="rate"), "feedback_signal='rate'.*did you mean 'rates'"),
        (
            lambda: sl.Clock(dt=0.4).build(replace(BASE, plateaus=sl.JitteredPlateaus()), WEIGHTS),
            "JitteredPlateaus.grain=1 ms is not a whole number of steps",
        ),
        (
            lambda: sl.Event().build(
                replace(BASE, hidden=sl.HiddenNeuron(g_apical=0.1), feedback_signal="rates"), WEIGHTS
            ),
            "cannot feed rates back to somata.*use Clock",
        ),
        (lambda: sl.Clock().build(replace(BASE, feedback_from="above"), WEIGHTS), r"Weights.Y of shapes .*\(70, 9\)"),
        (lambda: guerguiev2017.variant(guerguiev2017.one_hidden(), "spars"), "did you mean 'sparse'"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(make, message):
    with pytest.raises(sl.InputError, match=message):
        make()


# -- every way to ask --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", guerguiev2017.VARIANTS)
def test_a_published_variant_survives_its_configuration_and_a_stop(name, tmp_path):
    model = guerguiev2017.variant(guerguiev2017.two_hidden("released", n_input=12, hidden=(20, 9), n_output=3), name)
    model = replace(model, network=replace(model.network, phases=PHASES))
    again = descriptions.from_dict(sl.Model, descriptions.to_dict(model))
    assert again == model
    data = sl.Dataset(name="few", train=IMAGES, test=IMAGES.first(5))
    config = runs.Config(
        name="two-hidden", reading="released", model=model, data="few", epochs=2, seed=1, chunk_size=7,
        engine=sl.Clock(),
    )  # fmt: skip
    whole = runs.Run.start(tmp_path / "whole", config, data)
    rows = whole.train()

    part = runs.Run.start(tmp_path / "part", config, data)

    def stop(chunk):
        if part.training.trials >= 37:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        part.train(stop)
    resumed = runs.Run.resume(tmp_path / "part", data=data)
    assert resumed.config == config
    later = resumed.train()
    assert_same(whole.training.weights, resumed.training.weights)
    for one, other in zip(rows, later, strict=True):
        assert {k: v for k, v in one.items() if "seconds" not in k} == {
            k: v for k, v in other.items() if "seconds" not in k
        }


@pytest.mark.parametrize(
    "options, part, wanted",
    [
        (["feedback=sparse"], "feedback", sl.SparseFeedback()),
        (["feedback=Sparse", "feedback.gain=1"], "feedback", sl.SparseFeedback(gain=1.0)),
        (["feedback=symmetric", "noise=0.05"], "feedback", sl.SymmetricFeedback(noise=0.05)),
        (["feedback=learned", "feedback.base=sparse"], "feedback", sl.LearnedFeedback(base=sl.SparseFeedback())),
        (["feedback_from=above"], "feedback_from", "above"),
        (["feedback_signal=rates"], "feedback_signal", "rates"),
        (["plateaus=jittered", "sd=2"], "plateaus", sl.JitteredPlateaus(sd=2.0)),
        (["g_apical=0.6"], "hidden", sl.HiddenNeuron(g_apical=0.6)),
    ],
)
def test_a_variant_is_set_from_the_command_line(options, part, wanted):
    model = guerguiev2017.one_hidden()
    changed = descriptions.override(model, options)
    assert getattr(changed.network, part) == wanted
    assert replace(changed, network=replace(changed.network, **{part: getattr(model.network, part)})) == model


@pytest.mark.parametrize(
    "text, rule",
    [
        ("backprop", sl.Backprop()),
        ("output-only", sl.OutputOnly()),
        ("direct", sl.DirectFeedbackAlignment()),
        ("feedback_alignment", sl.FeedbackAlignment()),
    ],
)
def test_a_rule_is_set_by_the_beginning_of_its_name(text, rule):
    assert descriptions.override(guerguiev2017.one_hidden(), [f"rule={text}"]).rule == rule


def test_a_beginning_that_fits_several_names_is_refused():
    with pytest.raises(sl.InputError, match="'s' is no choice here.*SparseFeedback.*SymmetricFeedback"):
        descriptions.override(guerguiev2017.one_hidden(), ["feedback=s"])


def test_the_command_line_trains_traces_and_reads_a_variant_back(tmp_path, capsys):
    out = str(tmp_path / "run")
    train = ["train", "one-hidden", "--data", "digits", "--hidden", "9", "--epochs", "1", "--examples", "50"]
    assert main([*train, "--out", out, "--variant", "sparse", "--set", "feedback.gain=2"]) == 0
    assert runs.load_run(out)[0].model.network.feedback == sl.SparseFeedback(gain=2.0)
    assert main([*train, "--out", out, "--resume", "--variant", "symmetric"]) == 2
    assert "--variant symmetric differs" in capsys.readouterr().err
    picture, file = str(tmp_path / "t.png"), str(tmp_path / "t.h5")
    assert main(["trace", out, "--image", "7", "--neurons", "0,3", "--out", picture, "--json"]) == 0
    assert '"label": ' in capsys.readouterr().out
    assert main(["trace", out, "--image", "7", "--layer", "output", "--duration", "30", "--out", file]) == 0
    recording = sl.Recording.load(file)
    assert recording["output.v_soma"].shape == (1, 120)  # at the end of every slot of 0.25 ms
    for wrong, message in (
        (["--image", "9999"], "test images 0 to"),
        (["--layer", "hidden3"], "unknown layer 'hidden3'"),
        (["--neurons", "9"], "unknown neuron 9 of hidden[0]"),
        (["--neurons", "a"], "--neurons 'a' must be integers"),
        (["--out", str(tmp_path / "t.txt")], "write a picture (.png, .pdf, .svg) or a recording (.h5)"),
        (["--out", str(tmp_path / "no" / "t.png")], "there is no folder"),
        (["--engine", "rates"], "neither spikes nor time"),
    ):
        assert main(["trace", out, *wrong]) == 2
        assert message in capsys.readouterr().err


def test_trained_rate_networks_agree_on_the_task_with_spiking_ones():
    """After the same digits, both are far better than chance, and about equally good."""
    digits = sl.load("digits")
    model = guerguiev2017.one_hidden("text", n_input=64, hidden=(50,))
    errors = []
    for engine in (sl.Clock(), sl.Rates()):
        training = sl.train(model, digits.train, seed=1, epochs=6, engine=engine)
        for _ in training:
            pass
        predictions = sl.evaluate(model.network, training.weights, digits.test, seed=1, engine=engine)
        errors.append(float(sl.error_percent(predictions, digits.test.y)[0]))
    assert max(errors) < 40
    assert abs(errors[0] - errors[1]) < 15
