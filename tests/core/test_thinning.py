"""Candidates are decided as if every potential were known: by brute force, from the spikes that came before."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn.core.layer import GROUP, Trial
from spikelearn.core.random import WORD
from spikelearn.core.thinning import draw_candidates
from spikelearn.engines import Event
from spikelearn.models import guerguiev2017

SEED, EXAMPLE = 3, 0
LONG, SHORT = 6500.0, 1300.0  # ms, in which 82 neurons have some 106,000 and 21,000 candidates


def candidates(core, duration):
    """Yield neurons, times and thresholds of all candidates of each layer in the trial that was recorded."""
    net = core._keyed(SEED, "evaluation")
    trial = Trial(EXAMPLE, 0, np.zeros(1), np.array([duration, 0.0]), np.zeros((2, 2)), core._rate, True)
    for layer in net.layers:
        neurons, times, thresholds = [], [], []
        work = layer.work
        for period in range(int(duration / (net.model.period * net.model.slot)) + 1):
            for group in range(len(work.batch)):
                n = draw_candidates(net.model, trial, layer, group, period, 0)
                own = slice(group * work.lane.size // len(work.batch), None)
                neurons.append(group * GROUP + work.lane.ravel()[own][:n].astype(int))
                times.append((period + (work.draw.ravel()[own][:n] + 0.5) * WORD) * (net.model.period * net.model.slot))
                thresholds.append(work.threshold.ravel()[own][:n].copy())
        neurons, times, thresholds = map(np.concatenate, (neurons, times, thresholds))
        inside = times < duration
        yield neurons[inside], times[inside], thresholds[inside]


def response(age, synapse, g, g_dendrite):
    """Somatic potential at some age of a presynaptic spike of weight 1: a sum of exponentials, and then one."""

    def kept(age):
        rates, signs = (1 / synapse.tau_decay, 1 / synapse.tau_rise), (1, -1)
        parts = [s * (np.exp(-r * age) - np.exp(-g * age)) / (g - r) for r, s in zip(rates, signs, strict=True)]
        return g_dendrite * sum(parts) / (synapse.tau_decay - synapse.tau_rise)

    cutoff = synapse.cutoff
    return np.where(age < cutoff, kept(age), kept(cutoff) * np.exp(-g * np.maximum(age - cutoff, 0.0)))


def potentials(network, weights, layer, neurons, times, spikes):
    """Somatic potentials of neurons at some times, from rest and the spikes of the layer below."""
    is_output = layer == network.n_layers - 1
    g = network.output.g_total if is_output else network.hidden_neurons[layer].g_total
    g_dendrite = network.output.g_dendrite if is_output else network.hidden_neurons[layer].g_basal
    found = g_dendrite * weights.b[layer][neurons] / g * (1 - np.exp(-g * times))
    spike_times, pre = spikes
    memory = network.synapse.cutoff + 50 / g  # nothing is left of what is older
    for k in range(len(times)):
        first, last = np.searchsorted(spike_times, (times[k] - memory, times[k]))
        age = times[k] - spike_times[first:last]
        found[k] += weights.W[layer][neurons[k], pre[first:last]] @ response(age, network.synapse, g, g_dendrite)
    return found


@needs_jit
@pytest.mark.parametrize(
    "scale, kick, shares, duration",
    [
        (1.0, None, (1e-3, 0.1), LONG),
        (1e-12, None, (0.0, 1e-6), SHORT),
        (40.0, None, (0.01, 1.0), SHORT),
        (1.0, 1e30, (0.5, 1.0), SHORT),
    ],
    ids=["usual weights", "small ones, none is undecided", "large ones", "all undecided where anything arrives"],
)
def test_a_hundred_thousand_candidates_are_decided_as_by_brute_force(scale, kick, shares, duration):
    model = guerguiev2017.two_hidden("released", n_input=12, hidden=(70, 9), n_output=3)
    network = replace(model.network, phases=sl.Phases(test=duration))
    drawn = network.draw_weights(1)
    weights = replace(drawn, W=tuple(scale * w for w in drawn.W))
    core = Event(dtype="float64").build(network, weights)
    for layer in core._net.layers:
        if kick is not None:
            layer.work.kick[:] = kick
    image = np.random.default_rng(0).random(12).astype(np.float32)
    recording = core.record(image, None, seed=SEED, example=EXAMPLE)
    n, undecided = core._net.model.tally
    assert n > 100_000 * duration / LONG
    assert shares[0] <= undecided / n <= shares[1]
    for layer, (neurons, times, thresholds) in enumerate(candidates(core, duration)):
        spiking = potentials(network, weights, layer, neurons, times, recording.spikes[layer]) > thresholds
        order = np.argsort(times[spiking], kind="stable")
        np.testing.assert_array_equal(times[spiking][order], recording.spikes[layer + 1][0])
        np.testing.assert_array_equal(neurons[spiking][order], recording.spikes[layer + 1][1])
