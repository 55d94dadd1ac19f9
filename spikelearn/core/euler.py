"""The clock: forward Euler with a step `dt`, in the authors' order of events. A slot is a step.

In a step each layer, from the bottom up, sees the spikes of the layer below from the same step; apical dendrites see
spikes of the step before. The exponentials of a synapse take up what arrives in a step, at its end they have decayed:

    D <- d (D + drive - d^m drive[m steps ago]),    R <- r (R + drive - r^m drive[m steps ago]),
    V <- keep V + g_d dt ((D - R) / (tau_decay - tau_rise) + b) + current.

With ``g_apical = 0`` feedback does not reach a soma before the weights change, so each layer runs through a whole phase
before the next one starts. With ``g_apical > 0`` it does, and the layers advance together step by step. Both orders
call the same `run_layer`, and draws are functions of neuron and step, so the spikes are the same.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.curves import value
from spikelearn.core.echo import begin_echo, echo_step, feed_back, watch_apical
from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import LANES, fma, full, load, pick, store
from spikelearn.core.layer import (
    FORWARD,
    GROUP,
    PARTS,
    TARGET,
    group_blocks,
    group_size,
    n_groups,
    phase_of,
    teach,
    window_there,
)
from spikelearn.core.poisson import CountTable, draw_count, draw_inputs
from spikelearn.core.probe import Given, Probe, sample_row
from spikelearn.core.random import WORD, fill_words
from spikelearn.core.records import record
from spikelearn.core.spikes import first_at, sort_spikes
from spikelearn.core.steps import SEGMENT, average_spikes, begin_deliveries, delivery_window, remember_all
from spikelearn.core.steps import count_spikes as count_spikes

CHUNK = 64  # steps that a group of neurons advances at a time


@record
class Tables(NamedTuple):
    """Synaptic kernel by age in steps, to its end or the cut-off. Arrays without a shape have that of the one above."""

    decay_power: np.ndarray  # (n,) float64, decay ** age; beyond the table it counts as 0
    rise_power: np.ndarray
    decay_sum: np.ndarray  # (n,) float64, scale * (decay + decay**2 + ...) up to that age
    rise_sum: np.ndarray


@record
class Euler(NamedTuple):
    """Numbers of the clock engine, and scratch that all layers share."""

    decay: np.floating  # exp(-dt / tau_decay)
    rise: np.floating
    decay_cut: np.floating  # decay ** memory, or 0 without cut-off
    rise_cut: np.floating
    scale: np.floating  # 1 / (tau_decay - tau_rise), 1/ms
    rate_max: np.floating  # spikes/ms
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label
    tables: Tables
    counts: CountTable  # candidates of a group in a step
    keys: np.ndarray  # (1 + 2 * layers, 4) uint32: inputs; then each layer's counts and candidates
    memory: int  # steps after which a spike is forgotten, 0: never
    grain: int  # steps by which plateaus may be early: a multiple of so many
    rates: bool  # do apical dendrites receive rates, not filtered spikes?
    coupled: bool  # do all layers advance step by step, because feedback reaches the somata?
    echoes: bool  # is it worked out from step to step what the apical dendrites receive?
    elapsed: np.ndarray  # (2,) int64, steps of the phases that the spikes are of, 0 if they are all before the trial
    weight: np.ndarray  # (slots,) float64, what a spike of a slot weighs in an average
    expected: np.ndarray  # (n_inputs,) float64, spikes of an input in a step
    words: np.ndarray  # (1, 64) uint32
    gaps: np.ndarray  # (64,) float64
    probe: Probe
    given: Given


@record
class EulerWork(NamedTuple):
    """Coefficients and scratch of a layer; a ring has a row for each of the latest steps.

    Arrays without a shape have that of the one above.
    """

    keep: np.ndarray  # (2,) by phase, 1 - dt * total conductance
    dendrite: np.floating  # dt * conductance
    apical: np.floating
    drive: np.ndarray  # (blocks * ring, LANES) summed weights of the spikes of a step
    decay: np.ndarray  # (blocks, LANES)
    rise: np.ndarray
    potential: np.ndarray  # (PARTS * CHUNK, LANES) of the group that advances
    drawn: np.ndarray  # (groups,) int64, candidates used
    held: np.ndarray  # (groups,) int64, the batch of words in the first row of `words`; -1: none
    words: np.ndarray  # (groups * n, 64) uint32, draws of candidates
    count_words: np.ndarray  # (groups, 64) uint32
    first_candidate: np.ndarray  # (CHUNK + 1,) int64, of the group that advances
    lane: np.ndarray  # (capacity,) int64, of the candidate
    draw: np.ndarray  # (capacity,) float64
    chance: np.ndarray  # (n, LANES) potential, then rate / rate_max of the candidate's neuron
    echo: np.ndarray  # (blocks * ring, LANES) spikes that are fed back
    echo_decay: np.ndarray  # (blocks, LANES)
    echo_rise: np.ndarray
    received: np.ndarray  # (blocks, LANES) what apical dendrites receive from each neuron now, spikes/ms


# -- one layer --------------------------------------------------------------------------------------------------------


@inlined
def watch(model, layer, block, start, stop, fresh):
    """Sample the potentials of the watched neurons of a block, whose filters are still those before the steps.

    `fresh` tells to take these up; otherwise the samples' own go on, which saw the steps before.
    """
    probe, work, memory = model.probe, layer.work, model.memory
    ring = work.drive.shape[0] // layer.bias.shape[0]
    for k in range(probe.first[layer.number], probe.first[layer.number + 1]):
        lane = probe.cell[k] - block * LANES
        if 0 <= lane < LANES:
            if fresh:
                probe.decay[k], probe.rise[k] = work.decay[block, lane], work.rise[block, lane]
            decay, rise = probe.decay[k], probe.rise[k]
            for step in range(start, stop):
                new = work.drive[block * ring + ((step + memory) & (ring - 1)), lane]
                old = work.drive[block * ring + (step & (ring - 1)), lane]
                decay = model.decay * (decay + new - model.decay_cut * old)
                rise = model.rise * (rise + new - model.rise_cut * old)
                row = sample_row(probe, step + 1)
                if row >= 0:
                    probe.v_soma[row, k] = work.potential[block % PARTS * CHUNK + step - start, lane]
                    probe.v_dendrite[row, k] = layer.bias[block, lane] + model.scale * (decay - rise)
            probe.decay[k], probe.rise[k] = decay, rise


@inlined
def sweep(model, layer, block, phase, start, stop, fresh):
    """Advance the potentials of a block from step `start` to `stop`."""
    work, weights, drives = layer.work, layer.weights, layer.work.drive
    first, neuron = layer.below.first, layer.below.neuron
    ring = drives.shape[0] // layer.bias.shape[0]
    base, row0, potential = block * ring, block * layer.n_pre, work.potential
    keep, dendrite, gain = work.keep[phase], work.dendrite, work.dendrite * model.scale
    resting = fma(dendrite, load(layer.bias, block), load(layer.current, block))
    decay, rise, v_soma = load(work.decay, block), load(work.rise, block), load(layer.v_soma, block)
    for step in range(start, stop):
        slot = step + model.memory
        drive = full(drives, 0.0)
        for k in range(first[slot], first[slot + 1]):
            drive = drive + load(weights, row0 + neuron[k])
        store(drives, base + (slot & (ring - 1)), drive)
        forgotten = load(drives, base + (step & (ring - 1)))
        # D <- d (D + drive - d^m forgotten), R likewise; V <- keep V + g_d dt (scale (D - R) + b) + current
        decay = model.decay * fma(-model.decay_cut, forgotten, decay + drive)
        rise = model.rise * fma(-model.rise_cut, forgotten, rise + drive)
        v_soma = fma(keep, v_soma, fma(gain, decay - rise, resting))
        store(potential, block % PARTS * CHUNK + step - start, v_soma)
    watch(model, layer, block, start, stop, fresh)
    store(work.decay, block, decay)
    store(work.rise, block, rise)
    store(layer.v_soma, block, v_soma)


@inlined
def add_to_means(model, trial, layer, block, phase, start, stop):
    """Add potentials of the forward phase, and rates of the outputs in the target phase, to their sums."""
    potential = layer.work.potential
    row = block % PARTS * CHUNK - start
    if phase_of(trial, FORWARD) == phase:
        begin, end = trial.windows[FORWARD, 0], trial.windows[FORWARD, 1]
        total = load(layer.v_forward, block)
        for step in range(max(start, begin), min(stop, end)):
            total = total + load(potential, row + step)
        store(layer.v_forward, block, total)
    if layer.is_output and phase_of(trial, TARGET) == phase:
        begin, end = trial.windows[TARGET, 0], trial.windows[TARGET, 1]
        total = load(layer.activity, block)
        for step in range(max(start, begin), min(stop, end)):
            total = total + value(layer.curve, load(potential, row + step))
        store(layer.activity, block, total)
    if model.rates and layer.feeds:
        delivered = layer.fed.delivered
        for step in range(start, stop):
            activity = value(layer.curve, load(potential, row + step))
            for window in range(delivered.shape[0]):
                low, high = delivery_window(model, trial, delivered, window)
                if low <= step < high:
                    for lane in range(min(LANES, layer.n - block * LANES)):
                        rate = model.rate_max * pick(activity, lane)
                        delivered[window, block * LANES + lane] += rate / (high - low)


@inlined
def draw_candidates(model, trial, layer, group, start, stop):
    """Draw the candidates of a group for some steps; return their number.

    A word chooses the neuron of a candidate (high bits of the product) and is its draw (the low bits).
    """
    work, stream, n = layer.work, layer.first_group + group, 0
    count_key, key = model.keys[1 + 2 * layer.number], model.keys[2 + 2 * layer.number]
    for step in range(start, stop):
        if step % GROUP == 0:
            fill_words(count_key, step // GROUP, stream, trial.example, work.count_words, group)
        work.first_candidate[step - start] = n
        n += draw_count(model.counts, stream, work.count_words[group, step % GROUP])
    work.first_candidate[stop - start] = n
    rows = work.words.shape[0] // work.held.shape[0]
    used, batch = work.drawn[group], work.drawn[group] // GROUP
    last = (used + n) // GROUP  # of the next candidate, too: it may be among the words of the last one here
    for row in range(last - batch + 1):
        if row > 0 or work.held[group] != batch:
            fill_words(key, batch + row, stream, trial.example, work.words, group * rows + row)
    words = work.words.reshape(-1)[group * rows * GROUP + used % GROUP :]
    lanes, lane, draw = np.uint64(group_size(layer, group)), work.lane, work.draw
    for k in range(n):
        product = np.uint64(words[k]) * lanes
        lane[k] = np.int64(product >> np.uint64(32))
        draw[k] = np.float64(np.int64(product & np.uint64(0xFFFFFFFF))) * WORD
    if last > batch:
        for k in range(GROUP):
            work.words[group * rows, k] = work.words[group * rows + last - batch, k]
    work.drawn[group], work.held[group] = used + n, last
    return n


@inlined
def find_spikes(model, layer, group, start, stop, n_candidates, n_new):
    """Keep the candidates whose draw is below their neuron's rate; return the number of new spikes.

    Rates of candidates only, a row at a time: far fewer than there are neurons and steps.
    """
    work, spikes = layer.work, layer.spikes
    first, lane, draw, chances, potential = work.first_candidate, work.lane, work.draw, work.chance, work.potential
    chance, potentials = chances.reshape(-1), potential.reshape(-1)
    for step in range(stop - start):
        for k in range(first[step], first[step + 1]):
            chance[k] = potentials[(lane[k] // LANES * CHUNK + step) * LANES + lane[k] % LANES]
    for row in range((n_candidates + LANES - 1) // LANES):
        store(chances, row, value(layer.curve, load(chances, row)))
    neuron, slots, first_neuron = spikes.new_neuron, spikes.new_slot, group * GROUP
    for step in range(stop - start):
        slot = start + step + model.memory
        for k in range(first[step], first[step + 1]):
            # Written in any case and kept by counting it: a branch would be unpredictable.
            neuron[n_new] = first_neuron + lane[k]
            slots[n_new] = slot
            n_new += draw[k] < chance[k]
    return n_new


@kernel
def run_layer(model, trial, layer, phase, start, stop):
    """Advance a layer from step `start` to `stop` of the trial and sort its spikes; False if there is no room."""
    n_new, spikes = 0, layer.spikes
    room = spikes.neuron.shape[0] - spikes.first[start + model.memory]
    for group in range(n_groups(layer)):
        first_block, last_block = group_blocks(layer, group)
        for begin in range(start, stop, CHUNK):
            end = min(begin + CHUNK, stop)
            for block in range(first_block, last_block):
                fresh = (begin - start) % SEGMENT == 0
                sweep(model, layer, block, phase, begin, end, fresh)
                add_to_means(model, trial, layer, block, phase, begin, end)
            n_candidates = draw_candidates(model, trial, layer, group, begin, end)
            if n_new + n_candidates > room:
                return False
            n_new = find_spikes(model, layer, group, begin, end, n_candidates, n_new)
    sort_spikes(spikes, n_new, start + model.memory, stop + model.memory)
    return True


# -- a trial ----------------------------------------------------------------------------------------------------------


@kernel
def begin_layer(model, trial, layer):
    """Project what the network remembers of earlier spikes through the present weights."""
    work, weights, memory, below = layer.work, layer.weights, model.memory, layer.below
    if window_there(trial, FORWARD):
        layer.v_forward[:] = 0
    if window_there(trial, TARGET):
        layer.activity[:] = 0
    layer.current[:] = 0
    work.drawn[:] = 0
    work.held[:] = -1
    ring = work.drive.shape[0] // layer.bias.shape[0]
    for block in range(layer.bias.shape[0]):
        decay, rise, row0 = full(weights, 0.0), full(weights, 0.0), block * layer.n_pre
        if memory == 0:
            for j in range(layer.n_pre):
                if below.trace[0, j] != 0:
                    row = load(weights, row0 + j)
                    decay = fma(below.trace[0, j], row, decay)
                    rise = fma(below.trace[1, j], row, rise)
        for slot in range(memory):
            drive = full(weights, 0.0)
            for k in range(below.first[slot], below.first[slot + 1]):
                drive = drive + load(weights, row0 + below.neuron[k])
            store(work.drive, block * ring + (slot & (ring - 1)), drive)
            # Nothing is old enough to be forgotten before the trial.
            decay = model.decay * (decay + drive)
            rise = model.rise * (rise + drive)
        store(work.decay, block, decay)
        store(work.rise, block, rise)
    if model.echoes and layer.feeds:
        begin_echo(model, layer)


@kernel
def fill_inputs(model, trial, inputs, onset, n_steps):
    """Draw, or take, the input spikes of a phase that begins at step `onset`; False if there is no room."""
    given, when, shown = model.given, model.given.input_when, 0
    if given.inputs:
        shown = given.first[trial.row]
        when = when[shown : given.first[trial.row + 1]]
    for begin in range(onset, onset + n_steps, SEGMENT):
        length = min(SEGMENT, onset + n_steps - begin)
        slot, n_new = begin + model.memory, 0
        room = inputs.neuron.shape[0] - inputs.first[slot]
        if given.inputs:
            first, last = first_at(when, begin), first_at(when, begin + length)
            n_new = last - first
            for k in range(min(n_new, room)):
                inputs.new_neuron[k] = given.input_neuron[shown + first + k]
                inputs.new_slot[k] = np.int64(when[first + k]) + model.memory
        else:
            n_new = draw_inputs(
                model.keys[0], begin, trial.example, model.expected, length, model.words, model.gaps,
                inputs.new_neuron, inputs.new_slot, slot,
            )  # fmt: skip
        if not 0 <= n_new <= room:
            return False
        sort_spikes(inputs, n_new, slot, slot + length)
    return True


@inlined
def present(model, inputs, layers, trial, intensity):
    """Run one trial and leave its averages: a forward phase and a target phase, each if it has a length.

    Returns
    -------
    bool
        False if a buffer of spikes was too small, which its size makes all but impossible (2**-100).
    """
    n_layers = len(layers)
    remember_all(model, inputs, layers)
    for j in range(model.expected.shape[0]):
        model.expected[j] = trial.rate * np.float64(intensity[j])
    begin_deliveries(model, trial, layers)
    for number in range(n_layers):
        begin_layer(model, trial, layers[number])
    if model.coupled:
        feed_back(model, layers)
    onset = np.int64(0)
    for phase in range(2):  # not two calls with the constants 0 and 1: numba would compile two versions
        length = trial.lengths[phase]
        if phase == TARGET and length > 0:
            teach(layers[n_layers - 1], model.teach, trial.target)
        if not fill_inputs(model, trial, inputs, onset, length):
            return False
        stride = 1 if model.coupled else length
        for start in range(onset, onset + length, max(stride, 1)):
            stop = start + stride
            if model.coupled and model.probe.apical:
                watch_apical(model, layers, start)
            for number in range(n_layers):
                if not run_layer(model, trial, layers[number], phase, start, stop):
                    return False
            if model.coupled:
                echo_step(model, layers, start)
                feed_back(model, layers)
        onset += length
        model.elapsed[phase] = length
    if model.echoes and not model.coupled:  # no layer reads these values: only the record does
        for step in range(onset):
            watch_apical(model, layers, step)
            echo_step(model, layers, step)
    if trial.averaged:
        average_spikes(model, trial, inputs, layers)
    forward, target = trial.windows[FORWARD], trial.windows[TARGET]
    for number in range(n_layers):
        layer = layers[number]
        for block in range(layer.bias.shape[0]):
            if window_there(trial, FORWARD):
                store(layer.v_forward, block, load(layer.v_forward, block) / (forward[1] - forward[0]))
            if window_there(trial, TARGET):
                store(layer.activity, block, load(layer.activity, block) / (target[1] - target[0]))
    return True
