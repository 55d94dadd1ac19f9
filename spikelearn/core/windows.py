"""Averages of the event engine over windows of time, in closed form.

The balance of what came and went gives the mean of every potential; only the mean of a curve needs a quadrature.
"""

import numpy as np

from spikelearn.core.curves import slope, value
from spikelearn.core.exact import ring_row, soma_at, state_at
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, clip, flat, fma, full, load, store
from spikelearn.core.layer import FORWARD, TARGET, phase_of, window_there


@inlined
def slot_of(model, time):
    """Return the slot that holds a time of the trial."""
    return np.int64(time / model.slot) + model.memory


@inlined
def age_of(model, time):
    """Return how long after the start of its slot a time is, ms."""
    return time - np.int64(time / model.slot) * model.slot


@inlined
def delivery_window(model, trial, delivered, row):
    """Return the window of a row of what is delivered: plateaus may come before the phase ends."""
    shifts = delivered.shape[0] // 2
    early = row % shifts * model.grain
    return trial.windows[row // shifts, 0] - early, trial.windows[row // shifts, 1] - early


# -- filtered spikes --------------------------------------------------------------------------------------------------


@inlined
def integral(model, age):
    """Integral of the synaptic kernel up to an age."""
    age = max(age, 0.0)
    if model.memory > 0:
        age = min(age, model.memory * model.slot)
    decay = model.tau_decay * (1.0 - np.exp(-age / model.tau_decay))
    return model.scale * (decay - model.tau_rise * (1.0 - np.exp(-age / model.tau_rise)))


@kernel
def add_means(model, spikes, mean, start, stop):
    """Add what each neuron's spikes, remembered ones too, give on average from `start` to `stop`.

    Of a spike at `t` that is ``(I(stop - t) - I(start - t)) / (stop - start)``, `I` the integral of the kernel: within
    a slot, a constant and two multiples of what the spike leaves of the exponentials at the end of the slot.
    """
    memory, slot_length, first, neuron = model.memory, model.slot, spikes.first, spikes.neuron
    per_window, forgotten, whole = 1.0 / (stop - start), memory * model.slot, 0.0
    decay, rise, trace = flat(spikes.decay), flat(spikes.rise), spikes.trace
    tau_decay, tau_rise = model.tau_decay, model.tau_rise
    if memory > 0:
        whole = integral(model, forgotten)
    else:
        from_decay = tau_decay * (np.exp(-start / tau_decay) - np.exp(-stop / tau_decay))
        from_rise = tau_rise * (np.exp(-start / tau_rise) - np.exp(-stop / tau_rise))
        for j in range(trace.shape[1]):
            if trace[0, j] != 0:
                mean[j] += per_window * model.scale * (from_decay * trace[0, j] - from_rise * trace[1, j])
    begin = max(slot_of(model, start - forgotten), 0) if memory > 0 else 0
    for slot in range(begin, slot_of(model, stop) + 1):
        opening = (slot - memory) * slot_length
        closing, weight, by_decay, by_rise, mixed = opening + slot_length, 0.0, 0.0, 0.0, False
        for edge, sign in ((stop, 1.0), (start, -1.0)):
            if closing <= edge and (memory == 0 or opening >= edge - forgotten):
                weight += sign  # the kernel has unit area
                by_decay -= sign * model.scale * tau_decay * np.exp(-(edge - closing) / tau_decay)
                by_rise += sign * model.scale * tau_rise * np.exp(-(edge - closing) / tau_rise)
            elif memory > 0 and closing <= edge - forgotten:
                weight += sign * whole
            elif opening < edge:
                mixed = True
        if mixed:
            for k in range(first[slot], first[slot + 1]):
                time = spikes.time[k]
                mean[neuron[k]] += per_window * (integral(model, stop - time) - integral(model, start - time))
        else:
            weight, by_decay, by_rise = per_window * weight, per_window * by_decay, per_window * by_rise
            for k in range(first[slot], first[slot + 1]):
                mean[neuron[k]] += weight + by_decay * decay[k] + by_rise * rise[k]


@kernel
def age_spikes(model, spikes, elapsed):
    """Filter the spikes of a trial that took so long, each neuron for itself."""
    trace, first, neuron = spikes.trace, spikes.first, spikes.neuron
    decay, rise = flat(spikes.decay), flat(spikes.rise)
    for slot in range(slot_of(model, elapsed) + 1):
        since = elapsed - (slot + 1) * model.slot
        left_decay, left_rise = np.exp(-since / model.tau_decay), np.exp(-since / model.tau_rise)
        for k in range(first[slot], first[slot + 1]):
            trace[0, neuron[k]] += left_decay * decay[k]
            trace[1, neuron[k]] += left_rise * rise[k]


# -- potentials and rates ---------------------------------------------------------------------------------------------


@kernel
def mean_potentials(model, trial, layer):
    """Average the potentials of a layer over the window of the forward phase.

    ``g mean(V) = g_d mean(V_dendrite) + g_a mean(V_apical) + current - (V(stop) - V(start)) / (stop - start)``; there
    is a current where teaching is on, because the trial has no forward phase.
    """
    work, blocks, psp = layer.work, layer.bias.shape[0], layer.below.psp
    per_window = 1.0 / (trial.windows[FORWARD, 1] - trial.windows[FORWARD, 0])
    for block in range(blocks):
        dendrite = load(layer.bias, block)
        for j in range(layer.n_pre):
            if psp[j] != 0:
                dendrite = fma(psp[j], load(layer.weights, block * layer.n_pre + j), dendrite)
        if model.coupled and not layer.is_output:
            dendrite = fma(work.apical, load(layer.apical_bias, block), dendrite)
            for k in range(layer.n_feedback):
                received = work.apical * layer.received.delivered[0, k]
                dendrite = fma(received, load(layer.feedback, block * layer.n_feedback + k), dendrite)
        gone = load(work.v_start, block) - load(work.v_stop, block)
        phase, current = FORWARD, full(layer.bias, 0.0)
        if layer.is_output and phase_of(trial, FORWARD) == TARGET:
            phase, current = TARGET, load(layer.current, block)
        total = work.total[phase]
        v = fma(work.dendrite / total, dendrite, (per_window / total) * gone)
        store(layer.v_forward, block, v + (1.0 / total) * current)


@inlined
def slope_in_time(curve, v, motion, slot):
    """Return the slope of a rate, given that of its potential, within what crosses the whole range in a slot."""
    return clip(slope(curve, v) * motion, -1.0 / slot, 1.0 / slot)


@kernel
def add_rates(model, layer, block, phase, window, start, stop):
    """Add the rates of a block at the starts of slots `start` to `stop`, and at the ends of a window, to its integral.

    By the trapezoid rule with corrections from the slopes: between nodes `l` and `r` apart to the left and the right, a
    node counts for ``(l + r) / 2`` of its value and ``(r^2 - l^2) / 12`` of its slope.
    """
    work = layer.work
    begin, end, row = window
    ring = work.ring
    first, last = slot_of(model, begin), slot_of(model, end)
    total, v_inf = load(work.rates, row), load(work.v_inf, block)
    head = min((first + 1 - model.memory) * model.slot, end) - begin
    tail = end - max((last - model.memory) * model.slot, begin)
    flux = work.dendrite * model.scale
    for slot in range(max(start, first), min(stop, last + 1)):
        if slot > first:
            now, then = ring_row(model, layer, block, slot), ring_row(model, layer, block, slot - model.memory)
            left = head if slot == first + 1 else model.slot
            right = tail if slot == last else model.slot
            soma = soma_at(model, layer, block, phase, slot)
            v = soma + v_inf
            total = fma(0.5 * (left + right), value(layer.curve, v), total)
            if left != right:
                decay = fma(-model.cut_decay, load(ring, then), load(ring, now))
                rise = fma(-model.cut_rise, load(ring, then + 1), load(ring, now + 1))
                motion = fma(-work.total[phase], soma, flux * (decay - rise))
                rising = slope_in_time(layer.curve, v, motion, model.slot)
                total = fma((right * right - left * left) / 12.0, rising, total)
        for k in range(2):
            if slot == (last if k == 1 else first):
                age = age_of(model, end if k == 1 else begin)
                width = tail if k == 1 else head
                state_at(model, layer, block, phase, slot, age)
                decay, rise, soma = load(work.here, 0), load(work.here, 1), load(work.here, 2)
                v, motion = soma + v_inf, fma(-work.total[phase], soma, flux * (decay - rise))
                rising = slope_in_time(layer.curve, v, motion, model.slot)
                total = fma(0.5 * width, value(layer.curve, v), total)
                total = fma((-width if k == 1 else width) * width / 12.0, rising, total)
    store(work.rates, row, total)


@inlined
def add_all_rates(model, trial, layer, block, phase, start, stop):
    """Add the rates of a block to all averages that want them: of the outputs' activity, and of what is fed back."""
    delivered, blocks = layer.fed.delivered, layer.bias.shape[0]
    shifts = delivered.shape[0] // 2
    for row in range(2 * shifts):
        if row == TARGET * shifts and layer.is_output or model.rates and layer.feeds:
            window = row // shifts
            if window_there(trial, window) and (not layer.is_output or phase_of(trial, window) == phase):
                begin, end = delivery_window(model, trial, delivered, row)
                add_rates(model, layer, block, phase, (begin, end, row * blocks + block), start, stop)


@kernel
def end_rates(model, trial, layer):
    """Turn the integrals of rates into means, and into what is delivered where rates are fed back."""
    work, delivered, blocks = layer.work, layer.fed.delivered, layer.bias.shape[0]
    shifts = delivered.shape[0] // 2
    if layer.is_output and window_there(trial, TARGET):
        per_window = 1.0 / (trial.windows[TARGET, 1] - trial.windows[TARGET, 0])
        for block in range(blocks):
            store(layer.activity, block, per_window * load(work.rates, TARGET * shifts * blocks + block))
    if model.rates and layer.feeds:
        for row in range(2 * shifts):
            if window_there(trial, row // shifts):
                per_window = model.rate_max / (trial.windows[row // shifts, 1] - trial.windows[row // shifts, 0])
                for cell in range(layer.n):
                    delivered[row, cell] = per_window * work.rates[row * blocks + cell // LANES, cell % LANES]
