"""What the event engine draws: candidates for the neurons' spikes, and the spikes of the inputs, as they are needed."""

from typing import NamedTuple

import numpy as np

from spikelearn.core.arrivals import place_of, polynomial
from spikelearn.core.few import FEW, load_few, store_few
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.poisson import fill_guide, look_up
from spikelearn.core.random import WORD, fill_exponentials, fill_words

GAPS, CHOICES = 0, 1  # streams of the inputs' draws


class Candidates(NamedTuple):
    """Of each block, the 64 candidates that come next, by time; room for 16 more, for they are read 16 at a time."""

    next: np.ndarray  # (blocks,) int64, first of them that has not been decided
    batch: np.ndarray  # (blocks,) int64, how many batches have been drawn
    time: np.ndarray  # (blocks, 80) float64, ms from the start of the trial
    place: np.ndarray  # (blocks, 80) float64, slots from the start of the stretch; after the 64: infinite
    lane: np.ndarray  # (blocks, 80) int32
    cell: np.ndarray  # (blocks, 80) int32, neuron of the layer
    draw: np.ndarray  # (blocks, 80)
    age: np.ndarray  # (blocks, 80) ms from the start of the slot
    keep: np.ndarray  # (blocks, 80) what the parts of the state there count for the potential here
    from_decay: np.ndarray
    from_rise: np.ndarray


class Inputs(NamedTuple):
    """The inputs' spikes, one Poisson process in time of which each spike falls on an input by chance."""

    per_event: np.ndarray  # (1,) ms, mean time between two spikes
    cumulative: np.ndarray  # (inputs,) rates, summed
    guide: np.ndarray  # (n,) int64, where to start looking in `cumulative`
    next: np.ndarray  # (1,) float64, time of the next spike, ms
    used: np.ndarray  # (1,) int64 draws
    gaps: np.ndarray  # (64,) float64, exponential draws
    words: np.ndarray  # (1, 64) uint32


@kernel
def draw_batch(net, work, stretch, layer, block, example):
    """Draw the next 64 candidates of a block: a Poisson process in time; each falls on a neuron and has a draw."""
    candidates, words, batch = work.candidates, work.words, work.candidates.batch[block]
    time, draw = candidates.time[block], candidates.draw[block]
    lane, cell = candidates.lane[block], candidates.cell[block]
    lanes, first_cell = np.uint64(net.layout.lanes[block]), (block - net.layout.first_block[layer]) * LANES
    per_event = 1.0 / (net.rate_max * net.layout.lanes[block])
    now = time[LANES - 1] if batch > 0 else 0.0
    fill_words(net.keys[1 + 2 * layer], batch, block, example, words, 0)
    fill_exponentials(words, 0, time[:LANES])
    for k in range(LANES):
        now += per_event * time[k]
        time[k] = now
    fill_words(net.keys[2 + 2 * layer], batch, block, example, words, 0)
    for k in range(LANES):
        # The high part of the product chooses the neuron, the low part is the draw.
        product = np.uint64(words[0, k]) * lanes
        lane[k] = product >> np.uint64(32)
        cell[k] = first_cell + lane[k]
        draw[k] = np.float64(product & np.uint64(0xFFFFFFFF)) * WORD
    candidates.batch[block] = batch + 1
    candidates.next[block] = 0
    place_batch(net, candidates, stretch, layer, block)


@kernel
def place_batch(net, candidates, stretch, layer, block):
    """Find the slots of a block's candidates, and what the state at a slot's start counts at the candidate's time."""
    time, place, age = candidates.time[block], candidates.place[block], candidates.age[block]
    for k in range(LANES):
        place[k] = place_of(stretch, time[k])
        age[k] = (place[k] - np.floor(place[k])) * stretch.slot
    responses, phase = net.responses, stretch.phase
    for k in range(0, LANES, FEW):
        x = load_few(candidates.age, block, k)
        store_few(candidates.keep, block, k, polynomial(responses.keep[phase, layer], x))
        store_few(candidates.from_decay, block, k, polynomial(responses.from_decay[phase, layer], x))
        store_few(candidates.from_rise, block, k, polynomial(responses.from_rise[phase, layer], x))


@kernel
def begin_inputs(net, inputs, intensity, rate, example):
    """Prepare the drawing of a trial's input spikes."""
    total = 0.0
    cumulative = inputs.cumulative
    for j in range(intensity.shape[0]):
        total += rate * np.float64(intensity[j])
        cumulative[j] = total
    fill_guide(cumulative, inputs.guide)
    inputs.per_event[0] = 1.0 / total if total > 0 else np.inf
    _fill_inputs(net, inputs, 0, example)
    inputs.next[0] = inputs.gaps[0] * inputs.per_event[0]
    inputs.used[0] = 1


@kernel
def _fill_inputs(net, inputs, batch, example):
    fill_words(net.keys[0], batch, GAPS, example, inputs.words, 0)
    fill_exponentials(inputs.words, 0, inputs.gaps)
    fill_words(net.keys[0], batch, CHOICES, example, inputs.words, 0)


@kernel
def draw_inputs(net, work, stretch, stop, example):
    """Append the input spikes before slot `stop` to their queue; False if it is too small."""
    inputs, time, pre, n = work.inputs, work.queues.time, work.queues.pre, work.queues.n[0]
    cumulative, guide, words, gaps = inputs.cumulative, inputs.guide, inputs.words, inputs.gaps
    per_event, now, used = inputs.per_event[0], inputs.next[0], inputs.used[0]
    while place_of(stretch, now) < stop:
        if n + 1 >= time.shape[1]:
            return False
        time[0, n] = now
        pre[0, n] = look_up(cumulative, guide, words[0, (used - 1) % LANES])
        n += 1
        if used % LANES == 0:
            _fill_inputs(net, inputs, used // LANES, example)
        now += gaps[used % LANES] * per_event
        used += 1
    time[0, n] = np.inf
    work.queues.n[0], inputs.next[0], inputs.used[0] = n, now, used
    return True
