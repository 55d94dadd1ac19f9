"""Averages of the clock over steps, from tables of the kernel's sums, and what a trial leaves for the next one."""

import numpy as np

from spikelearn.core.curves import value
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.layer import FORWARD, TARGET, window_there
from spikelearn.core.spikes import age_traces

SEGMENT = 128  # steps that are drawn, and whose spikes are filtered, together


@inlined
def mean_kernel(tables, step, start, stop):
    """Mean over steps `start` to `stop` of the potential that a spike in step `step` evokes."""
    last = tables.decay_sum.shape[0] - 1
    high = min(max(stop - step, 0), last)
    low = min(max(start - step, 0), last)
    decay = tables.decay_sum[high] - tables.decay_sum[low]
    rise = tables.rise_sum[high] - tables.rise_sum[low]
    return (decay - rise) / (stop - start)


@inlined
def _fading(power_sum, scale, start, stop):
    """Sum over steps `start` to `stop` of what a trace of 1 before step 0 still gives; `start` may be -1."""
    last = power_sum.shape[0] - 1
    return power_sum[min(stop, last)] - (power_sum[min(start, last)] if start >= 0 else -np.float64(scale))


@inlined
def delivery_window(model, trial, delivered, row):
    """Return the steps whose spikes, or rates, make a row of what is delivered.

    Apical dendrites see them one step later; and their plateaus may come before the phase ends.
    """
    shifts = delivered.shape[0] // 2
    before = 1 + row % shifts * model.grain
    return trial.windows[row // shifts, 0] - before, trial.windows[row // shifts, 1] - before


@kernel
def add_means(model, spikes, mean, start, stop, n_slots):
    """Add what each neuron's spikes, remembered ones too, give on average in steps `start` to `stop`."""
    trace, tables, weight, neuron, first = spikes.trace, model.tables, model.weight, spikes.neuron, spikes.first
    for j in range(trace.shape[1]):
        if trace[0, j] != 0:
            decay = _fading(tables.decay_sum, model.scale, start, stop) * trace[0, j]
            rise = _fading(tables.rise_sum, model.scale, start, stop) * trace[1, j]
            mean[j] += (decay - rise) / (stop - start)
    for slot in range(n_slots):
        weight[slot] = mean_kernel(tables, slot - model.memory, start, stop)
    for slot in range(n_slots):
        if weight[slot] != 0:
            for k in range(first[slot], first[slot + 1]):
                mean[neuron[k]] += weight[slot]


@inlined
def filter_spikes(model, trial, spikes, n_slots):
    """Average filtered spikes over the window of the forward phase, and of the target phase for a rule that asks."""
    if window_there(trial, FORWARD):
        spikes.psp[:] = 0
        add_means(model, spikes, spikes.psp, trial.windows[FORWARD, 0], trial.windows[FORWARD, 1], n_slots)
    if spikes.psp_target.shape[0] > 0 and window_there(trial, TARGET):
        spikes.psp_target[:] = 0
        add_means(model, spikes, spikes.psp_target, trial.windows[TARGET, 0], trial.windows[TARGET, 1], n_slots)


@inlined
def average_spikes(model, trial, inputs, layers):
    """Average filtered spikes: what layers receive from below in the forward phase, and apical dendrites in both."""
    n_slots = trial.lengths.sum() + model.memory
    filter_spikes(model, trial, inputs, n_slots)
    for number in range(len(layers)):
        layer = layers[number]
        if not layer.is_output:
            filter_spikes(model, trial, layer.spikes, n_slots)
        if layer.feeds and not model.rates:
            delivered = layer.fed.delivered
            for row in range(delivered.shape[0]):
                if window_there(trial, row // (delivered.shape[0] // 2)):
                    delivered[row] = 0
                    start_row, stop_row = delivery_window(model, trial, delivered, row)
                    add_means(model, layer.fed, delivered[row], start_row, stop_row, n_slots)


@inlined
def count_spikes(model, spikes, start, stop, counts, k, column):
    """Count the spikes of each neuron in steps `start` to `stop` into row `k`."""
    for spike in range(spikes.first[model.memory + start], spikes.first[model.memory + stop]):
        counts[k, column + spikes.neuron[spike]] += 1


@inlined
def begin_deliveries(model, trial, layers):
    """Begin the mean of rates that are fed back with those of the step before the trial."""
    for number in range(len(layers)):
        layer = layers[number]
        if layer.feeds and model.rates:
            delivered = layer.fed.delivered
            for row in range(delivered.shape[0]):
                if not window_there(trial, row // (delivered.shape[0] // 2)):
                    continue
                delivered[row] = 0
                start, stop = delivery_window(model, trial, delivered, row)
                if start < 0:  # settling is longer than plateaus are early, so it is -1
                    for cell in range(layer.n):
                        v_soma = np.float64(layer.v_soma[cell // LANES, cell % LANES])
                        delivered[row, cell] += model.rate_max * value(layer.curve, v_soma) / (stop - start)


# -- memory -----------------------------------------------------------------------------------------------------------


@kernel
def remember(model, spikes):
    """Turn the spikes of the last trial into memory for the next one."""
    first, neuron, memory, elapsed = spikes.first, spikes.neuron, model.memory, model.elapsed
    if memory == 0:
        _age(model, spikes, 0, elapsed[0])
        _age(model, spikes, elapsed[0], elapsed[1])
        first[0] = 0
        return
    last = elapsed[0] + elapsed[1]
    shift = first[last]
    for k in range(shift, first[last + memory]):
        neuron[k - shift] = neuron[k]
    for slot in range(memory + 1):
        first[slot] = first[last + slot] - shift


@inlined
def _age(model, spikes, onset, n_steps):
    """Filter the spikes of a phase, each neuron for itself, a segment at a time: no power is beyond the table."""
    decays, rises, trace = model.tables.decay_power, model.tables.rise_power, spikes.trace
    first, neuron, oldest = spikes.first, spikes.neuron, model.tables.decay_power.shape[0] - 1
    for begin in range(onset, onset + n_steps, SEGMENT):
        end = min(begin + SEGMENT, onset + n_steps)
        age_traces(trace, decays[min(end - begin, oldest)], rises[min(end - begin, oldest)])
        for step in range(begin, end):
            decay, rise = decays[min(end - step, oldest)], rises[min(end - step, oldest)]
            for k in range(first[step], first[step + 1]):
                trace[0, neuron[k]] += decay
                trace[1, neuron[k]] += rise


@inlined
def remember_all(model, inputs, layers):
    """Turn the spikes of the last trial into memory, if that has not been done."""
    if model.elapsed[0] + model.elapsed[1] > 0:
        remember(model, inputs)
        for number in range(len(layers)):
            remember(model, layers[number].spikes)
        model.elapsed[:] = 0
