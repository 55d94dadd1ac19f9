"""Spikes of neurons whose potential is known in continuous time: thinning (Lewis & Shedler 1979), exactly.

A group of neurons gets a Poisson number of candidates in each period of some slots, at `rate_max` a neuron; each falls
on a moment and a neuron, and becomes a spike with the probability that the neuron's curve has at V. That is the case if
V lies above the curve's inverse at a uniform draw, so the curve itself is not needed. And mostly no exact V: from the
state at the start of the slot alone it is wrong by what arrives or is forgotten in the slot, at most. Only where that
could matter it is summed.
"""

import numpy as np

from spikelearn.core.curves import fill_thresholds
from spikelearn.core.exact import polynomial
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, NARROW, flat, fma, load, piece, put_piece, store
from spikelearn.core.layer import GROUP, PARTS, group_size
from spikelearn.core.poisson import draw_count
from spikelearn.core.random import WORD, fill_words, uniform

LOW, HALF, ONE = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(1)
_LANE_BITS = np.int32(LANES.bit_length() - 1)


@inlined
def time_of(model, period, draw):
    """Return the time of a candidate, ms from the start of the trial: by what was drawn, whatever the slots."""
    return (period + uniform(draw)) * (model.period * model.slot)


@kernel
def draw_candidates(model, trial, layer, group, period, phase):
    """Draw the candidates of a group in a period of the trial, neurons, times and thresholds; return their number."""
    work, stream = layer.work, layer.first_group + group
    key = 1 + 3 * layer.number
    if work.batch[group] != period // GROUP:
        work.batch[group] = period // GROUP
        fill_words(model.keys[key], period // GROUP, stream, trial.example, work.count_words, group)
    n = draw_count(model.counts, stream, work.count_words[group, period % GROUP])
    work.n_candidates[group] = n
    rows = work.lane.shape[0] // work.batch.shape[0]
    words, lanes, slots = model.draws.words, np.uint64(group_size(layer, group)), np.uint64(model.period)
    ages, thresholds = flat(work.age), flat(work.threshold)
    grain = ages.dtype.type(model.slot * WORD)
    for row in range((n + GROUP - 1) // GROUP):
        lane, place, draw = work.lane[group * rows + row], work.place[group * rows + row], work.draw[group * rows + row]
        age = ages[(group * rows + row) * GROUP :]
        threshold = thresholds[(group * rows + row) * GROUP : (group * rows + row + 1) * GROUP]
        fill_words(model.keys[key + 1], period * rows + row, stream, trial.example, words, 0)
        for k in range(GROUP):
            # The high part of a product is a uniform choice, the low part a draw again: neuron, slot, place in it.
            neuron = np.uint64(words[0, k]) * lanes
            moment = (neuron & LOW) * slots + (slots >> ONE)
            lane[k], draw[k] = neuron >> HALF, neuron & LOW
            place[k] = moment >> HALF
            age[k] = age.dtype.type(np.uint32(moment & LOW)) * grain
        fill_words(model.keys[key + 2], period * rows + row, stream, trial.example, words, 0)
        fill_thresholds(layer.curve, words, 0, threshold)
    model.tally[0] += n
    if model.coupled:
        sort_candidates(model, layer, group)
    weigh_states(layer, group, phase, n)
    return n


@kernel
def sort_candidates(model, layer, group):
    """Sort the candidates of a group by slot, for layers that advance together, slot by slot; set ``work.begin``."""
    work, n, begin = layer.work, layer.work.n_candidates[group], layer.work.begin[group]
    rows = work.lane.shape[0] // work.batch.shape[0]
    lane, place = flat(work.lane)[group * rows * GROUP :], flat(work.place)[group * rows * GROUP :]
    age = flat(work.age)[group * rows * GROUP :]
    threshold = flat(work.threshold)[group * rows * GROUP :]
    draw, old_draw = flat(work.draw)[group * rows * GROUP :], work.old_draw
    old_age, old_threshold, old_lane, old_place = flat(work.back), flat(work.margin), work.now, work.then
    begin[:] = 0
    for k in range(n):
        begin[place[k] + 1] += 1
        old_age[k], old_threshold[k] = age[k], threshold[k]
        old_lane[k], old_place[k], old_draw[k] = lane[k], place[k], draw[k]
    count = 0
    for j in range(model.period):
        here, begin[j + 1] = begin[j + 1], count
        count += here
    for k in range(n):
        j = old_place[k]
        target = begin[j + 1]
        age[target], threshold[target] = old_age[k], old_threshold[k]
        lane[target], place[target], draw[target] = old_lane[k], j, old_draw[k]
        begin[j + 1] = target + 1


@inlined
def weigh_states(layer, group, phase, n):
    """Work out what the state at a slot's start counts at the times of the `n` candidates of a group."""
    work = layer.work
    rows = work.lane.shape[0] // work.batch.shape[0] * PARTS
    for row in range(group * rows, group * rows + (n + LANES - 1) // LANES):
        x = load(work.age, row)
        store(work.by_soma, row, polynomial(work.keep[phase], x))
        store(work.by_decay, row, polynomial(work.from_decay[phase], x))
        store(work.by_rise, row, polynomial(work.from_rise[phase], x))


@kernel
def decide(model, layer, group, part, first_slot, among, n_new):
    """Append spikes to the `n_new` there are: of a group's candidates, those that become one.

    They are the candidates with two numbers, `among`, of the period that begins with slot `first_slot`; those outside
    the times of a `part` of the trial (phase, begin, end) are left out.
    Returns the number of new spikes, and that of candidates for which a bound did not do.
    """
    (phase, since, until), (start, stop) = part, among
    work, memory = layer.work, model.memory
    rows = work.lane.shape[0] // work.batch.shape[0]
    lane, place = flat(work.lane)[group * rows * GROUP :], flat(work.place)[group * rows * GROUP :]
    age, draw = flat(work.age)[group * rows * GROUP :], flat(work.draw)[group * rows * GROUP :]
    threshold, period = flat(work.threshold)[group * rows * GROUP :], (first_slot - memory) // model.period
    by_soma, by_decay = flat(work.by_soma)[group * rows * GROUP :], flat(work.by_decay)[group * rows * GROUP :]
    by_rise = flat(work.by_rise)[group * rows * GROUP :]
    ring, slots, block = flat(work.ring), work.ring.shape[0] // (3 * layer.bias.shape[0]), group * PARTS
    v_inf, excess, largest = (
        flat(work.v_inf)[group * GROUP :], flat(work.excess)[group * GROUP :], flat(work.largest)[group * GROUP :],
    )  # fmt: skip
    now, then, margin, undecided, fade, bound = (
        work.now,
        work.then,
        flat(work.margin),
        work.undecided,
        work.fade,
        work.bound,
    )
    for k in range(start - start % NARROW, stop, NARROW):
        slot, i = piece(place, k) + np.int32(first_slot), piece(lane, k)
        row = ((i >> _LANE_BITS) + np.int32(block)) * np.int32(slots)
        column, last = i & np.int32(LANES - 1), np.int32(slots - 1)
        put_piece(now, k, (row + (slot & last)) * np.int32(3 * LANES) + column)
        put_piece(then, k, (row + ((slot - np.int32(memory)) & last)) * np.int32(3 * LANES) + column)
    real = threshold.dtype.type
    slot_length = model.slot
    a, b, cut_decay, cut_rise = (
        real(work.past[phase, 0]), real(work.past[phase, 1]), real(model.cut_decay), real(model.cut_rise),
    )  # fmt: skip
    for k in range(start, stop):
        old_decay, old_rise = ring[then[k]], ring[then[k] + LANES]
        # U = Q + a Q[memory ago] + b (D - R)[memory ago], V = V_inf + keep U + from_decay D' + from_rise R'
        u = fma(a, ring[then[k] + 2 * LANES], ring[now[k] + 2 * LANES])
        v = fma(by_soma[k], fma(b, old_decay - old_rise, u), v_inf[lane[k]] - threshold[k])
        v = fma(by_decay[k], fma(-cut_decay, old_decay, ring[now[k]]), v)
        margin[k] = fma(by_rise[k], fma(-cut_rise, old_rise, ring[now[k] + LANES]), v)
    if fade[first_slot] > 0:
        for k in range(start, stop):
            margin[k] += by_soma[k] * (fade[first_slot + place[k]] * excess[lane[k]])
    # First a bound that holds for all of them, then each one's own.
    highest = real(0)
    for slot in range(first_slot, first_slot + model.period):
        highest = max(highest, bound[slot])
    highest *= work.peak[group]
    n_doubtful, n_undecided = 0, 0
    for k in range(start, stop):
        # Written in any case and kept by counting it: a branch would be unpredictable.
        undecided[n_doubtful] = k
        n_doubtful += abs(margin[k]) <= highest
    for doubtful in range(n_doubtful):
        k = undecided[doubtful]
        undecided[n_undecided] = k
        n_undecided += abs(margin[k]) <= bound[first_slot + place[k]] * largest[lane[k]]
    if n_undecided > 0:
        add_within_slots(model, layer, group, phase, first_slot, n_undecided)
    n_accepted = 0
    for k in range(start, stop):
        undecided[n_accepted] = k
        n_accepted += margin[k] > 0
    neuron, times, slots_of = layer.spikes.new_neuron, layer.spikes.new_time, layer.spikes.new_slot
    left, first_neuron = layer.spikes.new_left, group * GROUP
    for accepted in range(n_accepted):
        k = undecided[accepted]
        neuron[n_new] = first_neuron + lane[k]
        slots_of[n_new] = first_slot + place[k]
        time = time_of(model, period, draw[k])
        times[n_new] = time
        left[n_new] = slot_length - age[k]
        n_new += (since <= time) & (time < until)
    return n_new, n_undecided


@kernel
def add_within_slots(model, layer, group, phase, first_slot, n_undecided):
    """Add to the margins of undecided candidates what arrives and what is forgotten in their slots before them."""
    work, memory, slot_length, undecided = layer.work, model.memory, model.slot, layer.work.undecided
    rows = work.lane.shape[0] // work.batch.shape[0]
    lane, place = flat(work.lane)[group * rows * GROUP :], flat(work.place)[group * rows * GROUP :]
    age, margin = flat(work.age)[group * rows * GROUP :], flat(work.margin)
    back, by_soma = flat(work.back), flat(work.back_soma)
    by_decay, by_rise = flat(work.back_decay), flat(work.back_rise)
    for u in range(n_undecided):
        back[u] = age[undecided[u]] - slot_length
    for row in range((n_undecided + LANES - 1) // LANES):
        x = load(work.back, row)
        store(work.back_soma, row, polynomial(work.keep[phase], x))
        store(work.back_decay, row, polynomial(work.from_decay[phase], x))
        store(work.back_rise, row, polynomial(work.from_rise[phase], x))
    cut_decay, cut_rise, coupled = model.cut_decay, model.cut_rise, model.coupled and not layer.is_output
    a, b = work.past[phase, 0], work.past[phase, 1]
    for u in range(n_undecided):
        k = undecided[u]
        slot, cell = first_slot + place[k], lane[k]
        block, cell, after = group * PARTS + cell // LANES, cell % LANES, -back[u]
        decay, rise, soma = _sums(layer, coupled, block, cell, slot, after)
        if 0 < memory <= slot:
            off_decay, off_rise, off_soma = _sums(layer, coupled, block, cell, slot - memory, after)
            soma += a * off_soma + b * (off_decay - off_rise)
            decay -= cut_decay * off_decay
            rise -= cut_rise * off_rise
        margin[k] += by_soma[u] * soma + by_decay[u] * decay + by_rise[u] * rise


@inlined
def _sums(layer, coupled, block, lane, slot, after):
    """Sum what spikes of a slot, those with more than `after` ms left of it, add to one neuron at its end."""
    decay, rise, soma = _arrived(
        layer.below, layer.weights, block * layer.n_pre, layer.work.arriving, lane, slot, after
    )
    if coupled:
        more_decay, more_rise, more_soma = _arrived(
            layer.received, layer.feedback, block * layer.n_feedback, layer.work.returning, lane, slot, after
        )
        decay += layer.work.apical * more_decay
        rise += layer.work.apical * more_rise
        soma += layer.work.apical * more_soma
    return decay, rise, soma


@inlined
def _arrived(spikes, weights, row0, arriving, lane, slot, after):
    decay, rise, soma = 0.0, 0.0, 0.0
    left, to_decay, to_rise = flat(spikes.left), flat(spikes.decay), flat(spikes.rise)
    to_soma, neuron, numbers = flat(arriving), spikes.neuron, flat(weights)
    for k in range(spikes.first[slot], spikes.first[slot + 1]):
        weight = numbers[(row0 + neuron[k]) * LANES + lane]
        counts = weight * (left[k] > after)
        decay += to_decay[k] * counts
        rise += to_rise[k] * counts
        soma += to_soma[k] * counts
    return decay, rise, soma
