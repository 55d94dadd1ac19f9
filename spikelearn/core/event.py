"""The event engine: exact, in continuous time, without a time step.

Input spikes are Poisson processes in continuous time. A spike of weight `w` adds `w` to two exponentials, `decay` and
`rise`, whose difference times `scale` is the dendritic potential; the soma is a leaky filter of it. So at a time `s`
after one at which decay, rise and soma were D, R and V, with nothing arriving in between,

    V(s) = V_inf + keep(s) (V - V_inf) + from_decay(s) D + from_rise(s) R,

and a spike of weight `w` that arrives at `t` adds ``w * arrival(s - t)``; at the end of its memory, if it has one, a
second, opposite arrival undoes the first. All of these are combinations of ``exp(-g s)``, ``exp(-s / tau_decay)`` and
``exp(-s / tau_rise)``, differences of which cancel or, when two rates are equal, become ``s exp(-g s)``. They are
needed for short times only, so they are kept as Taylor polynomials, which are exact to rounding and know no resonance.

Time is cut into *slots* of at most `slot` ms. They are no time step, only places where the state is kept: it is exact
there, and exact at any time in between by the formula above. A neuron's spikes are found by thinning: candidates at
rate_max, accepted with probability sigmoid(V(t)). Nearly all are decided by bounds: within a slot sigmoid(V) provably
stays within a `margin` (see `advance`) of the straight line between its values at the ends, and only draws that fall
inside it need the exact potential.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.clock import FORGOTTEN, FORWARD, TARGET, Layout, Weights, teach
from spikelearn.core.dynamics import sigmoid
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, absolute, full, load, maximum, store
from spikelearn.core.poisson import CountTable, draw_count, draw_times
from spikelearn.core.random import WORD, fill_words, uniform

SLOTS = 64  # of a segment, the stretch of time for which spikes are drawn and sorted at once
MOST_CANDIDATES = 512  # of a block in a slot: room that is kept free in the list of spikes
BATCHES = 8  # of 64 words that a slot may use on average, two words a candidate
ON, OFF = 0, 1  # a spike arrives; the end of its memory
ROUNDING = 1e-5  # added to every margin: what float32 may be wrong by


class Responses(NamedTuple):
    """Taylor coefficients, highest power first; ``[phase, layer]`` where the soma's conductance enters."""

    decay: np.ndarray  # (n,) exp(-s / tau_decay)
    rise: np.ndarray  # (n,)
    keep: np.ndarray  # (2, layers, n) exp(-g s)
    from_decay: np.ndarray  # (2, layers, n)
    from_rise: np.ndarray  # (2, layers, n)
    arrival: np.ndarray  # (2 kinds, 2, layers, n) soma's response to a spike, and to the end of its memory


class Somas(NamedTuple):
    """Conductances, 1/ms, by layer."""

    total: np.ndarray  # (2, layers) by phase
    dendrite: np.ndarray  # (layers,)
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label


class Synapse(NamedTuple):
    """The synaptic kernel, in ms."""

    tau_decay: float
    tau_rise: float
    scale: float  # 1 / (tau_decay - tau_rise)
    memory: float  # ms after which a spike is forgotten; infinite: never
    area: float  # of the kernel up to there
    cut: np.ndarray  # (2 kinds, 2) what a spike, and the end of its memory, adds to decay and rise: 1, 1; -a, -b


class State(NamedTuple):
    """What is carried from one example to the next."""

    v_soma: np.ndarray  # (blocks, 64)
    trace: np.ndarray  # (2, sources) float64, decay and rise of each source; only if nothing is forgotten
    recent_source: np.ndarray  # (capacity,) int32, spikes that are not forgotten yet, in a fixed order
    recent_time: np.ndarray  # (capacity,) float64, ms before now: negative
    n_recent: np.ndarray  # (1,) int64


class Work(NamedTuple):
    """Scratch of a trial. Raw spikes are as they were drawn; arrivals are sorted by slot, [kind] first."""

    raw_source: np.ndarray  # (capacity,) int32
    raw_time: np.ndarray  # (capacity,) float64, ms from the start of the segment
    n_raw: np.ndarray  # (layers + 2,) int64: first raw spike of the inputs, of each layer, and the end
    listed_source: np.ndarray  # (2, capacity) int64 arrivals before sorting
    listed_time: np.ndarray  # (2, capacity) float64
    n_listed: np.ndarray  # (2,) int64
    pre: np.ndarray  # (2, capacity) int64 presynaptic index of an arrival
    when: np.ndarray  # (2, capacity) float64 its time, ms from the start of its slot
    left: np.ndarray  # (2 * capacity / 64, 64) ms from there to the end of the slot
    to_decay: np.ndarray  # (2 * capacity / 64, 64) what an arrival of weight 1 adds to the decay at that end
    to_rise: np.ndarray
    to_soma: np.ndarray
    first: np.ndarray  # (2, SLOTS + 1) first arrival of each slot
    recent_weight: np.ndarray  # (2, capacity) float64, what is left of decay and rise of the recent spikes
    decay: np.ndarray  # (blocks, 64) state of the dendrites
    rise: np.ndarray
    current: np.ndarray  # (blocks, 64) teaching current
    new_decay: np.ndarray  # (SLOTS, 64) what a slot's arrivals add to a block by its end
    new_rise: np.ndarray
    new_soma: np.ndarray
    slot_decay: np.ndarray  # (SLOTS + 1, 64) a block's state at the start of each slot
    slot_rise: np.ndarray
    slot_soma: np.ndarray
    slot_activity: np.ndarray  # (SLOTS + 1, 64) sigmoid there
    margin: np.ndarray  # (SLOTS, 64)
    window_decay: np.ndarray  # (blocks, 64) state at the start of an averaging window
    window_rise: np.ndarray
    window_soma: np.ndarray
    n_arrivals: np.ndarray  # (2, sources) float64, in the window
    largest: np.ndarray  # (blocks, 64) largest weight onto a neuron, absolute
    count_words: np.ndarray  # (1, 64) uint32
    candidate_words: np.ndarray  # (1, 64) uint32
    input_words: np.ndarray  # (1, 64) uint32
    input_gaps: np.ndarray  # (64,) float64


class Network(NamedTuple):
    """Everything that the kernels need and do not change, and the weights."""

    layout: Layout
    weights: Weights
    somas: Somas
    synapse: Synapse
    responses: Responses
    candidates: CountTable  # for a whole slot
    keys: np.ndarray  # (1 + 2 * layers, 4) uint32: inputs; then each layer's counts and candidates
    slot: float  # ms


@kernel
def polynomial(coefficients, x):
    """Evaluate by Horner's rule, for a number or for lanes."""
    value = coefficients[0] + 0.0 * x
    for k in range(1, coefficients.shape[0]):
        value = value * x + coefficients[k]
    return value


@kernel
def begin_trial(net, state, work):
    """Project what the network remembers of earlier spikes through the present weights."""
    layout, synapse, forward = net.layout, net.synapse, net.weights.forward
    work.current[:] = 0
    for k in range(state.n_recent[0]):
        work.recent_weight[0, k] = np.exp(state.recent_time[k] / synapse.tau_decay)
        work.recent_weight[1, k] = np.exp(state.recent_time[k] / synapse.tau_rise)
    for layer in range(layout.sizes.shape[0]):
        low, high = layout.first_source[layer], layout.first_source[layer + 1]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            shift = layout.weight_row[block] - low
            decay, rise, largest = full(work.decay, 0.0), full(work.rise, 0.0), full(work.largest, 0.0)
            for k in range(state.n_recent[0]):
                source = state.recent_source[k]
                if low <= source < high:
                    row = load(forward, shift + source)
                    decay = decay + work.recent_weight[0, k] * row
                    rise = rise + work.recent_weight[1, k] * row
            for source in range(low, high):
                row = load(forward, shift + source)
                largest = maximum(largest, absolute(row))
                if state.trace[0, source] != 0:
                    decay = decay + state.trace[0, source] * row
                    rise = rise + state.trace[1, source] * row
            store(work.decay, block, decay)
            store(work.rise, block, rise)
            store(work.largest, block, largest)


@kernel
def sort_arrivals(net, state, work, layer, length, n_slots):
    """Sort what arrives at a layer during a segment by slot, and tell what it adds until the end of its slot."""
    low, high = net.layout.first_source[layer], net.layout.first_source[layer + 1]
    memory, slot, capacity = net.synapse.memory, net.slot, work.pre.shape[1]
    source, time, n_listed = work.listed_source, work.listed_time, work.n_listed
    raw_source, raw_time = work.raw_source, work.raw_time
    recent_source, recent_time = state.recent_source, state.recent_time
    n_listed[:] = 0
    for k in range(work.n_raw[layer], work.n_raw[layer + 1]):
        source[ON, n_listed[ON]], time[ON, n_listed[ON]] = raw_source[k] - low, raw_time[k]
        n_listed[ON] += 1
        if raw_time[k] + memory < length:
            source[OFF, n_listed[OFF]], time[OFF, n_listed[OFF]] = raw_source[k] - low, raw_time[k] + memory
            n_listed[OFF] += 1
    for k in range(state.n_recent[0]):
        if low <= recent_source[k] < high and recent_time[k] + memory < length:
            source[OFF, n_listed[OFF]], time[OFF, n_listed[OFF]] = (
                recent_source[k] - low,
                max(recent_time[k] + memory, 0),
            )
            n_listed[OFF] += 1
    first, pre, when, left = work.first, work.pre, work.when, work.left
    first[:] = 0
    decay, rise, cut = net.responses.decay, net.responses.rise, net.synapse.cut
    for kind in range(2):
        # A counting sort: how many fall into each slot, where each slot ends, then each to its place, from that end.
        for k in range(n_listed[kind]):
            first[kind, min(int(time[kind, k] / slot), n_slots - 1)] += 1
        for s in range(n_slots):
            first[kind, s + 1] += first[kind, s]
        for k in range(n_listed[kind]):
            s = min(int(time[kind, k] / slot), n_slots - 1)
            first[kind, s] -= 1
            place = first[kind, s]
            pre[kind, place] = source[kind, k]
            when[kind, place] = time[kind, k] - s * slot
            place += kind * capacity
            left[place // LANES, place % LANES] = max(min((s + 1) * slot, length) - time[kind, k], 0.0)
        for row in range(kind * capacity // LANES, (kind * capacity + n_listed[kind] + LANES - 1) // LANES):
            store(work.to_decay, row, cut[kind, 0] * polynomial(decay, load(left, row)))
            store(work.to_rise, row, cut[kind, 1] * polynomial(rise, load(left, row)))


@kernel
def gather(forward, row0, pre, first, to_decay, to_rise, to_soma, n_slots, new_decay, new_rise, new_soma):
    """Sum what the arrivals of each slot add to a block's decay, rise and soma at the end of the slot.

    A function of its own, with nothing else to keep in registers.
    """
    n_rows = to_decay.shape[0] // 2
    for s in range(n_slots):
        decay, rise, soma = full(new_decay, 0.0), full(new_decay, 0.0), full(new_decay, 0.0)
        for kind in range(2):
            for k in range(first[kind, s], first[kind, s + 1]):
                row, lane = kind * n_rows + k // LANES, k % LANES
                weights = load(forward, row0 + pre[kind, k])
                decay = decay + to_decay[row, lane] * weights
                rise = rise + to_rise[row, lane] * weights
                soma = soma + to_soma[row, lane] * weights
        store(new_decay, s, decay)
        store(new_rise, s, rise)
        store(new_soma, s, soma)


@kernel
def advance(net, state, work, averages, layer, block, phase, length, n_slots, averaging):
    """Advance a block over a segment; leave its state and margins at all slots in `work`."""
    layout, somas, scale, first = net.layout, net.somas, net.synapse.scale, work.first
    slot_decay, slot_rise, slot_soma = work.slot_decay, work.slot_rise, work.slot_soma
    slot_activity, margin = work.slot_activity, work.margin
    new_decay, new_rise, new_soma = work.new_decay, work.new_rise, work.new_soma
    g, g_dendrite = somas.total[phase, layer], somas.dendrite[layer]
    v_inf = (g_dendrite * load(net.weights.bias, block) + load(work.current, block)) / g
    decay, rise, v_soma = load(work.decay, block), load(work.rise, block), load(state.v_soma, block)
    largest = load(work.largest, block)
    average = phase * layout.lanes.shape[0] + block
    activity_sum = load(averages.activity, average)
    activity = sigmoid(v_soma)
    largest_on = _largest_response(net.synapse, ON, g_dendrite, net.slot)
    largest_off = _largest_response(net.synapse, OFF, g_dendrite, net.slot)
    bend_decay, bend_rise = scale / net.synapse.tau_decay, scale / net.synapse.tau_rise
    for s in range(n_slots):
        size = net.slot if s < n_slots - 1 else length - (n_slots - 1) * net.slot
        if s == 0 or s == n_slots - 1:  # all slots but the last are equally long
            keep = polynomial(net.responses.keep[phase, layer], size)
            from_decay = polynomial(net.responses.from_decay[phase, layer], size)
            from_rise = polynomial(net.responses.from_rise[phase, layer], size)
            keep_decay, keep_rise = polynomial(net.responses.decay, size), polynomial(net.responses.rise, size)
        store(slot_decay, s, decay)
        store(slot_rise, s, rise)
        store(slot_soma, s, v_soma)
        store(slot_activity, s, activity)
        velocity = g * (v_inf - v_soma) + (g_dendrite * scale) * (decay - rise)
        # |V''| between arrivals, from V'' = -g V' + g_dendrite V_dendrite'.
        bend = bend_decay * absolute(decay) + bend_rise * absolute(rise)
        bend = g * absolute(velocity) + ((1.0 + g * size) * g_dendrite) * bend
        v_end = v_inf + keep * (v_soma - v_inf) + from_decay * decay + from_rise * rise
        decay = keep_decay * decay
        rise = keep_rise * rise
        decay = decay + load(new_decay, s)
        rise = rise + load(new_rise, s)
        v_end = v_end + load(new_soma, s)
        arrived = largest_on * (first[ON, s + 1] - first[ON, s]) + largest_off * (first[OFF, s + 1] - first[OFF, s])
        activity_end = sigmoid(v_end)
        swing = v_end - v_soma
        # From V to its chord; a quarter of that, the sigmoid's greatest slope; then the sigmoid's own chord (1/8 of its
        # greatest second derivative, 0.0963).
        stray = (size * size / 8) * bend + arrived * largest
        store(margin, s, 0.25 * stray + 0.01204 * (swing * swing) + ROUNDING)
        if averaging:
            activity_sum = activity_sum + (0.5 * size) * (activity + activity_end)
            # Euler-Maclaurin: the trapezoid rule's error is that of the slopes at both ends, to third order.
            velocity_end = g * (v_inf - v_end) + (g_dendrite * scale) * (decay - rise)
            slope, slope_end = activity * (1.0 - activity), activity_end * (1.0 - activity_end)
            activity_sum = activity_sum + (size * size / 12) * (slope * velocity - slope_end * velocity_end)
        v_soma, activity = v_end, activity_end
    store(slot_activity, n_slots, activity)
    store(work.decay, block, decay)
    store(work.rise, block, rise)
    store(state.v_soma, block, v_soma)
    store(averages.activity, average, activity_sum)


@kernel
def _largest_response(synapse, kind, g_dendrite, size):
    """Bound the soma's response to an arrival of weight 1 within a slot.

    The kernel rises from 0 with slope ``scale (1/tau_rise - 1/tau_decay)`` and never more steeply, and its height is
    below `scale`; the soma integrates it with weight ``g_dendrite``.
    """
    steepest = synapse.scale * (1.0 / synapse.tau_rise - 1.0 / synapse.tau_decay)
    height = 0.5 * steepest * size if kind == ON else synapse.scale
    return g_dendrite * height * size


@kernel
def spike(net, work, layer, block, phase, example, first_slot, length, n_slots, n_raw):
    """Thin the block's candidates of a segment; append its spikes to the raw ones and return their new number."""
    layout, slot = net.layout, net.slot
    first_source = layout.first_source[layer + 1] + (block - layout.first_block[layer]) * LANES
    count_key, key = net.keys[1 + 2 * layer], net.keys[2 + 2 * layer]
    counts, words, activity, margin = work.count_words, work.candidate_words, work.slot_activity, work.margin
    candidates, raw_source, raw_time = net.candidates, work.raw_source, work.raw_time
    lanes = np.uint64(layout.lanes[block])
    used = 0
    for s in range(n_slots):
        size = slot if s < n_slots - 1 else length - (n_slots - 1) * slot
        per_ms = 1.0 / size if size > 0 else 0.0
        if n_raw + MOST_CANDIDATES > raw_source.shape[0]:
            return -1
        number = first_slot + s
        if s == 0 or number % LANES == 0:
            fill_words(count_key, number // LANES, block, example, counts, 0)
        count = draw_count(candidates, block, counts[0, number % LANES])
        for _ in range(count):
            if used % LANES == 0:  # a segment has batches of its own: no state outlives it
                fill_words(key, first_slot * BATCHES + used // LANES, block, example, words, 0)
            product = np.uint64(words[0, used % LANES]) * lanes
            lane = np.int64(product >> np.uint64(32))
            draw = np.float64(product & np.uint64(0xFFFFFFFF)) * WORD
            time = uniform(words[0, used % LANES + 1]) * slot
            used += 2
            if time >= size:  # the slot was cut short; thinning a Poisson process in time leaves it one
                continue
            start, end = np.float64(activity[s, lane]), np.float64(activity[s + 1, lane])
            chance = start + (end - start) * (time * per_ms)
            if abs(draw - chance) <= margin[s, lane]:
                chance = sigmoid(potential(net, work, phase, layer, block, lane, s, time))
            # Written in any case and kept by counting it: about as many are accepted as not, no branch could guess.
            raw_source[n_raw] = first_source + lane
            raw_time[n_raw] = s * slot + time
            n_raw += draw < chance
    return n_raw


@kernel
def potential(net, work, phase, layer, block, lane, s, time):
    """Return the exact somatic potential of a neuron `time` ms into slot `s`."""
    somas, responses = net.somas, net.responses
    bias, current = np.float64(net.weights.bias[block, lane]), np.float64(work.current[block, lane])
    v_inf = (somas.dendrite[layer] * bias + current) / somas.total[phase, layer]
    v = v_inf + polynomial(responses.keep[phase, layer], time) * (work.slot_soma[s, lane] - v_inf)
    v += polynomial(responses.from_decay[phase, layer], time) * work.slot_decay[s, lane]
    v += polynomial(responses.from_rise[phase, layer], time) * work.slot_rise[s, lane]
    row0 = net.layout.weight_row[block]
    for kind in range(2):
        for k in range(work.first[kind, s], work.first[kind, s + 1]):
            age = time - work.when[kind, k]
            if age > 0:
                weight = np.float64(net.weights.forward[row0 + work.pre[kind, k], lane])
                v += weight * polynomial(responses.arrival[kind, phase, layer], age)
    return v


@kernel
def begin_segment(net, work, expected, example, first_slot, length):
    """Draw the input spikes of the next `length` ms; False if the buffer of spikes was too small."""
    work.n_raw[0] = 0
    work.n_raw[1] = draw_times(
        net.keys[0], first_slot, example, expected, length, work.input_words, work.input_gaps, work.raw_source,
        work.raw_time,
    )  # fmt: skip
    return work.n_raw[1] >= 0


@kernel
def begin_layer(net, state, work, phase, layer, length, n_slots, averaging):
    """Sort what arrives at a layer, and work out what each arrival does to the soma until the end of its slot."""
    sort_arrivals(net, state, work, layer, length, n_slots)
    work.n_raw[layer + 2] = work.n_raw[layer + 1]
    n_arrivals, pre, left, to_soma = work.n_arrivals, work.pre, work.left, work.to_soma
    for kind in range(2):
        n, first_row = work.n_listed[kind], kind * (pre.shape[1] // LANES)
        response = net.responses.arrival[kind, phase, layer]
        for row in range(first_row, first_row + (n + LANES - 1) // LANES):
            store(to_soma, row, polynomial(response, load(left, row)))
        if averaging:
            for k in range(n):
                n_arrivals[kind, net.layout.first_source[layer] + pre[kind, k]] += 1


@kernel
def run_block(net, state, work, averages, layer, block, phase, example, first_slot, length, n_slots, averaging):
    """Advance a block over a segment and draw its spikes; False if the buffer of spikes was too small."""
    gather(
        net.weights.forward, net.layout.weight_row[block], work.pre, work.first, work.to_decay, work.to_rise,
        work.to_soma, n_slots, work.new_decay, work.new_rise, work.new_soma,
    )  # fmt: skip
    advance(net, state, work, averages, layer, block, phase, length, n_slots, averaging)
    n_raw = work.n_raw[layer + 2]
    work.n_raw[layer + 2] = spike(net, work, layer, block, phase, example, first_slot, length, n_slots, n_raw)
    return work.n_raw[layer + 2] >= 0


@kernel
def count_slots(slot, length):
    """Return into how many slots a length is cut; the last may be shorter (what is lost to rounding is no slot)."""
    return max(int(np.ceil(length / slot - 1e-9)), 1)


@kernel
def run_segment(net, state, work, averages, expected, example, phase, first_slot, length, averaging):
    """Run all layers, from the bottom up, over `length` ms; False if a buffer of spikes was too small."""
    layout, n_slots = net.layout, count_slots(net.slot, length)
    if not begin_segment(net, work, expected, example, first_slot, length):
        return False
    for layer in range(layout.sizes.shape[0]):
        begin_layer(net, state, work, phase, layer, length, n_slots, averaging)
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            if not run_block(
                net, state, work, averages, layer, block, phase, example, first_slot, length, n_slots, averaging
            ):
                return False
    return True


@kernel
def end_segment(net, state, work, length):
    """Turn the spikes of a segment into memory, for the next segment and the next example."""
    synapse, trace, raw_source, raw_time = net.synapse, state.trace, work.raw_source, work.raw_time
    tau_decay, tau_rise, memory = synapse.tau_decay, synapse.tau_rise, synapse.memory
    recent_source, recent_time, n_raw = state.recent_source, state.recent_time, work.n_raw[-1]
    if np.isinf(memory):
        keep_decay, keep_rise = np.exp(-length / synapse.tau_decay), np.exp(-length / synapse.tau_rise)
        for source in range(trace.shape[1]):
            if trace[0, source] < FORGOTTEN:
                trace[0, source] = 0
                trace[1, source] = 0
            trace[0, source] *= keep_decay
            trace[1, source] *= keep_rise
        for k in range(n_raw):
            age = length - raw_time[k]
            trace[0, raw_source[k]] += np.exp(-age / tau_decay)
            trace[1, raw_source[k]] += np.exp(-age / tau_rise)
        return True
    kept = 0
    for k in range(state.n_recent[0]):
        if recent_time[k] + memory >= length:
            recent_source[kept] = recent_source[k]
            recent_time[kept] = recent_time[k] - length
            kept += 1
    for k in range(n_raw):
        if raw_time[k] + memory >= length:
            if kept == recent_source.shape[0]:
                return False
            recent_source[kept] = raw_source[k]
            recent_time[kept] = raw_time[k] - length
            kept += 1
    state.n_recent[0] = kept
    return True


@kernel
def area(tau_decay, tau_rise, memory, whole, age):
    """Integral of the synaptic kernel over the first `age` ms; `whole` is that over its memory."""
    if age <= 0.0:
        return 0.0
    if age >= memory:
        return whole
    decay, rise = tau_decay * np.exp(-age / tau_decay), tau_rise * np.exp(-age / tau_rise)
    return 1.0 - (decay - rise) / (tau_decay - tau_rise)


@kernel
def average_spikes(net, psp, source, time, n_spikes, shift, windows):
    """Add what spikes give to the averages: forward window for all, target window for the outputs.

    Parameters
    ----------
    source, time : arrays
        The first `n_spikes` are read; `shift` is added to their times to count from the start of the trial.
    """
    tau_decay, tau_rise, memory, whole = (
        net.synapse.tau_decay,
        net.synapse.tau_rise,
        net.synapse.memory,
        net.synapse.area,
    )
    first_output = net.layout.first_source[net.layout.sizes.shape[0]]
    for phase in range(2):
        start, stop = windows[phase, 0], windows[phase, 1]
        for k in range(n_spikes):
            since, until = start - shift - time[k], stop - shift - time[k]
            if until > 0 and since < memory and (phase == FORWARD or source[k] >= first_output):
                gained = area(tau_decay, tau_rise, memory, whole, until)
                if since > 0:
                    gained -= area(tau_decay, tau_rise, memory, whole, since)
                psp[phase, source[k]] += gained / (stop - start)


@kernel
def average_history(net, state, averages, windows):
    """Begin the averages of filtered spikes with what was emitted before the trial."""
    synapse, psp = net.synapse, averages.psp
    first_output = net.layout.first_source[net.layout.sizes.shape[0]]
    average_spikes(net, psp, state.recent_source, state.recent_time, state.n_recent[0], 0.0, windows)
    for phase in range(2):
        start, stop = windows[phase, 0], windows[phase, 1]
        decay = np.exp(-start / synapse.tau_decay) - np.exp(-stop / synapse.tau_decay)
        rise = np.exp(-start / synapse.tau_rise) - np.exp(-stop / synapse.tau_rise)
        decay *= synapse.scale * synapse.tau_decay / (stop - start)
        rise *= synapse.scale * synapse.tau_rise / (stop - start)
        for source in range(first_output if phase == TARGET else 0, psp.shape[1]):
            psp[phase, source] += decay * state.trace[0, source] - rise * state.trace[1, source]


@kernel
def run_stretch(net, state, work, averages, expected, example, phase, start, stop, first_slot, windows, averaging):
    """Run from `start` to `stop` of a trial, segment by segment; return the next slot's number, -1 on overflow."""
    longest = SLOTS * net.slot
    n_segments = max(int(np.ceil((stop - start) / longest - 1e-9)), 1)
    for k in range(n_segments):
        begin = start + k * longest
        length = min(longest, stop - begin)
        if not run_segment(net, state, work, averages, expected, example, phase, first_slot, length, averaging):
            return -1
        if windows[TARGET, 1] > 0:
            average_spikes(net, averages.psp, work.raw_source, work.raw_time, work.n_raw[-1], begin, windows)
        if not end_segment(net, state, work, length):
            return -1
        first_slot += SLOTS
    return first_slot


@kernel
def run_phase(net, state, work, averages, expected, example, phase, onset, first_slot, windows):
    """Run one phase: the stretch before the averaging window, then the window; return the next slot's number."""
    start, stop = windows[phase, 0], windows[phase, 1]
    if start > onset:
        first_slot = run_stretch(
            net, state, work, averages, expected, example, phase, onset, start, first_slot, windows, False
        )
        if first_slot < 0:
            return first_slot
    work.window_decay[:] = work.decay
    work.window_rise[:] = work.rise
    work.window_soma[:] = state.v_soma
    work.n_arrivals[:] = 0
    first_slot = run_stretch(
        net, state, work, averages, expected, example, phase, start, stop, first_slot, windows, True
    )
    _average_potentials(net, state, work, averages, phase, stop - start)
    return first_slot


@kernel
def _average_potentials(net, state, work, averages, phase, duration):
    """Mean somatic potentials over a window, from the balance of what flowed into soma and dendrite.

    Each equation of motion, integrated over the window, gives the integral of its variable.
    """
    layout, synapse, somas, forward = net.layout, net.synapse, net.somas, net.weights.forward
    for layer in range(layout.sizes.shape[0]):
        low, high = layout.first_source[layer], layout.first_source[layer + 1]
        g, g_dendrite = somas.total[phase, layer], somas.dendrite[layer]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            shift = layout.weight_row[block] - low
            decay = load(work.window_decay, block) - load(work.decay, block)
            rise = load(work.window_rise, block) - load(work.rise, block)
            for source in range(low, high):
                on, off = work.n_arrivals[ON, source], work.n_arrivals[OFF, source]
                if on + off > 0:
                    weights = load(forward, shift + source)
                    decay = decay + (on + synapse.cut[OFF, 0] * off) * weights
                    rise = rise + (on + synapse.cut[OFF, 1] * off) * weights
            dendrite = synapse.scale * (synapse.tau_decay * decay - synapse.tau_rise * rise)
            dendrite = dendrite + duration * load(net.weights.bias, block)
            soma = load(work.window_soma, block) - load(state.v_soma, block)
            soma = soma + g_dendrite * dendrite + duration * load(work.current, block)
            row = phase * layout.lanes.shape[0] + block
            store(averages.v_soma, row, soma / (g * duration))
            store(averages.activity, row, load(averages.activity, row) / duration)


@kernel
def present(net, state, work, averages, intensity, label, example, lengths, windows, rate_max):
    """Run one trial and leave its averages; parameters as `spikelearn.core.clock.present`, times in ms."""
    averages.v_soma[:] = 0
    averages.activity[:] = 0
    averages.psp[:] = 0
    expected = rate_max * intensity.astype(np.float64)
    begin_trial(net, state, work)
    if lengths[TARGET] > 0:
        average_history(net, state, averages, windows)
    onset, slot_number = 0.0, 0
    for phase in range(2):
        if lengths[phase] > 0:
            if phase == TARGET:
                teach(net, work, label)
            slot_number = run_phase(net, state, work, averages, expected, example, phase, onset, slot_number, windows)
            if slot_number < 0:
                return False
            onset += lengths[phase]
    return True
