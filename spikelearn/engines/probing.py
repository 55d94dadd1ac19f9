"""Between what a user watches, in ms and neurons, and the core's probes, in its slots and lanes."""

import math
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core.layer import Layer, Network, Spikes
from spikelearn.core.probe import Given, Probe
from spikelearn.examples import Trains
from spikelearn.units import ms


class Watch(NamedTuple):
    """What to keep of a trial.

    Parameters
    ----------
    neurons : tuple of (n,) int64 arrays
        Neurons of each layer with weights whose potentials are sampled.
    spikes : tuple of bool
        Whether spikes are kept, of the inputs and of each layer.
    apical : bool
        Whether apical potentials are sampled.
    every : float
        Time between samples, ms.
    start, stop : float
        Window within the trial, ms.
    """

    neurons: tuple[np.ndarray, ...]
    spikes: tuple[bool, ...]
    apical: bool = True
    every: float = 1.0 * ms
    start: float = 0.0
    stop: float = math.inf


class Apical(NamedTuple):
    """Spikes that reach apical dendrites, by time.

    Parameters
    ----------
    layer : (n,) int array
        Layer that feeds back; 0 is the first with weights.
    neuron : (n,) int array
        Neuron of that layer.
    time : (n,) float array
        Time from the start of the trial, ms.
    """

    layer: np.ndarray
    neuron: np.ndarray
    time: np.ndarray


class Stimulus(NamedTuple):
    """Spikes to use instead of drawn ones.

    Parameters
    ----------
    inputs : Trains, optional
        Spikes of the inputs in one showing.
    apical : Apical, optional
        Spikes that reach apical dendrites.
    """

    inputs: Trains | None = None
    apical: Apical | None = None


class Trace(NamedTuple):
    """Samples of a trial; times are ms from the start of the trial.

    Potentials are those at the end of a step; a spike of a step has the time of its start. Layer 0 is the first with
    weights.

    Parameters
    ----------
    lengths : (float, float)
        Length of the forward and of the target phase, ms.
    times : (n,) array
        Times of the samples, ms.
    v_soma : tuple of (n, watched neurons) arrays
        Somatic potentials of each layer, relative to rest.
    v_dendrite : tuple of (n, watched neurons) arrays
        Potentials of the dendrites of each layer, relative to rest; basal ones in hidden layers.
    v_apical : tuple of (n, watched neurons) arrays
        Apical potentials of each hidden layer, relative to rest.
    spikes : tuple of ((k,) array, (k,) array)
        Times, ms, and neurons of the spikes of the inputs and of each layer, by time.
    plateaus : tuple of (2, watched neurons) arrays
        Plateau potentials of each hidden layer at the end of the two phases, in (0, 1).
    early : tuple of (2, watched neurons) arrays
        Time from each plateau to the end of its phase, ms.
    """

    lengths: tuple[float, float]
    times: np.ndarray
    v_soma: tuple[np.ndarray, ...]
    v_dendrite: tuple[np.ndarray, ...]
    v_apical: tuple[np.ndarray, ...]
    spikes: tuple[tuple[np.ndarray, np.ndarray], ...]
    plateaus: tuple[np.ndarray, ...]
    early: tuple[np.ndarray, ...]


def no_probe(n_layers: int, real: Any) -> Probe:
    """Return what watches nothing."""
    nothing = np.zeros((0, 0), real)
    first, none = np.zeros(n_layers + 1, np.int64), np.zeros(0, real)
    return Probe(first, np.zeros(0, np.int64), False, 1, 0, none, none, nothing, nothing, nothing)


def make_probe(watch: Watch, hidden: bool, duration: float, slot: float, real: Any) -> Probe:
    """Return a probe with room for one trial of so many ms.

    Parameters
    ----------
    slot : float
        Time between the states that can be sampled, ms.
    real : type
        Of the core's floats.
    """
    every = max(round(watch.every / slot), 1)
    # Samples lie at ends of slots, after `start` and up to `stop`.
    skipped = math.floor(round(watch.start / slot, 9) / every) + 1
    last = math.floor(round(min(watch.stop, duration) / slot, 9) / every)
    watched = sum(map(len, watch.neurons))
    shape = (max(last - skipped + 1, 0) if watched else 0, watched)
    return Probe(
        first=np.cumsum([0, *map(len, watch.neurons)]),
        cell=np.concatenate(watch.neurons).astype(np.int64),
        apical=watch.apical and hidden,
        every=every,
        skipped=skipped,
        decay=np.zeros(watched, real),
        rise=np.zeros(watched, real),
        v_soma=np.zeros(shape, real),
        v_dendrite=np.zeros(shape, real),
        v_apical=np.zeros(shape, real),
    )


def no_given() -> Given:
    """Return what gives no spikes."""
    return make_given(None, None, 1.0)


def make_given(trains: Trains | None, apical: Apical | None, unit: float) -> Given:
    """Return the spikes that are given, in the engine's unit of time."""
    first, neuron, time = trains or Trains(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0))
    # What is a whole number of units may be a little less after the division.
    when = np.ascontiguousarray(time, np.float64) / unit * (1 + 1e-12)
    first, neuron = np.ascontiguousarray(first, np.int64), np.ascontiguousarray(neuron, np.int32)
    return Given(trains is not None, first, neuron, when, apical is not None)


def give_apical(layer: Layer, apical: Apical | None, slot: float, memory: int, slots: int) -> Layer:
    """Return a layer whose apical input to others is what is given, in slots of so many ms, and what is remembered."""
    if apical is None or not layer.feeds:
        return layer
    layers, neurons, times = apical
    neurons, times = neurons[layers == layer.number], times[layers == layer.number]
    place = (times / slot * (1 + 1e-12)).astype(np.int64) + memory
    inside = place < slots
    neurons, times, place = neurons[inside], times[inside], place[inside]
    own, past = layer.spikes, layer.spikes.first[memory]
    first = past + np.searchsorted(place, np.arange(slots + 2))
    first[:memory] = own.first[:memory]
    n = past + len(times)
    rows = (-(-max(n, 1) // own.left.shape[1]) if len(own.left) else 0, own.left.shape[1])
    fed = own._replace(
        neuron=np.concatenate([own.neuron[:past], neurons]).astype(np.int32),
        time=np.concatenate([own.time[:past], times]),
        first=first,
        left=_lefts(own, past, (place + 1 - memory) * slot - times, rows),
        decay=np.zeros(rows, own.left.dtype),
        rise=np.zeros(rows, own.left.dtype),
        trace=own.trace.copy(),
        delivered=np.zeros_like(own.delivered),
    )
    return layer._replace(fed=fed)


def _lefts(own: Spikes, past: int, given: np.ndarray, rows: Any) -> np.ndarray:
    """Return the ms from each spike to the end of its slot, in rows of lanes: remembered and given ones."""
    left = np.zeros(rows, own.left.dtype)
    if left.size:
        left.reshape(-1)[:past] = own.left.reshape(-1)[:past]
        left.reshape(-1)[past : past + len(given)] = given
    return left


def read_probe(
    net: Network, watch: Watch, lengths: np.ndarray, unit: float, slot: float, memory: int, grain: float
) -> Trace:
    """Sort what was seen by layer; `grain` is the unit, in ms, by which plateaus are early."""
    probe = net.model.probe
    own = [slice(*probe.first[k : k + 2]) for k in range(len(net.layers))]
    hidden = [(layer, cells) for layer, cells in zip(net.layers[:-1], watch.neurons[:-1], strict=True)]
    rows = np.arange(len(probe.v_soma))
    populations = [net.inputs, *(layer.spikes for layer in net.layers)]
    duration = float(lengths.sum()) * unit
    return Trace(
        lengths=(float(lengths[0]) * unit, float(lengths[1]) * unit),
        times=(rows + probe.skipped) * probe.every * slot,
        v_soma=tuple(probe.v_soma[:, k] for k in own),
        v_dendrite=tuple(probe.v_dendrite[:, k] for k in own),
        v_apical=tuple(probe.v_apical[:, k] for k in own[:-1]),
        spikes=tuple(
            _spikes(population, kept, watch, duration, slot, memory)
            for population, kept in zip(populations, watch.spikes, strict=True)
        ),
        plateaus=tuple(
            np.stack([layer.own.plateau_forward[c], layer.own.plateau_target[c]]).astype(float) for layer, c in hidden
        ),
        early=tuple(grain * layer.early[:, c] for layer, c in hidden),
    )


def _spikes(
    spikes: Spikes, kept: bool, watch: Watch, duration: float, slot: float, memory: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return times and neurons of the spikes of a trial that are kept, by time."""
    if not kept:
        return np.zeros(0), np.zeros(0, np.int64)
    n_slots = memory + math.ceil(round(duration / slot, 9))
    counts = np.diff(spikes.first[memory : n_slots + 1])
    chosen = slice(spikes.first[memory], spikes.first[n_slots])
    times = spikes.time[chosen] if len(spikes.time) else np.repeat(np.arange(len(counts)) * slot, counts)
    inside = (times >= watch.start * (1 - 1e-12)) & (times < watch.stop * (1 - 1e-12))
    order = np.argsort(times[inside], kind="stable")
    return times[inside][order], spikes.neuron[chosen][inside][order].astype(np.int64)
