"""The peers simulate the same networks: NumPy exactly, given the same spikes; both in distribution, with their own."""

import importlib.util
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import reference

import spikelearn as sl
from spikelearn import peers
from spikelearn.models import guerguiev2017
from spikelearn.peers import in_brian2, in_numpy

LABELS = np.arange(5) % 3
IMAGES = np.random.default_rng(0).random((len(LABELS), 12), dtype=np.float32) * (np.arange(12) % 4 > 0)

needs_brian2 = pytest.mark.skipif(
    importlib.util.find_spec("brian2") is None, reason="Brian2 is not installed: pip install 'spikelearn[brian2]'"
)


def model_of(reading, g_apical):
    """Two hidden layers, phases and a test image of 40 ms; no two conductances alike."""
    model = guerguiev2017.two_hidden(reading, n_input=12, hidden=(9, 7), n_output=3)
    network = replace(
        model.network,
        hidden=sl.HiddenNeuron(g_leak=0.1, g_basal=0.6, g_apical=g_apical),
        output=sl.OutputNeuron(g_leak=0.12, g_dendrite=0.5, e_excite=8.0, e_inhibit=-6.0),
        phases=replace(model.network.phases, minimum=40.0, settle=15.0, test=40.0),
    )
    return replace(model, network=network)


class Script:
    """Stands for a generator: phases and spikes of recorded trials, given out in the order in which they are drawn."""

    def __init__(self, network, recordings):
        self.network, self.extra, self.drawn, self.expected = network, [], [], []
        for recording in recordings:
            forward, n_steps = round(recording.lengths[0]), round(sum(recording.lengths))
            counts = [np.zeros((n_steps, n), int) for n in network.sizes]
            for grid, spikes in zip(counts, recording.spikes, strict=True):
                np.add.at(grid, (np.round(spikes[0]).astype(int), spikes[1]), 1)
            self.extra.append(np.array(recording.lengths) - network.phases.minimum)
            phis = reference.f_i_curves(network)
            rates = [network.rate_max * phi(v) for phi, v in zip(phis, recording.v_soma, strict=True)]
            for start, stop in ((0, forward), (forward, n_steps)):
                if stop > start:
                    self.drawn.append(counts[0][start:stop])
                    self.expected.append(None)
                for step in range(start, stop):
                    self.drawn += [grid[step] for grid in counts[1:]]
                    self.expected += [rate[step] for rate in rates]

    def wald(self, mean, scale, size):
        assert (mean, scale, size) == (self.network.phases.extra_mean, self.network.phases.extra_shape, 2)
        return self.extra.pop(0) + 0.5

    def poisson(self, mean, size=None):
        counts, expected = self.drawn.pop(0), self.expected.pop(0)
        assert counts.shape == (mean.shape if size is None else size)
        if expected is not None:
            np.testing.assert_allclose(mean, expected, rtol=1e-9)  # the potentials are those of the recording
        return counts


# Layers whose conductances and curves differ.
OTHERS = {
    "hidden": (
        sl.HiddenNeuron(g_leak=0.2, curve=sl.ThresholdLinear()),
        sl.HiddenNeuron(g_basal=0.5, g_apical=0.1, plateau=sl.ThresholdLinear(gain=0.1), apical_bias=0.3),
    ),
    "output": sl.OutputNeuron(curve=sl.ThresholdLinear(gain=0.2)),
}


@pytest.mark.parametrize("carry_state", [True, False])
@pytest.mark.parametrize("g_apical", [0.0, 0.05, "of each layer its own"])
@pytest.mark.parametrize("reading", ["released", "text"])
def test_from_the_same_spikes_numpy_learns_the_same_weights_as_the_clock_engine(reading, g_apical, carry_state):
    model = model_of(reading, g_apical if isinstance(g_apical, float) else 0.0)
    others = {} if isinstance(g_apical, float) else OTHERS
    network = replace(model.network, carry_state=carry_state, **others)
    before = network.draw_weights(1)
    clock = sl.Clock(dtype="float64")
    core, images = clock.build(network, before), sl.Images(x=IMAGES, y=LABELS, n_classes=3, name="few")
    intensities = images.intensities(slice(None))
    recordings, losses, after = [], [], before
    for example, (intensity, label) in enumerate(zip(intensities, LABELS, strict=True)):
        recorder = clock.build(network, after)
        recorder.restore(core.state())
        recordings.append(recorder.record(intensity, int(label), seed=2, example=example))
        chunk = core.train(
            intensity[None], LABELS[[example]], seed=2, first_example=example,
            learning_rates=model.learning_rates, rule=model.rule,
        )  # fmt: skip
        losses.append(chunk.loss[0])
        after = core.weights
    script = Script(network, recordings)
    twin = in_numpy.NumPyNetwork(network, before, dtype="float64", rng=script)
    twin_losses = [twin.train(*pair, model.learning_rates) for pair in zip(intensities, LABELS, strict=True)]
    assert not script.drawn and not script.extra
    np.testing.assert_allclose(twin_losses, losses, rtol=1e-9)
    for ours, theirs, first in zip((*after.W, *after.b), (*twin.W, *twin.b), (*before.W, *before.b), strict=True):
        assert np.abs(ours - first).max() > 1e-3
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-10)


@pytest.mark.parametrize("reading", ["released", "text"])
def test_from_the_same_spikes_numpy_predicts_the_same_classes_as_the_clock_engine(reading):
    network = model_of(reading, 0.05).network
    weights = network.draw_weights(1)
    images = sl.Images(x=IMAGES, y=LABELS, n_classes=3, name="few")
    core, intensities = sl.Clock(dtype="float64").build(network, weights), images.intensities(slice(None))
    recordings = [core.record(image, None, seed=2, example=k) for k, image in enumerate(intensities)]
    twin = in_numpy.NumPyNetwork(network, weights, dtype="float64", rng=Script(network, recordings))
    expected = core.test(intensities, seed=2, first_example=0)
    assert len(set(expected.tolist())) > 1
    assert [twin.test(image) for image in intensities] == expected.tolist()


@pytest.mark.parametrize("g_apical", [0.0, 0.05])
@pytest.mark.parametrize("reading", ["released", "text"])
def test_with_its_own_spikes_numpy_agrees_with_the_clock_engine_in_distribution(reading, g_apical):
    model = model_of(reading, g_apical)
    network, n = model.network, 150
    model = replace(model, learning_rates=(0.0, 0.0, 0.0))
    weights = network.draw_weights(1)
    images = sl.Images(x=IMAGES[:1].repeat(n, axis=0), y=LABELS[:1].repeat(n), n_classes=3, name="one")
    training = sl.train(model, images, seed=3, weights=weights)
    ours = np.concatenate([chunk.loss for chunk in training])
    twin = in_numpy.NumPyNetwork(network, weights, dtype="float32", rng=np.random.default_rng(4))
    theirs = np.array([twin.train(image, 0, model.learning_rates) for image in images.intensities(slice(None))])
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / n)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()
    assert (error < 0.2 * ours.mean(axis=0)).all(), "too few to tell"


# -- Brian2 -----------------------------------------------------------------------------------------------------------


class Certain:
    """A network whose neurons spike in every step in which they are depolarised: in Brian2's order of events."""

    def __init__(self, network, weights):
        self.network, self.weights = network, weights
        self.taus = np.array([[network.synapse.tau_decay], [network.synapse.tau_rise]])

    def run(self, images, schedule):
        """Return the potentials of all somata at the beginning of each step, a list over layers."""
        network, weights = self.network, self.weights
        basal = [np.zeros((2, n)) for n in network.sizes[1:]]
        apical = [np.zeros((2, n)) for n in network.sizes[1:-1]]
        v, rows, past = [np.zeros(n) for n in network.sizes[1:]], [], []
        for shown, label, teaching in zip(*schedule, strict=True):
            rows.append(v)
            v = [self.soma(layer, v, basal, apical, label, teaching) for layer in range(network.n_layers)]
            past.append([images[shown], *(1.0 * (each > 0) for each in v)])
            for layer, W in enumerate(weights.W):
                basal[layer] = self.synapses(basal[layer], W, [spikes[layer] for spikes in past])
            for layer, Y in enumerate(weights.Y):
                apical[layer] = self.synapses(apical[layer], Y, [spikes[-1] for spikes in past])
        return [np.array(layer) for layer in zip(*rows, strict=True)]

    def soma(self, layer, v, basal, apical, label, teaching):
        pulls = [(basal[layer], self.weights.b[layer])]
        if layer < self.network.n_hidden:
            neuron = self.network.hidden
            pulls, conductances = [*pulls, (apical[layer], 0.0)], [neuron.g_basal, neuron.g_apical]
        else:
            neuron = self.network.output
            conductances = [neuron.g_dendrite]
        area = np.ptp(self.taus)
        potentials = [bias + (slow - fast) / area for (slow, fast), bias in pulls]
        if layer == self.network.n_hidden and teaching:
            potentials.append(np.where(np.arange(len(v[layer])) == label, neuron.e_excite, neuron.e_inhibit))
            conductances.append(neuron.g_teach)
        total = neuron.g_leak + sum(conductances)
        end = sum(g * potential for g, potential in zip(conductances, potentials, strict=True)) / total
        return end + (v[layer] - end) * np.exp(-total)

    def synapses(self, traces, matrix, spikes):
        traces = traces * np.exp(-1 / self.taus) + matrix @ spikes[-1]
        cutoff = self.network.synapse.cutoff
        if cutoff is None or len(spikes) <= cutoff:
            return traces
        return traces - np.exp(-cutoff / self.taus) * (matrix @ spikes[-1 - int(cutoff)])


@needs_brian2
@pytest.mark.parametrize("reading", ["released", "text"])
def test_where_no_spike_is_left_to_chance_brian2_integrates_the_equations(reading, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = "brian2" in sys.modules
    model = guerguiev2017.one_hidden(reading, n_input=4, hidden=(4,), n_output=2)
    network = replace(model.network, rate_max=1.0, hidden=sl.HiddenNeuron(g_apical=0.3))
    images = np.array([[1, 0, 1, 0], [0, 1, 1, 0]], np.float32)  # at 1 spike/ms, a spike in every step or in none
    schedule = in_brian2.training_schedule(network.phases, np.array([1, 0]), np.random.default_rng(1))
    weights = network.draw_weights(1)
    weights.b[1][:] = 100.0, -100.0
    weights.b[0][:] = -235.0, -407.0, 135.0, -900.0
    weights.Y[0][:, 0] = 2000.0, 2000.0, -1500.0, 100.0  # three hidden neurons change sides when feedback has come,
    weights.W[0][3, 0] = 5000.0  # one as long as it sees the first image
    v_hidden, v_output = Certain(network, weights).run(images, schedule)
    assert np.abs(v_hidden[1:]).min() > 12 and np.abs(v_output[1:]).min() > 12, "a spike is left to chance"
    simulated = peers.apart(peers.Brian2(target="numpy").simulate, network, weights, images, schedule)
    np.testing.assert_allclose(simulated.v_output, v_output, atol=1e-9)
    assert ("brian2" in sys.modules) is before
    assert os.listdir(tmp_path) == []


@needs_brian2
def test_with_its_own_spikes_brian2_agrees_with_the_clock_engine_in_distribution():
    network = replace(model_of("released", 0.3).network, feedback=sl.RandomFeedback(gain=4.0))
    weights, n = network.draw_weights(1), 40
    intensities, labels = IMAGES[:1].repeat(n, axis=0), np.zeros(n, int)
    core, ours = sl.Clock(dtype="float64").build(network, weights), []
    for example, image in enumerate(intensities):
        recording = core.record(image, 0, seed=5, example=example)
        ends = round(recording.lengths[0]), round(sum(recording.lengths))
        ours.append([recording.v_soma[-1][stop - 20 : stop].mean(axis=0) for stop in ends])
    schedule = in_brian2.training_schedule(network.phases, labels, np.random.default_rng(6))
    simulated = peers.apart(peers.Brian2(target="numpy").simulate, network, weights, intensities, schedule)
    switches = np.flatnonzero(np.diff(schedule.teaching, append=False)) + 1
    theirs = [simulated.v_output[stop - 20 : stop].mean(axis=0) for stop in switches]
    ours, theirs = np.array(ours), np.array(theirs).reshape(n, 2, 3)
    error = np.sqrt((ours.var(axis=0, ddof=1) + theirs.var(axis=0, ddof=1)) / n)
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 4 * error).all()
    assert (error < 0.1 * np.abs(ours.mean(axis=0))).any(axis=1).all(), "too few to tell"


def test_without_brian2_the_peer_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "brian2", None)
    model = model_of("text", 0.0)
    images = sl.Images(x=IMAGES, y=LABELS, n_classes=3, name="few")
    task = peers.Task(model=model, weights=model.network.draw_weights(1), images=images, examples=1, test_images=1)
    with pytest.raises(peers.Unavailable, match=r"cannot be imported .*; pip install 'spikelearn\[brian2\]'"):
        peers.Brian2().time(task)


# -- processes --------------------------------------------------------------------------------------------------------


def test_what_runs_apart_runs_in_another_process_and_its_exceptions_come_back():
    assert peers.apart(os.getpid) != os.getpid()
    with pytest.raises(ZeroDivisionError):
        peers.apart(divmod, 1, 0)


def test_a_process_that_dies_is_unavailable():
    with pytest.raises(peers.Unavailable, match="its process was killed"):
        peers.apart(os._exit, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"rule": sl.Plateau(gate=0.5)},
        {"network": sl.Network(sizes=(64, 7, 10), output=sl.OutputNeuron(loss="likelihood"))},
    ],
)
def test_peers_refuse_what_they_do_not_learn_by(change):
    model = replace(guerguiev2017.one_hidden(n_input=64, hidden=(7,)), **change)
    with pytest.raises(sl.InputError, match=r"peers learn as in the paper: give them Plateau\(\)"):
        peers.Task(
            model=model, weights=model.network.draw_weights(1), images=sl.load("digits").train, examples=1,
            test_images=1,
        )  # fmt: skip
