"""Layers of the event engine that advance together, slot by slot, because what is fed back reaches somata.

A spike of a layer that feeds back moves hidden somata at once, but such a layer can only spike at its candidates. So
within a slot hidden candidates are decided up to the next of these, then that one, and so on. At the end of the slot
the states take up all that arrived, in the same order as where layers run one after the other: the same bits, where
nothing is fed back.
"""

import numpy as np

from spikelearn.core.exact import (
    begin_block,
    begin_fading,
    prepare_arrivals,
    prepare_bounds,
    prepare_spikes,
    state_at,
    sweep,
)
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import flat, load, store
from spikelearn.core.layer import FORWARD, TARGET, n_groups, teach
from spikelearn.core.notes import note
from spikelearn.core.thinning import decide, draw_candidates, time_of
from spikelearn.core.windows import age_of, slot_of


@kernel
def begin_together(model, layer, stop):
    """Start a layer on a trial that ends before slot `stop`."""
    work, memory = layer.work, model.memory
    first = layer.spikes.first
    first[memory + 1] = first[memory]
    begin_fading(layer, FORWARD, memory, stop + model.period)
    # All input spikes are known; those of layers come later.
    prepare_arrivals(work.arriving, work.soma[FORWARD], layer.below, 0, stop if layer.number == 0 else memory)
    if not layer.is_output:
        prepare_arrivals(work.returning, work.soma[FORWARD], layer.received, 0, memory)
    for block in range(layer.bias.shape[0]):
        begin_block(model, layer, block, FORWARD, memory, 0.0, True)


@kernel
def draw_period(model, trial, layer, period, phase):
    """Draw the candidates of all groups for a period."""
    for group in range(n_groups(layer)):
        draw_candidates(model, trial, layer, group, period, phase)


@kernel
def next_candidate(model, layer, slot, since, until):
    """Return the time of a layer's first candidate in a slot after `since`, `until` at the latest."""
    work, place, period = layer.work, (slot - model.memory) % model.period, (slot - model.memory) // model.period
    n, draw = work.lane.shape[0] // work.batch.shape[0] * work.lane.shape[1], flat(work.draw)
    for group in range(n_groups(layer)):
        for k in range(work.begin[group, place], work.begin[group, place + 1]):
            time = time_of(model, period, draw[group * n + k])
            if since < time < until:
                until = time
    return until


@inlined
def prepare_slot(model, layer, phase, slot):
    """Work out what the spikes of a slot, so far, do to the somata of a layer."""
    work = layer.work
    if layer.number > 0:
        prepare_arrivals(work.arriving, work.soma[phase], layer.below, slot, slot + 1)
    if not layer.is_output:
        prepare_arrivals(work.returning, work.soma[phase], layer.received, slot, slot + 1)


@kernel
def decide_slot(model, layer, phase, slot, since, until):
    """Decide a layer's candidates between two times of a slot and take up its spikes; False if there is no room."""
    work, spikes, place = layer.work, layer.spikes, (slot - model.memory) % model.period
    begin, first_slot = spikes.first[slot], slot - place
    before = spikes.first[slot + 1] - begin
    found = before
    if layer.feeds and not model.given.apical:  # what is fed back from `until` counts after it
        since, until = np.nextafter(since, np.inf), np.nextafter(until, np.inf)
    part = (phase, since, until)
    prepare_slot(model, layer, phase, slot)
    prepare_bounds(model, layer, phase, slot, slot + 1, 0)
    for group in range(n_groups(layer)):
        first, last = work.begin[group, place], work.begin[group, place + 1]
        if first < last:
            if begin + found + last - first > spikes.neuron.shape[0]:
                return False
            found, undecided = decide(model, layer, group, part, first_slot, (first, last), found)
            model.tally[1] += undecided
    if found > before:
        for k in range(before, found):
            spikes.neuron[begin + k] = spikes.new_neuron[k]
            spikes.time[begin + k] = spikes.new_time[k]
            flat(spikes.left)[begin + k] = spikes.new_left[k]
        spikes.first[slot + 1] = begin + found
        prepare_spikes(model, spikes, slot, slot + 1)
    return True


@kernel
def order_slot(model, layer, slot):
    """Bring a layer's spikes of a slot into the order of their candidates and open the next slot."""
    spikes, key = layer.spikes, layer.spikes.new_slot
    neuron, time, left = spikes.neuron, spikes.time, flat(spikes.left)
    begin, moved = spikes.first[slot], False
    for k in range(1, spikes.first[slot + 1] - begin):
        own_key, own_neuron, own_time, own_left = key[k], neuron[begin + k], time[begin + k], left[begin + k]
        target = k
        while target > 0 and key[target - 1] > own_key:
            key[target], neuron[begin + target] = key[target - 1], neuron[begin + target - 1]
            time[begin + target], left[begin + target] = time[begin + target - 1], left[begin + target - 1]
            target -= 1
        key[target], neuron[begin + target], time[begin + target] = own_key, own_neuron, own_time
        left[begin + target] = own_left
        moved = moved or target < k
    if moved:
        prepare_spikes(model, spikes, slot, slot + 1)
    spikes.first[slot + 2] = spikes.first[slot + 1]


@kernel
def end_slot(model, trial, layer, part, slot, last):
    """Let the states of a layer take up what arrived in a slot."""
    phase = part[0]
    prepare_slot(model, layer, phase, slot)
    for block in range(layer.bias.shape[0]):
        note(model, trial, layer, block, part, (slot, slot + 1))
        if not last:
            sweep(model, layer, block, phase, (slot, slot + 1))


@kernel
def end_part(model, layer, phase, time):
    """Leave the potentials of a layer at a time."""
    for block in range(layer.bias.shape[0]):
        state_at(model, layer, block, phase, slot_of(model, time), age_of(model, time))
        store(layer.v_soma, block, load(layer.work.here, 2) + load(layer.work.v_inf, block))


@kernel
def begin_teaching(model, trial, layer):
    """Go on with the outputs where teaching starts: with another conductance, so with other states."""
    work, time, memory = layer.work, trial.lengths[FORWARD], model.memory
    slot = slot_of(model, time)
    for block in range(layer.bias.shape[0]):
        note(model, trial, layer, block, (FORWARD, 0.0, time), (slot, slot + 1))
    end_part(model, layer, FORWARD, time)
    teach(layer, model.teach, trial.label)
    prepare_arrivals(work.arriving, work.soma[TARGET], layer.below, max(slot - memory, 0), slot + 1)
    begin_fading(layer, TARGET, slot, slot_of(model, time + trial.lengths[TARGET]) + 1 + model.period)
    for block in range(layer.bias.shape[0]):
        begin_block(model, layer, block, TARGET, slot, age_of(model, time), False)
    draw_period(model, trial, layer, (slot - memory) // model.period, TARGET)


@inlined
def run_together(model, trial, inputs, layers):
    """Run all layers through a trial; False if there was no room for spikes."""
    memory, n_layers, forward = model.memory, len(layers), trial.lengths[FORWARD]
    duration, phase = forward + trial.lengths[TARGET], FORWARD
    last = slot_of(model, duration)
    for number in range(n_layers):
        layer = layers[number]
        begin_together(model, layer, last + 1)
    for slot in range(memory, last + 1):
        done, end = (slot - memory) * model.slot, min((slot + 1 - memory) * model.slot, duration)
        if (slot - memory) % model.period == 0:
            for number in range(n_layers):
                own_phase = phase if layers[number].is_output else FORWARD
                draw_period(model, trial, layers[number], (slot - memory) // model.period, own_phase)
        while True:
            teaching = phase == FORWARD and forward < duration and forward <= end
            limit = forward if teaching else end
            edge = limit
            for number in range(n_layers):
                if layers[number].feeds and not model.given.apical:
                    edge = next_candidate(model, layers[number], slot, done, edge)
            for number in range(n_layers):
                layer = layers[number]
                own_phase = phase if layer.is_output else FORWARD
                if not decide_slot(model, layer, own_phase, slot, done, edge):
                    return False
            done = edge
            if edge == limit:
                if not teaching:
                    break
                phase = TARGET
                begin_teaching(model, trial, layers[n_layers - 1])
        for number in range(n_layers):
            order_slot(model, layers[number], slot)
        for number in range(n_layers):
            layer = layers[number]
            part = (FORWARD, 0.0, duration)
            if layer.is_output and phase == TARGET:
                part = (TARGET, forward, duration)
            end_slot(model, trial, layer, part, slot, slot == last)
    for number in range(n_layers):
        layer = layers[number]
        end_part(model, layer, phase if layer.is_output else FORWARD, duration)
    return True
