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
    OFF,
    Arrivals,
    Queues,
    Responses,
    Synapse,
    absorb,
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
from spikelearn.core.feedback import Pathway
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import FEW, LANES, append, count, fma, full, gather, load, load_few, pick, store
from spikelearn.core.layout import FORGOTTEN, FORWARD, TARGET, Layout, Weights, feeding_place, teach
from spikelearn.core.probe import Given, Probe, keep_spike

SLOTS = 32  # of a segment: after as many, spikes that nobody will ask for again are dropped
ROUNDING = 1e-9  # ms; edges of windows that are as close are the same
NODES = 4  # of a slot: points at which the outputs' rates are taken for their mean


class Somas(NamedTuple):
    """Conductances, 1/ms, by layer."""

    total: np.ndarray  # (2, layers) by phase
    dendrite: np.ndarray  # (layers,)
    apical: np.ndarray  # (layers,)
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label


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
        weights, own_weights = load(forward, row0 + pre[k]), gather(forward, row0 + pre[k], lane, when > place[k])
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


# -- feedback ---------------------------------------------------------------------------------------------------------


@kernel
def fed_spikes(net, work, k):
    """Return times and neurons of the `k`-th train of spikes that are fed back, their number, and what to add.

    That makes places among all neurons that feed back of the neurons. Trains are layers, or what is given, by column
    of ``work.n_fed``: that of a layer's queue, or the last one.
    """
    layout, queues, given = net.layout, work.queues, work.given
    if given.apical:
        return given.apical_when, given.apical_source, given.apical_when.shape[0], 0, queues.n.shape[0]
    queue = layout.first_feeding + 1 + k
    first = (layout.first_block[queue - 1] - layout.first_block[layout.first_feeding]) * LANES
    return queues.time[queue], queues.pre[queue], queues.n[queue], first, queue


@kernel
def n_fed_trains(net, work):
    """Return the number of such trains."""
    return 1 if work.given.apical else net.layout.sizes.shape[0] - net.layout.first_feeding


@kernel
def next_feedback(net, work, stretch, until):
    """Return the next moment, in slots, at which an apical dendrite may feel something, at most `until`."""
    layout, candidates = net.layout, work.candidates
    for train in range(n_fed_trains(net, work)):
        time, _, n, _, column = fed_spikes(net, work, train)
        for kind in range(2):  # spikes of layers are fed back at once, so of these only given ones are waiting
            spike = work.n_fed[kind, column]
            if spike < n:
                until = min(until, place_of(stretch, time[spike] + (net.synapse.memory if kind == OFF else 0.0)))
    if not work.given.apical:
        first_block = layout.first_block[layout.first_feeding]
        for block in range(first_block, layout.first_block[layout.sizes.shape[0]]):
            until = min(until, candidates.place[block, candidates.next[block]])
    return until


@kernel
def feed_back(net, work, stretch, until):
    """Let the spikes that are fed back up to `until`, and the ends of their memory, arrive at the apical dendrites."""
    for kind in range(2):
        lag = net.synapse.memory if kind == OFF else 0.0
        for train in range(n_fed_trains(net, work)):
            time, neuron, n, first, column = fed_spikes(net, work, train)
            while work.n_fed[kind, column] < n:
                spike = work.n_fed[kind, column]
                arrives = place_of(stretch, time[spike] + lag)
                if arrives > until:
                    break
                feed_spike(net, work, stretch, kind, arrives, first + neuron[spike])
                work.n_fed[kind, column] += 1


@kernel
def feed_spike(net, work, stretch, kind, arrives, source):
    """Let a spike, or the end of its memory, arrive at the apical dendrites that hear it.

    To the soma an apical dendrite is a basal one with other weights: ``g_apical / g_basal`` times the feedback's.
    `source` counts the neurons of the layers that feed back.
    """
    layout, somas, responses, feedback = net.layout, net.somas, net.responses, net.weights.feedback
    cut_decay, cut_rise = net.synapse.cut[kind, 0], net.synapse.cut[kind, 1]
    age = (np.floor(arrives) - arrives) * stretch.slot
    to_decay = cut_decay * polynomial(responses.decay, age)
    to_rise = cut_rise * polynomial(responses.rise, age)
    for layer in range(layout.feeding.shape[0]):
        neuron = source - feeding_place(layout, layer)
        if 0 <= neuron < layout.sizes[layout.feeding[layer]]:
            to_soma = cut_decay * polynomial(responses.from_decay[stretch.phase, layer], age)
            to_soma += cut_rise * polynomial(responses.from_rise[stretch.phase, layer], age)
            gain = somas.apical[layer] / somas.dendrite[layer]
            for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
                weights = gain * load(feedback, layout.feedback_row[block] + neuron)
                store(work.decay, block, fma(to_decay, weights, load(work.decay, block)))
                store(work.rise, block, fma(to_rise, weights, load(work.rise, block)))
                store(work.soma, block, fma(to_soma, weights, load(work.soma, block)))


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


# -- averages and memory ----------------------------------------------------------------------------------------------


@kernel
def average_activity(net, work, averages, stretch, first_slot, last_slot, layer):
    """Add the mean rates of a layer over some slots to the averages that want them.

    By the midpoint rule on `NODES` parts of a slot. What arrived is absorbed once more, from the saved states.
    """
    arrivals, layout, forward = work.arrivals, net.layout, net.weights.forward
    pre, place, echo = arrivals.pre[layer], arrivals.place[layer], averages.echo
    to_decay, to_rise, to_soma = arrivals.decay[layer], arrivals.rise[layer], arrivals.soma[layer]
    node, step = work.node[layer], work.step[layer]
    first_saved, part = layout.first_block[layout.first_feeding], stretch.slot / NODES
    for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
        saved, row0, k = 3 * (block - first_saved), layout.weight_row[block], 0
        decay, rise, soma = load(work.saved, saved), load(work.saved, saved + 1), load(work.saved, saved + 2)
        v_inf, total = load(work.v_inf, block), full(work.decay, 0.0)
        for slot in range(first_slot, last_slot):
            for n in range(NODES + 1):
                until = slot + (n + 0.5) / NODES if n < NODES else slot + 1.0
                k, decay, rise, soma = absorb(
                    forward, row0, pre, place, k, until, to_decay, to_rise, to_soma, decay, rise, soma
                )
                if n < NODES:
                    total = total + sigmoid(fma(node[0, n], soma, fma(node[1, n], decay, fma(node[2, n], rise, v_inf))))
            soma = fma(step[0], soma, fma(step[1], decay, step[2] * rise))
            decay = step[3] * decay
            rise = step[4] * rise
        if stretch.per_window > 0 and stretch.phase == TARGET:
            weight = part * stretch.per_window
            store(averages.activity, block, fma(weight, total, load(averages.activity, block)))
        if net.pathway.rates:
            for row in range(echo.shape[0]):
                weight = net.rate_max * part * work.per_echo[row]
                if weight > 0:
                    for lane in range(LANES):
                        echo[row, (block - first_saved) * LANES + lane] += weight * pick(total, lane)


@kernel
def update_traces(net, state, work, stretch, first_slot, last_slot):
    """Filter the spikes that arrived in some slots, each source for itself, and add up what they brought."""
    arrivals, trace, power, impulse = work.arrivals, state.trace, work.power, work.impulse
    n_queues = arrivals.n.shape[0]
    keep_decay, keep_rise = power[last_slot - first_slot, 0], power[last_slot - first_slot, 1]
    for source in range(trace.shape[0]):
        if trace[source, 0] < FORGOTTEN:
            trace[source, 0] = 0
            trace[source, 1] = 0
        trace[source, 0] *= keep_decay
        trace[source, 1] *= keep_rise
    # Nothing waits for the output spikes' arrivals; what they would add to a soma is not used.
    prepare_arrivals(net, work, stretch, n_queues - 1, 0, last_slot)
    # Where spikes are forgotten, only averages need traces: of those that feed back, and of all in the forward phase.
    needed = stretch.phase == FORWARD or np.isinf(net.synapse.memory)
    for queue in range(0 if needed else net.layout.first_feeding + 1, n_queues):
        pre, place, first_source = arrivals.pre[queue], arrivals.place[queue], net.layout.first_source[queue]
        to_decay, to_rise = arrivals.decay[queue], arrivals.rise[queue]
        cut_decay, cut_rise = arrivals.cut_decay[queue], arrivals.cut_rise[queue]
        for k in range(arrivals.n[queue]):
            left, source = last_slot - int(place[k]), first_source + pre[k]
            trace[source, 0] += to_decay[k] * power[left, 0]
            trace[source, 1] += to_rise[k] * power[left, 1]
        if stretch.averaging:
            for k in range(arrivals.n[queue]):
                source = first_source + pre[k]
                impulse[source, 0] += cut_decay[k]
                impulse[source, 1] += cut_rise[k]


@kernel
def average(net, state, work, averages, stretch):
    """Add a stretch to the averages, from the balance of what came and went.

    Each equation of motion, integrated over the stretch, gives the integral of its variable: exactly.
    """
    layout, synapse, trace, before = net.layout, net.synapse, state.trace, work.trace_before
    integral, impulse, received, echo = work.integral, work.impulse, work.received, averages.echo
    first_echo = layout.first_source[layout.first_feeding + 1]
    for source in range(0 if stretch.phase == FORWARD else first_echo, trace.shape[0]):
        decay = impulse[source, 0] + before[source, 0] - trace[source, 0]
        rise = impulse[source, 1] + before[source, 1] - trace[source, 1]
        integral[source] = synapse.scale * (synapse.tau_decay * decay - synapse.tau_rise * rise)
    for k in range(received.shape[0]):
        received[k] = integral[first_echo + k]
    if work.given.apical:
        integrate_given(net, work, stretch)
    if not net.pathway.rates:
        for row in range(echo.shape[0]):
            if work.per_echo[row] > 0:
                for k in range(received.shape[0]):
                    echo[row, k] += work.per_echo[row] * received[k]
    if stretch.phase == FORWARD and stretch.per_window > 0:
        for source in range(layout.first_source[layout.sizes.shape[0]]):
            averages.psp[source] += stretch.per_window * integral[source]
        average_potentials(net, state, work, averages, stretch)


@kernel
def average_potentials(net, state, work, averages, stretch):
    """Add the somatic potentials of a stretch to their averages; `average` worked the integrals of the spikes out."""
    layout, somas, forward, integral = net.layout, net.somas, net.weights.forward, work.integral
    for layer in range(layout.sizes.shape[0]):
        low, high = layout.first_source[layer], layout.first_source[layer + 1]
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            shift = layout.weight_row[block] - low
            dendrite = (stretch.stop - stretch.start) * load(net.weights.bias, block)
            for source in range(low, high):
                if integral[source] != 0:
                    dendrite = fma(integral[source], load(forward, shift + source), dendrite)
            current = fma(somas.dendrite[layer], dendrite, load(work.v_before, block) - load(state.v_soma, block))
            if net.coupled and layer < layout.feeding.shape[0]:
                first, row = feeding_place(layout, layer), layout.feedback_row[block]
                for k in range(layout.sizes[layout.feeding[layer]]):
                    weights = load(net.weights.feedback, row + k)
                    current = fma(somas.apical[layer] * work.received[first + k], weights, current)
            mean = stretch.per_window / somas.total[FORWARD, layer]
            store(averages.v_soma, block, fma(mean, current, load(averages.v_soma, block)))


@kernel
def integrate_given(net, work, stretch):
    """Integrate what the apical dendrites receive over a stretch from the spikes that are given."""
    synapse, given, received = net.synapse, work.given, work.received
    received[:] = 0
    for k in range(given.apical_when.shape[0]):
        since = max(stretch.start - given.apical_when[k], 0.0)
        until = min(stretch.stop - given.apical_when[k], synapse.memory)
        if until > since:
            decay = synapse.tau_decay * (np.exp(-since / synapse.tau_decay) - np.exp(-until / synapse.tau_decay))
            rise = synapse.tau_rise * (np.exp(-since / synapse.tau_rise) - np.exp(-until / synapse.tau_rise))
            received[given.apical_source[k]] += synapse.scale * (decay - rise)


# -- looking ----------------------------------------------------------------------------------------------------------


@kernel
def filter_echo(net, work, stretch, slot):
    """Bring what the apical dendrites receive, for those who watch, to the end of a slot."""
    echo = work.echo
    for k in range(echo.shape[0]):
        echo[k, 0] *= work.power[1, 0]
        echo[k, 1] *= work.power[1, 1]
    for kind in range(2):
        lag = net.synapse.memory if kind == OFF else 0.0
        for train in range(n_fed_trains(net, work)):
            time, neuron, n, first, column = fed_spikes(net, work, train)
            while work.n_echoed[kind, column] < n:
                spike = work.n_echoed[kind, column]
                arrives = place_of(stretch, time[spike] + lag)
                if arrives >= slot + 1:
                    break
                age, source = (slot + 1 - arrives) * stretch.slot, first + neuron[spike]
                echo[source, 0] += net.synapse.cut[kind, 0] * np.exp(-age / net.synapse.tau_decay)
                echo[source, 1] += net.synapse.cut[kind, 1] * np.exp(-age / net.synapse.tau_rise)
                work.n_echoed[kind, column] += 1


@kernel
def watch_slot(net, work, stretch, slot):
    """Sample the potentials of the watched neurons at the end of a slot."""
    probe, layout, scale = work.probe, net.layout, net.synapse.scale
    if probe.apical:
        filter_echo(net, work, stretch, slot)
    probe.n[3] += 1
    now, row = time_of(stretch, slot + 1.0), probe.n[2]
    if probe.n[3] % probe.every != 0 or not probe.start < now <= probe.stop or row == probe.time.shape[0]:
        return
    for k in range(work.received.shape[0] if probe.apical else 0):
        work.received[k] = received_now(net, work, k)
    probe.time[row] = now
    probe.n[2] += 1
    for layer in range(layout.sizes.shape[0]):
        for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
            for k in range(probe.first[block], probe.first[block + 1]):
                lane, apical = probe.lane[k], 0.0
                if probe.apical and layer < layout.feeding.shape[0]:
                    first, weight_row = feeding_place(layout, layer), layout.feedback_row[block]
                    for cell in range(layout.sizes[layout.feeding[layer]]):
                        apical += net.weights.feedback[weight_row + cell, lane] * work.received[first + cell]
                dendrite = scale * (work.decay[block, lane] - work.rise[block, lane])
                if net.coupled and layer < layout.feeding.shape[0]:
                    # Apical and basal spikes add to the same two exponentials.
                    dendrite -= net.somas.apical[layer] / net.somas.dendrite[layer] * apical
                probe.v_soma[row, k] = work.soma[block, lane] + work.v_inf[block, lane]
                probe.v_dendrite[row, k] = net.weights.bias[block, lane] + dendrite
                probe.v_apical[row, k] = apical


@kernel
def received_now(net, work, source):
    """Return what the apical dendrites receive from a neuron at the end of a slot: filtered spikes, or its rate."""
    if not net.pathway.rates:
        return net.synapse.scale * (work.echo[source, 0] - work.echo[source, 1])
    block, lane = net.layout.first_block[net.layout.first_feeding] + source // LANES, source % LANES
    return net.rate_max / (1.0 + np.exp(-np.float64(work.soma[block, lane] + work.v_inf[block, lane])))


@kernel
def watch_spikes(net, work):
    """Keep the spikes of a segment."""
    for queue in range(work.queues.n.shape[0]):
        for k in range(work.n_before[queue], work.queues.n[queue]):
            source = net.layout.first_source[queue] + work.queues.pre[queue, k]
            keep_spike(work.probe, queue, source, work.queues.time[queue, k])


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
