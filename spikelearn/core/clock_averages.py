"""Averages of filtered spikes in the clock engine, from tables of the kernel's sums, and what is kept of spikes.

A spike adds to an average what its kernel has within the window: one look into a table, no filter for each neuron.
"""

import numpy as np

from spikelearn.core.dynamics import sigmoid
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, load, pick, store
from spikelearn.core.layout import FORGOTTEN, FORWARD, SEGMENT
from spikelearn.core.probe import first_at


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


# -- memory -----------------------------------------------------------------------------------------------------------


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
