"""The clock engine: a network in steps of `dt`, by forward Euler, in the authors' order of events.

In a step each layer, from the bottom up, sees the spikes of the layer below from the same step; apical dendrites see
output spikes of the step before. Neurons live in *blocks* of 64; a layer is a range of blocks, padded with neurons
that never spike. The sources of spikes are numbered: inputs first (padded to whole blocks), then block by block.

With ``g_apical = 0`` feedback does not reach a soma before the weights change, so `run_phase` sweeps each layer over a
whole segment of up to 128 steps while its tile of synaptic drive stays in the first-level cache. With
``g_apical > 0`` it does, and the layers advance together step by step. Both orders call the same `advance`, and draws are
functions of neuron and step, so the spikes are the same.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.dynamics import add_row, filter_step, rate_step, soma_step
from spikelearn.core.jit import kernel
from spikelearn.core.poisson import CountTable, draw_count, draw_inputs
from spikelearn.core.random import LANES, WORD, fill_words

SEGMENT = 128  # steps; tile of drive = (128 + memory) x 64 floats
FORGOTTEN = 1e-20  # traces below this, in spikes, are zero: no float sees them, and denormal numbers are slow
FORWARD, TARGET = 0, 1


class Filters(NamedTuple):
    """The synaptic kernel in steps. Scalars have the type of the core's floats."""

    decay: np.floating  # exp(-dt / tau_decay)
    rise: np.floating
    decay_cut: np.floating  # decay ** memory, or 0 without cut-off
    rise_cut: np.floating
    scale: np.floating  # 1 / (tau_decay - tau_rise), 1/ms
    decay_power: np.ndarray  # (n,) float64, decay ** age; beyond the table it counts as 0
    rise_power: np.ndarray
    decay_sum: np.ndarray  # (n,) float64, scale * (decay + decay**2 + ...) up to that age, or the cut-off
    rise_sum: np.ndarray


class Somas(NamedTuple):
    """Coefficients of the Euler step, by layer: ``keep[phase, layer]``, ``dendrite[layer]``, ``apical[layer]``."""

    keep: np.ndarray
    dendrite: np.ndarray
    apical: np.ndarray
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label


class Layout(NamedTuple):
    """Which blocks and sources belong to which layer (layer 0 is the first with weights)."""

    sizes: np.ndarray  # (layers,) neurons
    first_block: np.ndarray  # (layers + 1,)
    lanes: np.ndarray  # (blocks,) neurons in the block
    first_source: np.ndarray  # (layers + 1,) first source of the layer's *presynaptic* layer; last: of the output
    weight_row: np.ndarray  # (blocks,) row of `forward` that belongs to the first presynaptic source


class Weights(NamedTuple):
    """Weights in the core's order: presynaptic rows of 64 postsynaptic lanes."""

    forward: np.ndarray  # (rows, 64); block b reads weight_row[b] + presynaptic index
    bias: np.ndarray  # (blocks, 64)
    feedback: np.ndarray  # (hidden blocks, outputs, 64)


class State(NamedTuple):
    """What is carried from one example to the next."""

    v_soma: np.ndarray  # (blocks, 64)
    trace: np.ndarray  # (2, sources) float64, decay and rise exponentials of each source; only without cut-off
    recent_source: np.ndarray  # (capacity,) int32, spikes of the last `memory` steps, in order of layer, block, step
    recent_row: np.ndarray  # (capacity,) int32, 0 the oldest step
    n_recent: np.ndarray  # (1,) int64


class Work(NamedTuple):
    """Scratch of a trial."""

    drive: np.ndarray  # (blocks, memory + SEGMENT, 64) summed weights of arriving spikes
    rise: np.ndarray  # (blocks, 64)
    decay: np.ndarray
    current: np.ndarray  # (blocks, 64) teaching or apical current
    activity: np.ndarray  # (blocks, 64) rate / rate_max
    echo: np.ndarray  # (output blocks, memory + SEGMENT, 64) output spikes, for the apical dendrites
    echo_rise: np.ndarray  # (output blocks, 64)
    echo_decay: np.ndarray
    spikes: np.ndarray  # (blocks, capacity) int32 sources, in order of step
    first: np.ndarray  # (blocks, SEGMENT + 1) index of a step's first spike
    drawn: np.ndarray  # (blocks,) candidates used
    count_words: np.ndarray  # (blocks, 64) uint32
    candidate_words: np.ndarray  # (blocks, 64) uint32
    input_words: np.ndarray  # (1, 64) uint32
    input_gaps: np.ndarray  # (64,) float64


class Averages(NamedTuple):
    """Means over the windows of the phases, [phase] first. Cells are neurons in block order, padded."""

    v_soma: np.ndarray  # (2, blocks, 64)
    activity: np.ndarray  # (2, blocks, 64) mean rate / rate_max
    psp: np.ndarray  # (2, sources); target phase: outputs only
    apical: np.ndarray  # (2, blocks, 64)


class Network(NamedTuple):
    """Everything that the kernels need and do not change, and the weights."""

    layout: Layout
    weights: Weights
    somas: Somas
    filters: Filters
    candidates: CountTable
    keys: np.ndarray  # (1 + 2 * layers, 4) uint32: inputs; then each layer's counts and candidates
    memory: int  # steps after which a spike is forgotten, 0: never
    coupled: bool  # does feedback reach the somata?


@kernel
def begin_trial(net, state, work):
    """Project what the network remembers of earlier spikes through the present weights."""
    layout, memory = net.layout, net.memory
    n_layers = layout.sizes.shape[0]
    work.drawn[:] = 0
    work.current[:] = 0
    work.drive[:, :memory] = 0
    work.rise[:] = 0
    work.decay[:] = 0
    for layer in range(n_layers):
        low, high = layout.first_source[layer], layout.first_source[layer + 1]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            for k in range(state.n_recent[0]):
                if low <= state.recent_source[k] < high:
                    _add_one(net, work, block, state.recent_source[k] - low, state.recent_row[k])
            if memory == 0:
                for source in range(low, high):
                    _add_trace(net, state, work, block, source, source - low)
    for block in range(work.drive.shape[0]):
        _filter_history(work.drive, work.rise, work.decay, block, memory, net.filters)
    if net.coupled:
        _begin_echo(net, state, work)
        _set_apical_current(net, work)


@kernel
def _add_one(net, work, block, pre, row):
    weight = net.layout.weight_row[block] + pre
    for lane in range(LANES):
        work.drive[block, row, lane] += net.weights.forward[weight, lane]


@kernel
def _add_trace(net, state, work, block, source, pre):
    weight = net.layout.weight_row[block] + pre
    decay = work.decay.dtype.type(state.trace[0, source])
    rise = work.rise.dtype.type(state.trace[1, source])
    if decay != 0:
        for lane in range(LANES):
            work.decay[block, lane] += decay * net.weights.forward[weight, lane]
        for lane in range(LANES):
            work.rise[block, lane] += rise * net.weights.forward[weight, lane]


@kernel
def _filter_history(drive, rise, decay, block, memory, filters):
    """Bring the filters to the start of the trial; nothing is old enough to be forgotten before it."""
    for row in range(memory):
        for lane in range(LANES):
            decay[block, lane] = filters.decay * (decay[block, lane] + drive[block, row, lane])
            rise[block, lane] = filters.rise * (rise[block, lane] + drive[block, row, lane])


@kernel
def _begin_echo(net, state, work):
    n_layers = net.layout.sizes.shape[0]
    first = net.layout.first_source[n_layers]
    work.echo[:, : net.memory] = 0
    for block in range(work.echo.shape[0]):
        for lane in range(LANES):
            source = first + block * LANES + lane
            work.echo_decay[block, lane] = state.trace[0, source]
            work.echo_rise[block, lane] = state.trace[1, source]
    for k in range(state.n_recent[0]):
        cell = state.recent_source[k] - first
        if cell >= 0:
            work.echo[cell // LANES, state.recent_row[k], cell % LANES] += 1
    for block in range(work.echo.shape[0]):
        _filter_history(work.echo, work.echo_rise, work.echo_decay, block, net.memory, net.filters)


@kernel
def project_inputs(net, work, source, row, n_spikes):
    """Add the weights of all input spikes of a segment; sorted by input, a row of weights is read but once."""
    for block in range(net.layout.first_block[0], net.layout.first_block[1]):
        for k in range(n_spikes):
            _add_one(net, work, block, source[k], row[k])


@kernel
def project(net, work, layer, start, stop):
    """Add the weights of the spikes that the layer below emitted in steps `start` to `stop`.

    Four spikes at a time: a row of drive is loaded and stored once for them, and their additions overlap.
    """
    layout, forward, drive, spikes = net.layout, net.weights.forward, work.drive, work.spikes
    first_source = layout.first_source[layer]
    for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
        shift = layout.weight_row[block] - first_source
        for below in range(layout.first_block[layer - 1], layout.first_block[layer]):
            for step in range(start, stop):
                row = step + net.memory
                k, last = work.first[below, step], work.first[below, step + 1]
                while k + 4 <= last:
                    w0, w1 = shift + spikes[below, k], shift + spikes[below, k + 1]
                    w2, w3 = shift + spikes[below, k + 2], shift + spikes[below, k + 3]
                    for lane in range(LANES):
                        drive[block, row, lane] += (forward[w0, lane] + forward[w1, lane]) + (
                            forward[w2, lane] + forward[w3, lane]
                        )
                    k += 4
                while k < last:
                    w0 = shift + spikes[below, k]
                    for lane in range(LANES):
                        drive[block, row, lane] += forward[w0, lane]
                    k += 1


@kernel
def advance(net, state, work, averages, layer, example, phase, onset, start, stop, window_start):
    """Advance one layer from step `start` to `stop` of a segment that begins at step `onset` of the trial.

    Potentials and rates of steps from `window_start` (counted as `start` is) are added to `averages`.
    """
    somas = net.somas
    for block in range(net.layout.first_block[layer], net.layout.first_block[layer + 1]):
        for step in range(start, stop):
            filter_step(work.drive, work.rise, work.decay, block, step, net.memory, net.filters)
            soma_step(
                work.rise,
                work.decay,
                net.weights.bias,
                work.current,
                state.v_soma,
                block,
                somas.keep[phase, layer],
                somas.dendrite[layer],
                net.filters.scale,
            )
            rate_step(state.v_soma, work.activity, block)
            if step >= window_start:
                add_row(state.v_soma, averages.v_soma, phase, block)
                add_row(work.activity, averages.activity, phase, block)
            _spike(net, work, layer, block, example, onset, step)


@kernel
def _spike(net, work, layer, block, example, onset, step):
    """Thin the block's candidates of this step: word -> neuron (high bits) and a uniform draw (the rest)."""
    words, lanes = work.candidate_words, np.uint64(net.layout.lanes[block])
    first_source = net.layout.first_source[layer + 1] + (block - net.layout.first_block[layer]) * LANES
    total = onset + step
    if total % LANES == 0:
        fill_words(net.keys[1 + 2 * layer], total // LANES, block, example, work.count_words, block)
    n_spikes = work.first[block, step]
    used = work.drawn[block]
    for _ in range(draw_count(net.candidates, block, work.count_words[block, total % LANES])):
        if used % LANES == 0:
            fill_words(net.keys[2 + 2 * layer], used // LANES, block, example, words, block)
        product = np.uint64(words[block, used % LANES]) * lanes
        used += 1
        lane = np.int64(product >> np.uint64(32))
        draw = np.float64(product & np.uint64(0xFFFFFFFF)) * WORD
        work.spikes[block, n_spikes] = first_source + lane
        n_spikes += draw < work.activity[block, lane]
    work.drawn[block] = used
    work.first[block, step + 1] = n_spikes


@kernel
def _feed_back(net, work, step):
    """Filter the output spikes of `step` and set the apical current that hidden somata see in the next one."""
    layout, memory = net.layout, net.memory
    output = layout.sizes.shape[0] - 1
    first_block = layout.first_block[output]
    first_source = layout.first_source[output + 1]
    for block in range(work.echo.shape[0]):
        work.echo[block, step + memory, :] = 0
        for k in range(work.first[first_block + block, step], work.first[first_block + block, step + 1]):
            work.echo[block, step + memory, work.spikes[first_block + block, k] - first_source - block * LANES] += 1
        filter_step(work.echo, work.echo_rise, work.echo_decay, block, step, memory, net.filters)
    _set_apical_current(net, work)


@kernel
def _set_apical_current(net, work):
    """Set the current ``dt * g_apical * V_apical`` from the filtered output spikes."""
    output = net.layout.sizes.shape[0] - 1
    for layer in range(output):
        apical = net.somas.apical[layer]
        for block in range(net.layout.first_block[layer], net.layout.first_block[layer + 1]):
            work.current[block, :] = 0
            for cell in range(net.layout.sizes[output]):
                home, place = cell // LANES, cell % LANES
                psp = apical * net.filters.scale * (work.echo_decay[home, place] - work.echo_rise[home, place])
                for lane in range(LANES):
                    work.current[block, lane] += psp * net.weights.feedback[block, cell, lane]


@kernel
def run_phase(net, state, work, averages, inputs, expected, example, phase, onset, n_steps, windows):
    """Run one phase of `n_steps` steps, beginning at step `onset` of the trial.

    Parameters
    ----------
    inputs : pair of (capacity,) int32 arrays
        Scratch for input spikes: source, row.
    expected : (n_inputs,) float64 array
        Expected spikes of each input in a step.
    windows : (2, 2) int64 array
        First and last-plus-one step of the averages of the two phases, counted from the start of the trial.

    Returns
    -------
    bool
        False if a buffer of spikes was too small, which its size makes all but impossible (2**-100).
    """
    memory, n_layers = net.memory, net.layout.sizes.shape[0]
    learning = windows[TARGET, 1] > 0  # a test image has no target phase, and nobody needs its averaged spikes
    for begin in range(onset, onset + n_steps, SEGMENT):
        length = min(SEGMENT, onset + n_steps - begin)
        window_start = windows[phase, 0] - begin
        work.first[:, 0] = 0
        work.drive[:, memory : memory + length] = 0
        n_spikes = draw_inputs(
            net.keys[0], begin, example, expected, length, work.input_words, work.input_gaps, inputs[0], inputs[1], memory
        )
        if n_spikes < 0:
            return False
        project_inputs(net, work, inputs[0], inputs[1], n_spikes)
        if net.coupled:
            for step in range(length):
                for layer in range(n_layers):
                    if layer > 0:
                        project(net, work, layer, step, step + 1)
                    advance(net, state, work, averages, layer, example, phase, begin, step, step + 1, window_start)
                _feed_back(net, work, step)
        else:
            for layer in range(n_layers):
                if layer > 0:
                    project(net, work, layer, 0, length)
                advance(net, state, work, averages, layer, example, phase, begin, 0, length, window_start)
        if learning:
            _average_psp(net, work, averages, inputs, n_spikes, phase, begin, length, windows)
        if not _end_segment(net, state, work, inputs, n_spikes, length):
            return False
    return True


@kernel
def mean_kernel(filters, step, start, stop):
    """Mean over steps `start` to `stop` of the potential that a spike in step `step` evokes."""
    last = filters.decay_sum.shape[0] - 1
    high = min(max(stop - step, 0), last)
    low = min(max(start - step, 0), last)
    return ((filters.decay_sum[high] - filters.decay_sum[low]) - (filters.rise_sum[high] - filters.rise_sum[low])) / (
        stop - start
    )


@kernel
def _psp_window(windows, phase, is_output):
    """Window in which a layer's spikes are averaged: apical dendrites see output spikes one step later."""
    return windows[phase, 0] - is_output, windows[phase, 1] - is_output


@kernel
def average_history(net, state, averages, windows):
    """Begin the averages of filtered spikes with what was emitted before the trial."""
    filters, psp = net.filters, averages.psp
    first_output = net.layout.first_source[net.layout.sizes.shape[0]]
    for phase in range(2):
        for source in range(first_output if phase == TARGET else 0, psp.shape[1]):
            start, stop = _psp_window(windows, phase, source >= first_output)
            if state.trace[0, source] != 0:
                last = filters.decay_sum.shape[0] - 1
                low, high = min(start, last), min(stop, last)
                psp[phase, source] += (
                    state.trace[0, source] * (filters.decay_sum[high] - filters.decay_sum[low])
                    - state.trace[1, source] * (filters.rise_sum[high] - filters.rise_sum[low])
                ) / (stop - start)
        for k in range(state.n_recent[0]):
            source = state.recent_source[k]
            if phase == FORWARD or source >= first_output:
                start, stop = _psp_window(windows, phase, source >= first_output)
                psp[phase, source] += mean_kernel(filters, state.recent_row[k] - net.memory, start, stop)


@kernel
def _average_psp(net, work, averages, inputs, n_spikes, phase, begin, length, windows):
    """Add the spikes of a segment to the averages: forward window for all, target window for the outputs."""
    layout, filters, psp = net.layout, net.filters, averages.psp
    n_layers = layout.sizes.shape[0]
    if phase == FORWARD:
        for k in range(n_spikes):
            step = begin + inputs[1][k] - net.memory
            psp[FORWARD, inputs[0][k]] += mean_kernel(filters, step, windows[FORWARD, 0], windows[FORWARD, 1])
    for layer in range(n_layers):
        is_output = layer == n_layers - 1
        for window in range(2 if is_output else 1):
            start, stop = _psp_window(windows, window, is_output)
            for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
                for step in range(length):
                    weight = mean_kernel(filters, begin + step, start, stop)
                    if weight != 0:
                        for k in range(work.first[block, step], work.first[block, step + 1]):
                            psp[window, work.spikes[block, k]] += weight


@kernel
def _end_segment(net, state, work, inputs, n_spikes, length):
    """Turn the spikes of a segment into memory, for the next segment and the next example."""
    memory = net.memory
    for row in range(memory):
        work.drive[:, row] = work.drive[:, row + length]
        work.echo[:, row] = work.echo[:, row + length]
    if memory == 0:
        _update_traces(net, state, work, inputs, n_spikes, length)
        return True
    return _update_recent(net, state, work, inputs, n_spikes, length)


@kernel
def _update_traces(net, state, work, inputs, n_spikes, length):
    decay_power, rise_power, trace = net.filters.decay_power, net.filters.rise_power, state.trace
    old = min(length, decay_power.shape[0] - 1)
    for source in range(trace.shape[1]):
        trace[0, source] *= decay_power[old]
        trace[1, source] *= rise_power[old]
        if trace[0, source] < FORGOTTEN:
            trace[0, source] = 0
            trace[1, source] = 0
    for k in range(n_spikes):
        age = min(length - inputs[1][k], decay_power.shape[0] - 1)
        trace[0, inputs[0][k]] += decay_power[age]
        trace[1, inputs[0][k]] += rise_power[age]
    for block in range(work.spikes.shape[0]):
        for step in range(length):
            age = min(length - step, decay_power.shape[0] - 1)
            for k in range(work.first[block, step], work.first[block, step + 1]):
                trace[0, work.spikes[block, k]] += decay_power[age]
                trace[1, work.spikes[block, k]] += rise_power[age]


@kernel
def _update_recent(net, state, work, inputs, n_spikes, length):
    source, row = state.recent_source, state.recent_row
    kept = 0
    for k in range(state.n_recent[0]):
        if row[k] >= length:
            source[kept] = source[k]
            row[kept] = row[k] - length
            kept += 1
    for k in range(n_spikes):
        if inputs[1][k] >= length:
            if kept == source.shape[0]:
                return False
            source[kept] = inputs[0][k]
            row[kept] = inputs[1][k] - length
            kept += 1
    for block in range(work.spikes.shape[0]):
        for step in range(max(length - net.memory, 0), length):
            for k in range(work.first[block, step], work.first[block, step + 1]):
                if kept == source.shape[0]:
                    return False
                source[kept] = work.spikes[block, k]
                row[kept] = step + net.memory - length
                kept += 1
    state.n_recent[0] = kept
    return True
