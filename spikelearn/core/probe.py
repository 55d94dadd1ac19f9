"""Looking at trials, and standing in for what is drawn: neither changes anything else.

A probe names neurons whose potentials are sampled and layers whose spikes are kept. Without any, its loops are empty.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.jit import kernel


class Probe(NamedTuple):
    """What is watched of a trial, and what was seen."""

    first: np.ndarray  # (blocks + 1,) int64, the first watched neuron of each block
    lane: np.ndarray  # (watched,) int64, its lane
    apical: bool  # are apical potentials wanted?
    layers: np.ndarray  # (1 + layers,) bool, whose spikes are kept; inputs first
    every: int  # clock: steps between samples; event: slots
    start: float  # from where to where in a trial, in the engine's unit of time
    stop: float
    time: np.ndarray  # (rows,) float64, when the samples were taken, in that unit
    v_soma: np.ndarray  # (rows, watched)
    v_dendrite: np.ndarray  # (rows, watched); of hidden neurons the basal one
    v_apical: np.ndarray  # (rows, watched); of hidden neurons only
    source: np.ndarray  # (capacity,) int32, spikes
    when: np.ndarray  # (capacity,) float64, in the engine's unit of time
    n: np.ndarray  # (4,) int64, spikes that were kept, and that there was no room for; event: samples, and slots


class Given(NamedTuple):
    """Spikes that are given instead of drawn, by step or, in the event engine, by time."""

    inputs: bool  # are the inputs' given?
    input_source: np.ndarray  # (n,) int32
    input_when: np.ndarray  # (n,) float64, ascending
    apical: bool  # are those given that reach the apical dendrites?
    apical_source: np.ndarray  # (n,) int32, neuron of the lowest layer that feeds back, or above
    apical_when: np.ndarray


@kernel
def keep_spike(probe, layer, source, when):
    """Keep a spike of a layer (0: the inputs) if it is wanted and there is room; count it if there is none."""
    if not probe.layers[layer] or not probe.start <= when < probe.stop:
        return
    if probe.n[0] == probe.source.shape[0]:
        probe.n[1] += 1
        return
    probe.source[probe.n[0]] = source
    probe.when[probe.n[0]] = when
    probe.n[0] += 1


@kernel
def first_at(when, time):
    """Return the first of ascending times that is not before `time`."""
    low, high = 0, when.shape[0]
    while low < high:
        middle = (low + high) // 2
        if when[middle] < time:
            low = middle + 1
        else:
            high = middle
    return low
