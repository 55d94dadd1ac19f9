"""What the event engine notes of a trial as it goes on: potentials at edges of windows, rates, samples."""

import numpy as np

from spikelearn.core.curves import value
from spikelearn.core.exact import ring_row, soma_at, state_at
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, flat, fma, load, store
from spikelearn.core.layer import FORWARD, phase_of, window_there
from spikelearn.core.probe import sample_row
from spikelearn.core.windows import add_all_rates, age_of, slot_of


@kernel
def note(model, trial, layer, block, part, slots):
    """Note of a block, in some slots of a part, what averages and records want."""
    phase, since, _ = part
    begin, end = slots
    if window_there(trial, FORWARD) and (not layer.is_output or phase_of(trial, FORWARD) == phase):
        for k in range(2):
            edge = trial.windows[FORWARD, k]
            if begin <= slot_of(model, edge) < end:
                age = age_of(model, edge)
                state_at(model, layer, block, phase, slot_of(model, edge), age)
                v = load(layer.work.here, 2) + load(layer.work.v_inf, block)
                store(layer.work.v_stop if k == 1 else layer.work.v_start, block, v)
    if model.rates and layer.feeds or layer.is_output:
        add_all_rates(model, trial, layer, block, phase, begin, end)
    # The state at the start of the slot in which teaching begins is no potential: it leads to that of the moment.
    watch(model, layer, block, phase, max(begin, slot_of(model, since) + 1) if since > 0 else begin, end)


@inlined
def watch(model, layer, block, phase, start, stop):
    """Sample potentials of watched neurons at the starts of slots; apical input is taken off the dendrites' later."""
    probe, work, memory, here = model.probe, layer.work, model.memory, layer.work.here
    first, last = probe.first[layer.number], probe.first[layer.number + 1]
    if first == last:
        return
    for slot in range(start, stop):
        row = sample_row(probe, slot - memory)
        if row >= 0:
            now, then = ring_row(model, layer, block, slot), ring_row(model, layer, block, slot - memory)
            store(here, 0, fma(-model.cut_decay, load(work.ring, then), load(work.ring, now)))
            store(here, 1, fma(-model.cut_rise, load(work.ring, then + 1), load(work.ring, now + 1)))
            store(here, 2, soma_at(model, layer, block, phase, slot) + load(work.v_inf, block))
            for k in range(first, last):
                lane = probe.cell[k] - block * LANES
                if 0 <= lane < LANES:
                    probe.v_soma[row, k] = here[2, lane]
                    probe.v_dendrite[row, k] = layer.bias[block, lane] + model.scale * (here[0, lane] - here[1, lane])
                    if model.rates and layer.feeds:
                        rate = value(layer.curve, np.float64(here[2, lane]))
                        work.traced[row, probe.cell[k]] = model.rate_max * rate


@inlined
def watch_apical(model, layers, stop):
    """Sample the apical potentials of the watched neurons of all hidden layers, after a trial."""
    for number in range(len(layers)):
        if layers[number].feeds and not model.rates:
            trace_fed(model, layers[number], stop)
    for number in range(len(layers) - 1):
        watch_apical_of(model, layers[number], layers[layers[number].source].work.traced)


@kernel
def trace_fed(model, layer, stop):
    """Filter what is fed back by a layer, at the starts of the slots that are sampled."""
    fed, filtered, traced, memory = layer.fed, layer.work.filtered, layer.work.traced, model.memory
    first, to_decay, to_rise = fed.first, flat(fed.decay), flat(fed.rise)
    decay, rise = filtered[0], filtered[1]
    for cell in range(layer.n):
        decay[cell] = fed.trace[0, cell] if memory == 0 else 0.0
        rise[cell] = fed.trace[1, cell] if memory == 0 else 0.0
    keep_decay, keep_rise = layer.work.step[FORWARD, 0], layer.work.step[FORWARD, 1]
    for slot in range(stop + 1):
        row = sample_row(model.probe, slot - memory) if slot > memory else -1
        for cell in range(layer.n):
            if row >= 0:
                traced[row, cell] = model.scale * (decay[cell] - rise[cell])
            decay[cell] *= keep_decay
            rise[cell] *= keep_rise
        for k in range(first[slot], first[slot + 1]):
            decay[fed.neuron[k]] += to_decay[k]
            rise[fed.neuron[k]] += to_rise[k]
        if 0 < memory <= slot:
            for k in range(first[slot - memory], first[slot - memory + 1]):
                decay[fed.neuron[k]] -= model.cut_decay * to_decay[k]
                rise[fed.neuron[k]] -= model.cut_rise * to_rise[k]


@kernel
def watch_apical_of(model, layer, traced):
    """Sample the apical potentials of the watched neurons of a layer, and take them off what its soma receives."""
    probe, coupled = model.probe, model.coupled
    for k in range(probe.first[layer.number], probe.first[layer.number + 1]):
        block, lane = probe.cell[k] // LANES, probe.cell[k] % LANES
        for row in range(probe.v_apical.shape[0]):
            potential = 0.0
            for cell in range(layer.n_feedback):
                potential += layer.feedback[block * layer.n_feedback + cell, lane] * traced[row, cell]
            probe.v_apical[row, k] = layer.apical_bias[block, lane] + potential
            if coupled:
                probe.v_dendrite[row, k] -= layer.work.apical * potential
