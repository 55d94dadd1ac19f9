"""Layers of the event engine that advance together, because what is fed back reaches somata.

They go period by period. What will be fed back in a period is not known when it begins; so all layers run through it
with what was found the time before, at first nothing, until they find the same again. That is the only solution: a
spike depends on earlier ones alone, so each time at least one more is right. As what is fed back comes seldom and moves
somata little, two or three times are enough.
"""

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
from spikelearn.core.spikes import sort_spikes
from spikelearn.core.thinning import decide, draw_candidates
from spikelearn.core.windows import age_of, slot_of

AGAIN = 100_000  # more often than there are spikes in a period


@kernel
def begin_together(model, layer, phase, stop):
    """Start a layer on a trial that ends before slot `stop`."""
    work, memory = layer.work, model.memory
    begin_fading(layer, phase, memory, stop + model.period)
    # All input spikes are known; those of layers come later.
    prepare_arrivals(work.arriving, work.soma[phase], layer.below, 0, stop if layer.number == 0 else memory)
    if not layer.is_output:
        prepare_arrivals(work.returning, work.soma[phase], layer.received, 0, memory)
    for block in range(layer.bias.shape[0]):
        begin_block(model, layer, block, phase, memory, 0.0, True)


@kernel
def draw_period(model, trial, layer, period, phase):
    """Draw the candidates of all groups for a period."""
    for group in range(n_groups(layer)):
        draw_candidates(model, trial, layer, group, period, phase)


@kernel
def expect_nothing(layer, start, stop):
    """Let a layer have no spikes in some slots, until it has run through them."""
    first = layer.spikes.first
    for slot in range(start, stop):
        first[slot + 1] = first[start]


@kernel
def run_slots(model, layer, part, slots):
    """Run a layer through some slots of a period, with the others' spikes as they are; 1 if it finds new ones.

    -1 if there is no room for spikes. Those before a part of a trial that begins within the first slot stay.
    """
    (phase, since, until), (start, stop), memory = part, slots, model.memory
    work, spikes, last = layer.work, layer.spikes, slot_of(model, until)
    if layer.number > 0:
        prepare_arrivals(work.arriving, work.soma[phase], layer.below, start, stop)
    if not layer.is_output:
        prepare_arrivals(work.returning, work.soma[phase], layer.received, start, stop)
    prepare_bounds(model, layer, phase, start, stop, model.period)
    for block in range(layer.bias.shape[0]):
        sweep(model, layer, block, phase, (start, min(stop, last)))
    begin, place = spikes.first[start], (start - memory) % model.period
    found = 0
    for k in range(begin, spikes.first[start + 1]):
        if spikes.time[k] < since:
            spikes.new_neuron[found], spikes.new_time[found] = spikes.neuron[k], spikes.time[k]
            spikes.new_left[found], spikes.new_slot[found] = flat(spikes.left)[k], start
            found += 1
    for group in range(n_groups(layer)):
        among = work.begin[group, place], work.begin[group, place + stop - start]
        if begin + found + among[1] - among[0] > spikes.neuron.shape[0]:
            return -1
        found, undecided = decide(model, layer, group, part, start - place, among, found)
        model.tally[1] += undecided
    changed = sort_spikes(spikes, found, start, stop)
    prepare_spikes(model, spikes, start, stop)
    return 1 if changed and layer.feeds and not model.given.apical else 0


@kernel
def note_slots(model, trial, layer, part, slots):
    """Note of a layer, in some slots, what averages and records want."""
    for block in range(layer.bias.shape[0]):
        note(model, trial, layer, block, part, slots)


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
    teach(layer, model.teach, trial.target)
    prepare_arrivals(work.arriving, work.soma[TARGET], layer.below, max(slot - memory, 0), slot + 1)
    begin_fading(layer, TARGET, slot, slot_of(model, time + trial.lengths[TARGET]) + 1 + model.period)
    for block in range(layer.bias.shape[0]):
        begin_block(model, layer, block, TARGET, slot, age_of(model, time), False)
    draw_period(model, trial, layer, (slot - memory) // model.period, TARGET)


@inlined
def run_together(model, trial, inputs, layers):
    """Run all layers through a trial; False if there was no room for spikes."""
    memory, n_layers, forward = model.memory, len(layers), trial.lengths[FORWARD]
    duration, phase = forward + trial.lengths[TARGET], FORWARD if forward > 0 else TARGET
    last, turn = slot_of(model, duration), slot_of(model, forward)
    if phase == TARGET:
        teach(layers[n_layers - 1], model.teach, trial.target)
    for number in range(n_layers):
        begin_together(model, layers[number], phase if layers[number].is_output else FORWARD, last + 1)
    slot, unknown, drawn = memory, memory, -1  # slots from `unknown` on were never run through
    while slot <= last:
        period = (slot - memory) // model.period
        if period > drawn:
            for number in range(n_layers):
                draw_period(model, trial, layers[number], period, phase if layers[number].is_output else FORWARD)
            drawn = period
        stop = min(memory + (period + 1) * model.period, last + 1)
        teaching = phase == FORWARD and forward < duration and turn < stop
        until = duration
        if teaching:
            stop, until = turn + 1, forward
        for number in range(n_layers):
            expect_nothing(layers[number], unknown, stop)
        unknown = stop
        for _ in range(AGAIN):
            changed = 0
            for number in range(n_layers):
                part = (FORWARD, 0.0, until)
                if layers[number].is_output and phase == TARGET:
                    part = (TARGET, forward, until)
                status = run_slots(model, layers[number], part, (slot, stop))
                if status < 0:
                    return False
                changed += status
            if changed == 0:
                break
        if changed != 0:  # cannot be; but what was not settled must not pass for it
            return False
        for number in range(n_layers):
            part = (FORWARD, 0.0, duration)
            if layers[number].is_output and phase == TARGET:
                part = (TARGET, forward, duration)
            note_slots(model, trial, layers[number], part, (slot, turn if teaching else stop))
        slot = stop
        if teaching:
            slot, phase = turn, TARGET
            begin_teaching(model, trial, layers[n_layers - 1])
    for number in range(n_layers):
        layer = layers[number]
        end_part(model, layer, phase if layer.is_output else FORWARD, duration)
    return True
