"""Neurons that differ from layer to layer, and curves, a user's own among them: every engine, as their twins."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
import reference
from conftest import needs_jit, of_both_types, rows
from means import means_of

import spikelearn as sl
from spikelearn import analysis, descriptions, peers
from spikelearn.core.curves import choices, fill_thresholds, register_curve, slope, value
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, load, store
from spikelearn.core.windows import slope_in_time
from spikelearn.peers import brian2_parts

PHASES = sl.Phases(minimum=20.0, settle=8.0, window=10.0, test=30.0)
NEURONS = (
    sl.HiddenNeuron(g_leak=0.12, g_basal=0.5, g_apical=0.2, curve=sl.ThresholdLinear(gain=0.2, threshold=-1.0)),
    sl.HiddenNeuron(plateau=sl.ThresholdLinear(gain=0.1, threshold=-4.0), apical_bias=0.5),
)
IMAGES = np.random.default_rng(0).random((4, 12)).astype(np.float32)
LABELS = np.array([0, 2, 1, 1])


class Numbers(NamedTuple):
    """Constants of a curve of one's own."""

    sharp: float


@dataclass(frozen=True, kw_only=True)
class Saturating(sl.Curve):
    """``v^2 / (v^2 + sharp^2)`` above 0, never 1 (Naka & Rushton)."""

    sharp: float = 2.0

    def constants(self):
        return Numbers(self.sharp)


@kernel
def saturating_value(curve, v):
    return v**2 / (v**2 + curve.sharp**2) if v > 0 else 0.0


@kernel
def saturating_slope(curve, v):
    return 2 * v * curve.sharp**2 / (v**2 + curve.sharp**2) ** 2 if v > 0 else 0.0


@kernel
def saturating_inverse(curve, share):
    return curve.sharp * np.sqrt(share / (1 - share))


register_curve(Numbers, saturating_value, saturating_slope, saturating_inverse)
reference.CURVES[Saturating] = lambda curve: lambda v: np.where(v > 0, v**2 / (v**2 + curve.sharp**2), 0)
NETWORK = sl.Network(
    sizes=(12, 70, 9, 3), phases=PHASES, hidden=NEURONS, output=sl.OutputNeuron(curve=Saturating(sharp=1.5))
)
CURVES = {
    "sigmoid": sl.Sigmoid(),
    "line": sl.ThresholdLinear(gain=0.3, threshold=-0.5),
    "own": Saturating(sharp=1.5),
}
of_each_curve = pytest.mark.parametrize("name", CURVES)
alone_and_among_others = pytest.mark.parametrize("among", [(), tuple(CURVES.values())], ids=["alone", "among others"])
FUNCTIONS = {
    "sigmoid": reference.sigmoid,
    "line": lambda v: np.clip(0.3 * (v + 0.5), 0, 1),
    "own": lambda v: np.where(v > 0, v**2 / (v**2 + 1.5**2), 0),
}


# -- curves ------------------------------------------------------------------------------------------------------------


@kernel
def _along(curve, array, out):
    store(out, 0, value(curve, load(array, 0)))
    store(out, 1, slope(curve, load(array, 0)))
    for k in range(array.shape[1]):
        out[2, k] = value(curve, array[0, k])
        out[3, k] = slope(curve, array[0, k])


@kernel
def _fill(curve, words, out):
    fill_thresholds(curve, words, 0, out)


def chosen(name, among):
    """Return the record of a curve, in a network that has others or not."""
    return choices([CURVES[name].constants(), *(curve.constants() for curve in among)])[0]


@of_both_types
@of_each_curve
@alone_and_among_others
def test_values_and_slopes_of_lanes_and_numbers_are_those_of_the_formula(name, among, real):
    array, out = rows(1, real, -6.0, 6.0), np.zeros((4, LANES), real)
    _along(chosen(name, among), array, out)
    v = array[0].astype(np.float64)
    tolerance = 1e-6 if real is np.float32 else 1e-12
    for k in (0, 2):
        np.testing.assert_allclose(out[k], FUNCTIONS[name](v), atol=tolerance)
        np.testing.assert_allclose(out[k + 1], reference.slope(v, FUNCTIONS[name]), atol=max(tolerance, 1e-9))
    np.testing.assert_allclose(CURVES[name].value(v), FUNCTIONS[name](v), atol=1e-12)
    np.testing.assert_allclose(CURVES[name].slope(v), reference.slope(v, FUNCTIONS[name]), atol=1e-9)


@kernel
def _in_time(curve, v, motion, slot, out):
    store(out, 0, slope_in_time(curve, load(v, 0), load(motion, 0), slot))


@of_both_types
def test_the_slope_of_a_rate_in_time_is_kept_within_the_whole_range_in_a_slot(real):
    slot, out = 0.4, np.zeros((1, LANES), real)
    v, motion = np.zeros((1, LANES), real), rows(1, real, -40.0, 40.0)[:, :LANES]
    motion[0, :4] = -1e9, 1e9, -0.1, 0.1
    _in_time(choices([sl.Sigmoid().constants()])[0], v, motion, slot, out)
    np.testing.assert_allclose(out[0], np.clip(motion[0] / 4, -2.5, 2.5), rtol=1e-6)


@of_both_types
@of_each_curve
@alone_and_among_others
def test_a_threshold_is_where_the_curve_exceeds_the_draw(name, among, real):
    words, out = np.random.default_rng(0).integers(2**32, size=(1, 64), dtype=np.uint32), np.zeros(64, real)
    words[0, :2] = 0, 2**32 - 1
    _fill(chosen(name, among), words, out)
    draws = (words[0] + 0.5) / 2**32
    assert (np.isfinite(out)).all()
    np.testing.assert_allclose(FUNCTIONS[name](out.astype(float)), draws, atol=1e-6 if real is np.float32 else 1e-12)
    np.testing.assert_allclose(CURVES[name].inverse(draws), out, rtol=1e-5 if real is np.float32 else 1e-9)


def test_the_sigmoid_of_arrays_neither_overflows_nor_loses_small_numbers():
    v = np.array([-800.0, -50.0, 0.0, 50.0, 800.0])
    np.testing.assert_allclose(sl.Sigmoid().value(v), reference.sigmoid(v), rtol=1e-14)
    np.testing.assert_allclose(sl.Sigmoid().slope(v), reference.sigmoid(v) * reference.sigmoid(-v), rtol=1e-14)
    assert sl.Sigmoid().value(v.astype(np.float32)).dtype == np.float32


@of_each_curve
def test_brian2_is_told_the_same_curve(name):
    v = np.linspace(-5, 5, 11)
    if name == "own":
        with pytest.raises(peers.Unavailable, match="Saturating does not say how Brian2 writes it.*expression"):
            brian2_parts._expression(sl.HiddenNeuron(curve=CURVES[name]))
        return
    written = brian2_parts._expression(sl.OutputNeuron(curve=CURVES[name]))
    np.testing.assert_allclose(eval(written, {"v": v, "exp": np.exp, "clip": np.clip}), FUNCTIONS[name](v), rtol=1e-12)


# -- engines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", ["spikes", "rates"])
@pytest.mark.parametrize("feedback", [sl.RandomFeedback(), sl.LearnedFeedback(base=sl.RandomFeedback(), rate=1e-3)])
def test_the_clock_learns_as_the_twin(feedback, signal):
    network = replace(NETWORK, feedback=feedback, feedback_signal=signal)
    weights, rates = network.draw_weights(1), (0.2, 0.3, 0.1)
    core = sl.Clock(dtype="float64").build(network, weights)
    wanted = reference.train(network, 1.0, weights, IMAGES, LABELS, 2, rates, sl.Plateau())
    for k, example in enumerate(wanted):
        chunk = core.train(
            IMAGES[[k]], LABELS[[k]], seed=2, first_example=k, learning_rates=rates, rule=sl.Plateau()
        )  # fmt: skip
        np.testing.assert_allclose(chunk.loss[0], example.loss, rtol=1e-6)
        for name in ("v_forward", "activity_target"):
            for found, right in zip(getattr(means_of(core), name), getattr(example.averages, name), strict=True):
                if name == "v_forward" or right.any():
                    np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-11)
        for ours, theirs in zip(core.weights.arrays, example.weights.arrays, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)
    for now, before in zip(core.weights.W, weights.W, strict=True):
        assert (now != before).any()


@needs_jit
def test_all_engines_agree_in_the_mean():
    """For ten seconds, with weights so small that rates hardly depend on the noise of the potentials."""
    for g_apical in (0.0, 0.2):
        agree_in_the_mean(g_apical)


def agree_in_the_mean(g_apical):
    phases = sl.Phases(minimum=10_000.0, settle=200.0)
    network = replace(NETWORK, phases=phases, hidden=(replace(NEURONS[0], g_apical=g_apical), NEURONS[1]))
    drawn = network.draw_weights(1)
    weights = replace(drawn, W=tuple(0.1 * w for w in drawn.W))
    found = {}
    for engine in (sl.Rates(dtype="float64"), sl.Event(dtype="float64"), sl.Clock(dt=0.25, dtype="float64")):
        core = engine.build(network, weights)
        core.train(IMAGES[:1], LABELS[:1], seed=1, first_example=0, learning_rates=(0.0,) * 3, rule=sl.Plateau())
        owns = [layer.own for layer in core._net.layers]
        found[engine] = [
            getattr(own, name).copy()
            for own in owns
            for name in ("v_forward", "predicted", "slope", "activity_target", "plateau_forward", "plateau_target")
            if not (own.is_output and name.startswith("plateau"))
        ]
    steady, event, clock = found.values()
    for right, *others in zip(steady, event, clock, strict=True):
        for other in others:
            np.testing.assert_allclose(other, right, atol=0.02)
    np.testing.assert_allclose(event[-1], clock[-1], atol=0.01)


@needs_jit
def test_neurons_fire_at_the_rate_of_their_curve():
    """Biases alone drive them; a minute, so counts are known to a per cent or two."""
    neurons = tuple(sl.HiddenNeuron(curve=curve) for curve in CURVES.values())
    phases = sl.Phases(minimum=200.0, test=60_000.0, settle=100.0)
    network = sl.Network(sizes=(1, 9, 9, 9, 1), hidden=neurons, phases=phases)
    drawn, biases = network.draw_weights(1), np.linspace(-3, 4, 9)
    weights = replace(drawn, W=tuple(0 * w for w in drawn.W), b=(*(biases,) * 3, np.zeros(1)))
    rates = np.concatenate([0.2 * phi(neurons[0].dendrite_gain * biases) for phi in FUNCTIONS.values()])
    core = sl.Event().build(network, weights)
    _, counts = core.look(np.zeros((1, 1), np.float32), seed=1, first_example=0, returns="counts")
    np.testing.assert_allclose(counts[0, 1:-1] / 59_900, rates, atol=5 * np.sqrt(0.2 / 59_900))
    assert (counts[0, 1:-1][rates == 0] == 0).all()
    assert (rates == 0).sum() > 5


def test_the_same_seed_gives_the_same_bits_in_chunks_of_any_size():
    model, engine = sl.Model(network=NETWORK, learning_rates=(0.2,) * 3), sl.Event(dtype="float64")
    images = sl.Images(x=IMAGES, y=LABELS, n_classes=3, name="four")
    found = []
    for chunk_size in (1, 3):
        training = sl.train(model, images, seed=1, epochs=2, chunk_size=chunk_size, engine=engine)
        for _ in training:
            pass
        found.append(training.weights)
    assert found[0] == found[1]


@needs_jit
def test_a_curve_that_is_edited_is_compiled_anew(forgotten):
    """As in a notebook, whose cell is run again: a class of the same name, other kernels for it."""
    images, found = np.ones((1, 1), np.float32), []
    for share in (0.25, 0.75):

        class Flat(NamedTuple):
            level: float

        @dataclass(frozen=True)
        class Constant(sl.Curve):
            level: float = share

            def constants(self):
                return Flat(self.level)  # noqa: B023

        def factor(level=share):
            return level

        code = kernel(factor)
        register_curve(
            Flat,
            lambda curve, v, code=code: code(),
            lambda curve, v: 0.0,
            lambda curve, share, code=code: -np.inf if share < code() else np.inf,
        )
        network = sl.Network(sizes=(1, 50, 1), hidden=sl.HiddenNeuron(curve=Constant()), phases=PHASES)
        weights = network.draw_weights(1)
        core = sl.Rates(dtype="float64").build(network, weights)
        core.look(images, seed=1, first_example=0)
        psp = network.synapse.area() * network.rate_max * share * weights.W[1].sum()
        gain = network.dendrite_gains[-1]
        found.append(core._net.layers[1].own.v_forward[0] / (gain * (psp + weights.b[1][0])))
    np.testing.assert_allclose(found, 1.0)


LEVEL = 0.25  # a number that a curve names


class Level(NamedTuple):
    """Constants of a curve that has none."""

    unused: float


def level(curve, v):
    return LEVEL


def flat(curve, v):
    return 0.0


def threshold_of_level(curve, share):
    return -np.inf if share < LEVEL else np.inf


register_curve(Level, level, flat, threshold_of_level)


@dataclass(frozen=True)
class Levelled(sl.Curve):
    """Always `LEVEL`."""

    def constants(self):
        return Level(0.0)


@pytest.mark.parametrize("engine", [sl.Rates(dtype="float64"), sl.Clock(dtype="float64")], ids=["rates", "clock"])
def test_a_curve_takes_what_it_names_as_it_is_now(engine, monkeypatch):
    """As in a notebook, where a number is changed and training begun again; and changed back."""
    network = sl.Network(sizes=(1, 50, 1), hidden=sl.HiddenNeuron(curve=Levelled()), phases=PHASES)
    weights, images, found = network.draw_weights(1), np.ones((1, 1), np.float32), []
    for share in (0.25, 0.75, 0.25):
        monkeypatch.setitem(globals(), "LEVEL", share)
        core = engine.build(network, weights)
        core.look(images, seed=1, first_example=0)
        found.append(core._net.layers[1].own.v_forward[0])
    assert found[0] == found[2]
    assert abs(found[1] - found[0]) > 0.1


# -- Jacobians ---------------------------------------------------------------------------------------------------------


@of_each_curve
def test_jacobians_are_differences_along_the_curve(name):
    rng, curve, h = np.random.default_rng(0), CURVES[name], 1e-6
    w, y, v = rng.normal(size=(3, 5)), rng.normal(size=(5, 3)), 0.3 + rng.random((1, 3))
    up = analysis.output_jacobian(v, w, dendrite_gain=0.8, rate_max=0.2, curve=curve)[0]
    down = analysis.feedback_jacobian(v, y, rate_max=0.2, curve=curve, plateau=curve)[0]
    phi = FUNCTIONS[name]
    for j in range(5):
        moved = 0.2 * (phi(v[0] + h * 0.8 * w[:, j]) - phi(v[0] - h * 0.8 * w[:, j])) / (2 * h)
        np.testing.assert_allclose(up[:, j], moved, atol=1e-8)
    for k, unit in enumerate(np.eye(3)):
        rate = 0.2 * phi(v[0])
        moved = (phi(y @ (rate + h * unit)) - phi(y @ (rate - h * unit))) / (2 * h)
        np.testing.assert_allclose(down[:, k], moved, atol=1e-8)


# -- descriptions ------------------------------------------------------------------------------------------------------


def test_neurons_of_each_layer_are_written_read_and_set(forgotten):
    sl.register(like=sl.Curve)(Saturating)
    network = replace(NETWORK, output=sl.OutputNeuron(curve=Saturating(sharp=3.0)))
    assert descriptions.from_dict(sl.Network, descriptions.to_dict(network)) == network
    changed = descriptions.override(
        network, ["hidden.0.g_apical=0", "hidden.1.curve=threshold", "hidden.1.curve.gain=0.5", "output.curve=sigmoid"]
    )
    assert changed.hidden[0] == replace(NEURONS[0], g_apical=0.0)
    assert changed.hidden[1].curve == sl.ThresholdLinear(gain=0.5)
    assert changed.output == sl.OutputNeuron()
    two = descriptions.override(sl.Network(sizes=(2, 2, 2, 2)), ["hidden=hidden,hidden", "hidden.0.curve=threshold"])
    assert two.hidden == (sl.HiddenNeuron(curve=sl.ThresholdLinear()), sl.HiddenNeuron())
    one = descriptions.override(
        sl.Network(sizes=(2, 2, 2)), ["hidden.curve=ThresholdLinear", "hidden.curve.threshold=1"]
    )
    assert one.hidden.curve == sl.ThresholdLinear(threshold=1.0)


def test_a_fixed_apical_bias_is_there_in_the_weights_that_are_drawn():
    plain = replace(NETWORK, hidden=(NEURONS[0], replace(NEURONS[1], apical_bias=0.0)))
    biased, without = NETWORK.draw_weights(1), plain.draw_weights(1)
    assert (biased.c[1] == 0.5).all() and not biased.c[0].any() and not without.c[1].any()
    assert biased.W[0].tobytes() == without.W[0].tobytes()


class Wrong(NamedTuple):
    """Constants of curves that are none."""

    kind: int


@pytest.mark.parametrize(
    "code, message",
    [
        ((lambda c, v: 2 * v, lambda c, v: 2.0, lambda c, u: u / 2), "the value of Odd must lie within 0 to 1, got"),
        ((lambda c, v: 1 / (1 + np.exp(v)), lambda c, v: 0.0, lambda c, u: -np.log(u / (1 - u))), "must not fall"),
        (
            (lambda c, v: 1 / (1 + np.exp(-v)), lambda c, v: 0.0, lambda c, u: 2 * np.log(u / (1 - u))),
            r"the inverse of Odd does not fit its value: inverse\(0.001\) = -13.8135, value",
        ),
        (
            (lambda c, v: 1 / (1 + np.exp(-v)), lambda c, v: 1.0, lambda c, u: np.log(u / (1 - u))),
            r"the slope of Odd does not fit its value: slope\(-6.90675\) = 1, but the value rises by 0.000999",
        ),
    ],
    ids=["above 1", "falling", "inverse", "slope"],
)
def test_kernels_that_do_not_fit_together_are_refused(code, message):
    register_curve(Wrong, *code)

    class Odd(sl.Curve):
        def constants(self):
            return Wrong(len(message))

    with pytest.raises(sl.InputError, match=f"HiddenNeuron.curve: .*{message}"):
        sl.HiddenNeuron(curve=Odd())


class Unknown(NamedTuple):
    """Constants for which nothing is registered."""


def test_what_is_no_curve_or_no_neuron_is_refused():
    class Bare(sl.Curve):
        def constants(self):
            return Unknown()

    with pytest.raises(sl.InputError, match="Bare.constants.. returned a Unknown, and no code is registered"):
        sl.OutputNeuron(curve=Bare())
    with pytest.raises(sl.InputError, match="OutputNeuron.curve must be an object with constants.*got the class Sig"):
        sl.OutputNeuron(curve=sl.Sigmoid)
    with pytest.raises(sl.InputError, match=r"HiddenNeuron.plateau must be .*got 'sigmoid'"):
        sl.HiddenNeuron(plateau="sigmoid")
    with pytest.raises(sl.InputError, match=r"Network.hidden has 1 neurons for the 2 hidden layers of sizes"):
        replace(NETWORK, hidden=NEURONS[:1])
    with pytest.raises(sl.InputError, match=r"Network.hidden\[1\] must be of the class HiddenNeuron, got None"):
        replace(NETWORK, hidden=(NEURONS[0], None))
    with pytest.raises(sl.InputError, match="Network.hidden must be of the class HiddenNeuron, got 0.1"):
        replace(NETWORK, hidden=0.1)


class Loops(NamedTuple):
    """Constants of a curve that numba cannot compile."""


@needs_jit
def test_a_curve_that_does_not_compile_is_named():
    register_curve(
        Loops,
        lambda curve, v: sorted([0.0, v, 1.0])[1],
        lambda curve, v: 1.0 if 0 < v < 1 else 0.0,
        lambda curve, share: share,
    )

    class Interpolated(sl.Curve):
        def constants(self):
            return Loops()

    network = sl.Network(sizes=(12, 3, 2), phases=PHASES, hidden=sl.HiddenNeuron(curve=Interpolated()))
    core = sl.Rates().build(network, network.draw_weights(1))
    with pytest.raises(sl.InputError, match="the kernels of Interpolated cannot be compiled: "):
        core.test(IMAGES, seed=1, first_example=0)
