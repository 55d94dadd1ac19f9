"""The whole trial, spikes included: against the twin, under changes that must not matter, and against physics."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from conftest import needs_jit, samples
from means import means_of

import spikelearn as sl
from spikelearn.core.random import draw_extra, make_keys
from spikelearn.engines import Clock, Stimulus
from spikelearn.models.guerguiev2017 import READINGS

EXACT = {"rtol": 1e-12, "atol": 1e-12}
SEED = 3
BIASED = READINGS["cited"].initial


def describe(sizes=(12, 7, 3), reading="released", *, g_apical=0.0, phases=None, **network):
    """Describe a small network in one of the published readings, with short phases."""
    published = READINGS[reading]
    lengths = {"minimum": 20.0, "settle": 8.0, "test": 30.0, "window": 10.0 if reading == "released" else None}
    parts = {"synapse": published.synapse, "feedback": published.feedback} | network
    hidden = sl.HiddenNeuron(g_apical=g_apical)
    return sl.Network(sizes=sizes, phases=sl.Phases(**lengths | (phases or {})), **{"hidden": hidden} | parts)


def task(network, n, seed=0):
    """Draw images, a third of their pixels dark, and labels."""
    rng = np.random.default_rng(seed)
    images = rng.random((n, network.sizes[0])) * (rng.random((n, network.sizes[0])) > 0.3)
    return images.astype(np.float32), rng.integers(network.n_classes, size=n)


def build(network, dt=1.0, dtype="float32"):
    return Clock(dt=dt, dtype=dtype).build(network, network.draw_weights(SEED))


def learn(core, images, labels, *, seed=SEED, first_example=0, rate=0.5, rule=None, compare=None):
    rates = (rate,) * core.network.n_layers
    return core.train(
        images, labels, seed=seed, first_example=first_example, learning_rates=rates, rule=rule or sl.Plateau(),
        compare=compare,
    )  # fmt: skip


def in_steps(times, dt=1.0):
    """Turn times in ms into whole steps."""
    steps = np.round(np.asarray(times) / dt).astype(int)
    np.testing.assert_allclose(dt * steps, times, rtol=1e-12, atol=1e-12)
    return steps


def counts(spikes, n_steps, n, dt=1.0):
    """Turn spikes (times, neurons) into counts, (steps, neurons)."""
    out = np.zeros((n_steps, n))
    np.add.at(out, (in_steps(spikes[0], dt), spikes[1]), 1)
    return out


def assert_all_close(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, **EXACT)


def assert_same_bits(a, b):
    """Two cores that did the same have the same weights and the same state."""
    for x, y in zip(a.weights.arrays, b.weights.arrays, strict=True):
        np.testing.assert_array_equal(x, y)
    one, other = a.state(), b.state()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def assert_recorded(recording, trial, sizes, dt):
    assert in_steps(recording.lengths, dt).tolist() == list(trial.lengths)
    n_steps = sum(trial.lengths)
    assert in_steps(recording.times, dt).tolist() == list(range(1, n_steps + 1))
    for found, wanted, n in zip(recording.spikes, trial.spikes, sizes, strict=True):
        assert (np.diff(found[0]) >= 0).all()
        np.testing.assert_array_equal(counts(found, n_steps, n, dt), wanted)
    assert_all_close(recording.v_dendrite, trial.v_dendrite)
    assert_all_close(recording.v_apical, trial.v_apical)
    assert_all_close(recording.v_soma, trial.v_soma)


# -- twin: compiled = naive -------------------------------------------------------------------------------------------

MANY_BLOCKS = (12, 70, 9, 3)
ODD = {  # no number of the paper, so that none can be built in
    "rate_max": 0.13,
    "synapse": sl.Synapse(tau_rise=1.5, tau_decay=7.0, cutoff=6.0),
    "hidden": sl.HiddenNeuron(g_leak=0.2, g_basal=0.35, g_apical=0.15),
    "output": sl.OutputNeuron(g_leak=0.15, g_dendrite=0.5, g_teach=0.7, e_excite=5.0, e_inhibit=-3.0),
}
TWINS = {
    "released": (describe(), 1.0),
    "text": (describe(reading="text"), 1.0),
    "released, no hidden layer": (describe((12, 3)), 1.0),
    "text, no hidden layer": (describe((12, 3), "text"), 1.0),
    "released, several blocks": (describe(MANY_BLOCKS), 1.0),
    "text, several blocks": (describe(MANY_BLOCKS, "text"), 1.0),
    "released, apical conductance": (describe(MANY_BLOCKS, g_apical=0.05), 1.0),
    "text, apical conductance": (describe(MANY_BLOCKS, "text", g_apical=0.05), 1.0),
    "released, strong apical conductance, blocks of inputs and outputs": (describe((70, 5, 66), g_apical=0.6), 1.0),
    "text, blocks of inputs and outputs": (describe((70, 5, 66), "text", g_apical=0.05), 1.0),
    "released, dt = 0.5": (describe(g_apical=0.05), 0.5),
    "text, dt = 0.5": (describe(reading="text"), 0.5),
    "released, dt = 0.25": (describe(), 0.25),
    "text, dt = 0.25": (describe(reading="text", g_apical=0.05), 0.25),
    "released, from rest": (describe(carry_state=False), 1.0),
    "text, from rest, apical conductance": (describe(reading="text", g_apical=0.05, carry_state=False), 1.0),
    "released, phases of two segments": (describe(phases={"minimum": 140.0, "window": 20.0}), 1.0),
    "text, phases of two segments": (describe(reading="text", g_apical=0.05, phases={"minimum": 140.0}), 1.0),
    "text, phases of one segment just": (describe(reading="text", phases={"minimum": 128.0}), 1.0),
    "released, phases shorter than the memory": (
        describe(g_apical=0.05, phases={"minimum": 4.0, "settle": 1.0, "window": 2.0}),
        1.0,
    ),
    "released, averages from the first step": (describe(phases={"minimum": 5.0, "settle": 0.0, "window": None}), 1.0),
    "text, averages from the first step": (
        describe(reading="text", g_apical=0.05, phases={"minimum": 5.0, "settle": 0.0}),
        1.0,
    ),
    "text, averages of one step": (describe(reading="text", phases={"window": 1.0}), 1.0),
    "released, feedback from above": (describe(MANY_BLOCKS, feedback_from="above"), 1.0),
    "text, feedback from above, apical conductance": (
        describe((12, 7, 70, 9, 3), "text", g_apical=0.05, feedback_from="above"),
        1.0,
    ),
    "released, rates are fed back": (describe(MANY_BLOCKS, feedback_signal="rates"), 1.0),
    "text, rates are fed back from above, apical conductance": (
        describe(MANY_BLOCKS, "text", g_apical=0.05, feedback_signal="rates", feedback_from="above"),
        0.5,
    ),
    "text, rates are fed back, averages from the first step": (
        describe(reading="text", feedback_signal="rates", phases={"minimum": 5.0, "settle": 0.0}),
        1.0,
    ),
    "released, jittered plateaus": (describe(MANY_BLOCKS, plateaus=sl.JitteredPlateaus()), 1.0),
    "text, jittered plateaus, rates are fed back": (
        describe(reading="text", feedback_signal="rates", plateaus=sl.JitteredPlateaus(sd=2.0, at_most=3.0, grain=0.5)),
        0.5,
    ),
    "cited": (describe(MANY_BLOCKS, initial=BIASED), 1.0),
    "cited, apical conductance": (describe(MANY_BLOCKS, g_apical=0.05, initial=BIASED), 1.0),
    "cited, jittered plateaus": (describe(MANY_BLOCKS, plateaus=sl.JitteredPlateaus(), initial=BIASED), 1.0),
    "released, sparse feedback": (describe(MANY_BLOCKS, feedback=sl.SparseFeedback()), 1.0),
    "released, gated, likelihood, pooled feedback": (
        describe(
            (12, 70, 9, 6),
            population=2,
            output=sl.OutputNeuron(loss="likelihood"),
            feedback=sl.PooledFeedback(population=2, base=sl.ProductFeedback(gain=2.0)),
        ),
        1.0,
    ),
    "released, symmetric feedback": (describe((12, 70, 9, 66, 3), feedback=sl.SymmetricFeedback()), 1.0),
    "text, noisy symmetric feedback": (
        describe(MANY_BLOCKS, "text", g_apical=0.05, feedback=sl.SymmetricFeedback(noise=0.05)),
        1.0,
    ),
    "text, noisy symmetric feedback from above": (
        describe(MANY_BLOCKS, "text", feedback_from="above", feedback=sl.SymmetricFeedback(noise=0.2)),
        1.0,
    ),
    "released, learned sparse feedback, jittered plateaus": (
        describe(
            MANY_BLOCKS,
            feedback=sl.LearnedFeedback(rate=2.0, base=sl.SparseFeedback()),
            plateaus=sl.JitteredPlateaus(),
        ),
        1.0,
    ),
    "text, learned feedback from above": (
        describe(MANY_BLOCKS, "text", feedback_from="above", feedback=sl.LearnedFeedback(rate=2.0)),
        1.0,
    ),
    "no number of the paper": (describe(phases={"extra_mean": 4.0, "extra_shape": 2.5}, **ODD), 0.5),
}


@pytest.mark.parametrize("name", TWINS)
def test_a_training_run_is_that_of_the_twin(name):
    """Spikes exactly; potentials, averages, losses, angles and weights to rounding, over several examples."""
    network, dt = TWINS[name]
    images, labels = task(network, 5)
    rule, other = (sl.Plateau(), sl.Backprop()) if "text" in name else (sl.Backprop(0.2), sl.Plateau())
    rule = sl.Plateau(gate=0.9) if "gated" in name else rule
    core, watcher = build(network, dt, "float64"), Clock(dt=dt, dtype="float64")
    rates = tuple(0.5 + 0.1 * layer for layer in range(network.n_layers))
    twin = reference.train(network, dt, network.draw_weights(SEED), images, labels, SEED, rates, rule, other)
    for k, example in enumerate(twin):
        onlooker = watcher.build(network, core.weights)
        onlooker.restore(core.state())
        assert_recorded(
            onlooker.record(images[k], int(labels[k]), seed=SEED, example=k), example.trial, network.sizes, dt
        )
        part = slice(k, k + 1)
        chunk = core.train(
            images[part], labels[part], seed=SEED, first_example=k, learning_rates=rates, rule=rule, compare=other
        )
        averages = means_of(core)
        for quantity in ("psp", "v_forward", "activity_target", "apical_forward", "apical_target"):
            assert_all_close(getattr(averages, quantity), getattr(example.averages, quantity))
        assert chunk.prediction[0] == example.prediction
        np.testing.assert_allclose(chunk.loss[0], example.loss, **EXACT)
        # The arc cosine of nearly parallel vectors loses half of the digits.
        np.testing.assert_allclose(np.cos(np.radians(chunk.angle[0])), np.cos(np.radians(example.angle)), rtol=1e-10)
        assert_all_close(core.weights.W, example.weights.W)
        assert_all_close(core.weights.b, example.weights.b)
        assert_all_close(core.weights.Y, example.weights.Y)


@pytest.mark.parametrize("first_example", [1000, 2**32 - 2])
def test_a_run_that_begins_at_a_later_example_is_that_of_the_twin(first_example):
    network = describe()
    images, labels = task(network, 4)
    core = build(network, dtype="float64")
    learn(core, images, labels, first_example=first_example, compare=sl.Backprop())
    twin = reference.train(
        network, 1.0, network.draw_weights(SEED), images, labels, SEED, (0.5, 0.5), sl.Plateau(),
        first_example=first_example,
    )  # fmt: skip
    assert_all_close(core.weights.W, twin[-1].weights.W)


@pytest.mark.parametrize("name", ["released", "text", "text, apical conductance", "no number of the paper"])
def test_a_test_image_is_that_of_the_twin(name):
    network, dt = TWINS[name]
    images, _ = task(network, 12)
    rng = np.random.default_rng(0)
    drawn = network.draw_weights(SEED)
    mixed = replace(drawn, W=tuple(4 * rng.normal(size=w.shape) for w in drawn.W))  # so that classes differ
    core = Clock(dt=dt, dtype="float64").build(network, mixed)
    core.train(
        images[:2], np.array([0, 1]), seed=SEED, first_example=0, learning_rates=(0.5,) * network.n_layers,
        rule=sl.Plateau(), compare=sl.Backprop(),
    )  # fmt: skip
    trials, predictions = reference.test(network, dt, core.weights, images, SEED, first_example=7)
    np.testing.assert_array_equal(core.test(images, seed=SEED, first_example=7), predictions)
    settle = round(network.phases.settle / dt)
    assert_all_close(means_of(core).v_forward, [v[settle:].mean(0) for v in trials[-1].v_soma])
    for k, trial in enumerate(trials[:3]):
        assert_recorded(core.record(images[k], None, seed=SEED, example=7 + k), trial, network.sizes, dt)


def test_a_long_test_image_is_that_of_the_twin():
    network = describe(phases={"test": 300.0})
    images, _ = task(network, 2)
    core = build(network, dtype="float64")
    trials, predictions = reference.test(network, 1.0, network.draw_weights(SEED), images, SEED)
    np.testing.assert_array_equal(core.test(images, seed=SEED, first_example=0), predictions)
    assert_recorded(core.record(images[0], None, seed=SEED, example=0), trials[0], network.sizes, 1.0)


@pytest.mark.parametrize("e_excite, e_inhibit", [(8.0, 0.0), (0.0, -8.0)])
def test_a_reversal_potential_of_zero_is_taught_like_any_other(e_excite, e_inhibit):
    network = describe((12, 3), output=sl.OutputNeuron(e_excite=e_excite, e_inhibit=e_inhibit))
    images, labels = task(network, 1)
    recording = build(network, dtype="float64").record(images[0], int(labels[0]), seed=SEED, example=0)
    twin = reference.train(network, 1.0, network.draw_weights(SEED), images, labels, SEED, (0.0,), sl.Plateau())
    assert_all_close(recording.v_soma, twin[0].trial.v_soma)


# -- invariance -------------------------------------------------------------------------------------------------------

KINDS = {
    "released": describe(MANY_BLOCKS),
    "text": describe(MANY_BLOCKS, "text"),
    "released, apical conductance": describe(MANY_BLOCKS, g_apical=0.05),
    "text, apical conductance": describe(MANY_BLOCKS, "text", g_apical=0.05),
    "released, phases shorter than the memory": describe(phases={"minimum": 4.0, "settle": 1.0, "window": 2.0}),
}
of_each_kind = pytest.mark.parametrize("network", KINDS.values(), ids=KINDS)


@of_each_kind
def test_one_chunk_of_five_is_five_chunks_of_one(network):
    images, labels = task(network, 5)
    together, apart = build(network), build(network)
    whole = learn(together, images, labels)
    parts = [learn(apart, images[k : k + 1], labels[k : k + 1], first_example=k) for k in range(5)]
    for field in ("prediction", "loss"):
        np.testing.assert_array_equal(getattr(whole, field), np.concatenate([getattr(p, field) for p in parts]))
    assert_same_bits(together, apart)


@of_each_kind
def test_a_state_and_weights_are_all_it_takes_to_continue(network):
    images, labels = task(network, 4)
    core = build(network)
    learn(core, images[:2], labels[:2])
    other = Clock().build(network, core.weights)
    other.restore(core.state())
    for c in (core, other):
        learn(c, images[2:], labels[2:], first_example=2)
    assert_same_bits(core, other)


@of_each_kind
def test_what_is_carried_over_matters(network):
    images, labels = task(network, 2)
    carried, rested = build(network), build(network)
    for core in (carried, rested):
        learn(core, images[:1], labels[:1], rate=0.0)
    rested.rest()
    for core in (carried, rested):
        learn(core, images[1:], labels[1:], first_example=1)
    assert not np.array_equal(carried.weights.W[-1], rested.weights.W[-1])


@of_each_kind
def test_a_recorded_trial_leaves_the_state_that_training_leaves(network):
    network = replace(network, phases=sl.Phases(minimum=150.0, settle=8.0))
    images, labels = task(network, 2)
    trained, recorded = build(network), build(network)
    learn(trained, images, labels, rate=0.0)
    for k in range(2):
        recorded.record(images[k], int(labels[k]), seed=SEED, example=k)
    assert_same_bits(trained, recorded)


@of_each_kind
def test_looking_does_not_change_what_follows(network):
    images, labels = task(network, 4)
    watched, alone = build(network), build(network)
    for k in range(4):
        state = watched.state()
        watched.record(images[k], int(labels[k]), seed=SEED, example=k)
        watched.record(images[k], None, seed=SEED, example=k)
        watched.test(images, seed=SEED, first_example=17)
        watched.restore(state)
        for core in (watched, alone):
            learn(core, images[k : k + 1], labels[k : k + 1], first_example=k)
    assert_same_bits(watched, alone)


def test_a_comparison_with_another_rule_does_not_change_what_is_learned():
    network = describe(MANY_BLOCKS)
    images, labels = task(network, 3)
    compared, alone = build(network, dtype="float64"), build(network, dtype="float64")
    angles = learn(compared, images, labels, compare=sl.Backprop()).angle
    learn(alone, images, labels)
    assert np.isfinite(angles).all()
    assert_same_bits(compared, alone)


def test_there_is_no_angle_without_a_rule_to_compare_with():
    """Nor the angle to what was left by an earlier call that had one."""
    network = describe()
    images, labels = task(network, 2)
    core = build(network, dtype="float64")
    learn(core, images, labels, compare=sl.Backprop())
    assert np.isnan(learn(core, images, labels, first_example=2).angle).all()


@of_each_kind
def test_dark_inputs_may_be_added_anywhere(network):
    """Renumbering: the other inputs keep their spikes, and everything above stays as it was."""
    images, labels = task(network, 3)
    places = np.sort(np.random.default_rng(1).choice(80, network.sizes[0], replace=False))
    weights = network.draw_weights(SEED)
    wide = np.ones((network.sizes[1], 80))
    wide[:, places] = weights.W[0]
    wide_images = np.zeros((3, 80), np.float32)
    wide_images[:, places] = images
    core = Clock().build(network, weights)
    other = Clock().build(replace(network, sizes=(80, *network.sizes[1:])), replace(weights, W=(wide, *weights.W[1:])))
    for c, shown in ((core, images), (other, wide_images)):
        learn(c, shown, labels)
    np.testing.assert_array_equal(core.weights.W[0], other.weights.W[0][:, places])
    assert (np.delete(other.weights.W[0], places, axis=1) == 1).all()
    for a, b in zip(core.weights.W[1:] + core.weights.b, other.weights.W[1:] + other.weights.b, strict=True):
        np.testing.assert_array_equal(a, b)


@needs_jit
def test_hidden_neurons_may_be_renumbered():
    """Other neurons get other draws, so the mean potentials are the same up to chance only."""
    network = describe((12, 70, 3), "text", phases={"test": 5000.0})
    weights = network.draw_weights(SEED)
    order = np.random.default_rng(0).permutation(70)
    renumbered = sl.Weights(
        (weights.W[0][order], weights.W[1][:, order]), (weights.b[0][order], weights.b[1]), (weights.Y[0][order],)
    )
    image = task(network, 1)[0][0]
    hidden, output = [], []
    for w in (weights, renumbered):
        v = Clock().build(network, w).record(image, None, seed=SEED, example=0).v_soma
        hidden.append(blocks_of(v[0][100:]))
        output.append(blocks_of(v[1][100:]))
    assert_same_mean(hidden[0][:, order], hidden[1])
    assert_same_mean(*output)


def blocks_of(series, n_steps=100):
    """Average a series over stretches longer than any correlation."""
    n = len(series) // n_steps
    return series[: n * n_steps].reshape(n, n_steps, -1).mean(1)


def assert_same_mean(a, b, n_sd=5):
    sd = np.sqrt(a.var(0, ddof=1) / len(a) + b.var(0, ddof=1) / len(b))
    assert (np.abs(a.mean(0) - b.mean(0)) < n_sd * sd).all()


def test_what_is_tested_before_a_test_image_does_not_matter():
    network = describe()
    images, labels = task(network, 8)
    core = build(network)
    together = core.test(images, seed=SEED, first_example=0)
    learn(core, images, labels, rate=0.0)
    apart = [core.test(images[k : k + 1], seed=SEED, first_example=k)[0] for k in reversed(range(8))]
    np.testing.assert_array_equal(together, apart[::-1])


def test_without_carried_state_what_was_trained_before_does_not_matter():
    network = describe(MANY_BLOCKS, carry_state=False)
    images, labels = task(network, 3)
    long, short = build(network), build(network)
    learn(long, images, labels, rate=0.0)
    learn(short, images[2:], labels[2:], first_example=2, rate=0.0)
    assert_same_bits(long, short)


def test_a_rested_network_is_a_new_one():
    network = describe(reading="text", g_apical=0.05)
    images, labels = task(network, 3)
    used, new = build(network), build(network)
    learn(used, images, labels, rate=0.0)
    used.rest()
    for core in (used, new):
        learn(core, images, labels)
    assert_same_bits(used, new)


def test_a_learning_rate_of_zero_keeps_a_layer_as_it_is():
    network = describe()
    images, labels = task(network, 2)
    core, before = build(network), build(network).weights
    core.train(images, labels, seed=SEED, first_example=0, learning_rates=(0.0, 0.5), rule=sl.Plateau())
    np.testing.assert_array_equal(core.weights.W[0], before.W[0])
    assert not np.array_equal(core.weights.W[1], before.W[1])
    np.testing.assert_array_equal(core.weights.Y[0], before.Y[0])


def test_the_weights_given_are_copied():
    network = describe()
    images, labels = task(network, 2)
    weights = network.draw_weights(SEED)
    core = Clock(dtype="float64").build(network, weights)
    kept = core.weights
    learn(core, images, labels, compare=sl.Backprop())
    drawn = network.draw_weights(SEED)
    for mine in (weights, kept):
        for name in ("W", "b", "Y"):
            for found, wanted in zip(getattr(mine, name), getattr(drawn, name), strict=True):
                np.testing.assert_array_equal(found, wanted)


def spikes_of(core, image, label, **draws):
    return [np.transpose(s).tolist() for s in core.record(image, label, **draws).spikes]


def test_seed_example_and_purpose_fix_the_spikes_and_each_changes_them():
    network = describe(phases={"test": 20.0, "extra_mean": 1e-3})
    image = task(network, 1)[0][0]
    trials = [
        spikes_of(build(network), image, label, seed=seed, example=example)
        for label, seed, example in ((0, 1, 0), (0, 2, 0), (0, 1, 1), (0, 1, 2**32), (None, 1, 0))
    ]
    assert spikes_of(build(network), image, 0, seed=1, example=0) == trials[0]
    for layer in range(3):
        for k, trial in enumerate(trials):
            for other in trials[:k]:
                # The test image ends after 20 steps; compare those.
                assert [s for s in trial[layer] if s[0] < 20] != [s for s in other[layer] if s[0] < 20]


def test_the_label_changes_nothing_before_the_target_phase():
    network = describe(MANY_BLOCKS, g_apical=0.05)
    image = task(network, 1)[0][0]
    one, other = (build(network).record(image, label, seed=SEED, example=0) for label in (0, 2))
    forward = round(one.lengths[0])
    for a, b in zip(one.v_soma, other.v_soma, strict=True):
        np.testing.assert_array_equal(a[:forward], b[:forward])
        assert not np.array_equal(a[forward:], b[forward:])


def test_feedback_reaches_somata_through_the_apical_conductance_only():
    image = task(describe(), 1)[0][0]
    for g_apical in (0.0, 0.05):
        network = describe(g_apical=g_apical)
        weights = network.draw_weights(SEED)
        turned = replace(weights, Y=tuple(-y for y in weights.Y))
        one, other = (
            Clock().build(network, w).record(image, 0, seed=SEED, example=0).v_soma[0] for w in (weights, turned)
        )
        assert np.array_equal(one, other) == (g_apical == 0)


@pytest.mark.parametrize("reading", ["released", "text"])
def test_given_apical_spikes_leave_what_is_remembered_of_the_trial_before(reading):
    network = describe(MANY_BLOCKS, reading, g_apical=0.05)
    image = task(network, 1)[0][0]
    nothing = Stimulus(apical=(np.zeros(0, int), np.zeros(0, int), np.zeros(0)))
    cores = build(network), build(network)
    for core in cores:
        core.record(image, 0, seed=SEED, example=0)
    free, given = (
        core.record(image, 0, seed=SEED, example=1, stimulus=stimulus).v_apical[0]
        for core, stimulus in zip(cores, (None, nothing), strict=True)
    )
    np.testing.assert_array_equal(given[0], free[0])
    assert (given[0] != 0).all()
    assert np.abs(given[30:]).max() < (1e-6 if reading == "released" else 0.1 * np.abs(free[30:]).max())


@needs_jit
def test_single_precision_is_close_to_double():
    """The same draws; a few spikes differ in the end, and with them the details."""
    network = describe((12, 20, 3), phases={"minimum": 50.0, "window": 20.0})
    images, labels = task(network, 40)
    single, double = build(network), build(network, dtype="float64")
    loss, exact = (learn(core, images, labels, rate=0.2).loss for core in (single, double))
    np.testing.assert_allclose(loss[0], exact[0], rtol=1e-4)
    np.testing.assert_allclose(loss.mean(0), exact.mean(0), rtol=0.1)
    for a, b in zip(single.weights.W, double.weights.W, strict=True):
        assert a.dtype == np.float32
        assert np.abs(a - b).max() < 0.1 * b.std()


# -- physics ----------------------------------------------------------------------------------------------------------


def without_synapses(network, bias):
    """Return weights of zero and equal biases."""
    sizes = network.sizes
    return sl.Weights(
        tuple(np.zeros((post, pre)) for pre, post in zip(sizes[:-1], sizes[1:], strict=True)),
        tuple(np.full(n, bias) for n in sizes[1:]),
        tuple(np.zeros((n, sizes[-1])) for n in sizes[1:-1]),
    )


def record(network, weights, dt, label=None, intensity=0.0, example=0):
    image = np.full(network.sizes[0], intensity, np.float32)
    return Clock(dt=dt, dtype="float64").build(network, weights).record(image, label, seed=SEED, example=example)


@pytest.mark.parametrize("dt", [1.0, 0.5])
@pytest.mark.parametrize("g_apical", [0.0, 0.05, 0.6])
def test_somata_settle_at_the_conductance_weighted_mean(dt, g_apical):
    network = describe((2, 70, 3), g_apical=g_apical, phases={"test": 150.0})
    v_hidden, v_output = record(network, without_synapses(network, 1.7), dt).v_soma
    np.testing.assert_allclose(v_hidden[-1], 1.7 * 0.6 / (0.7 + g_apical), rtol=1e-12)
    np.testing.assert_allclose(v_output[-1], 1.7 * 6 / 7, rtol=1e-12)
    assert network.hidden.dendrite_gain == pytest.approx(0.6 / (0.7 + g_apical), rel=1e-12)


def test_somata_converge_to_the_exact_exponential_at_first_order():
    dts = 2.0 ** -np.arange(2, 7)
    network = describe(phases={"test": 2.0, "minimum": 2.0, "settle": 0.0, "window": None})
    exact = 6 / 7 * (1 - np.exp(-0.7 * 2.0))
    ends = [record(network, without_synapses(network, 1.0), dt).v_soma[0][-1, 0] for dt in dts]
    order = np.polyfit(np.log2(dts), np.log2(np.abs(np.array(ends) - exact)), 1)[0]
    assert order == pytest.approx(1.0, abs=0.1)


def after_one_spike(cutoff, dt, duration):
    """Return the potential that a single spike evokes through a weight of 1, from the end of its step on."""
    network = describe((1, 1), synapse=sl.Synapse(cutoff=cutoff), phases={"test": duration})
    weights = sl.Weights((np.ones((1, 1)),), (np.zeros(1),), ())
    for example in range(200):
        recording = record(network, weights, dt, intensity=0.05, example=example)
        steps = in_steps(recording.spikes[0][0], dt)
        if len(steps) == 1 and steps[0] * dt < 10:
            assert (recording.v_dendrite[0][: steps[0]] == 0).all()
            return recording.v_dendrite[0][steps[0] :, 0]
    raise AssertionError("no trial with a single early spike")


@pytest.mark.parametrize("cutoff, area", [(10.0, 0.510), (None, 0.997)])
def test_a_spike_evokes_a_potential_of_the_area_of_the_kernel(cutoff, area):
    assert after_one_spike(cutoff, 1.0, 120.0).sum() == pytest.approx(area, abs=5e-4)


def test_without_cutoff_the_area_of_the_kernel_tends_to_one():
    for dt in (0.5, 0.25):
        assert after_one_spike(None, dt, 120.0).sum() * dt == pytest.approx(1, abs=0.004 * dt**2)


def test_a_potential_peaks_five_ms_after_its_spike():
    v = after_one_spike(None, 0.125, 40.0)
    assert 0.125 * (1 + v.argmax()) == pytest.approx(5.16, abs=0.0625 + 0.005)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.25])
def test_a_spike_is_forgotten_after_the_cutoff_at_any_time_step(dt):
    v = after_one_spike(10.0, dt, 40.0)
    n = round(10 / dt)
    np.testing.assert_allclose(v[:n], reference.kappa(sl.Synapse(), dt * np.arange(1, n + 1)), rtol=1e-12)
    np.testing.assert_allclose(v[n:], 0, atol=1e-16)


@pytest.mark.parametrize("g_teach, forward, rates", [(1.0, 0.0, (198.2, 1.8)), (0.1, 0.0, (146, 54)), (1.0, 2.0, None)])
def test_teaching_clamps_the_outputs(g_teach, forward, rates):
    """Fact sheet 1.4: with the conductance that equation 19 gives literally, 0.1 / ms, it does not."""
    network = describe((2, 4, 3), output=sl.OutputNeuron(g_teach=g_teach), phases={"minimum": 100.0})
    recording = record(network, without_synapses(network, forward), 1.0, label=1)
    v = recording.v_soma[-1]
    np.testing.assert_allclose(v[round(recording.lengths[0]) - 1], 6 / 7 * forward, rtol=1e-9)
    on, off = ((0.6 * forward + sign * 8 * g_teach) / (0.7 + g_teach) for sign in (1, -1))
    np.testing.assert_allclose(v[-1], [off, on, off], rtol=1e-9)
    if rates:
        np.testing.assert_allclose(200 * reference.sigmoid(v[-1, [1, 0]]), rates, atol=0.5)


@pytest.mark.parametrize("cutoff", [10.0, None])
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.25])
def test_the_mean_potential_is_rate_times_weight_times_area_at_any_time_step(dt, cutoff):
    duration = samples(2000.0, 1000.0)
    network = describe((12, 7, 3), synapse=sl.Synapse(cutoff=cutoff), phases={"test": duration})
    weights = network.draw_weights(SEED)
    v = record(network, weights, dt, intensity=0.5).v_dendrite[0][round(100 / dt) :]
    area = dt * reference.kappa(network.synapse, dt * np.arange(1, round(300 / dt))).sum()
    rate = 0.5 * network.rate_max
    mean = weights.b[0] + area * rate * weights.W[0].sum(1)
    sd = area * np.sqrt(rate / (duration - 100) * (weights.W[0] ** 2).sum(1))
    assert (np.abs(v.mean(0) - mean) < 4 * sd).all()


def test_halving_the_time_step_leaves_the_rates():
    """A PSP begins one step after its spike, at most: 1 ms of 13 or so. Rates of neurons far from saturation."""
    duration = samples(4000.0, 2000.0)
    network = describe((12, 7, 3), "text", phases={"test": duration})
    drawn = network.draw_weights(SEED)
    weights = replace(drawn, W=tuple(0.3 * w for w in drawn.W))
    rates = []
    for dt in (1.0, 0.5):
        spikes = record(network, weights, dt, intensity=0.5).spikes[1:]
        rates.append(np.concatenate([np.bincount(s[1], minlength=n) for s, n in zip(spikes, (7, 3), strict=True)]))
    # Counts vary by more than Poisson, because the rates do.
    assert (np.abs(rates[0] - rates[1]) < 5 * np.sqrt(2 * (rates[0] + rates[1])) + 0.01 * rates[0]).all()


def test_neurons_fire_at_the_rate_of_their_potential():
    network = describe((2, 70, 3), phases={"test": samples(2000.0, 500.0)})
    recording = record(network, without_synapses(network, -1.0), 1.0)
    for spikes, v in zip(recording.spikes[1:], recording.v_soma, strict=True):
        expected = network.rate_max * reference.sigmoid(v).sum()
        assert abs(len(spikes[0]) - expected) < 4 * np.sqrt(expected)


def test_phases_are_as_long_as_the_published_ones():
    """Fact sheet 1.7: whole ms of a Wald(2, 1): mean 1.52, none with 0.49, 10 or less with 0.981."""
    n = samples(200_000, 4_000)
    out = np.empty((n, 2))
    draw_extra(make_keys(SEED, "phases", 1)[0], 0, 2.0, 1.0, out)
    extra = np.floor(out).ravel()
    assert extra.mean() == pytest.approx(1.52, abs=4 * 2.9 / np.sqrt(2 * n) + 0.005)
    for most, share in ((0, 0.49), (10, 0.981)):
        assert (extra <= most).mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / (2 * n)) + 0.005)


def test_phases_last_their_minimum_and_a_whole_number_of_steps_more():
    network = describe(phases={"minimum": 20.0, "extra_mean": 3.0})
    core = build(network, 0.25)
    image, lengths = task(network, 1)[0][0], []
    for example in range(20):
        lengths += in_steps(core.record(image, 0, seed=SEED, example=example).lengths, 0.25).tolist()
    assert min(lengths) >= 80
    assert len({n % 4 for n in lengths}) > 1
    assert np.mean(lengths) / 4 == pytest.approx(23, abs=3)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sizes, g_apical, dt, message",
    [
        ((12, 7, 3), 0.6, 2.0, r"dt=2 ms is too large.*hidden soma = 2\.6, must be < 2; use dt < 1\.538 ms"),
        ((12, 7, 3), 0.0, 1.25, r"dt=1\.25 ms is too large.*output soma = 2\.1\d, must be < 2; use dt < 1\.176 ms"),
        ((12, 3), 0.0, 10.0, r"dt=10 ms is too large.*rate_max \* dt = 2 spikes a step, must be <= 1; use dt <= 5 ms"),
    ],
)
def test_too_large_a_time_step_is_refused(sizes, g_apical, dt, message):
    network = describe(sizes, g_apical=g_apical, phases={"minimum": 100.0, "settle": 50.0, "test": 100.0})
    with pytest.raises(sl.InputError, match=message):
        build(network, dt)


@pytest.mark.parametrize("part", ["settle", "minimum", "test", "window", "cutoff"])
def test_a_duration_that_is_not_a_whole_number_of_steps_is_refused(part):
    if part == "cutoff":
        network = describe(synapse=sl.Synapse(cutoff=12.3))
    else:
        network = describe(phases={"minimum": 40.0, "settle": 2.0, "test": 40.0} | {part: 12.3})
    with pytest.raises(sl.InputError, match=rf"{part}=12\.3 ms is not a whole number of steps of dt=0\.5 ms"):
        build(network, 0.5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # interpreted, NumPy warns of what is being tested
@pytest.mark.parametrize(
    "n, message", [(1, "a (weight|bias) of layer 1 .* before example 8"), (3, "layer . .* example 8")]
)
def test_too_large_learning_rates_are_reported_with_layer_and_example(n, message):
    network = describe()
    images, labels = task(network, n)
    with pytest.raises(sl.NotFiniteError, match=message):
        learn(build(network), images, labels, first_example=7, rate=1e39)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("layer", [1, 2])
def test_the_first_layer_that_is_not_finite_is_named(layer):
    network = describe()
    images, labels = task(network, 1)
    weights = network.draw_weights(SEED)
    weights.W[layer - 1][2] = 3e38  # finite, and what several spikes add up to is not
    with pytest.raises(sl.NotFiniteError, match=f"potential.* of layer {layer} .*example 4"):
        learn(Clock().build(network, weights), images, labels, first_example=4)


def test_weights_and_state_of_another_network_are_refused():
    with pytest.raises(sl.InputError, match="sizes"):
        Clock().build(describe(), describe((12, 8, 3)).draw_weights(SEED))
    with pytest.raises(sl.InputError, match="v_soma.*does not fit"):
        build(describe()).restore(build(describe(MANY_BLOCKS)).state())
    with pytest.raises(sl.InputError, match="float64 does not fit.*float32"):
        build(describe()).restore(build(describe(), dtype="float64").state())


@needs_jit
def test_a_network_of_the_published_size_trains():
    """Rows, blocks and buffers of 784-500-10: finite weights, and every hidden neuron learns."""
    network = sl.Network(sizes=(784, 500, 10), synapse=sl.Synapse(cutoff=10.0))
    images, labels = task(network, 3)
    core = build(network)
    before = core.weights
    learn(core, images, labels, rate=0.21)
    assert all(np.isfinite(w).all() for w in core.weights.W)
    assert (core.weights.b[0] != before.b[0]).all()
