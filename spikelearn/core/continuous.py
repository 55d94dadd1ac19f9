"""Trials of the event engine: inputs, layers one after the other or together, averages, memory."""

import numpy as np

from spikelearn.core.exact import (
    begin_block,
    begin_bounds,
    begin_fading,
    prepare_arrivals,
    prepare_bounds,
    prepare_spikes,
    state_at,
    sweep,
)
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import flat, load, store
from spikelearn.core.layer import FORWARD, GROUP, TARGET, group_blocks, n_groups, teach, window_there
from spikelearn.core.notes import note, watch_apical
from spikelearn.core.poisson import fill_guide, look_up
from spikelearn.core.random import fill_exponentials, fill_words
from spikelearn.core.spikes import age_traces, sort_spikes
from spikelearn.core.thinning import decide, draw_candidates
from spikelearn.core.together import run_together
from spikelearn.core.windows import (
    add_means,
    age_of,
    age_spikes,
    delivery_window,
    end_rates,
    mean_potentials,
    slot_of,
)

GAPS, CHOICES = 0, 1  # streams of the inputs' draws


# -- memory and inputs ------------------------------------------------------------------------------------------------


@kernel
def remember(model, spikes):
    """Turn the spikes of the last trial into memory for the next one."""
    first, time, elapsed, memory = spikes.first, spikes.time, model.elapsed[0] + model.elapsed[1], model.memory
    stop = slot_of(model, elapsed) + 1
    if memory == 0:
        age_traces(spikes.trace, np.exp(-elapsed / model.tau_decay), np.exp(-elapsed / model.tau_rise))
        age_spikes(model, spikes, elapsed)
        first[0] = 0
        return
    n = 0
    for k in range(first[max(stop - 1 - memory, 0)], first[stop]):
        if time[k] > elapsed - memory * model.slot:
            spikes.new_neuron[n] = spikes.neuron[k]
            spikes.new_time[n] = time[k] - elapsed
            n += 1
    place_memory(model, spikes, n)


@inlined
def place_memory(model, spikes, n):
    """Take up `n` new spikes from before the trial."""
    for k in range(n):
        slot = np.int64(np.floor(spikes.new_time[k] / model.slot)) + model.memory
        slot = min(max(slot, 0), model.memory - 1)
        spikes.new_slot[k] = slot
        spikes.new_left[k] = (slot + 1 - model.memory) * model.slot - spikes.new_time[k]
    spikes.first[0] = 0
    sort_spikes(spikes, n, 0, model.memory)


@inlined
def remember_all(model, inputs, layers):
    """Turn the spikes of the last trial into memory, if that has not been done."""
    if model.elapsed[0] + model.elapsed[1] > 0:
        remember(model, inputs)
        for number in range(len(layers)):
            remember(model, layers[number].spikes)
        model.elapsed[:] = 0


@inlined
def _fill_draws(model, batch, example):
    draws = model.draws
    fill_words(model.keys[0], batch, GAPS, example, draws.words, 0)
    fill_exponentials(draws.words, 0, draws.gaps)
    fill_words(model.keys[0], batch, CHOICES, example, draws.words, 0)


@kernel
def fill_inputs(model, trial, inputs, intensity, duration):
    """Draw, or take, the input spikes of a trial; False if there is no room."""
    draws, given, memory, left = model.draws, model.given, model.memory, flat(inputs.left)
    first, time, neuron, room = inputs.first, inputs.time, inputs.neuron, inputs.neuron.shape[0]
    total, n, slot, n_lit = 0.0, first[memory], memory, 0
    for j in range(intensity.shape[0]):
        total += trial.rate * np.float64(intensity[j])
        draws.lit[n_lit] = j
        draws.cumulative[n_lit] = total
        n_lit += intensity[j] != 0
    cumulative = draws.cumulative[: max(n_lit, 1)]
    fill_guide(cumulative, draws.guide)
    now, used, end, per_slot = 0.0, 0, 0, 1.0 / model.slot
    if given.inputs:
        used, end = given.first[trial.row], given.first[trial.row + 1]
    while True:
        if given.inputs:
            now = given.input_when[used] if used < end else duration
        elif total > 0:
            if used % GROUP == 0:
                _fill_draws(model, used // GROUP, trial.example)
            now += draws.gaps[used % GROUP] / total
        else:
            now = duration
        if now >= duration:
            break
        if n == room:
            return False
        here = np.int64(now * per_slot) + memory
        while slot < here:
            slot += 1
            first[slot] = n
        time[n] = now
        left[n] = (here + 1 - memory) * model.slot - now
        neuron[n] = (
            given.input_neuron[used]
            if given.inputs
            else draws.lit[look_up(cumulative, draws.guide, draws.words[0, used % GROUP])]
        )
        n += 1
        used += 1
    while slot <= slot_of(model, duration):
        slot += 1
        first[slot] = n
    prepare_spikes(model, inputs, 0, slot)
    return True


# -- layers one after the other ---------------------------------------------------------------------------------------


@kernel
def run_part(model, trial, layer, part, found):
    """Run a layer through a part of a trial, block by block.

    Parameters
    ----------
    part : (phase, begin, end)
        Of a hidden layer the whole trial; of the outputs each phase, because teaching changes their conductance.
    found : int
        Spikes found in earlier parts.

    Returns
    -------
    int
        Spikes found so far; -1 if there is no room.
    """
    phase, since, until = part
    work, memory = layer.work, model.memory
    start, stop = slot_of(model, since), slot_of(model, until)
    prepare_arrivals(work.arriving, work.soma[phase], layer.below, max(start - memory, 0), stop + 1)
    prepare_bounds(model, layer, phase, start, stop + 1, model.period)
    begin_fading(layer, phase, start, stop + 1 + model.period)
    room = layer.spikes.neuron.shape[0] - layer.spikes.first[memory]
    for block in range(layer.bias.shape[0]):
        begin_block(model, layer, block, phase, start, age_of(model, since), since == 0.0)
    for group in range(n_groups(layer)):  # whose rows of weights stay in the cache from period to period
        first_block, last_block = group_blocks(layer, group)
        for period in range((start - memory) // model.period, (stop - memory) // model.period + 1):
            first_slot = memory + period * model.period
            begin, end = max(first_slot, start), min(first_slot + model.period, stop + 1)
            for block in range(first_block, last_block):
                sweep(model, layer, block, phase, (begin, min(end, stop)))
            for block in range(first_block, last_block):
                note(model, trial, layer, block, part, (begin, end))
            n = draw_candidates(model, trial, layer, group, period, phase)
            if found + n > room:
                return -1
            found, undecided = decide(model, layer, group, part, first_slot, (0, n), found)
            model.tally[1] += undecided
    for block in range(layer.bias.shape[0]):
        state_at(model, layer, block, phase, stop, age_of(model, until))
        store(layer.v_soma, block, load(work.here, 2) + load(work.v_inf, block))
    return found


@kernel
def begin_layer(model, layer):
    """Prepare a layer for a trial."""
    layer.current[:] = 0
    layer.work.rates[:] = 0
    layer.work.batch[:] = -1
    begin_bounds(model, layer)
    prepare_spikes(model, layer.spikes, 0, model.memory)
    if model.given.apical:
        prepare_spikes(model, layer.fed, 0, layer.fed.first.shape[0] - 1)


@inlined
def run_layers(model, trial, inputs, layers):
    """Run all layers through a trial, one after the other; False if there was no room for spikes."""
    memory, forward = model.memory, trial.lengths[FORWARD]
    duration = forward + trial.lengths[TARGET]
    for number in range(len(layers)):
        layer = layers[number]
        found = 0
        for phase in range(2 if layer.is_output else 1):
            if layer.is_output and trial.lengths[phase] == 0:
                continue
            if phase == TARGET:
                teach(layer, model.teach, trial.target)
            begin = forward if phase == TARGET else 0.0
            end = forward if layer.is_output and phase == FORWARD else duration
            found = run_part(model, trial, layer, (phase, begin, end), found)
            if found < 0:
                return False
        sort_spikes(layer.spikes, found, memory, slot_of(model, duration) + 1)
        prepare_spikes(model, layer.spikes, memory, slot_of(model, duration) + 1)
    return True


# -- a trial ----------------------------------------------------------------------------------------------------------


@inlined
def present(model, inputs, layers, trial, intensity):
    """Run one trial and leave its averages: a forward phase and a target phase, each if it has a length.

    Returns
    -------
    bool
        False if a buffer of spikes was too small, which its size makes all but impossible (2**-100).
    """
    duration = trial.lengths[FORWARD] + trial.lengths[TARGET]
    remember_all(model, inputs, layers)
    if not fill_inputs(model, trial, inputs, intensity, duration):
        return False
    for number in range(len(layers)):
        begin_layer(model, layers[number])
    done = False
    if model.coupled:
        done = run_together(model, trial, inputs, layers)
    else:
        done = run_layers(model, trial, inputs, layers)
    if not done:
        return False
    model.elapsed[0], model.elapsed[1] = trial.lengths[0], trial.lengths[1]
    average(model, trial, inputs, layers)
    if model.probe.apical:
        watch_apical(model, layers, slot_of(model, duration))
    return True


@inlined
def filter_spikes(model, trial, spikes):
    """Average filtered spikes over the window of the forward phase, and of the target phase for a rule that asks."""
    if window_there(trial, FORWARD):
        spikes.psp[:] = 0
        add_means(model, spikes, spikes.psp, trial.windows[FORWARD, 0], trial.windows[FORWARD, 1])
    if spikes.psp_target.shape[0] > 0 and window_there(trial, TARGET):
        spikes.psp_target[:] = 0
        add_means(model, spikes, spikes.psp_target, trial.windows[TARGET, 0], trial.windows[TARGET, 1])


@inlined
def average(model, trial, inputs, layers):
    """Average filtered spikes and potentials over the windows of the phases."""
    filter_spikes(model, trial, inputs)
    for number in range(len(layers)):
        layer = layers[number]
        if not layer.is_output:
            filter_spikes(model, trial, layer.spikes)
        end_rates(model, trial, layer)
        if layer.feeds and not model.rates:
            delivered = layer.fed.delivered
            for row in range(delivered.shape[0]):
                if window_there(trial, row // (delivered.shape[0] // 2)):
                    delivered[row] = 0
                    begin, end = delivery_window(model, trial, delivered, row)
                    add_means(model, layer.fed, delivered[row], begin, end)
    if window_there(trial, FORWARD):
        for number in range(len(layers)):
            mean_potentials(model, trial, layers[number])


@inlined
def count_spikes(model, spikes, start, stop, counts, k, column):
    """Count the spikes of each neuron from `start` to `stop` into row `k`."""
    for spike in range(spikes.first[slot_of(model, start)], spikes.first[slot_of(model, stop) + 1]):
        if start <= spikes.time[spike] < stop:
            counts[k, column + spikes.neuron[spike]] += 1
