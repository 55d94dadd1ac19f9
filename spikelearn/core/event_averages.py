"""Averages over windows in the event engine, in closed form, and the filtered spikes of every source.

The balance of what came and went gives the integral of every potential; only the mean of a sigmoid needs a quadrature.
"""

import numpy as np

from spikelearn.core.arrivals import absorb, prepare_arrivals
from spikelearn.core.dynamics import sigmoid
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, full, load, pick, store
from spikelearn.core.layout import FORGOTTEN, FORWARD, TARGET, feeding_place

NODES = 4  # of a slot: points at which rates are taken for their mean


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
