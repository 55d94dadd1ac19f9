"""Spikes that reach the apical dendrites in the event engine: of the layers that feed back, or given ones.

Where ``g_apical > 0`` they move the somata, so all layers advance together from one that may come to the next.
"""

import numpy as np

from spikelearn.core.arrivals import OFF, place_of, polynomial
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES, fma, load, store
from spikelearn.core.layout import feeding_place


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
