"""The clock engine: a network in steps of `dt`, by forward Euler, in the authors' order of events.

In a step each layer, from the bottom up, sees the spikes of the layer below from the same step; apical dendrites see
output spikes of the step before. Neurons live in *blocks* of 64 lanes; a layer is a range of blocks, the last padded
with neurons that never spike. The sources of spikes are numbered: inputs first (padded to whole blocks), then the
neurons in block order. Arrays that hold lanes are (rows, 64); how rows are counted stands beside each.

With ``g_apical = 0`` feedback does not reach a soma before the weights change, so `run_phase` sweeps each layer over a
whole segment of up to 128 steps: its state stays in registers and its tile of synaptic drive in the first-level cache.
With ``g_apical > 0`` it does, and the layers advance together step by step. Both orders call the same `advance`, and
draws are functions of neuron and step, so the spikes are the same.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.clock_averages import average_history, average_rates, average_spikes, end_segment
from spikelearn.core.clock_echo import begin_echo, feed_back, filter_echo, filter_history
from spikelearn.core.clock_watch import watch, watch_apical, watch_spikes
from spikelearn.core.dynamics import sigmoid
from spikelearn.core.feedback import Pathway
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, full, load, store
from spikelearn.core.layout import FORWARD, SEGMENT, TARGET, Layout, Weights, teach
from spikelearn.core.poisson import CountTable, draw_count, draw_inputs
from spikelearn.core.probe import Given, Probe, first_at
from spikelearn.core.random import WORD, fill_words


class Filters(NamedTuple):
    """Coefficients of the synaptic filters, of the type of the core's floats."""

    decay: np.floating  # exp(-dt / tau_decay)
    rise: np.floating
    decay_cut: np.floating  # decay ** memory, or 0 without cut-off
    rise_cut: np.floating
    scale: np.floating  # 1 / (tau_decay - tau_rise), 1/ms


class Tables(NamedTuple):
    """The synaptic kernel by age in steps, up to where nothing is left of it, or to the cut-off."""

    decay_power: np.ndarray  # (n,) float64, decay ** age; beyond the table it counts as 0
    rise_power: np.ndarray
    decay_sum: np.ndarray  # (n,) float64, scale * (decay + decay**2 + ...) up to that age
    rise_sum: np.ndarray


class Somas(NamedTuple):
    """Coefficients of the Euler step, by layer: ``keep[phase, layer]``, ``dendrite[layer]``, ``apical[layer]``."""

    keep: np.ndarray
    dendrite: np.ndarray
    apical: np.ndarray
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label


class State(NamedTuple):
    """What is carried from one example to the next."""

    v_soma: np.ndarray  # (blocks, 64)
    trace: np.ndarray  # (2, sources) float64, decay and rise exponentials of each source; only without cut-off
    recent_source: np.ndarray  # (capacity,) int32, spikes of the last `memory` steps, in a fixed order
    recent_row: np.ndarray  # (capacity,) int32, 0 the oldest step
    n_recent: np.ndarray  # (1,) int64


class Work(NamedTuple):
    """Scratch of a trial."""

    drive: np.ndarray  # (blocks * (memory + SEGMENT), 64) summed weights of arriving spikes
    rise: np.ndarray  # (blocks, 64)
    decay: np.ndarray
    current: np.ndarray  # (blocks, 64) teaching or apical current
    potential: np.ndarray  # (SEGMENT, 64) of one block, by step
    candidate_source: np.ndarray  # (64 * n,) int32 candidates of one block, in order of step
    candidate_draw: np.ndarray  # (64 * n,) float64
    candidate_v: np.ndarray  # (n, 64) potential, then rate / rate_max of the candidate's neuron
    first_candidate: np.ndarray  # (SEGMENT + 1,) index of a step's first candidate
    echo: np.ndarray  # (feeding blocks * (memory + SEGMENT), 64) spikes of the layers that feed back
    echo_rise: np.ndarray  # (feeding blocks, 64)
    echo_decay: np.ndarray
    echo_now: np.ndarray  # (feeding blocks, 64) what apical dendrites receive from each neuron, spikes/ms
    spikes: np.ndarray  # (blocks, capacity) int32 sources, in order of step
    first: np.ndarray  # (blocks, SEGMENT + 1) index of a step's first spike
    step_weight: np.ndarray  # (SEGMENT,) float64, what a spike of a step weighs in an average
    drawn: np.ndarray  # (blocks,) candidates used
    count_words: np.ndarray  # (blocks, 64) uint32
    candidate_words: np.ndarray  # (blocks, 64) uint32
    expected: np.ndarray  # (n_inputs,) float64, spikes of an input in a step
    input_words: np.ndarray  # (1, 64) uint32
    input_gaps: np.ndarray  # (64,) float64
    input_source: np.ndarray  # (capacity,) int32 input spikes of a segment, by input and then time
    input_row: np.ndarray  # (capacity,) int32 `memory` + step
    sorted_source: np.ndarray  # (capacity,) int32 the same spikes, by step
    first_input: np.ndarray  # (SEGMENT + 1,) int64 index of a step's first
    probe: Probe
    given: Given


class Network(NamedTuple):
    """Everything that the kernels need and do not change, and the weights."""

    layout: Layout
    weights: Weights
    somas: Somas
    filters: Filters
    tables: Tables
    candidates: CountTable
    keys: np.ndarray  # (1 + 2 * layers, 4) uint32: inputs; then each layer's counts and candidates
    memory: int  # steps after which a spike is forgotten, 0: never
    coupled: bool  # do all layers advance step by step, because feedback reaches the somata?
    echoes: bool  # is it worked out from step to step what the apical dendrites receive?
    pathway: Pathway
    rate_max: np.floating  # spikes/ms


@kernel
def begin_trial(net, state, work):
    """Project what the network remembers of earlier spikes through the present weights."""
    work.drawn[:] = 0
    work.current[:] = 0
    if net.memory == 0:
        _project_traces(net, state, work)
    else:
        _project_recent(net, state, work)
    if net.echoes:
        begin_echo(net, state, work)
    if net.coupled:
        feed_back(net, work)


@kernel
def _project_traces(net, state, work):
    layout, forward, trace = net.layout, net.weights.forward, state.trace
    for layer in range(layout.sizes.shape[0]):
        low, high = layout.first_source[layer], layout.first_source[layer + 1]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            shift, decay, rise = layout.weight_row[block] - low, full(work.decay, 0.0), full(work.rise, 0.0)
            for source in range(low, high):
                if trace[0, source] != 0:
                    weights = load(forward, shift + source)
                    decay = fma(trace[0, source], weights, decay)
                    rise = fma(trace[1, source], weights, rise)
            store(work.decay, block, decay)
            store(work.rise, block, rise)


@kernel
def _project_recent(net, state, work):
    layout, memory, forward, drive = net.layout, net.memory, net.weights.forward, work.drive
    recent_source, recent_row, nothing = state.recent_source, state.recent_row, full(drive, 0.0)
    rows, n_layers = memory + SEGMENT, layout.sizes.shape[0]
    for block in range(work.rise.shape[0]):
        for row in range(block * rows, block * rows + memory):
            store(drive, row, nothing)
    for k in range(state.n_recent[0]):
        source, layer = recent_source[k], 0
        while layer < n_layers and source >= layout.first_source[layer + 1]:
            layer += 1
        if layer < n_layers:
            for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
                weights = load(forward, layout.weight_row[block] + source - layout.first_source[layer])
                row = block * rows + recent_row[k]
                store(drive, row, load(drive, row) + weights)
    for block in range(work.rise.shape[0]):
        store(work.decay, block, nothing)
        store(work.rise, block, nothing)
        filter_history(drive, work.rise, work.decay, block, memory, net.filters)


@kernel
def sort_inputs(work, n_spikes, length, first_row):
    """Sort a segment's input spikes, which come input by input, by step (a counting sort)."""
    first, sorted_source, source, row = work.first_input, work.sorted_source, work.input_source, work.input_row
    for step in range(length + 1):
        first[step] = 0
    for k in range(n_spikes):
        first[row[k] - first_row] += 1
    for step in range(length):
        first[step + 1] += first[step]
    for k in range(n_spikes - 1, -1, -1):
        step = row[k] - first_row
        first[step] -= 1
        sorted_source[first[step]] = source[k]


@kernel
def project_inputs(net, work, length):
    """Set the drive of the lowest layer in a segment: the weights of the input spikes, summed step by step."""
    source, first, drive_tile, forward = work.sorted_source, work.first_input, work.drive, net.weights.forward
    for block in range(net.layout.first_block[0], net.layout.first_block[1]):
        shift, first_row = net.layout.weight_row[block], block * (net.memory + SEGMENT) + net.memory
        for step in range(length):
            drive = full(drive_tile, 0.0)
            for k in range(first[step], first[step + 1]):
                drive = drive + load(forward, shift + source[k])
            store(drive_tile, first_row + step, drive)


@kernel
def project(net, work, layer, start, stop):
    """Set the drive of steps `start` to `stop`: the weights of the spikes that the layer below emitted, summed."""
    layout, forward = net.layout, net.weights.forward
    drive_tile, spikes, first = work.drive, work.spikes, work.first
    for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
        shift = layout.weight_row[block] - layout.first_source[layer]
        first_row = block * (net.memory + SEGMENT) + net.memory
        for step in range(start, stop):
            drive = full(drive_tile, 0.0)
            for below in range(layout.first_block[layer - 1], layout.first_block[layer]):
                for k in range(first[below, step], first[below, step + 1]):
                    drive = drive + load(forward, shift + spikes[below, k])
            store(drive_tile, first_row + step, drive)


@kernel
def advance(net, state, work, averages, layer, example, phase, onset, start, stop, windows):
    """Advance one layer from step `start` to `stop` of a segment that begins at step `onset` of the trial.

    A spike that arrives adds to both exponentials of the synapses; one that turns `memory` steps old is taken out of
    both again, as a second, opposite event. (With an unlimited kernel what is taken out has weight 0.)

    What `averages` want of these steps is added to them: in the forward phase potentials, in the target phase rates
    of the outputs, and rates that are fed back.
    """
    layout, memory, filters, drive = net.layout, net.memory, net.filters, work.drive
    keep, dendrite = net.somas.keep[phase, layer], net.somas.dendrite[layer]
    gain, potential = dendrite * filters.scale, work.potential
    is_output, window_start = layer == layout.sizes.shape[0] - 1, windows[phase, 0] - onset
    for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
        first_row = block * (memory + SEGMENT)
        resting = fma(dendrite, load(net.weights.bias, block), load(work.current, block))
        decay, rise, v_soma = load(work.decay, block), load(work.rise, block), load(state.v_soma, block)
        for step in range(start, stop):
            new, old = load(drive, first_row + step + memory), load(drive, first_row + step)
            decay = filters.decay * fma(-filters.decay_cut, old, decay + new)
            rise = filters.rise * fma(-filters.rise_cut, old, rise + new)
            v_soma = fma(keep, v_soma, fma(gain, decay - rise, resting))
            store(potential, step, v_soma)
        watch(net, work, block, onset, start, stop)
        store(work.decay, block, decay)
        store(work.rise, block, rise)
        store(state.v_soma, block, v_soma)
        if phase == FORWARD:
            v_sum = load(averages.v_soma, block)
            for step in range(max(start, window_start), stop):
                v_sum = v_sum + load(potential, step)
            store(averages.v_soma, block, v_sum)
        elif is_output:
            activity = load(averages.activity, block)
            for step in range(max(start, window_start), stop):
                activity = activity + sigmoid(load(potential, step))
            store(averages.activity, block, activity)
        if net.pathway.rates and layer >= layout.first_feeding:
            average_rates(net, work, averages, block, onset, start, stop, windows)
        _draw_candidates(net, work, layer, block, example, onset, start, stop)
        _spike(work, block, start, stop)


@kernel
def _draw_candidates(net, work, layer, block, example, onset, start, stop):
    """Draw the candidates of a block for some steps and look up the potentials of their neurons.

    A word chooses the neuron of a candidate (high bits of the product) and is its draw (the low bits).
    """
    layout, candidates, potential, first = net.layout, net.candidates, work.potential, work.first_candidate
    counts, words, sources, draws = work.count_words, work.candidate_words, work.candidate_source, work.candidate_draw
    count_key, key, values = net.keys[1 + 2 * layer], net.keys[2 + 2 * layer], work.candidate_v.reshape(-1)
    first_source = layout.first_source[layer + 1] + (block - layout.first_block[layer]) * LANES
    lanes = np.uint64(layout.lanes[block])
    n, used = 0, work.drawn[block]
    for step in range(start, stop):
        if (onset + step) % LANES == 0:
            fill_words(count_key, (onset + step) // LANES, block, example, counts, block)
        first[step] = n
        for _ in range(draw_count(candidates, block, counts[block, (onset + step) % LANES])):
            if used % LANES == 0:
                fill_words(key, used // LANES, block, example, words, block)
            product = np.uint64(words[block, used % LANES]) * lanes
            used += 1
            lane = np.int64(product >> np.uint64(32))
            sources[n] = first_source + lane
            draws[n] = np.float64(product & np.uint64(0xFFFFFFFF)) * WORD
            values[n] = potential[step, lane]
            n += 1
    first[stop] = n
    work.drawn[block] = used


@kernel
def _spike(work, block, start, stop):
    """Keep the candidates whose draw is below their neuron's rate.

    Rates of candidates only, 64 at a time: far fewer than there are neurons and steps.
    """
    candidate_v, first_candidate, first, spikes = work.candidate_v, work.first_candidate, work.first, work.spikes
    sources, draws, activity = work.candidate_source, work.candidate_draw, work.candidate_v.reshape(-1)
    for row in range((first_candidate[stop] + LANES - 1) // LANES):
        store(candidate_v, row, sigmoid(load(candidate_v, row)))
    n_spikes = first[block, start]
    for step in range(start, stop):
        for k in range(first_candidate[step], first_candidate[step + 1]):
            # Written in any case and kept by counting it: about as many are kept as not, no branch could guess.
            spikes[block, n_spikes] = sources[k]
            n_spikes += draws[k] < activity[k]
        first[block, step + 1] = n_spikes


@kernel
def _take_inputs(work, begin, length, first_row):
    """Take the given input spikes of a segment; -1 if there is no room."""
    given = work.given
    first, last = first_at(given.input_when, begin), first_at(given.input_when, begin + length)
    if last - first > work.input_source.shape[0]:
        return -1
    for k in range(first, last):
        work.input_source[k - first] = given.input_source[k]
        work.input_row[k - first] = first_row + np.int64(given.input_when[k]) - begin
    return last - first


@kernel
def begin_segment(net, work, expected, example, begin, length):
    """Draw the input spikes of `length` steps from step `begin` of the trial and add them to the drive.

    Returns
    -------
    int
        Number of input spikes; -1 if the buffer was too small, which its size makes all but impossible (2**-100).
    """
    memory = net.memory
    work.first[:, 0] = 0
    if work.given.inputs:
        n_spikes = _take_inputs(work, begin, length, memory)
    else:
        n_spikes = draw_inputs(
            net.keys[0], begin, example, expected, length, work.input_words, work.input_gaps, work.input_source,
            work.input_row, memory,
        )  # fmt: skip
    if n_spikes >= 0:
        sort_inputs(work, n_spikes, length, memory)
        project_inputs(net, work, length)
    return n_spikes


@kernel
def advance_layers(net, state, work, averages, example, phase, begin, start, stop, windows):
    """Advance all layers, from the bottom up, from step `start` to `stop` of the segment that starts at `begin`."""
    for layer in range(net.layout.sizes.shape[0]):
        if layer > 0:
            project(net, work, layer, start, stop)
        advance(net, state, work, averages, layer, example, phase, begin, start, stop, windows)


@kernel
def run_phase(net, state, work, averages, expected, example, phase, onset, n_steps, windows):
    """Run one phase of `n_steps` steps, beginning at step `onset` of the trial.

    Parameters
    ----------
    expected : (n_inputs,) float64 array
        Expected spikes of each input in a step.
    windows : (2, 2) int64 array
        First and last-plus-one step of the averages of the two phases, counted from the start of the trial.

    Returns
    -------
    bool
        False if a buffer of spikes was too small.
    """
    averaging = windows[TARGET, 1] > 0  # nobody needs the averaged spikes of a test image
    for begin in range(onset, onset + n_steps, SEGMENT):
        length = min(SEGMENT, onset + n_steps - begin)
        n_spikes = begin_segment(net, work, expected, example, begin, length)
        if n_spikes < 0:
            return False
        stride = 1 if net.coupled else length
        for start in range(0, length, stride):
            stop = start + stride
            if net.coupled and work.probe.apical:
                watch_apical(net, work, begin + start)
            advance_layers(net, state, work, averages, example, phase, begin, start, stop, windows)
            if net.coupled:
                filter_echo(net, state, work, begin, start)
                feed_back(net, work)
        if net.echoes and not net.coupled:  # nobody waits for it
            for step in range(length):
                watch_apical(net, work, begin + step)
                filter_echo(net, state, work, begin, step)
        watch_spikes(net, work, n_spikes, begin, length)
        if averaging:
            average_spikes(net, work, averages, n_spikes, phase, begin, length, windows)
        if not end_segment(net, state, work, n_spikes, length):
            return False
    return True


@kernel
def present(net, state, work, averages, intensity, label, example, lengths, windows, rate_step):
    """Run one trial and leave its averages: a forward phase and, if it has a length, a target phase.

    Parameters
    ----------
    intensity : (n_inputs,) float32 array
        In [0, 1].
    label : int
        Correct class; read in the target phase only.
    example : int
        Number of the trial: with the keys, it fixes every draw.
    lengths : (2,) int64 array
    windows : (2, 2) int64 array
    rate_step : float
        Expected spikes of an input of intensity 1 in one step.

    Returns
    -------
    bool
        False if a buffer of spikes was too small.
    """
    averages.v_soma[:] = 0
    averages.activity[:] = 0
    averages.psp[:] = 0
    averages.echo[:] = 0
    expected = work.expected
    for j in range(intensity.shape[0]):
        expected[j] = rate_step * np.float64(intensity[j])
    begin_trial(net, state, work)
    if windows[TARGET, 1] > 0:
        average_history(net, state, averages, windows)
    onset = np.int64(0)
    for phase in range(2):  # not two calls with the constants 0 and 1: numba would compile two versions
        if phase == TARGET and lengths[TARGET] > 0:
            teach(net, work, label)
        if not run_phase(net, state, work, averages, expected, example, phase, onset, lengths[phase], windows):
            return False
        onset += lengths[phase]
    for block in range(averages.v_soma.shape[0]):
        store(averages.v_soma, block, load(averages.v_soma, block) / (windows[FORWARD, 1] - windows[FORWARD, 0]))
        if lengths[TARGET] > 0:
            store(averages.activity, block, load(averages.activity, block) / (windows[TARGET, 1] - windows[TARGET, 0]))
    return True
