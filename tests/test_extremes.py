"""Networks and inputs at the edges of what is allowed: right results, or a clear error; for both engines."""

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn.engines import Clock, Event

ENGINES = [Clock(), Event()]
PHASES = sl.Phases(minimum=20.0, settle=10.0, test=400.0)
pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=["clock", "event"])


def constant(network, weight=0.0, bias=0.0):
    """Return weights that are all alike."""
    drawn = network.draw_weights(1)
    return sl.Weights(
        tuple(np.full_like(W, weight) for W in drawn.W), tuple(np.full_like(b, bias) for b in drawn.b), drawn.Y
    )


def spike_counts(recording, network):
    """Return how often each neuron spiked, inputs first: what the two engines record differs in form only."""
    counts = []
    for spikes, n in zip(recording.spikes, network.sizes, strict=True):
        cells = spikes[1] if isinstance(spikes, tuple) else spikes[:, 1]
        assert len(cells) == 0 or (cells.min() >= 0 and cells.max() < n)
        counts.append(np.bincount(np.asarray(cells, int), minlength=n))
    return counts


def assert_poisson_mean(counts, expected):
    """Test the sum of Poisson numbers with the given expectation each."""
    total = expected * len(counts)
    assert abs(counts.sum() - total) < 5 * np.sqrt(total)


def learn(core, images, rates=0.0):
    n = core.network.n_layers
    labels = np.zeros(len(images), np.int64)
    return core.train(images, labels, seed=1, first_example=0, learning_rates=(rates,) * n, rule=sl.Plateau())


def test_without_input_potentials_rest_where_the_bias_puts_them(engine):
    network = sl.Network(sizes=(5, 70, 3), phases=PHASES)
    core = engine.build(network, constant(network, weight=1.0, bias=0.7))
    recording = core.record(np.zeros(5, np.float32), None, seed=1, example=0)
    counts = spike_counts(recording, network)
    assert counts[0].sum() == 0
    v = 0.7 * network.dendrite_gains[0]
    np.testing.assert_allclose(recording.v_soma[0][-1], v, rtol=1e-5)
    # Potentials start from 0, so for the first few of 400 ms the rate is lower.
    assert_poisson_mean(counts[1], 400 * network.rate_max / (1 + np.exp(-v)))


@needs_jit
@pytest.mark.parametrize("hidden", [1, 2, 63, 64, 65, 129, 500])
def test_all_neurons_of_any_number_spike_alike_and_no_others(engine, hidden):
    network = sl.Network(sizes=(1, hidden, 1), phases=PHASES)
    core = engine.build(network, constant(network))
    counts = spike_counts(core.record(np.ones(1, np.float32), None, seed=2, example=0), network)
    assert_poisson_mean(counts[0], 400 * network.rate_max)
    assert_poisson_mean(counts[1], 400 * network.rate_max / 2)
    assert (counts[1] > 0).all()
    learn(core, np.ones((3, 1), np.float32), rates=0.1)
    assert all(np.isfinite(W).all() for W in core.weights.W)


@needs_jit
def test_twenty_thousand_hidden_neurons(engine):
    network = sl.Network(sizes=(20, 20_000, 2), phases=PHASES)
    core = engine.build(network, constant(network))
    learn(core, np.full((2, 20), 0.5, np.float32), rates=1e-6)
    network = sl.Network(sizes=(20, 20_000, 2), phases=sl.Phases(minimum=20.0, settle=10.0, test=20.0))
    counts = spike_counts(
        engine.build(network, constant(network)).record(np.zeros(20, np.float32), None, seed=1, example=0), network
    )
    assert_poisson_mean(counts[1], 20 * network.rate_max / 2)


@needs_jit
def test_white_images_after_dark_ones(engine):
    network = sl.Network(sizes=(784, 70, 10), phases=PHASES)
    core = engine.build(network, network.draw_weights(1))
    images = np.zeros((6, 784), np.float32)
    learn(core, images[:2], rates=0.01)
    images[2:] = 1
    learn(core, images, rates=0.01)
    counts = spike_counts(core.record(images[-1], None, seed=1, example=9), network)
    assert_poisson_mean(counts[0], 400 * network.rate_max)


@needs_jit
def test_ten_seconds(engine):
    # With equal weights w from inputs at rate r, the mean potential is the gain times w r n, the kernel's area being 1.
    network = sl.Network(sizes=(50, 65, 2), phases=sl.Phases(minimum=10_000.0, settle=1000.0, test=10_000.0))
    weight, rate = 0.05, 0.3 * network.rate_max
    core = engine.build(network, constant(network, weight=weight))
    learn(core, np.full((1, 50), 0.3, np.float32))
    v = core.record(np.full(50, 0.3, np.float32), None, seed=1, example=0).v_soma[0]
    settled = v[len(v) // 10 :]
    steady = network.dendrite_gains[0] * weight * rate * 50
    # Filtered over some 10 ms, 10 s are about 500 independent looks.
    assert abs(settled.mean() - steady) < 5 * settled[:, 0].std() / np.sqrt(500) + 0.004 * steady


@pytest.mark.parametrize("bias, part", [(-1000.0, 0.0), (1000.0, 1.0)])
def test_neurons_driven_to_silence_or_to_the_highest_rate(engine, bias, part):
    network = sl.Network(sizes=(3, 66, 2), phases=sl.Phases(minimum=20.0, settle=10.0, test=100.0))
    core = engine.build(network, constant(network, bias=bias))
    recording = core.record(np.ones(3, np.float32), None, seed=1, example=0)
    counts = spike_counts(recording, network)
    assert np.isfinite(recording.v_soma[0]).all()
    if part == 0:
        # Potentials start from 0; it takes well under a millisecond until nothing spikes any more.
        assert counts[1].sum() < 0.01 * 66 * 100 * network.rate_max
    else:
        assert_poisson_mean(counts[1], 100 * network.rate_max)


def test_learning_that_blows_up_says_so(engine):
    network = sl.Network(sizes=(3, 66, 2), phases=sl.Phases(minimum=20.0, settle=10.0, test=20.0))
    core = engine.build(network, network.draw_weights(1))
    with pytest.raises(sl.NotFiniteError, match="not finite.*learning rates are probably too large"):
        for _ in range(20):
            learn(core, np.ones((5, 3), np.float32), rates=1e38)


def test_phases_shorter_than_settling_are_refused(engine):
    with pytest.raises(sl.InputError, match="minimum=20 ms must be longer than the settling time settle=30 ms"):
        sl.Phases(minimum=20.0, settle=30.0)
    with pytest.raises(sl.InputError, match="test=25 ms must be longer than the settling time settle=30 ms"):
        sl.Phases(test=25.0)
