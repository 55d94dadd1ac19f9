"""Networks and inputs at the edges of what is allowed, and beyond: right results or a clear error, by both engines."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import reference
from conftest import needs_jit, samples

import spikelearn as sl
from spikelearn.engines import Clock, Event

BOTH = {"clock": Clock(), "event": Event()}
both = pytest.mark.parametrize("engine", BOTH.values(), ids=BOTH)
SHORT = sl.Phases(minimum=20.0, settle=10.0, test=20.0)
SIGMAS = 5


# -- what both engines are asked --------------------------------------------------------------------------------------


def constant(network, weight=0.0, bias=0.0):
    """Return weights that are all alike, and no feedback."""
    drawn = network.draw_weights(1)
    parts = (drawn.W, weight), (drawn.b, bias), (drawn.Y, 0.0)
    return sl.Weights(*(tuple(np.full_like(array, value) for array in arrays) for arrays, value in parts))


def learn(core, images, rate=0.0, *, first=0, labels=None):
    """Train on images, by default all of class 0."""
    labels = np.zeros(len(images), np.int64) if labels is None else labels
    rates = (rate,) * core.network.n_layers
    return core.train(images, labels, seed=1, first_example=first, learning_rates=rates, rule=sl.Plateau())


def show(core, intensity, *, label=None, example=0):
    """Record one trial with all inputs alike."""
    image = np.full(core.network.sizes[0], intensity, np.float32)
    return core.record(image, label, seed=1, example=example)


def counts_of(recording, network, layer, since=0.0):
    """Count the spikes of each neuron of a layer from a time on; there must be none of neurons that do not exist."""
    times, cells = recording.spikes[layer]
    n = network.sizes[layer]
    counts = np.bincount(cells[times >= since], minlength=n)
    assert len(counts) == n
    return counts


def assert_poisson(counts, expected):
    """Assert that a sum of Poisson numbers is within 5 sigma of its expectation."""
    total = np.sum(counts)
    assert abs(total - expected) <= SIGMAS * np.sqrt(expected), (total, expected)


def teaching_loss(network):
    """Return the output loss of a network with zero weights: exact, for its outputs rest at 0 before teaching."""
    output = network.output
    v = output.g_teach * np.array([output.e_excite, output.e_inhibit]) / (output.g_total + output.g_teach)
    on, off = (network.rate_max * (reference.sigmoid(v) - 0.5)) ** 2
    return on + (network.sizes[-1] - 1) * off


def assert_same_bits(one, other):
    for name in ("W", "b", "Y"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)


# -- no input, and little of anything ---------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("bias", [-2.0, 0.0, 0.7])
def test_without_input_potentials_rest_where_the_biases_put_them(engine, bias):
    duration = samples(1000.0, 200.0)
    network = sl.Network(sizes=(5, 70, 3), phases=replace(SHORT, test=duration))
    weights = constant(network, bias=bias)
    weights.W[0][:] = 3.0  # of inputs that are silent
    recording = show(engine.build(network, weights), 0.0)
    assert counts_of(recording, network, 0).sum() == 0
    for layer, gain in enumerate(network.dendrite_gains):
        np.testing.assert_allclose(recording.v_soma[layer][-1], gain * bias, rtol=1e-5, atol=1e-7)
        rate = network.rate_max * reference.sigmoid(gain * bias)
        n = network.sizes[layer + 1]
        assert_poisson(counts_of(recording, network, layer + 1, since=20.0), n * rate * (duration - 20))


@both
def test_learning_without_input_changes_no_weight_of_an_input(engine):
    network = sl.Network(sizes=(5, 7, 3), phases=SHORT)
    core = engine.build(network, network.draw_weights(1))
    before = core.weights
    learn(core, np.zeros((3, 5), np.float32), rate=0.1)
    np.testing.assert_array_equal(core.weights.W[0], before.W[0])
    for name, layer in (("b", 0), ("b", 1), ("W", 1)):
        assert (getattr(core.weights, name)[layer] != getattr(before, name)[layer]).any()


@both
@pytest.mark.parametrize("sizes", [(1, 1), (1, 1, 1), (5, 1, 1, 1), (1, 65, 1), (65, 1, 65)])
def test_a_single_neuron_is_a_layer(engine, sizes):
    duration = samples(2000.0, 200.0)
    network = sl.Network(sizes=sizes, phases=sl.Phases(minimum=60.0, settle=50.0, test=duration))
    recording = show(engine.build(network, constant(network)), 1.0)
    for layer, n in enumerate(sizes):
        rate = network.rate_max * (1.0 if layer == 0 else 0.5)
        assert_poisson(counts_of(recording, network, layer), n * rate * duration)
    # Before teaching the outputs rest at 0, under it at a known potential.
    core = engine.build(network, constant(network))
    taught = learn(core, np.ones((3, sizes[0]), np.float32), rate=0.1)
    np.testing.assert_allclose(taught.loss[0, -1], teaching_loss(network), rtol=1e-4)
    np.testing.assert_array_equal(taught.prediction[:1], 0)
    assert all(np.isfinite(array).all() for arrays in (core.weights.W, core.weights.b) for array in arrays)
    assert (core.weights.W[-1][0] > 0).all()  # towards firing for the label
    assert (core.weights.W[-1][1:] < 0).all()


# -- bright images ----------------------------------------------------------------------------------------------------


@needs_jit
@both
@pytest.mark.parametrize("cutoff", [10.0, None])
def test_white_images_after_dark_ones_and_the_reverse(engine, cutoff):
    network = sl.Network(sizes=(784, 70, 10), synapse=sl.Synapse(cutoff=cutoff), phases=SHORT)
    dark, white = np.zeros((2, 784), np.float32), np.ones((2, 784), np.float32)
    images = np.concatenate([dark, white, dark, white, white])
    whole = engine.build(network, network.draw_weights(1))
    learn(whole, images, rate=0.01)  # room for white ones from the start
    parts, first = engine.build(network, network.draw_weights(1)), 0
    for stop in (2, 4, 6, 10):
        learn(parts, images[first:stop], rate=0.01, first=first)
        # In a new core: what is remembered of white images must find room, though the next are dark.
        fresh = engine.build(network, parts.weights)
        fresh.restore(parts.state())
        parts, first = fresh, stop
    assert_same_bits(whole.weights, parts.weights)
    for name, array in whole.state().items():
        np.testing.assert_array_equal(array, parts.state()[name])
    assert all(np.isfinite(W).all() for W in whole.weights.W)


@needs_jit
@both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_inputs_of_a_white_image_fire_at_the_highest_rate(engine, dtype):
    network = sl.Network(sizes=(784, 7, 3), phases=replace(SHORT, test=200.0))
    engine = replace(engine, dtype=dtype)
    counts = counts_of(show(engine.build(network, network.draw_weights(1)), 1.0), network, 0)
    expected = 200 * network.rate_max
    assert_poisson(counts, 784 * expected)
    dispersion = ((counts - expected) ** 2 / expected).sum()  # of 784 independent Poisson numbers
    assert abs(dispersion - 784) < SIGMAS * np.sqrt(2 * 784)


@needs_jit
@both
def test_white_images_through_the_front_door(engine):
    network = sl.Network(sizes=(784, 7, 3), phases=SHORT)
    white = sl.Images(x=np.full((5, 28, 28), 255, np.uint8), y=np.array([0, 1, 2, 0, 1]), n_classes=3, name="white")
    model = sl.Model(network=network, learning_rates=(0.01, 0.01))
    training = sl.train(model, white, seed=1, engine=engine, chunk_size=2)
    assert [chunk.stop for chunk in training] == [2, 4, 5]
    predictions = sl.evaluate(network, training.weights, white, seed=1, engine=engine, repeats=2)
    assert predictions.shape == (2, 5)
    core = engine.build(network, training.weights)
    for k in range(10):
        recording = show(core, 1.0, example=k)
        v = recording.v_soma[-1][recording.times > 10].mean(axis=0)  # of an event engine at moments, for an integral
        assert v[predictions.flat[k]] >= v.max() - (0.0 if isinstance(engine, Clock) else 0.1)


# -- long and short phases --------------------------------------------------------------------------------------------


def ten_seconds():
    phases = sl.Phases(minimum=10_000.0, settle=100.0, test=10_000.0)
    network = sl.Network(sizes=(12, 7, 3), phases=phases)
    drawn = network.draw_weights(1)
    return network, replace(drawn, W=tuple(0.3 * W for W in drawn.W))


@needs_jit
@both
def test_in_ten_seconds_mean_potentials_are_those_of_the_mean_rates(engine):
    network, weights = ten_seconds()
    recording = show(engine.build(network, weights), 0.5)
    assert tuple(recording.lengths) == (10_000, 0)
    assert recording.times[-1] == 10_000
    hidden, output = (v[recording.times > 100].mean(axis=0) for v in recording.v_soma)
    # One step of a clock sees the kernel at whole steps only: its area is 0.997 then.
    area = 1.0 if isinstance(engine, Event) else reference.kappa(network.synapse, np.arange(1.0, 300.0)).sum()
    rate, window = 0.5 * network.rate_max, 9900.0
    k_b, k_d = network.dendrite_gains
    steady = k_b * (weights.b[0] + area * rate * weights.W[0].sum(axis=1))
    sd = k_b * area * np.sqrt(rate / window * (weights.W[0] ** 2).sum(axis=1))
    assert (np.abs(hidden - steady) < SIGMAS * sd).all()
    # Of the outputs from the hidden spikes that were counted; at both ends of the window some 10 ms of them count half.
    counts = counts_of(recording, network, 1, since=100.0)
    wanted = k_d * (weights.b[1] + area * weights.W[1] @ counts / window)
    edges = k_d * np.abs(weights.W[1]) @ (10 + 0.002 * counts) / window
    assert (np.abs(output - wanted) < edges).all()


@needs_jit
def test_in_ten_seconds_both_engines_find_the_same_mean_potentials():
    network, weights = ten_seconds()
    means, errors = [], []
    for engine in BOTH.values():
        recording = show(engine.build(network, weights), 0.5)
        v = np.hstack(recording.v_soma)[recording.times > 100]
        blocks = v.reshape(20, -1, v.shape[1]).mean(axis=1)  # of 495 ms: independent
        means.append(blocks.mean(axis=0))
        errors.append(blocks.std(axis=0, ddof=1) / np.sqrt(20))
    clock, event = means
    assert (np.abs(clock - event) < SIGMAS * np.hypot(*errors) + 0.004 * np.abs(event)).all()


@needs_jit
@both
def test_ten_second_phases_teach_what_their_spikes_say(engine):
    phases = sl.Phases(minimum=10_000.0, settle=100.0)
    network = sl.Network(sizes=(12, 70, 3), phases=phases)
    core = engine.build(network, constant(network))
    intensity = np.linspace(0, 1, 12, dtype=np.float32)
    loss = learn(core, intensity[None], rate=0.1, labels=np.array([2])).loss
    # A clock adds 10,000 numbers up in float32: right to some 1e-4.
    np.testing.assert_allclose(loss, [[0.0, teaching_loss(network)]], rtol=5e-4)
    # A weight changes by as much as the bias, times the mean of the filtered spikes: those of hidden neurons at 0.
    W, b = core.weights.W[1], core.weights.b[1]
    assert (np.sign(b) == [-1, -1, 1]).all()
    rates = W / b[:, None]
    np.testing.assert_allclose(rates, np.tile(rates[0], (3, 1)), rtol=1e-4)
    assert (np.abs(rates[0] - 0.5 * network.rate_max) < 0.004 + SIGMAS * np.sqrt(0.5 * network.rate_max / 9900)).all()
    one_layer = sl.Network(sizes=(12, 3), phases=phases)
    core = engine.build(one_layer, constant(one_layer))
    learn(core, intensity[None], rate=0.1)
    rates, wanted = core.weights.W[0][0] / core.weights.b[0][0], network.rate_max * intensity
    assert (np.abs(rates - wanted) <= 0.004 * wanted + SIGMAS * np.sqrt(wanted / 9900)).all()


@needs_jit
@both
@pytest.mark.parametrize("cutoff", [10.0, None])
def test_the_spikes_of_a_trial_are_all_that_takes_memory_in_a_long_phase(engine, cutoff):
    peaks = []
    for length in (20.0, 100.0, 10_000.0):  # the first one compiles
        phases = sl.Phases(minimum=length, settle=10.0, test=length)
        network = sl.Network(sizes=(50, 65, 3), synapse=sl.Synapse(cutoff=cutoff), phases=phases)
        weights, images = network.draw_weights(1), np.ones((1, 50), np.float32)
        tracemalloc.start()
        core = engine.build(network, weights)
        learn(core, images, rate=0.01)
        core.test(images, seed=1, first_example=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Numbers of neurons and slots, and of the event engine times and what becomes of them. Layers may fire as fast as
    # they can in both phases, so there is room for that.
    most = 2 * 10_000 * network.rate_max * sum(network.sizes)
    assert peaks[2] < peaks[1] + (20 if isinstance(engine, Clock) else 80) * most


@pytest.mark.parametrize("part, message", [("minimum", "minimum"), ("test", "test")])
def test_phases_shorter_than_settling_are_refused(part, message):
    for length in (20.0, 30.0):
        with pytest.raises(sl.InputError, match=f"{message}={length:g} ms must be longer than .*settle=30 ms"):
            sl.Network(sizes=(2, 2), phases=sl.Phases(**{"minimum": 50.0, "settle": 30.0, "test": 50.0, part: length}))


@both
@pytest.mark.parametrize("minimum, settle, window", [(31.0, 30.0, None), (40.0, 0.0, 40.0), (40.0, 30.0, 1.0)])
def test_the_shortest_and_the_longest_window(engine, minimum, settle, window):
    network = sl.Network(sizes=(3, 65, 2), phases=sl.Phases(minimum=minimum, settle=settle, window=window, test=31.0))
    loss = learn(engine.build(network, constant(network)), np.ones((1, 3), np.float32)).loss[0]
    assert loss[0] == 0
    # A window that begins with the phase sees potentials on their way, at 1.7 per ms.
    np.testing.assert_allclose(loss[1], teaching_loss(network), rtol=1e-4 if settle else 0.1)
    with pytest.raises(sl.InputError, match=rf"window={minimum - settle + 1:g}.*<= {minimum - settle:g} ms"):
        replace(network.phases, window=minimum - settle + 1)


FRACTIONS = sl.Phases(minimum=19.9, settle=7.3, window=3.7, test=33.3)


@pytest.mark.parametrize("engine", [Event(), Event(slot=0.37), Clock(dt=0.1)], ids=["event", "slot", "clock"])
def test_lengths_that_are_no_whole_ms(engine):
    network = sl.Network(sizes=(30, 65, 2), phases=FRACTIONS)
    core = engine.build(network, constant(network))
    recording = show(core, 1.0)
    assert recording.lengths[0] == pytest.approx(33.3)
    if isinstance(engine, Event):  # slots are as long as one another, so a trial ends within one
        slots = np.diff(recording.times, prepend=0.0)
        np.testing.assert_allclose(slots, slots[0], rtol=1e-9)
        assert slots[0] <= engine.slot and 33.3 - slots[0] < recording.times[-1] <= 33.3
    for layer, rate in enumerate((0.2, 0.1, 0.1)):
        times, cells = recording.spikes[layer]
        assert (times >= 0).all() and (times < 33.3).all()
        assert_poisson(len(cells), network.sizes[layer] * rate * 33.3)
    taught = learn(core, np.ones((1, 30), np.float32))
    np.testing.assert_allclose(taught.loss[0], [0.0, teaching_loss(network)], rtol=1e-3)


@pytest.mark.parametrize("dt, part", [(1.0, "settle=7.3"), (0.3, "settle=7.3"), (0.25, "settle=7.3")])
def test_a_clock_refuses_lengths_that_are_no_whole_steps(dt, part):
    network = sl.Network(sizes=(3, 2), phases=FRACTIONS)
    with pytest.raises(sl.InputError, match=f"{part} ms is not a whole number of steps of dt={dt:g} ms; change dt"):
        Clock(dt=dt).build(network, network.draw_weights(1))


# -- any number of neurons --------------------------------------------------------------------------------------------


@needs_jit
@both
@pytest.mark.parametrize("hidden", [1, 2, 63, 64, 65, 127, 129, 500])
def test_of_any_number_all_neurons_spike_alike_and_no_others(engine, hidden):
    network = sl.Network(sizes=(3, hidden, 2), phases=replace(SHORT, test=400.0))
    counts = counts_of(show(engine.build(network, constant(network)), 1.0), network, 1)
    for first in range(0, hidden, 64):
        block = counts[first : first + 64]
        assert_poisson(block, 40 * len(block))
    assert counts.min() > 0
    dispersion = ((counts - 40) ** 2 / 40).sum()
    assert abs(dispersion - hidden) < SIGMAS * np.sqrt(2 * hidden) + 10  # few are far from normal


@needs_jit
@both
@pytest.mark.parametrize("hidden", [1, 2, 63, 64, 65, 127, 129, 500])
def test_what_fills_blocks_up_learns_nothing_and_says_nothing(engine, hidden):
    network = sl.Network(sizes=(3, hidden, 2), phases=SHORT)
    drawn = network.draw_weights(1)
    core = engine.build(network, drawn)
    for name in ("W", "b", "Y"):
        for found, wanted in zip(getattr(core.weights, name), getattr(drawn, name), strict=True):
            np.testing.assert_array_equal(found, wanted.astype(np.float32))
    images = np.ones((6, 3), np.float32)
    learn(core, images[:3], rate=0.1)
    # The user's view of weights and state is all there is: what padding may have come to makes no difference.
    again = engine.build(network, core.weights)
    again.restore(core.state())
    for layer in again._net.layers:
        layer.v_soma.reshape(-1)[layer.n :] = 7.0  # where no neuron is
    for each in (core, again):
        learn(each, images[3:], rate=0.1, first=3)
    assert_same_bits(core.weights, again.weights)
    assert (core.weights.b[0] != drawn.b[0].astype(np.float32)).any()


@needs_jit
@both
def test_a_block_knows_nothing_of_the_blocks_beside_it(engine):
    spikes = []
    for hidden in (64, 65, 129):
        network = sl.Network(sizes=(3, hidden, 2), phases=replace(SHORT, test=100.0))
        weights = constant(network, bias=0.5)
        weights.W[0][:] = np.linspace(-1, 1, 129)[:hidden, None]
        times, cells = show(engine.build(network, weights), 1.0).spikes[1]
        spikes.append((times[cells < 64], cells[cells < 64]))
    assert len(spikes[0][0]) > 500
    for times, cells in spikes[1:]:
        np.testing.assert_array_equal(times, spikes[0][0])
        np.testing.assert_array_equal(cells, spikes[0][1])


@needs_jit
@both
def test_twenty_thousand_hidden_neurons(engine):
    network = sl.Network(sizes=(5, 20_000, 2), phases=SHORT)
    tracemalloc.start()
    core = engine.build(network, constant(network))
    recording = show(core, 1.0)
    counts = counts_of(recording, network, 1)
    assert_poisson(counts, 20_000 * 0.1 * 20)
    for first in range(0, 20_000, 64):
        block = counts[first : first + 64]  # the last one has 32 neurons
        assert abs(block.sum() - 2 * len(block)) < 6 * np.sqrt(2 * len(block))
    drawn = network.draw_weights(1)
    core = engine.build(network, drawn)
    learn(core, np.ones((2, 5), np.float32), rate=0.01)
    assert all(np.isfinite(W).all() for W in core.weights.W)
    assert (core.weights.b[0] != drawn.b[0].astype(np.float32)).mean() > 0.9
    assert tracemalloc.get_traced_memory()[1] < 500e6
    tracemalloc.stop()


# -- silence, saturation, and beyond ----------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("by", ["bias", "weights"])
def test_neurons_driven_to_silence_and_to_the_highest_rate(engine, by):
    duration = samples(400.0, 100.0)
    network = sl.Network(sizes=(30, 66, 2), phases=sl.Phases(minimum=50.0, settle=40.0, test=duration))
    weights, sign = constant(network), np.where(np.arange(66) % 2, 1.0, -1.0)
    if by == "bias":
        weights.b[0][:] = 1000 * sign
    else:
        weights.W[0][:] = 1000 * sign[:, None]
    core = engine.build(network, weights)
    recording = show(core, 1.0)
    assert all(np.isfinite(v).all() for v in (*recording.v_soma, *recording.v_dendrite))
    # Potentials start from 0; from 20 ms on they are far from it.
    since = 20.0
    counts = counts_of(recording, network, 1, since)
    assert (counts[sign < 0] == 0).all()
    assert_poisson(counts[sign > 0], 33 * network.rate_max * (duration - since))
    if by == "bias":
        np.testing.assert_allclose(recording.v_soma[0][-1], 1000 * network.dendrite_gains[0] * sign, rtol=1e-5)
    # Where the sigmoid is flat there is nothing to learn; the outputs do learn.
    before = core.weights
    learn(core, np.ones((3, 30), np.float32), rate=0.1)
    np.testing.assert_array_equal(core.weights.W[0], before.W[0])
    np.testing.assert_array_equal(core.weights.b[0], before.b[0])
    assert (core.weights.W[1][:, sign > 0] != 0).all()
    assert all(np.isfinite(W).all() for W in core.weights.W)


@both
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # interpreted, NumPy warns of what is being tested
@pytest.mark.parametrize("rate", [1e5, 1e20, 1e38])
def test_learning_that_blows_up_stays_finite_or_says_so(engine, rate):
    network = sl.Network(sizes=(3, 66, 2), phases=SHORT)
    core = engine.build(network, network.draw_weights(1))
    raised = False
    for k in range(samples(20, 3)):
        try:
            loss = learn(core, np.ones((5, 3), np.float32), rate, first=5 * k, labels=np.arange(5) % 2).loss
        except sl.NotFiniteError as error:
            assert "learning rates are probably too large" in str(error)  # noqa: PT017
            assert "layer" in str(error) and "example" in str(error)  # noqa: PT017
            raised = True
            break
        assert np.isfinite(loss).all()
        assert all(np.isfinite(array).all() for arrays in (core.weights.W, core.weights.b) for array in arrays)
    assert raised == (rate == 1e38)


@both
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_training_that_blows_up_stops_with_the_reason(engine):
    network = sl.Network(sizes=(3, 66, 2), phases=SHORT)
    images = sl.Images(x=np.ones((20, 3), np.float32), y=np.arange(20) % 2, n_classes=2, name="white")
    model = sl.Model(network=network, learning_rates=(1e39, 1e39))
    with pytest.raises(sl.NotFiniteError, match="layer .*example .*learning rates are probably too large"):
        list(sl.train(model, images, seed=1, engine=engine))


@both
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.nan, sl.InputError, "is nan at .*must be finite"),
        (np.inf, sl.InputError, "is inf at .*must be finite"),
        (3e38, sl.NotFiniteError, "potential of layer 1 is not finite at example"),
    ],
)
def test_a_test_image_never_gets_a_class_from_potentials_that_are_not_finite(engine, value, error, message):
    network = sl.Network(sizes=(30, 3), phases=replace(SHORT, test=100.0))
    images = sl.Images(x=np.ones((2, 30), np.float32), y=np.zeros(2, int), n_classes=3, name="white")
    weights = constant(network)
    weights.W[0][1] = value
    with pytest.raises(error, match=message):
        sl.evaluate(network, weights, images, seed=1, engine=engine)


# -- what does not fit ------------------------------------------------------------------------------------------------

ONE = np.ones(3, np.float32)
BAD_IMAGES = {
    "negative": (np.array([-0.1, 1, 1], np.float32), "intensity -0.1 at image 0, input 0.* within 0..1"),
    "bright": (np.array([1, 1, 255], np.float32), "intensity 255.0 at image 0, input 2.* within 0..1"),
    "nan": (np.array([1, np.nan, 1], np.float32), "intensity NaN at image 0, input 1"),
    "infinite": (np.array([1, np.inf, 1], np.float32), "intensity inf at image 0, input 1"),
    "short": (ONE[:2], r"shape \(2,\).*network with 3 inputs"),
    "flat": (ONE[None], r"network with 3 inputs; each image must be of shape \(3,\)"),
    "integers": (np.array([0, 1, 1]), "array of floats within 0..1, got int64; use astype"),
    "bytes": (np.array([0, 255, 1], np.uint8), "array of floats within 0..1, got uint8"),
}
bad_images = pytest.mark.parametrize("image, message", BAD_IMAGES.values(), ids=BAD_IMAGES)


def small(engine):
    network = sl.Network(sizes=(3, 4, 2), phases=SHORT)
    return engine.build(network, network.draw_weights(1))


@both
@bad_images
def test_images_that_are_no_intensities_are_refused(engine, image, message):
    core = small(engine)
    with pytest.raises(sl.InputError, match=message):
        learn(core, image[None])
    with pytest.raises(sl.InputError, match=message):
        core.test(image[None], seed=1, first_example=0)


@both
@bad_images
def test_recording_what_is_no_intensities_is_refused(engine, image, message):
    with pytest.raises(sl.InputError, match=message):
        small(engine).record(image, None, seed=1, example=0)


@both
def test_doubles_and_strides_are_taken_as_they_are_meant(engine):
    one, other = small(engine), small(engine)
    images = np.linspace(0, 1, 12, dtype=np.float32).reshape(4, 3)
    strided = np.zeros((4, 6))
    strided[:, ::2] = images
    learn(one, images, rate=0.1)
    learn(other, strided[:, ::2], rate=0.1, labels=np.zeros(8, np.int32)[::2])
    assert_same_bits(one.weights, other.weights)


@both
@pytest.mark.parametrize(
    "labels, message",
    [
        ([0, 2], r"label 2 at image 1; must be within 0\.\.1"),
        ([-1, 0], "label -1 at image 0"),
        ([0], "one for each of the 2 images"),
        ([0.0, 1.0], "labels must be integers.*float64"),
    ],
)
def test_labels_without_an_output_are_refused(engine, labels, message):
    with pytest.raises(sl.InputError, match=message):
        learn(small(engine), np.ones((2, 3), np.float32), labels=np.array(labels))


@both
@pytest.mark.parametrize("label", [2, -1, 0.5])
def test_recording_a_label_without_an_output_is_refused(engine, label):
    with pytest.raises(sl.InputError, match="label"):
        small(engine).record(ONE, label, seed=1, example=0)


@both
@pytest.mark.parametrize("rates", [(), (0.1,), (0.1, 0.1, 0.1), (0.1, -0.1), (np.nan, 0.1), (0.1, np.inf)])
def test_learning_rates_that_do_not_fit_are_refused(engine, rates):
    with pytest.raises(sl.InputError, match="learning.rates"):
        small(engine).train(
            ONE[None], np.zeros(1, int), seed=1, first_example=0, learning_rates=rates, rule=sl.Plateau()
        )


@both
@pytest.mark.parametrize("name, layer, shape", [("W", 1, (2, 5)), ("b", 0, (1,)), ("b", 1, (3,)), ("Y", 0, (4, 1))])
def test_weights_of_another_shape_are_refused(engine, name, layer, shape):
    network = sl.Network(sizes=(3, 4, 2), phases=SHORT)
    drawn = network.draw_weights(1)
    arrays = list(getattr(drawn, name))
    arrays[layer] = np.zeros(shape)
    with pytest.raises(sl.InputError, match=rf"Weights\.{name} of shapes .*it needs"):
        engine.build(network, replace(drawn, **{name: tuple(arrays)}))
    with pytest.raises(sl.InputError, match=rf"Weights\.{name} of shapes .*it needs"):
        engine.build(network, replace(drawn, **{name: ()}))


@both
def test_no_images_are_no_training(engine):
    core = small(engine)
    before = core.weights
    assert learn(core, np.zeros((0, 3), np.float32), rate=0.1).loss.shape == (0, 2)
    assert_same_bits(core.weights, before)
    assert core.test(np.zeros((0, 3), np.float32), seed=1, first_example=0).shape == (0,)
