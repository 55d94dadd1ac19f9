"""The event engine: exact, in continuous time, without a time step.

A spike of weight `w` adds `w` to two exponentials, `decay` and `rise`, whose difference times `scale` is the dendritic
potential; the soma is a leaky filter of it. So if at some moment decay, rise and soma are D, R and V, then `s` later,
with nothing arriving in between,

    V(s) = V_inf + keep(s) (V - V_inf) + from_decay(s) D + from_rise(s) R,

and D and R have decayed. The same formulas hold for negative `s`: a spike can be moved *back* to an earlier moment, at
which its effect on D, R and V is such that all later potentials come out the same. That is how the engine works. Time
is cut into *slots* of about a millisecond; what arrives within a slot is added to the block's state at the slot's
start, in order of time, and the potential of a neuron at any time of the slot follows from that state by the formula
above. Slots are no time step: they only keep the exponentials small. All functions of `s` are kept as Taylor
polynomials over a slot, which are exact to rounding and know no resonance, where two rates are equal.

A neuron's spikes are found by thinning: a block of neurons has candidates, a Poisson process of its own at rate_max a
neuron, and each is accepted with probability sigmoid(V(t)). At the end of its memory, if it has one, a spike arrives a
second time, with opposite sign.

With ``g_apical = 0`` each block is swept over many slots. With ``g_apical > 0`` an output spike reaches the hidden
somata; but outputs can only spike at their candidates, so all layers advance together from one of these to the next.
Both orders add the same to every block's state, in the same order, so the spikes are the same, bit for bit.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.arrivals import (
    Arrivals,
    Queues,
    Responses,
    Synapse,
    drop_spikes,
    keep_spikes,
    make_stretch,
    place_of,
    polynomial,
    prepare_arrivals,
    sort_spikes,
    time_of,
)
from spikelearn.core.candidates import Candidates, Inputs, begin_inputs, draw_batch, draw_inputs, place_batch
from spikelearn.core.dynamics import sigmoid
from spikelearn.core.event_averages import NODES, average, average_activity, update_traces
from spikelearn.core.event_feedback import feed_back, next_feedback
from spikelearn.core.event_watch import watch_slot, watch_spikes
from spikelearn.core.feedback import Pathway
from spikelearn.core.few import FEW, append, choose, count, gather, load_few
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, full, load, store
from spikelearn.core.layout import TARGET, Layout, Somas, Weights, feeding_place, teach
from spikelearn.core.probe import Given, Probe

SLOTS = 32  # of a segment: after as many, spikes that nobody will ask for again are dropped
ROUNDING = 1e-9  # ms; edges of windows that are as close are the same


class State(NamedTuple):
    """What is carried from one example to the next."""

    v_soma: np.ndarray  # (blocks, 64)
    trace: np.ndarray  # (sources, 2) float64, decay and rise of each source
    recent_source: np.ndarray  # (capacity,) int32, spikes that are not forgotten yet, by queue and then time
    recent_time: np.ndarray  # (capacity,) float64, ms before now: negative
    n_recent: np.ndarray  # (1,) int64


class Work(NamedTuple):
    """Scratch of a trial."""

    queues: Queues
    arrivals: Arrivals
    candidates: Candidates
    inputs: Inputs
    slot: np.ndarray  # (blocks,) int64, the slot at whose start the states below are
    absorbed: np.ndarray  # (blocks,) int64, arrivals that are part of them
    decay: np.ndarray  # (blocks, 64) states
    rise: np.ndarray
    soma: np.ndarray  # (blocks, 64) less v_inf
    v_inf: np.ndarray  # (blocks, 64) potential without spikes, in the end
    current: np.ndarray  # (blocks, 64) teaching current
    saved: np.ndarray  # (3 * feeding blocks, 64) states at the start of a segment
    node: np.ndarray  # (layers, 3, NODES) a slot's keep, from_decay and from_rise at the nodes
    step: np.ndarray  # (layers, 5) keep, from_decay, from_rise; decay, rise over a slot
    power: np.ndarray  # (SLOTS + 1, 2) float64, what is left of decay and rise after slots
    trace_before: np.ndarray  # (sources, 2) float64, at the start of an averaging window
    v_before: np.ndarray  # (blocks, 64) potentials there
    impulse: np.ndarray  # (sources, 2) float64, what was added to decay and rise in the window
    integral: np.ndarray  # (sources,) float64, spikes, of the filtered spikes over a stretch
    received: np.ndarray  # (neurons that feed back,) float64, the same of what the apical dendrites receive; or now
    per_echo: np.ndarray  # (2 * shifts,) float64, 1/ms, what a stretch weighs in the rows of the echo
    n_fed: np.ndarray  # (2, queues + 1) int64, spikes that have arrived at the apical dendrites, and their ends
    n_echoed: np.ndarray  # (2, queues + 1) int64, those that are part of `echo`
    echo: np.ndarray  # (neurons that feed back, 2) float64, decay and rise at the apical dendrites: watched only
    n_given: np.ndarray  # (1,) int64, given input spikes that were used
    n_before: np.ndarray  # (queues,) int64, spikes at the start of a segment
    probe: Probe
    given: Given
    words: np.ndarray  # (1, 64) uint32


class Network(NamedTuple):
    """Everything that the kernels need and do not change, and the weights."""

    layout: Layout
    weights: Weights
    somas: Somas
    synapse: Synapse
    responses: Responses
    keys: np.ndarray  # (1 + 2 * layers, 4) uint32: inputs; then each layer's gaps and choices
    rate_max: float  # spikes/ms
    slot: float  # ms, the longest
    coupled: bool  # does feedback reach the somata?
    pathway: Pathway


# -- the state of a block ---------------------------------------------------------------------------------------------


@kernel
def advance(net, work, layer, block, first, until):
    """Add to a block's state what arrives up to `until`, in the same slot; return the potentials of 16 candidates.

    They are those from `first` on; only what those have that lie before `until` is of use. The state that a candidate
    finds is kept apart: it starts as that of its neuron, and takes up what arrives before the candidate. So there is
    no branch for candidates, which none could guess.
    """
    arrivals, candidates, forward = work.arrivals, work.candidates, net.weights.forward
    start, row0 = work.absorbed[block], net.layout.weight_row[block]
    pre, place, to_decay = arrivals.pre[layer, start:], arrivals.place[layer, start:], arrivals.decay[layer, start:]
    to_rise, to_soma = arrivals.rise[layer, start:], arrivals.soma[layer, start:]
    decay, rise, soma = load(work.decay, block), load(work.rise, block), load(work.soma, block)
    lane, when = load_few(candidates.lane, block, first), load_few(candidates.place, block, first)
    upcoming = when < np.inf
    own_decay, own_rise = gather(work.decay, block, lane, upcoming), gather(work.rise, block, lane, upcoming)
    own_soma, own_limit = gather(work.soma, block, lane, upcoming), gather(work.v_inf, block, lane, upcoming)
    n = 0
    for k in range(place.shape[0]):
        if place[k] >= until:
            break
        weights = load(forward, row0 + pre[k])
        own_weights = choose(weights, lane, when > place[k])
        decay = fma(to_decay[k], weights, decay)
        rise = fma(to_rise[k], weights, rise)
        soma = fma(to_soma[k], weights, soma)
        own_decay = fma(to_decay[k], own_weights, own_decay)
        own_rise = fma(to_rise[k], own_weights, own_rise)
        own_soma = fma(to_soma[k], own_weights, own_soma)
        n += 1
    work.absorbed[block] = start + n
    store(work.decay, block, decay)
    store(work.rise, block, rise)
    store(work.soma, block, soma)
    v = fma(load_few(candidates.from_rise, block, first), own_rise, own_limit)
    v = fma(load_few(candidates.from_decay, block, first), own_decay, v)
    return fma(load_few(candidates.keep, block, first), own_soma, v)


@kernel
def next_slot(work, layer, block):
    """Carry a block's state from the start of its slot to the end."""
    step, decay, rise = work.step[layer], load(work.decay, block), load(work.rise, block)
    store(work.soma, block, fma(step[0], load(work.soma, block), fma(step[1], decay, step[2] * rise)))
    store(work.decay, block, step[3] * decay)
    store(work.rise, block, step[4] * rise)
    work.slot[block] += 1


@kernel
def run_block(net, work, stretch, layer, block, example, until, decided):
    """Advance a block to slot `until` and append its spikes to their queue; False if it is too small.

    Candidates before `decided`, which is `until` or just above it, become spikes or not.
    """
    candidates, queues, place = work.candidates, work.queues, work.candidates.place[block]
    while True:
        slot_end = work.slot[block] + 1.0
        first, n = candidates.next[block], queues.n[layer + 1]
        due = load_few(candidates.place, block, first) < min(decided, slot_end)
        last = first + count(due)
        stop = place[last - 1] if last == min(first + FEW, LANES) else min(until, slot_end)
        if n + FEW >= queues.time.shape[1]:
            return False
        chance = sigmoid(advance(net, work, layer, block, first, stop))
        spikes = due & (load_few(candidates.draw, block, first) < chance)
        append(queues.time, layer + 1, n, load_few(candidates.time, block, first), spikes)
        append(queues.pre, layer + 1, n, load_few(candidates.cell, block, first), spikes)
        queues.n[layer + 1] = n + count(spikes)
        candidates.next[block] = last
        if last == LANES:
            draw_batch(net, work, stretch, layer, block, example)
        if stop == slot_end:
            next_slot(work, layer, block)
        if stop == until:
            return True


@kernel
def run_layers(net, work, stretch, example, since, until, including):
    """Advance all layers, from the bottom up, from slot `since` to `until`; False if a queue is too small.

    Parameters
    ----------
    including : bool
        Decide an output's candidate at `until`, too.
    """
    layout, n_layers = net.layout, net.layout.sizes.shape[0]
    for layer in range(n_layers):
        prepare_arrivals(net, work, stretch, layer, layer, until)
        first, decided = work.queues.n[layer + 1], until
        if including and layer >= layout.first_feeding:
            decided = np.nextafter(until, np.inf)
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            if not run_block(net, work, stretch, layer, block, example, until, decided):
                return False
        sort_spikes(work.queues, layer + 1, first, time_of(stretch, since), time_of(stretch, until))
    return True


@kernel
def run_until(net, work, stretch, example, since, until):
    """Advance the network from slot `since` to `until`; False if a queue is too small."""
    if not net.coupled:
        return run_layers(net, work, stretch, example, since, until, False)
    while True:
        stop = next_feedback(net, work, stretch, until)
        if not run_layers(net, work, stretch, example, since, stop, stop < until):
            return False
        feed_back(net, work, stretch, stop)
        if stop == until:
            return True
        since = stop


# -- a trial ----------------------------------------------------------------------------------------------------------


@kernel
def begin_trial(net, state, work, intensity, rate, example):
    """Take up what the network remembers of earlier spikes, and project it through the present weights."""
    layout, forward, trace, queues = net.layout, net.weights.forward, state.trace, work.queues
    n_layers = layout.sizes.shape[0]
    work.current[:] = 0
    work.candidates.batch[:] = 0
    queues.n[:] = 0
    if not np.isinf(net.synapse.memory):
        trace[:] = 0
    queue = 0
    for k in range(state.n_recent[0]):
        source, time = state.recent_source[k], state.recent_time[k]
        while queue < n_layers and source >= layout.first_source[queue + 1]:
            queue += 1
        queues.time[queue, queues.n[queue]] = time
        queues.pre[queue, queues.n[queue]] = source - layout.first_source[queue]
        queues.n[queue] += 1
        trace[source, 0] += np.exp(time / net.synapse.tau_decay)
        trace[source, 1] += np.exp(time / net.synapse.tau_rise)
    for queue in range(n_layers + 1):
        keep_spikes(work, queue, queues.n[queue])
    work.n_given[0] = 0
    work.n_fed[:, -1] = 0
    work.n_echoed[:, -1] = 0
    for k in range(work.echo.shape[0]):
        for part in range(2):
            source = layout.first_source[layout.first_feeding + 1] + k
            work.echo[k, part] = 0.0 if work.given.apical else trace[source, part]
    work.absorbed[:] = 0
    for layer in range(n_layers):
        low, high = layout.first_source[layer], layout.first_source[layer + 1]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            shift, decay, rise = layout.weight_row[block] - low, full(work.decay, 0.0), full(work.rise, 0.0)
            for source in range(low, high):
                if trace[source, 0] != 0:
                    weights = load(forward, shift + source)
                    decay = fma(trace[source, 0], weights, decay)
                    rise = fma(trace[source, 1], weights, rise)
            if net.coupled and layer < n_layers - 1:
                gain, first = net.somas.apical[layer] / net.somas.dendrite[layer], feeding_place(layout, layer)
                for cell in range(layout.sizes[layout.feeding[layer]]):
                    weights = gain * load(net.weights.feedback, layout.feedback_row[block] + cell)
                    decay = fma(work.echo[first + cell, 0], weights, decay)
                    rise = fma(work.echo[first + cell, 1], weights, rise)
            store(work.decay, block, decay)
            store(work.rise, block, rise)
    begin_inputs(net, work.inputs, intensity, rate, example)


@kernel
def end_trial(state, work, layout, duration):
    """Keep the spikes that are not forgotten for the next trial; False if there are too many."""
    queues, kept = work.queues, 0
    for queue in range(queues.n.shape[0]):
        for k in range(queues.n[queue]):
            if kept == state.recent_source.shape[0]:
                return False
            state.recent_source[kept] = layout.first_source[queue] + queues.pre[queue, k]
            state.recent_time[kept] = queues.time[queue, k] - duration
            kept += 1
    state.n_recent[0] = kept
    return True


@kernel
def begin_stretch(net, state, work, stretch, example):
    """Start the first slot of a stretch: its coefficients, places of candidates, potentials less their limits."""
    layout, responses, phase = net.layout, net.responses, stretch.phase
    step, node, power = work.step, work.node, work.power
    n_layers = layout.sizes.shape[0]
    for k in range(power.shape[0]):
        power[k, 0] = np.exp(-k * stretch.slot / net.synapse.tau_decay)
        power[k, 1] = np.exp(-k * stretch.slot / net.synapse.tau_rise)
    for layer in range(n_layers):
        step[layer, 0] = polynomial(responses.keep[phase, layer], stretch.slot)
        step[layer, 1] = polynomial(responses.from_decay[phase, layer], stretch.slot)
        step[layer, 2] = polynomial(responses.from_rise[phase, layer], stretch.slot)
        step[layer, 3], step[layer, 4] = power[1, 0], power[1, 1]
        g, g_dendrite = net.somas.total[phase, layer], net.somas.dendrite[layer]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            v_inf = fma(g_dendrite, load(net.weights.bias, block), load(work.current, block)) / g
            store(work.v_inf, block, v_inf)
            store(work.soma, block, load(state.v_soma, block) - v_inf)
            work.slot[block] = 0
            if work.candidates.batch[block] == 0:
                draw_batch(net, work, stretch, layer, block, example)
            else:
                place_batch(net, work.candidates, stretch, layer, block)
        for k in range(NODES):
            age = (k + 0.5) / NODES * stretch.slot
            node[layer, 0, k] = polynomial(responses.keep[phase, layer], age)
            node[layer, 1, k] = polynomial(responses.from_decay[phase, layer], age)
            node[layer, 2, k] = polynomial(responses.from_rise[phase, layer], age)
    for source in range(state.trace.shape[0]):
        for part in range(2):
            work.trace_before[source, part] = state.trace[source, part]
    for block in range(work.v_before.shape[0]):
        store(work.v_before, block, load(state.v_soma, block))
    work.impulse[:] = 0


@kernel
def end_stretch(state, work):
    """Turn the states at the end of the last slot into potentials."""
    for block in range(work.soma.shape[0]):
        store(state.v_soma, block, load(work.soma, block) + load(work.v_inf, block))


@kernel
def begin_segment(net, work, stretch, last_slot, example):
    """Draw the input spikes up to slot `last_slot`; False if their queue is too small."""
    first_block = net.layout.first_block[net.layout.first_feeding]
    for block in range(first_block, work.decay.shape[0]):
        row = 3 * (block - first_block)
        store(work.saved, row, load(work.decay, block))
        store(work.saved, row + 1, load(work.rise, block))
        store(work.saved, row + 2, load(work.soma, block))
    for queue in range(work.n_before.shape[0]):
        work.n_before[queue] = work.queues.n[queue]
    if work.given.inputs:
        return take_inputs(work, stretch, last_slot)
    return draw_inputs(net, work, stretch, last_slot, example)


@kernel
def take_inputs(work, stretch, stop):
    """Append the given input spikes before slot `stop` to their queue; False if it is too small."""
    given, queues = work.given, work.queues
    while work.n_given[0] < given.input_when.shape[0]:
        spike, n = work.n_given[0], queues.n[0]
        if place_of(stretch, given.input_when[spike]) >= stop:
            break
        if n + 1 >= queues.time.shape[1]:
            return False
        queues.time[0, n], queues.pre[0, n] = given.input_when[spike], given.input_source[spike]
        queues.n[0] += 1
        work.n_given[0] += 1
    queues.time[0, queues.n[0]] = np.inf
    return True


@kernel
def end_segment(net, state, work, averages, stretch, first_slot, last_slot):
    """Account for the spikes of a segment and drop those that are forgotten."""
    if stretch.averaging:
        n_layers = net.layout.sizes.shape[0]
        wanted = n_layers - 1 if stretch.phase == TARGET else n_layers
        for layer in range(net.layout.first_feeding if net.pathway.rates else wanted, n_layers):
            average_activity(net, work, averages, stretch, first_slot, last_slot, layer)
    update_traces(net, state, work, stretch, first_slot, last_slot)
    watch_spikes(net, work)
    drop_spikes(net, work)


@kernel
def run_stretch(net, state, work, averages, stretch, example):
    """Run a part of a phase; False if a queue was too small."""
    begin_stretch(net, state, work, stretch, example)
    for first_slot in range(0, stretch.n_slots, SLOTS):
        last_slot = min(first_slot + SLOTS, stretch.n_slots)
        if not begin_segment(net, work, stretch, last_slot, example):
            return False
        # Who watches stops at the end of each slot; that does not change what happens.
        watching = work.probe.lane.shape[0] > 0
        stride = 1 if watching else last_slot - first_slot
        for slot in range(first_slot, last_slot, stride):
            if not run_until(net, work, stretch, example, float(slot), float(slot + stride)):
                return False
            if watching:
                watch_slot(net, work, stretch, slot)
        end_segment(net, state, work, averages, stretch, first_slot, last_slot)
    end_stretch(state, work)
    if stretch.averaging:
        average(net, state, work, averages, stretch)
    return True


@kernel
def present(net, state, work, averages, intensity, label, example, lengths, windows, rate):
    """Run one trial and leave its averages; parameters as `spikelearn.core.clock.present`, times in ms."""
    averages.v_soma[:] = 0
    averages.activity[:] = 0
    averages.psp[:] = 0
    averages.echo[:] = 0
    begin_trial(net, state, work, intensity, rate, example)
    onset = 0.0
    for phase in range(2):
        if lengths[phase] > 0:
            if phase == TARGET:
                teach(net, work, label)
            begin, end = onset, onset + lengths[phase]
            while begin < end:  # not two calls: numba would compile two versions
                stop = next_edge(net, averages, windows[phase], begin, end)
                stretch = weigh_stretch(net, work, averages, phase, begin, stop, windows[phase])
                if not run_stretch(net, state, work, averages, stretch, example):
                    return False
                begin = stop
            onset = end
    return end_trial(state, work, net.layout, onset)


@kernel
def next_edge(net, averages, window, begin, end):
    """Return where the next window of an average, or of a plateau, begins or ends; `end` at the latest."""
    for shift in range(averages.echo.shape[0] // 2):
        for k in range(2):
            edge = window[k] - shift * net.pathway.grain
            if begin + ROUNDING < edge < end - ROUNDING:
                end = edge
    return end


@kernel
def weigh_stretch(net, work, averages, phase, begin, stop, window):
    """Make a stretch between two edges, and note what it weighs in which average."""
    shifts, length, middle = averages.echo.shape[0] // 2, window[1] - window[0], (begin + stop) / 2
    averaging = False
    for row in range(2 * shifts):
        early = row % shifts * net.pathway.grain
        inside = row // shifts == phase and window[0] - early < middle < window[1] - early
        work.per_echo[row] = 1.0 / length if inside else 0.0
        averaging = averaging or inside
    per_window = 1.0 / length if window[0] < middle < window[1] else 0.0
    return make_stretch(phase, begin, stop, net.slot, averaging or per_window > 0, per_window)
