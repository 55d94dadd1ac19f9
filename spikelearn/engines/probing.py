"""Between what a user watches, in ms and neurons, and the core's probes, in its units and lanes."""

import math
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core.lanes import LANES
from spikelearn.core.layout import Averages, Layout
from spikelearn.core.poisson import count_bound
from spikelearn.core.probe import Given, Probe
from spikelearn.units import ms


class Watch(NamedTuple):
    """What to keep of a trial."""

    neurons: tuple[np.ndarray, ...]  # of each layer with weights: (n,) int64, those whose potentials are sampled
    spikes: tuple[bool, ...]  # of the inputs and each layer: are they kept?
    apical: bool = True  # are apical potentials sampled?
    every: float = 1.0 * ms  # between samples
    start: float = 0.0  # from when to when in the trial, ms
    stop: float = math.inf


class Stimulus(NamedTuple):
    """Spikes to use instead of drawn ones: neurons (n,) int64 and times (n,) float64 in ms, ascending."""

    inputs: tuple[np.ndarray, np.ndarray] | None = None
    apical: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None  # layers that feed back, their neurons, times


class Trace(NamedTuple):
    """What was seen of a trial. Layer 0 is the first with weights; times are ms from the start of the trial.

    Potentials are those at the end of a step; a spike of a step has the time of its start.
    """

    lengths: tuple[float, float]  # forward and target phase
    times: np.ndarray  # (n,) of the samples
    v_soma: tuple[np.ndarray, ...]  # of each layer: (n, watched neurons)
    v_dendrite: tuple[np.ndarray, ...]  # of each layer: (n, watched neurons); hidden: basal
    v_apical: tuple[np.ndarray, ...]  # of each hidden layer: (n, watched neurons)
    spikes: tuple[tuple[np.ndarray, np.ndarray], ...]  # of inputs and each layer: times and neurons, by time
    plateaus: tuple[np.ndarray, ...]  # of each hidden layer: (2 phases, watched neurons)
    early: tuple[np.ndarray, ...]  # of each hidden layer: (2, watched), by how many ms before the end of the phase


def no_watch(layout: Layout) -> Watch:
    """Return what watches nothing."""
    n_layers = len(layout.sizes)
    return Watch((np.zeros(0, np.int64),) * n_layers, (False,) * (n_layers + 1), apical=False)


def make_probe(
    layout: Layout,
    watch: Watch,
    stimulus: Stimulus,
    duration: float,
    unit: float,
    step: float,
    rate: float,
    real: Any,
) -> Probe:
    """Return a probe with room for one trial.

    Parameters
    ----------
    duration : float
        Of the trial, in the engine's unit of time, which is `unit` ms.
    step : float
        Shortest time between samples, ms.
    rate : float
        Highest rate of all neurons and inputs, spikes in that unit.
    real : type
        Of the core's floats.
    """
    cells = np.concatenate([layout.first_block[k] * LANES + n for k, n in enumerate(watch.neurons)])
    every = max(round(watch.every / step), 1)
    start, stop = round(watch.start / unit, 9), round(min(watch.stop / unit, duration), 9)
    seen = max(stop - start, 0.0)
    firing = [n for n, kept in zip((layout.n_inputs, *layout.sizes), watch.spikes, strict=True) if kept]
    capacity = count_bound(rate * seen * sum(firing)) if seen and firing else 0
    if stimulus.inputs is not None:
        capacity += len(stimulus.inputs[0])
    # The event engine's slots are a little shorter than its unit of time, because they fill phases and windows.
    rows = int(seen * unit / (step * every)) + 64 if len(cells) else 0
    return Probe(
        first=np.searchsorted(cells, np.arange(len(layout.lanes) + 1) * LANES),
        lane=cells % LANES,
        apical=watch.apical and len(layout.feeding) > 0,
        layers=np.array(watch.spikes),
        every=every,
        start=float(start),
        stop=float(stop),
        time=np.full(rows, np.nan),
        v_soma=np.zeros((rows, len(cells)), real),
        v_dendrite=np.zeros((rows, len(cells)), real),
        v_apical=np.zeros((rows, len(cells)), real),
        source=np.zeros(capacity, np.int32),
        when=np.zeros(capacity),
        n=np.zeros(4, np.int64),
    )


def make_given(layout: Layout, stimulus: Stimulus, unit: float) -> Given:
    """Return the spikes that are given, in the engine's unit of time."""
    nothing = np.zeros(0, np.int64)
    input_source, input_when = stimulus.inputs or (nothing, np.zeros(0))
    feeding, neurons, apical_when = stimulus.apical or (nothing, nothing, np.zeros(0))
    place = (layout.first_block[feeding] - layout.first_block[layout.first_feeding]) * LANES
    return Given(
        inputs=stimulus.inputs is not None,
        input_source=input_source.astype(np.int32),
        # What is a whole number of units may be a little less after the division.
        input_when=input_when / unit * (1 + 1e-12),
        apical=stimulus.apical is not None,
        apical_source=(place + neurons).astype(np.int32),
        apical_when=apical_when / unit * (1 + 1e-12),
    )


def read_probe(
    layout: Layout, probe: Probe, watch: Watch, averages: Averages, lengths: np.ndarray, unit: float, grain: float
) -> Trace:
    """Sort what a probe saw by layer; `grain` is the unit, in ms, by which plateaus are early."""
    if probe.n[1] > 0:
        raise RuntimeError("a buffer of recorded spikes overflowed")
    n_hidden, sizes = len(layout.feeding), (layout.n_inputs, *layout.sizes)
    rows = ~np.isnan(probe.time)
    ends = np.cumsum([len(n) for n in watch.neurons])
    own = [slice(end - len(n), end) for end, n in zip(ends, watch.neurons, strict=True)]
    source, when = (array[: probe.n[0]] for array in (probe.source, probe.when))
    spikes = []
    for queue, first in enumerate(layout.first_source):
        found = (source >= first) & (source < first + sizes[queue])
        order = np.argsort(when[found], kind="stable")
        spikes.append((when[found][order] * unit, (source[found][order] - first).astype(np.int64)))
    plateau = averages.plateau.reshape(2, -1)
    cells = [layout.first_block[k] * LANES + n for k, n in enumerate(watch.neurons[:n_hidden])]
    return Trace(
        lengths=(float(lengths[0]) * unit, float(lengths[1]) * unit),
        times=probe.time[rows] * unit,
        v_soma=tuple(probe.v_soma[rows, k] for k in own),
        v_dendrite=tuple(probe.v_dendrite[rows, k] for k in own),
        v_apical=tuple(probe.v_apical[rows, k] for k in own[:n_hidden]),
        spikes=tuple(spikes),
        plateaus=tuple(plateau[:, c].astype(float) for c in cells),
        early=tuple(grain * averages.early[:, c] for c in cells),
    )
