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

from spikelearn.core.dynamics import sigmoid
from spikelearn.core.feedback import Pathway
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, full, load, pick, store
from spikelearn.core.layout import FORGOTTEN, FORWARD, TARGET, Layout, Weights, teach
from spikelearn.core.poisson import CountTable, draw_count, draw_inputs
from spikelearn.core.probe import Given, Probe, first_at, keep_spike
from spikelearn.core.random import WORD, fill_words

SEGMENT = 128  # steps; a tile of drive is (memory + 128) x 64 floats


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
        _begin_echo(net, state, work)
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
        _filter_history(drive, work.rise, work.decay, block, memory, net.filters)


@kernel
def _filter_history(drive, rises, decays, block, memory, filters):
    """Bring the filters to the start of the trial; nothing is old enough to be forgotten before it."""
    rise, decay = load(rises, block), load(decays, block)
    for row in range(memory):
        drive_now = load(drive, block * (memory + SEGMENT) + row)
        decay = filters.decay * (decay + drive_now)
        rise = filters.rise * (rise + drive_now)
    store(rises, block, rise)
    store(decays, block, decay)


@kernel
def _begin_echo(net, state, work):
    """Rebuild what the apical dendrites receive from the last trial's spikes."""
    layout, rows, decays, rises = net.layout, net.memory + SEGMENT, work.echo_decay, work.echo_rise
    first = layout.first_source[layout.first_feeding + 1]
    for block in range(rises.shape[0]):
        work.echo[block * rows : block * rows + net.memory] = 0
        for lane in range(LANES):
            decays[block, lane] = state.trace[0, first + block * LANES + lane]
            rises[block, lane] = state.trace[1, first + block * LANES + lane]
    for k in range(state.n_recent[0]):
        cell = state.recent_source[k] - first
        if cell >= 0:
            work.echo[cell // LANES * rows + state.recent_row[k], cell % LANES] += 1
    for block in range(rises.shape[0]):
        _filter_history(work.echo, rises, decays, block, net.memory, net.filters)
        _set_echo(net, state, work, block)


@kernel
def _set_echo(net, state, work, block):
    """Set what apical dendrites receive now from a block that feeds back: filtered spikes, or rates."""
    if net.pathway.rates:
        first_block = net.layout.first_block[net.layout.first_feeding]
        store(work.echo_now, block, net.rate_max * sigmoid(load(state.v_soma, first_block + block)))
    else:
        store(work.echo_now, block, net.filters.scale * (load(work.echo_decay, block) - load(work.echo_rise, block)))


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
def sample_row(probe, step):
    """Return the row of the probe for the end of a step of the trial, -1 for none."""
    if not probe.start <= step < probe.stop or (step + 1) % probe.every != 0:
        return -1
    return (step + 1) // probe.every - np.int64(probe.start) // probe.every - 1


@kernel
def watch(net, work, block, onset, start, stop):
    """Sample the potentials of the watched neurons of a block, whose filters are still those before the steps."""
    probe, filters, drive, first_row = work.probe, net.filters, work.drive, block * (net.memory + SEGMENT)
    for k in range(probe.first[block], probe.first[block + 1]):
        lane = probe.lane[k]
        decay, rise = work.decay[block, lane], work.rise[block, lane]
        for step in range(start, stop):
            new, old = drive[first_row + step + net.memory, lane], drive[first_row + step, lane]
            decay = filters.decay * (decay + new - filters.decay_cut * old)
            rise = filters.rise * (rise + new - filters.rise_cut * old)
            row = sample_row(probe, onset + step)
            if row >= 0:
                probe.time[row] = onset + step + 1
                probe.v_soma[row, k] = work.potential[step, lane]
                probe.v_dendrite[row, k] = net.weights.bias[block, lane] + filters.scale * (decay - rise)


@kernel
def watch_apical(net, work, step):
    """Sample the apical potentials of the watched neurons in a step of the trial."""
    layout, probe, row = net.layout, work.probe, sample_row(work.probe, step)
    if row < 0:
        return
    for layer in range(layout.feeding.shape[0]):
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            if probe.first[block] < probe.first[block + 1]:
                potential = v_apical(net, work, layer, block)
                for k in range(probe.first[block], probe.first[block + 1]):
                    probe.v_apical[row, k] = pick(potential, probe.lane[k])


@kernel
def watch_spikes(net, work, n_spikes, begin, length):
    """Keep the spikes of a segment."""
    probe, layout = work.probe, net.layout
    if probe.layers[0]:
        for step in range(length):
            stop = work.first_input[step + 1] if step + 1 < length else n_spikes
            for k in range(work.first_input[step], stop):
                keep_spike(probe, 0, work.sorted_source[k], float(begin + step))
    for layer in range(layout.sizes.shape[0]):
        if probe.layers[layer + 1]:
            for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
                for step in range(length):
                    for k in range(work.first[block, step], work.first[block, step + 1]):
                        keep_spike(probe, layer + 1, work.spikes[block, k], float(begin + step))


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
def filter_echo(net, state, work, begin, step):
    """Filter what the layers that feed back emit in `step` of a segment: apical dendrites receive it in the next."""
    layout, memory, filters = net.layout, net.memory, net.filters
    first_block = layout.first_block[layout.first_feeding]
    first_source = layout.first_source[layout.first_feeding + 1]
    for block in range(work.echo_rise.shape[0]):
        row = block * (memory + SEGMENT) + step
        work.echo[row + memory] = 0
        if not work.given.apical:
            for k in range(work.first[first_block + block, step], work.first[first_block + block, step + 1]):
                work.echo[row + memory, work.spikes[first_block + block, k] - first_source - block * LANES] += 1
        else:
            given = work.given
            for k in range(first_at(given.apical_when, begin + step), first_at(given.apical_when, begin + step + 1)):
                if given.apical_source[k] // LANES == block:
                    work.echo[row + memory, given.apical_source[k] % LANES] += 1
        new, old = load(work.echo, row + memory), load(work.echo, row)
        decay = filters.decay * (load(work.echo_decay, block) + new - filters.decay_cut * old)
        rise = filters.rise * (load(work.echo_rise, block) + new - filters.rise_cut * old)
        store(work.echo_decay, block, decay)
        store(work.echo_rise, block, rise)
        _set_echo(net, state, work, block)


@kernel
def feed_back(net, work):
    """Set the current ``dt * g_apical * V_apical`` into hidden somata from what apical dendrites receive."""
    layout = net.layout
    for layer in range(layout.feeding.shape[0]):
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            store(work.current, block, net.somas.apical[layer] * v_apical(net, work, layer, block))


@kernel
def v_apical(net, work, layer, block):
    """Return the apical potentials of a block: feedback weights times what is received."""
    layout = net.layout
    feeding, potential = layout.feeding[layer], full(work.current, 0.0)
    home = layout.first_block[feeding] - layout.first_block[layout.first_feeding]
    for cell in range(layout.sizes[feeding]):
        received = work.echo_now[home + cell // LANES, cell % LANES]
        potential = fma(received, load(net.weights.feedback, layout.feedback_row[block] + cell), potential)
    return potential


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
def mean_kernel(tables, step, start, stop):
    """Mean over steps `start` to `stop` of the potential that a spike in step `step` evokes."""
    last = tables.decay_sum.shape[0] - 1
    high = min(max(stop - step, 0), last)
    low = min(max(start - step, 0), last)
    decay = tables.decay_sum[high] - tables.decay_sum[low]
    rise = tables.rise_sum[high] - tables.rise_sum[low]
    return (decay - rise) / (stop - start)


@kernel
def _fading(power_sum, scale, start, stop):
    """Sum over steps `start` to `stop` of what a trace of 1 before step 0 still gives; `start` may be -1."""
    last = power_sum.shape[0] - 1
    return power_sum[min(stop, last)] - (power_sum[min(start, last)] if start >= 0 else -np.float64(scale))


@kernel
def echo_window(net, averages, windows, row):
    """Return the steps whose spikes, or rates, make a row of the echo.

    Apical dendrites see them one step later; and their plateaus may come before the phase ends.
    """
    shifts = averages.echo.shape[0] // 2
    before = 1 + row % shifts * np.int64(net.pathway.grain)
    return windows[row // shifts, 0] - before, windows[row // shifts, 1] - before


@kernel
def average_history(net, state, averages, windows):
    """Begin the averages of filtered spikes with what was emitted before the trial."""
    psp, echo = averages.psp, averages.echo
    first = net.layout.first_source[net.layout.first_feeding + 1]
    below = psp[: net.layout.first_source[net.layout.sizes.shape[0]]]  # of all but the outputs
    _add_history(net, state, below, 0, windows[FORWARD, 0], windows[FORWARD, 1])
    for row in range(echo.shape[0]):
        start, stop = echo_window(net, averages, windows, row)
        if not net.pathway.rates:
            _add_history(net, state, echo[row], first, start, stop)
        elif start < 0:  # settling is longer than plateaus are early, so it is -1
            for cell in range(echo.shape[1]):
                block, lane = cell // LANES + net.layout.first_block[net.layout.first_feeding], cell % LANES
                rate = net.rate_max / (1.0 + np.exp(-np.float64(state.v_soma[block, lane])))
                echo[row, cell] += rate / (stop - start)


@kernel
def _add_history(net, state, mean, first, start, stop):
    """Add what earlier spikes of the sources from `first` on still give, on average, in steps `start` to `stop`."""
    tables, scale = net.tables, net.filters.scale
    for source in range(first, first + mean.shape[0]):
        if state.trace[0, source] != 0:
            decay = _fading(tables.decay_sum, scale, start, stop) * state.trace[0, source]
            rise = _fading(tables.rise_sum, scale, start, stop) * state.trace[1, source]
            mean[source - first] += (decay - rise) / (stop - start)
    for k in range(state.n_recent[0]):
        source = state.recent_source[k]
        if first <= source < first + mean.shape[0]:
            mean[source - first] += mean_kernel(tables, state.recent_row[k] - net.memory, start, stop)


@kernel
def average_spikes(net, work, averages, n_spikes, phase, begin, length, windows):
    """Add the spikes of a segment to the averages: what the layers above receive, and the apical dendrites."""
    layout, psp, weight = net.layout, averages.psp, work.step_weight
    input_row, input_source, n_layers = work.input_row, work.input_source, layout.sizes.shape[0]
    if phase == FORWARD:
        _weigh_steps(net, weight, begin, length, windows[FORWARD, 0], windows[FORWARD, 1])
        for k in range(n_spikes):
            psp[input_source[k]] += weight[input_row[k] - net.memory]
        _add_spikes(work, weight, psp, 0, 0, layout.first_block[n_layers - 1], length)
    if net.pathway.rates:
        return
    first = layout.first_source[layout.first_feeding + 1]
    for row in range(averages.echo.shape[0]):
        start, stop = echo_window(net, averages, windows, row)
        if stop > begin:
            _weigh_steps(net, weight, begin, length, start, stop)
            if work.given.apical:
                _add_given(work.given, weight, averages.echo[row], begin, length)
            else:
                first_block, stop_block = layout.first_block[layout.first_feeding], layout.first_block[n_layers]
                _add_spikes(work, weight, averages.echo[row], first, first_block, stop_block, length)


@kernel
def _weigh_steps(net, weight, begin, length, start, stop):
    for step in range(length):
        weight[step] = mean_kernel(net.tables, begin + step, start, stop)


@kernel
def _add_spikes(work, weight, mean, first_source, first_block, stop_block, length):
    spikes, first = work.spikes, work.first
    for block in range(first_block, stop_block):
        for step in range(length):
            if weight[step] != 0:
                for k in range(first[block, step], first[block, step + 1]):
                    mean[spikes[block, k] - first_source] += weight[step]


@kernel
def _add_given(given, weight, mean, begin, length):
    for k in range(first_at(given.apical_when, begin), first_at(given.apical_when, begin + length)):
        mean[given.apical_source[k]] += weight[np.int64(given.apical_when[k]) - begin]


@kernel
def average_rates(net, work, averages, block, onset, start, stop, windows):
    """Add the rates of a block that feeds back, in steps `start` to `stop`, to the echo."""
    potential, first = work.potential, (block - net.layout.first_block[net.layout.first_feeding]) * LANES
    for step in range(start, stop):
        activity = sigmoid(load(potential, step))
        for row in range(averages.echo.shape[0]):
            low, high = echo_window(net, averages, windows, row)
            if low <= onset + step < high:
                for lane in range(LANES):
                    averages.echo[row, first + lane] += net.rate_max * pick(activity, lane) / (high - low)


@kernel
def end_segment(net, state, work, n_spikes, length):
    """Turn the spikes of a segment into memory, for the next segment and the next example."""
    memory = net.memory
    drive, echo = work.drive, work.echo
    for block in range(work.rise.shape[0]):
        first_row = block * (memory + SEGMENT)
        for row in range(first_row, first_row + memory):
            store(drive, row, load(drive, row + length))
    if net.echoes:
        for block in range(work.echo_rise.shape[0]):
            first_row = block * (memory + SEGMENT)
            for row in range(first_row, first_row + memory):
                store(echo, row, load(echo, row + length))
    if memory == 0:
        _update_traces(net, state, work, n_spikes, length)
        return True
    return _update_recent(net, state, work, n_spikes, length)


@kernel
def _update_traces(net, state, work, n_spikes, length):
    decay_power, rise_power, trace = net.tables.decay_power, net.tables.rise_power, state.trace
    oldest = decay_power.shape[0] - 1
    old = min(length, oldest)
    spikes, first, input_row, input_source = work.spikes, work.first, work.input_row, work.input_source
    for source in range(trace.shape[1]):
        if trace[0, source] < FORGOTTEN:
            trace[0, source] = 0
            trace[1, source] = 0
        trace[0, source] *= decay_power[old]
        trace[1, source] *= rise_power[old]
    for k in range(n_spikes):
        age = min(length - input_row[k], oldest)
        trace[0, input_source[k]] += decay_power[age]
        trace[1, input_source[k]] += rise_power[age]
    for block in range(spikes.shape[0]):
        for step in range(length):
            age = min(length - step, oldest)
            for k in range(first[block, step], first[block, step + 1]):
                trace[0, spikes[block, k]] += decay_power[age]
                trace[1, spikes[block, k]] += rise_power[age]


@kernel
def _update_recent(net, state, work, n_spikes, length):
    source, row, memory = state.recent_source, state.recent_row, net.memory
    kept = 0
    spikes, first, input_row, input_source = work.spikes, work.first, work.input_row, work.input_source
    for k in range(state.n_recent[0]):
        if row[k] >= length:
            source[kept] = source[k]
            row[kept] = row[k] - length
            kept += 1
    for k in range(n_spikes):
        if input_row[k] >= length:
            if kept == source.shape[0]:
                return False
            source[kept] = input_source[k]
            row[kept] = input_row[k] - length
            kept += 1
    for block in range(spikes.shape[0]):
        for step in range(max(length - memory, 0), length):
            for k in range(first[block, step], first[block, step + 1]):
                if kept == source.shape[0]:
                    return False
                source[kept] = spikes[block, k]
                row[kept] = step + memory - length
                kept += 1
    state.n_recent[0] = kept
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
