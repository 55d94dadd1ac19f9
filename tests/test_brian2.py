"""The clock engine against Brian2: the same equations, written in Brian2's own language and fed the same spikes."""

import logging
import warnings
from typing import Any

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.engines import Trace

with warnings.catch_warnings():
    # Brian2 2.9 defines its grammar with pyparsing's old names, which are deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    b2: Any = pytest.importorskip("brian2", reason="Brian2 is not installed: pip install 'spikelearn[brian2]'")

b2.prefs.codegen.target = "numpy"  # nothing is compiled, nothing is cached
logging.getLogger("brian2").setLevel(logging.ERROR)  # it tells the root logger, and a file, of every object made

TOLERANCE = 1e-9
LABEL = 1

# No two conductances, time constants or reversal potentials are alike, so that none can stand in for another.
# 40 ms at dt = 0.25 are more steps than the engine sweeps at once (a segment of 128).
NETWORK = sl.Network(
    sizes=(12, 7, 5, 3),
    synapse=sl.Synapse(tau_rise=3.0, tau_decay=10.0),
    hidden=sl.HiddenNeuron(g_leak=0.1, g_basal=0.6, g_apical=0.05),
    output=sl.OutputNeuron(g_leak=0.12, g_dendrite=0.5, g_teach=1.0, e_excite=8.0, e_inhibit=-6.0),
    phases=sl.Phases(minimum=40.0, settle=10.0, test=20.0),
    initial=sl.InitialWeights(apical_bias=1.0),
)

TIMES = {"tau_rise": NETWORK.synapse.tau_rise * b2.ms, "tau_decay": NETWORK.synapse.tau_decay * b2.ms}

# Linear, so that method="exact" multiplies by exp(-dt / tau), whatever dt is. The kernel has unit area, in 1/ms;
# weights carry the other ms, and potentials have no unit.
DENDRITE = """
dslow/dt = -slow / tau_decay : second
dfast/dt = -fast / tau_rise : second
v = bias + (slow - fast) / (tau_decay - tau_rise) : 1
bias : 1 (constant)
"""
HIDDEN_SOMA = """
dv/dt = -g_leak * v + g_basal * (v_basal - v) + g_apical * (v_apical - v) : 1
v_basal : 1 (linked)
v_apical : 1 (linked)
"""
OUTPUT_SOMA = """
dv/dt = -g_leak * v + g_dendrite * (v_dendrite - v) + g_teach * (v_teach - v) : 1
v_dendrite : 1 (linked)
g_teach : Hz (shared)
v_teach : 1 (constant)
"""


def record(dt: float) -> tuple[sl.Weights, Trace]:
    """Record one training trial of the clock engine, from rest."""
    weights = NETWORK.draw_weights(seed=5)
    core = sl.Clock(dt=dt, dtype="float64").build(NETWORK, weights)
    intensity = np.random.default_rng(6).random(NETWORK.sizes[0], dtype=np.float32)
    return weights, core.record(intensity, LABEL, seed=7, example=0)


class Twin:
    """The network in Brian2, driven by recorded spikes: what its neurons would emit plays no part."""

    def __init__(self, weights: sl.Weights, recording: Trace, dt: float) -> None:
        b2.defaultclock.dt = dt * b2.ms
        self.dt, self.lengths = dt, recording.lengths
        self.parts: list[Any] = []
        hidden, output = NETWORK.hidden, NETWORK.output
        sources = [self.source(spikes, n) for spikes, n in zip(recording.spikes, NETWORK.sizes, strict=True)]
        self.dendrites = [self.dendrite(*pair) for pair in zip(sources[:-1], weights.W, weights.b, strict=True)]
        # Hidden layers are updated before the output layer: their apical dendrites see its spikes a step late.
        self.apicals = [
            self.dendrite(sources[-1], y, c, delay=dt * b2.ms) for y, c in zip(weights.Y, weights.c, strict=True)
        ]
        self.somas = [
            self.soma(HIDDEN_SOMA, hidden, ("g_leak", "g_basal", "g_apical"), v_basal=basal, v_apical=apical)
            for basal, apical in zip(self.dendrites[:-1], self.apicals, strict=True)
        ]
        self.output = self.soma(OUTPUT_SOMA, output, ("g_leak", "g_dendrite"), v_dendrite=self.dendrites[-1])
        self.output.v_teach = np.where(np.arange(NETWORK.sizes[-1]) == LABEL, output.e_excite, output.e_inhibit)
        self.somas.append(self.output)

    def source(self, spikes: tuple[np.ndarray, np.ndarray], n: int) -> Any:
        """Emit recorded spikes; Brian2 allows one a step, so a neuron's k-th spike in a step is its k-th copy's."""
        events, counts = np.unique(np.transpose(spikes), axis=0, return_counts=True)
        time, neuron = np.repeat(events, counts, axis=0).T
        neuron = neuron.astype(int)
        copy = np.concatenate([np.arange(count) for count in counts])
        source = b2.SpikeGeneratorGroup(n * counts.max(), neuron + n * copy, time * b2.ms)
        self.parts.append(source)
        return source

    def dendrite(self, source: Any, weights: np.ndarray, bias: np.ndarray, delay: Any = None) -> Any:
        """Filter the spikes of all copies of the presynaptic neurons, weighted."""
        dendrite = b2.NeuronGroup(len(bias), DENDRITE, method="exact", namespace=TIMES, order=0)
        dendrite.bias = bias
        on_pre = "slow += weight; fast += weight"
        synapses = b2.Synapses(source, dendrite, "weight : second (constant)", on_pre=on_pre, delay=delay)
        synapses.connect()
        synapses.weight = weights[synapses.j[:], synapses.i[:] % weights.shape[1]] * b2.ms
        self.parts += [dendrite, synapses]
        return dendrite

    def soma(self, equations: str, neuron: Any, conductances: tuple[str, ...], **dendrites: Any) -> Any:
        """Integrate by forward Euler, after the dendrites (order 0), with their new potentials."""
        constants = TIMES | {name: getattr(neuron, name) / b2.ms for name in conductances}  # linked v needs TIMES
        n = len(next(iter(dendrites.values())))
        soma = b2.NeuronGroup(n, equations, method="euler", namespace=constants, order=1)
        for name, dendrite in dendrites.items():
            setattr(soma, name, b2.linked_var(dendrite, "v"))
        self.parts.append(soma)
        return soma

    def run(self) -> tuple[list[np.ndarray], ...]:
        """Run both phases; return potentials of somata, feedforward and apical dendrites, each (steps, neurons)."""
        groups = (self.somas, self.dendrites, self.apicals)
        monitors = [[b2.StateMonitor(g, "v", record=True, when="end") for g in layers] for layers in groups]
        simulation = b2.Network(self.parts, monitors)
        # By default Brian2 integrates first and delivers spikes after that. Here a step's spikes arrive first, and all
        # is integrated with them; the generators emit in "thresholds".
        simulation.schedule = ["start", "thresholds", "synapses", "resets", "groups", "end"]
        for length, g_teach in zip(self.lengths, (0.0, NETWORK.output.g_teach), strict=True):
            self.output.g_teach = g_teach / b2.ms
            simulation.run(length * b2.ms)
        return tuple([np.array(m.v).T for m in layers] for layers in monitors)


@pytest.mark.parametrize("dt", [1.0, 0.5, 0.25])
def test_what_is_compared_has_spikes_in_every_layer_and_phase_and_potentials_that_move(dt):
    _, recording = record(dt)
    boundary = recording.lengths[0]
    for spikes in recording.spikes:
        in_forward = spikes[0] < boundary
        assert in_forward.sum() >= 5 and (~in_forward).sum() >= 5
    assert any(len(np.unique(spikes, axis=1).T) < len(spikes[0]) for spikes in recording.spikes), (
        "no neuron fired twice"
    )
    for v in (*recording.v_soma, *recording.v_dendrite, *recording.v_apical):
        assert v.std(axis=0).min() > 0.1


@pytest.mark.filterwarnings("ignore::DeprecationWarning:(brian2|pyparsing)")  # the grammar at work
@pytest.mark.parametrize("dt", [1.0, 0.5, 0.25])
def test_the_clock_engine_and_brian2_give_the_same_potentials_from_the_same_spikes(dt):
    weights, recording = record(dt)
    twins = Twin(weights, recording, dt).run()
    for name, twin in zip(("v_soma", "v_dendrite", "v_apical"), twins, strict=True):
        for layer, (ours, theirs) in enumerate(zip(getattr(recording, name), twin, strict=True)):
            assert ours.shape == theirs.shape == (round(sum(recording.lengths) / dt), NETWORK.sizes[layer + 1])
            difference = np.abs(ours - theirs).max()
            assert difference < TOLERANCE, f"{name} of layer {layer} differs by {difference:g}"
