"""What a rule may ask for: memory, traces, draws, target-phase averages, signals, its own change of weights."""

import copy
import pickle
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
import reference
from conftest import needs_jit

import spikelearn as sl
from spikelearn.core.jit import kernel
from spikelearn.core.layer import CORRECT, FORWARD, MISMATCH, TARGET
from spikelearn.core.random import make_keys
from spikelearn.core.rules import register_rule, set_trace, trace, weight

ENGINES = [sl.Event(dtype="float64"), sl.Clock(dtype="float64"), sl.Rates(dtype="float64")]
of_each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
NETWORK = sl.Network(
    sizes=(5, 70, 66, 3), phases=sl.Phases(minimum=30.0, settle=10.0), hidden=sl.HiddenNeuron(g_apical=0.2)
)
SMALL = replace(NETWORK, sizes=(5, 8, 6, 3), phases=sl.Phases(minimum=10.0, settle=4.0))
RATES = (0.3, 0.2, 0.1)


class Numbers(NamedTuple):
    keep: float
    decay: float


@kernel
def greedy_errors(rule, own):
    """Errors without sense, of everything that there is; memory 0 is a running mean of errors, memory 1 counts."""
    for i in range(own.n):
        noise = own.draws[0, i] - own.draws[1, i]
        error = own.activity_target[i] - own.predicted[i] + own.plateau_target[i] - own.plateau_forward[i] + noise
        own.memory[0, i] = rule.keep * own.memory[0, i] + (1.0 - rule.keep) * error
        own.memory[1, i] += 1.0
        own.error[i] = (own.memory[0, i] + 0.1 * own.memory[1, i]) * own.signal[MISMATCH] + own.signal[CORRECT]


@kernel
def greedy_change(rule, own, i, j):
    """Contrast the phases, with an eligibility trace of each synapse, and let weights decay."""
    now = rule.keep * trace(own, 1, i, j) + own.error[i] * (own.psp_target[j] - 0.5 * own.psp[j])
    set_trace(own, 1, i, j, now)
    set_trace(own, 0, i, j, trace(own, 0, i, j) + 1.0)
    return now / trace(own, 0, i, j) - rule.decay * weight(own, i, j)


register_rule(Numbers, greedy_errors, greedy_change, psp_target=True, memory=2, traces=2, draws=2)


@dataclass(frozen=True)
class Greedy:
    keep: float = 0.9
    decay: float = 0.01

    def constants(self):
        return Numbers(self.keep, self.decay)


def images(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, 5)).astype(np.float32), rng.integers(3, size=n)


def build(engine, network=NETWORK):
    return engine.build(network, network.draw_weights(1))


def train(core, x, y, first=0, rule=Greedy(), **more):  # noqa: B008  # frozen
    rates = RATES[-core.network.n_layers :]
    return core.train(x, y, seed=1, first_example=first, learning_rates=rates, rule=rule, **more)


def uniform_draws(sizes, seed, example, k):
    """Return the numbers that each layer's neurons draw."""
    key, first_group, drawn = make_keys(seed, "rule", 1)[0], 0, []
    for n in sizes[1:]:
        groups = -(-n // 64)
        words = [reference.first_words(64 * (k + 1), key, first_group + g, example)[-64:] for g in range(groups)]
        drawn.append(reference.uniform(np.concatenate(words)[:n]))
        first_group += groups
    return drawn


@of_each_engine
def test_a_rule_that_asks_for_everything_learns_what_its_twin_learns(engine):
    core = build(engine)
    x, y = images(4)
    weights = NETWORK.draw_weights(1)
    memory = [np.zeros((2, n)) for n in NETWORK.sizes[1:]]
    traces = [np.zeros_like(W) for W in weights.W]
    for example in range(4):
        W, b = core.weights.W, core.weights.b
        result = train(core, x[example : example + 1], y[example : example + 1], example)
        draws = [uniform_draws(NETWORK.sizes, 1, example, k) for k in range(2)]
        output = core._net.layers[-1].own
        mismatch = np.abs(output.activity_target - output.predicted).max()
        for number, layer in enumerate(core._net.layers):
            own = layer.own
            np.testing.assert_array_equal(own.draws, [draws[0][number], draws[1][number]])
            error = own.activity_target - own.predicted + own.plateau_target - own.plateau_forward
            error += draws[0][number] - draws[1][number]
            memory[number][0] = 0.9 * memory[number][0] + 0.1 * error
            memory[number][1] += 1
            error = (memory[number][0] + 0.1 * memory[number][1]) * mismatch + (result.prediction[0] == y[example])
            np.testing.assert_allclose(own.error, error, rtol=1e-12, atol=1e-14)
            traces[number] = 0.9 * traces[number] + np.outer(error, own.psp_target - 0.5 * own.psp)
            wanted = W[number] + RATES[number] * (traces[number] / (example + 1) - 0.01 * W[number])
            np.testing.assert_allclose(core.weights.W[number], wanted, rtol=1e-11, atol=1e-13)
            np.testing.assert_allclose(core.weights.b[number], b[number] + RATES[number] * error, rtol=1e-12)
    assert mismatch > 0 and any(own.any() for own in memory)


def mean_kernel(synapse, ages):
    """Integral of the kernel from 0 to each age, forgotten after its cut-off."""
    ages = np.clip(ages, 0, np.inf if synapse.cutoff is None else synapse.cutoff)
    scale = 1 / (synapse.tau_decay - synapse.tau_rise)
    decay, rise = synapse.tau_decay, synapse.tau_rise
    return scale * (decay * -np.expm1(-ages / decay) - rise * -np.expm1(-ages / rise))


@pytest.mark.parametrize("cutoff", [None, 30.0])
@pytest.mark.parametrize("g_apical", [0.0, 0.2])
def test_presynaptic_averages_of_both_phases_are_those_of_the_spikes(cutoff, g_apical):
    """In continuous time, of a first trial: nothing is remembered from before."""
    network = replace(NETWORK, synapse=sl.Synapse(cutoff=cutoff), hidden=sl.HiddenNeuron(g_apical=g_apical))
    core = build(ENGINES[0], network)
    x, y = images(1)
    train(core, x, y)
    lengths, windows = core._training_schedule(core._extra(1, 0, 1))
    assert lengths.sum() == core._net.model.elapsed.sum()
    for layer in core._net.layers:
        spikes = layer.below
        n = spikes.first.max()
        neuron, time = spikes.neuron[:n], spikes.time[:n]
        assert n > 10
        for phase, found in ((FORWARD, layer.own.psp), (TARGET, layer.own.psp_target)):
            start, stop = windows[0, phase]
            parts = mean_kernel(network.synapse, stop - time) - mean_kernel(network.synapse, start - time)
            wanted = np.bincount(neuron, parts / (stop - start), minlength=len(found))
            np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-15)
        assert not np.allclose(layer.own.psp, layer.own.psp_target)


def test_the_clock_averages_presynaptic_spikes_of_the_target_phase():
    """As the twin does, in steps."""
    core = build(sl.Clock(dtype="float64"), replace(NETWORK, feedback_from="above"))
    x, y = images(1)
    train(core, x, y)
    lengths, windows = core._training_schedule(core._extra(1, 0, 1))
    n_steps, memory = int(lengths.sum()), core._memory
    for layer in core._net.layers:
        first = layer.below.first
        counts = np.zeros((n_steps, len(layer.own.psp)))
        for step in range(n_steps):
            np.add.at(counts[step], layer.below.neuron[first[memory + step] : first[memory + step + 1]], 1)
        psp = np.array([reference.psp(NETWORK.synapse, 1.0, counts[: step + 1]) for step in range(n_steps)])
        for phase, found in ((FORWARD, layer.own.psp), (TARGET, layer.own.psp_target)):
            start, stop = windows[0, phase]
            np.testing.assert_allclose(found, psp[start:stop].mean(axis=0), rtol=1e-9, atol=1e-15)


def test_the_rates_engine_has_presynaptic_rates_of_both_phases():
    core = build(sl.Rates(dtype="float64"))
    x, y = images(1)
    train(core, x, y)
    area, rate_max = core._net.model.area, NETWORK.rate_max
    for layer, below in zip(core._net.layers[1:], core._net.layers, strict=False):
        v_soma = below.work.v_soma.reshape(-1)[: below.n]  # of the phase that came last
        np.testing.assert_allclose(layer.own.psp_target, area * rate_max * reference.sigmoid(v_soma), rtol=1e-12)
        assert not np.allclose(layer.own.psp, layer.own.psp_target, rtol=1e-6)
    np.testing.assert_array_equal(core._net.layers[0].own.psp_target, core._net.layers[0].own.psp)


# -- kept, copied, taken up -------------------------------------------------------------------------------------------


def training(engine, **options):
    x, y = images(6)
    data = sl.Images(x=x, y=y, n_classes=3, name="dots")
    model = sl.Model(network=SMALL, learning_rates=RATES, rule=Greedy())
    return sl.train(model, data, **({"seed": 1, "epochs": 2, "engine": engine, "chunk_size": 2} | options))


def all_of(training):
    return {**training.state(), **{f"W{k}": W for k, W in enumerate(training.weights.W)}}


def assert_same(found, wanted):
    found, wanted = all_of(found), all_of(wanted)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@of_each_engine
@pytest.mark.parametrize("chunk_size", [1, 5, 12])
def test_the_bits_are_the_same_in_chunks_of_any_size(engine, chunk_size):
    whole, parts = training(engine), training(engine, chunk_size=chunk_size)
    list(whole), list(parts)
    assert_same(parts, whole)


@of_each_engine
def test_what_a_rule_keeps_is_saved_and_taken_up(engine):
    whole, first = training(engine), training(engine)
    list(whole)
    for _ in range(2):
        next(first)
    state = first.state()
    assert state["layer1_memory"].shape == (2, 8) and state["layer2_traces"].shape == (2, 6, 8)
    assert (state["layer1_memory"][1] == 4).all() and (state["layer1_traces"][0] == 4).all()
    second = training(engine, weights=first.weights)
    second.resume(first.trials, state)
    for way in (second, copy.deepcopy(first), pickle.loads(pickle.dumps(first)), first):
        list(way)
        assert_same(way, whole)


def test_what_a_rule_keeps_goes_back_when_a_chunk_fails():
    going, whole = training(ENGINES[2]), training(ENGINES[2])
    next(going)
    before = all_of(going)
    going.images.x[:] = np.nan  # any image of the next chunk
    with pytest.raises(sl.InputError):
        next(going)
    for name, array in all_of(going).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    going.images.x[:] = whole.images.x
    list(going), list(whole)
    assert_same(going, whole)


@pytest.mark.parametrize("missing", ["layer2_memory", "layer3_traces"])
def test_a_state_without_what_the_rule_keeps_is_refused(missing):
    state = training(ENGINES[2]).state()
    del state[missing]
    with pytest.raises(sl.InputError, match=f"state has no '{missing}'; it was written by another engine, or with"):
        training(ENGINES[2]).resume(4, state)


def test_a_state_with_what_nothing_takes_up_is_refused():
    state = training(ENGINES[2]).state()
    x, y = images(6)
    model = sl.Model(network=SMALL, learning_rates=RATES)
    plain = sl.train(model, sl.Images(x=x, y=y, n_classes=3, name="dots"), seed=1, engine=ENGINES[2])
    with pytest.raises(sl.InputError, match="state has 'layer1_memory', which nothing here takes up; .*another rule"):
        plain.resume(4, state)


# -- refused ----------------------------------------------------------------------------------------------------------


def test_a_rule_with_memory_cannot_only_be_compared_with():
    with pytest.raises(sl.InputError, match="Greedy keeps numbers from example to example, so it can learn, but not"):
        training(ENGINES[2], compare=Greedy())


class Drawing(NamedTuple):
    """A rule that draws and hears of the target phase, but keeps nothing."""

    size: float


@kernel
def drawn_errors(rule, own):
    for i in range(own.n):
        own.error[i] = rule.size * (own.draws[0, i] + own.psp_target[0])


register_rule(Drawing, drawn_errors, psp_target=True, draws=1)


@dataclass(frozen=True)
class Drawn:
    size: float

    def constants(self):
        return Drawing(self.size)


def test_a_rule_that_draws_can_be_compared_with_and_draws_the_same():
    core = build(ENGINES[2])
    x, y = images(3)
    found = train(core, x, y, rule=Drawn(1.0), compare=Drawn(-2.0))
    np.testing.assert_allclose(found.angle, 180, atol=1e-5)
    other = build(ENGINES[2])
    alone = train(other, x, y, rule=Drawn(1.0), compare=sl.Plateau())
    np.testing.assert_array_equal(core.weights.W[0], other.weights.W[0])
    assert np.isfinite(alone.angle).all()


class NeverFinite(NamedTuple):
    where: float


@kernel
def nan_errors(rule, own):
    for i in range(own.n):
        own.error[i] = np.nan if rule.where == 0 and own.n_pre == 70 else 0.0
        if rule.where == 1 and own.n_pre == 66:
            own.memory[0, i] = np.inf


register_rule(NeverFinite, nan_errors, memory=1)


@dataclass(frozen=True)
class Endless:
    where: float = 0.0

    def constants(self):
        return NeverFinite(self.where)


@pytest.mark.parametrize(
    "where, message",
    [
        (0.0, "the error by Endless of layer 2 is not finite at example 7"),
        (1.0, "a number that Endless keeps of layer 3 is not finite before example 9"),
    ],
)
def test_what_is_not_finite_names_the_rule_and_the_layer(where, message):
    x, y = images(2)
    with pytest.raises(sl.NotFiniteError, match=message):
        train(build(ENGINES[2]), x, y, first=7, rule=Endless(where))


def wrong_memory(rule, own):
    own.error[0] = own.memory[0, 0]


def wrong_trace(rule, own):
    own.error[0] = trace(own, 0, 0, 0)


def wrong_name(rule, own):
    own.error[0] = own.psp_taget[0]


def wrong_number(rule, own):
    own.error[0] = rule.stp


def wrong_array(rule, own):
    own.error[:] = np.zeros(own.n)


def wrong_global(rule, own):
    own.error[0] = nowhere(rule.step)  # noqa: F821  # that is what is tried


@needs_jit
@pytest.mark.parametrize(
    "errors, message",
    [
        (
            wrong_memory,
            r"not asked for memory; write register_rule\(\.\.\., memory=\.\.\.\) .*own\.memory\[0, 0\]\)",
        ),
        (
            wrong_trace,
            r"not asked for traces; write register_rule\(\.\.\., traces=\.\.\.\) .*trace\(own, 0, 0, 0\)",
        ),
        (wrong_name, r"own has no 'psp_taget'; did you mean 'psp_target'\? .*\(test_rules.py, line \d+: own.error"),
        (wrong_number, r"Unknown attribute 'stp' .*\(test_rules.py, line \d+: own.error\[0\] = rule.stp\)"),
        (wrong_array, r"make an array, which a kernel cannot \(test_rules.py, line \d+: own.error\[:\] = np.zeros"),
        (wrong_global, "NameError: name 'nowhere' is not defined"),
    ],
)
def test_a_kernel_that_does_not_compile_names_the_rule_and_the_line(errors, message):
    class Wrong(NamedTuple):
        step: float

    @dataclass(frozen=True)
    class Mine:
        def constants(self):
            return Wrong(1.0)

    register_rule(Wrong, errors)
    x, y = images(1)
    network = sl.Network(sizes=(5, 4, 3))
    with pytest.raises(sl.InputError, match=f"^the kernels of Mine cannot be compiled: .*{message}") as caught:
        train(build(ENGINES[2], network), x, y, rule=Mine())
    assert "\n" not in str(caught.value)


@needs_jit
def test_numbas_errors_about_code_of_the_package_stay_what_they_are():
    from numba.core.errors import TypingError

    from spikelearn.engines.explaining import explained

    with pytest.raises(TypingError), explained(sl.Plateau(), None):
        raise TypingError("ours")
