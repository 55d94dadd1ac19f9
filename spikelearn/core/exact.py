"""The event engine: exact, in continuous time. Slots are no time step: they say where states are kept.

Of each synapse's exponentials a neuron keeps two sums over *all* arrivals, ``D = sum W exp(-age / tau_decay)`` and
``R`` likewise with `tau_rise`, never forgotten. At the start of slot `k` the ones that count are

    D' = D[k] - c_d D[k - m],    R' = R[k] - c_r R[k - m],    c_d = exp(-M / tau_decay), c_r = exp(-M / tau_rise):

a spike that is forgotten, `M` ms or `m` slots after it came, is the same trace read a memory earlier. At `s` in the
slot

    V = V_inf + keep(s) U + from_decay(s) D' + from_rise(s) R' + what arrives, and what is forgotten, in the slot
    before s.

In a slot an arrival with weight W adds ``W decay``, ``W rise`` and ``W soma`` to D, R and Q at its end: three numbers
that depend on the spike only. Q is the soma's answer to all arrivals, again never forgotten; what it would be with
forgetting is

    U = Q[k] + a Q[k - m] + b (D[k - m] - R[k - m]) + F exp(-g t),   a = (c_d (g - r) - c_r (g - d)) / (r - d),
    b = -(c_d - c_r) g_d scale / (r - d),   r = 1 / tau_rise, d = 1 / tau_decay, g the soma's total conductance,

which no resonance disturbs; F is what is left of the potential at the start. The functions of `s` are Taylor
polynomials, exact to rounding, and hold backwards in time: what arrives within a slot before `s` counts for
``keep(s - h) (sum W soma) + from_decay(s - h) (sum W decay) + ...``.

A neuron's spikes are found by thinning (`spikelearn.core.thinning`). With ``g_apical = 0`` each layer runs through the
whole trial before the next one starts. With ``g_apical > 0`` all advance together (`spikelearn.core.together`).
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import (
    LANES,
    NARROW,
    absolute,
    flat,
    fma,
    full,
    load,
    maximum,
    narrow,
    piece_like,
    put_piece,
    store,
)
from spikelearn.core.layer import GROUP
from spikelearn.core.poisson import CountTable
from spikelearn.core.probe import Given, Probe
from spikelearn.core.records import record
from spikelearn.core.registers import add_row, fetch

AHEAD = 12  # arrivals for which weights are read before they are needed: misses of the cache and of a loop's end add up
SMALLEST = 1e-3  # of the precision of a potential of 1: less is nothing


@record
class Draws(NamedTuple):
    """Scratch of the inputs' draws: one Poisson process in time, of which each spike falls on an input by chance."""

    lit: np.ndarray  # (inputs,) int32, those whose rate is not 0
    cumulative: np.ndarray  # (inputs,) float64, their rates, summed
    guide: np.ndarray  # (n,) int64, where to start looking in `cumulative`
    gaps: np.ndarray  # (64,) float64, exponential draws
    words: np.ndarray  # (1, 64) uint32


@record
class Exact(NamedTuple):
    """Numbers of the event engine, and scratch that all layers share.

    Arrays without a shape have that of the one above.
    """

    tau_decay: float
    tau_rise: float
    scale: float  # 1 / (tau_decay - tau_rise)
    slot: float  # ms
    memory: int  # slots after which a spike is forgotten, 0: never
    period: int  # slots whose candidates are drawn together; its length in ms does not depend on the slot's
    cut_decay: float  # c_d; 0 without cut-off
    cut_rise: float
    decay: np.ndarray  # (n,) Taylor coefficients, highest power first: exp(-s / tau_decay)
    rise: np.ndarray
    rate_max: float  # spikes/ms
    teach: np.ndarray  # (2,) current into the outputs that are not, and that are, the label
    counts: CountTable  # candidates of a group in a period
    keys: np.ndarray  # (1 + 3 * layers, 4) uint32: inputs; then each layer's counts, places and thresholds
    grain: float  # ms, by which plateaus may be early: a multiple of so many
    rates: bool  # do apical dendrites receive rates, not filtered spikes?
    coupled: bool  # does feedback reach the somata?
    elapsed: np.ndarray  # (2,) ms, lengths of the phases that the spikes are of, 0 if they are all before the trial
    tally: np.ndarray  # (2,) int64, candidates, and those for which a bound did not decide
    draws: Draws
    probe: Probe
    given: Given


@record
class ExactWork(NamedTuple):
    """Coefficients and scratch of a layer; coefficients by phase. A ring has a row for each of the latest slots.

    Arrays without a shape have that of the one above.
    """

    total: np.ndarray  # (2,) conductance, 1/ms
    dendrite: float  # conductance
    apical: float  # conductance over that of the dendrite: an apical dendrite is one more with other weights
    keep: np.ndarray  # (2, n) Taylor coefficients, highest power first: exp(-g s)
    from_decay: np.ndarray
    from_rise: np.ndarray
    soma: np.ndarray  # (2, n) the sum of the last two: what an arrival of weight 1 does to the soma
    step: np.ndarray  # (2, 5) what is left of D, R, Q after a slot, and what D and R add to Q
    past: np.ndarray  # (2, 2) a and b
    kick: np.ndarray  # (2, 2) at most, in a slot, by an arrival of weight 1, and by one that is forgotten
    ring: np.ndarray  # (3 * blocks * slots, LANES) D, R and Q of the latest slots
    excess: np.ndarray  # (blocks, LANES) F
    fade: np.ndarray  # (slots,) exp(-g t) at the starts of slots; 0 before F was
    here: np.ndarray  # (3, LANES) what `state_at` found
    v_inf: np.ndarray  # (blocks, LANES)
    arriving: np.ndarray  # (rows, LANES) `soma` of the spikes of the layer below
    returning: np.ndarray  # (rows, LANES) that of the spikes that are fed back
    v_start: np.ndarray  # (blocks, LANES) potentials where the window of the forward phase begins and ends
    v_stop: np.ndarray
    rates: np.ndarray  # (windows * blocks, LANES) mean rates / rate_max over windows
    largest: np.ndarray  # (blocks, LANES) the larger of `reach` and the feedback weights, as the soma sees them
    peak: np.ndarray  # (groups,) the largest of a group
    bound: np.ndarray  # (slots,) at most, by what arrives and what is forgotten in a slot with weights of 1
    n_candidates: np.ndarray  # (groups,) int64, of the period that is decided
    batch: np.ndarray  # (groups,) int64, that of the words in `count_words`; -1: none
    begin: np.ndarray  # (groups, period + 1) int64, the first candidate of each slot; where layers go together
    lane: np.ndarray  # (groups * n, 64) int32, neuron in the group
    place: np.ndarray  # (groups * n, 64) int32, slot in the period
    draw: np.ndarray  # (groups * n, 64) uint32, time in the period, in 2**-32 of it
    old_draw: np.ndarray  # (64 * n,) uint32, scratch
    age: np.ndarray  # (groups * 64 / LANES * n, LANES) ms from the start of the slot
    threshold: np.ndarray  # the potential that makes the candidate a spike
    by_soma: np.ndarray  # what U counts at a candidate's time
    by_decay: np.ndarray
    by_rise: np.ndarray
    margin: np.ndarray  # (64 / LANES * n, LANES) scratch, of one group: potential less threshold
    back: (
        np.ndarray
    )  # ms to the end of the slot, negative, of undecided candidates; what is at its end counts before it
    back_soma: np.ndarray
    back_decay: np.ndarray
    back_rise: np.ndarray
    now: np.ndarray  # (64 * n,) int32, where the state of a candidate's neuron is in the ring
    then: np.ndarray  # (64 * n,) int32, a memory earlier
    undecided: np.ndarray  # (64 * n,) int32
    count_words: np.ndarray  # (groups, 64) uint32
    filtered: np.ndarray  # (2, n) float64, of a record: decay and rise of what is fed back
    traced: np.ndarray  # (samples, n) float64, what apical dendrites receive, spikes/ms


@inlined
def polynomial(coefficients, x):
    """Evaluate by Horner's rule, for a number or for lanes."""
    value = coefficients[0] + 0.0 * x
    for k in range(1, coefficients.shape[0]):
        value = fma(value, x, coefficients[k])
    return value


# -- spikes -----------------------------------------------------------------------------------------------------------


@kernel
def prepare_spikes(model, spikes, start, stop):
    """Work out what spikes of slots `start` to `stop` leave of the exponentials at the ends of their slots."""
    for row in range(spikes.first[start] // LANES, (spikes.first[stop] + LANES - 1) // LANES):
        x = load(spikes.left, row)
        store(spikes.decay, row, polynomial(model.decay, x))
        store(spikes.rise, row, polynomial(model.rise, x))


@kernel
def prepare_arrivals(out, coefficients, spikes, start, stop):
    """Work out what spikes of slots `start` to `stop` add to the somata that they reach, at the ends of their slots."""
    for row in range(spikes.first[start] // LANES, (spikes.first[stop] + LANES - 1) // LANES):
        store(out, row, polynomial(coefficients, load(spikes.left, row)))


@kernel
def prepare_bounds(model, layer, phase, start, stop, beyond):
    """Bound what arrives and what is forgotten in slots `start` to `stop`, for weights of 1; after them, say so."""
    work, memory, below, fed = layer.work, model.memory, layer.below, layer.received
    on, off = work.kick[phase, 0], work.kick[phase, 1]
    for slot in range(start, stop):
        bound = on * (below.first[slot + 1] - below.first[slot])
        if model.coupled and not layer.is_output:
            bound += on * (fed.first[slot + 1] - fed.first[slot])
        if 0 < memory <= slot:
            bound += off * (below.first[slot - memory + 1] - below.first[slot - memory])
            if model.coupled and not layer.is_output:
                bound += off * (fed.first[slot - memory + 1] - fed.first[slot - memory])
        work.bound[slot] = bound
    for slot in range(stop, min(stop + beyond, work.bound.shape[0])):
        work.bound[slot] = -np.inf  # no candidate there is of use, and none is to be looked at again


# -- the state of a block ---------------------------------------------------------------------------------------------


@inlined
def ring_row(model, layer, block, slot):
    """Return the row of the ring for D at the start of a slot; those of R and Q follow."""
    slots = layer.work.ring.shape[0] // (3 * layer.bias.shape[0])
    return 3 * (block * slots + (slot & (slots - 1)))


@kernel
def sweep(model, layer, block, phase, slots):
    """Carry the state of a block from the start of one of two `slots` to that of the other."""
    # A layer of few neurons needs but a part of each row; and three sums of 32 do not fit into 16 registers of 8.
    if layer.n <= NARROW or LANES == 32:
        for part in range(1 if layer.n <= NARROW else LANES // NARROW):
            _sweep(model, layer, block, phase, slots, narrow(layer.bias, 0), part * NARROW)
    else:
        _sweep(model, layer, block, phase, slots, load(layer.bias, 0), 0)


@inlined
def _sweep(model, layer, block, phase, slots, like, shift):
    work, weights, feedback, ring = layer.work, flat(layer.weights), flat(layer.feedback), flat(layer.work.ring)
    (start, stop), rows = slots, layer.work.ring.shape[0] // (3 * layer.bias.shape[0])
    below, fed = layer.below, layer.received
    first, neuron, to_soma = below.first, below.neuron, flat(work.arriving)
    to_decay, to_rise = flat(below.decay), flat(below.rise)
    coupled = model.coupled and not layer.is_output
    fed_first, fed_neuron, returning = fed.first, fed.neuron, flat(work.returning)
    back_decay, back_rise, apical = flat(fed.decay), flat(fed.rise), work.apical
    keep_decay, keep_rise, keep = work.step[phase, 0], work.step[phase, 1], work.step[phase, 2]
    from_decay, from_rise = work.step[phase, 3], work.step[phase, 4]
    row0, back0 = block * layer.n_pre * LANES + shift, block * layer.n_feedback * LANES + shift
    now = 3 * LANES * (block * rows + (start & (rows - 1))) + shift
    decay, rise = piece_like(ring, now, like), piece_like(ring, now + LANES, like)
    soma = piece_like(ring, now + 2 * LANES, like)
    k, last = first[start], first[stop] - 1
    for slot in range(start, stop):
        # Over a slot h: Q <- exp(-g h) Q + from_decay D + from_rise R, D <- exp(-h / tau_decay) D, R likewise
        soma = fma(keep, soma, fma(from_decay, decay, from_rise * rise))
        decay, rise = keep_decay * decay, keep_rise * rise
        end = first[slot + 1]
        while k < end:
            fetch(weights, row0 + neuron[min(k + AHEAD, last)] * LANES, like)
            # An arrival: (D, R, Q) += W (exp(-left / tau_decay), exp(-left / tau_rise), the soma's answer)
            factors = to_decay[k], to_rise[k], to_soma[k]
            decay, rise, soma = add_row((decay, rise, soma), factors, weights, row0 + neuron[k] * LANES)
            k += 1
        if coupled:
            for j in range(fed_first[slot], fed_first[slot + 1]):
                factors = apical * back_decay[j], apical * back_rise[j], apical * returning[j]
                decay, rise, soma = add_row((decay, rise, soma), factors, feedback, back0 + fed_neuron[j] * LANES)
        now = 3 * LANES * (block * rows + ((slot + 1) & (rows - 1))) + shift
        put_piece(ring, now, decay)
        put_piece(ring, now + LANES, rise)
        put_piece(ring, now + 2 * LANES, soma)


@inlined
def arrived(spikes, weights, block, n_pre, to_soma, slot, after):
    """Sum what spikes of a slot, those with more than `after` ms left of it, add to decay, rise and soma at its end."""
    decay, rise, soma = full(weights, 0.0), full(weights, 0.0), full(weights, 0.0)
    left, to_decay, to_rise = flat(spikes.left), flat(spikes.decay), flat(spikes.rise)
    for k in range(spikes.first[slot], spikes.first[slot + 1]):
        if left[k] > after:
            row = load(weights, block * n_pre + spikes.neuron[k])
            decay = fma(to_decay[k], row, decay)
            rise = fma(to_rise[k], row, rise)
            soma = fma(to_soma[k], row, soma)
    return decay, rise, soma


@inlined
def arrived_by(model, layer, block, slot, after):
    """Sum `arrived` over basal and, where they reach the soma, apical dendrites."""
    work = layer.work
    decay, rise, soma = arrived(layer.below, layer.weights, block, layer.n_pre, flat(work.arriving), slot, after)
    if model.coupled and not layer.is_output:
        more_decay, more_rise, more_soma = arrived(
            layer.received, layer.feedback, block, layer.n_feedback, flat(work.returning), slot, after
        )
        decay = fma(work.apical, more_decay, decay)
        rise = fma(work.apical, more_rise, rise)
        soma = fma(work.apical, more_soma, soma)
    return decay, rise, soma


@inlined
def soma_at(model, layer, block, phase, slot):
    """Return U at the start of a slot: ``U = Q[k] + a Q[k - m] + b (D[k - m] - R[k - m]) + F exp(-g t)``."""
    work, ring = layer.work, layer.work.ring
    now, then = ring_row(model, layer, block, slot), ring_row(model, layer, block, slot - model.memory)
    soma = fma(work.past[phase, 1], load(ring, then) - load(ring, then + 1), load(ring, now + 2))
    soma = fma(work.past[phase, 0], load(ring, then + 2), soma)
    return fma(work.fade[slot], load(work.excess, block), soma)


@kernel
def state_at(model, layer, block, phase, slot, age):
    """Write D', R' and U of a block at some `age` in a slot to ``work.here``, from its start and what came since."""
    work, memory, ring = layer.work, model.memory, layer.work.ring
    now, then = ring_row(model, layer, block, slot), ring_row(model, layer, block, slot - memory)
    back = age - model.slot
    decay = fma(-model.cut_decay, load(ring, then), load(ring, now))
    rise = fma(-model.cut_rise, load(ring, then + 1), load(ring, now + 1))
    soma = polynomial(work.keep[phase], age) * soma_at(model, layer, block, phase, slot)
    soma = fma(polynomial(work.from_decay[phase], age), decay, soma)
    soma = fma(polynomial(work.from_rise[phase], age), rise, soma)
    decay, rise = polynomial(model.decay, age) * decay, polynomial(model.rise, age) * rise
    add_decay, add_rise, add_soma = arrived_by(model, layer, block, slot, -back)
    if 0 < memory <= slot:
        off_decay, off_rise, off_soma = arrived_by(model, layer, block, slot - memory, -back)
        add_soma = fma(work.past[phase, 0], off_soma, fma(work.past[phase, 1], off_decay - off_rise, add_soma))
        add_decay = fma(-model.cut_decay, off_decay, add_decay)
        add_rise = fma(-model.cut_rise, off_rise, add_rise)
    soma = fma(polynomial(work.keep[phase], back), add_soma, soma)
    soma = fma(polynomial(work.from_decay[phase], back), add_decay, soma)
    soma = fma(polynomial(work.from_rise[phase], back), add_rise, soma)
    store(work.here, 0, fma(polynomial(model.decay, back), add_decay, decay))
    store(work.here, 1, fma(polynomial(model.rise, back), add_rise, rise))
    store(work.here, 2, soma)


@kernel
def begin_block(model, layer, block, phase, slot, age, at_rest):
    """Start a part of a trial at some `age` in a slot: the ring of the slots before it, and U there.

    `at_rest` tells that the ring holds nothing of use: the trial begins.
    """
    work, memory, ring, nothing = layer.work, model.memory, layer.work.ring, full(layer.bias, 0.0)
    # V_inf = (g_d (b + g_a / g_d c) + current) / g
    bias = fma(work.apical, load(layer.apical_bias, block), load(layer.bias, block))
    v_inf = fma(work.dendrite, bias, load(layer.current, block)) / work.total[phase]
    store(work.v_inf, block, v_inf)
    then, now = ring_row(model, layer, block, slot - memory), ring_row(model, layer, block, slot)
    if at_rest:
        decay, rise = nothing, nothing
        if memory == 0:
            decay, rise = project(layer.below, layer.weights, block, layer.n_pre)
            if model.coupled and not layer.is_output:
                more_decay, more_rise = project(layer.received, layer.feedback, block, layer.n_feedback)
                decay, rise = fma(work.apical, more_decay, decay), fma(work.apical, more_rise, rise)
        store(ring, then, decay)
        store(ring, then + 1, rise)
    store(ring, then + 2, nothing)
    sweep(model, layer, block, phase, (slot - memory, slot))
    store(work.excess, block, nothing)
    state_at(model, layer, block, phase, slot, age)
    # The rest is what F, or without forgetting Q, has become by then.
    excess = (load(layer.v_soma, block) - v_inf - load(work.here, 2)) / polynomial(work.keep[phase], age)
    if memory > 0:
        store(work.excess, block, excess)
    else:
        store(ring, now + 2, load(ring, now + 2) + excess)


@kernel
def begin_fading(layer, phase, start, stop):
    """Set by what F has faded at the starts of slots, from slot `start` on."""
    fade, left = layer.work.fade, 1.0
    for slot in range(start, stop):
        fade[slot] = left
        left *= layer.work.step[phase, 2]
        left = left if left > SMALLEST * np.finfo(fade.dtype).eps else 0.0


@kernel
def begin_bounds(model, layer):
    """Set the largest weight that reaches the soma of each neuron."""
    for block in range(layer.bias.shape[0]):
        largest = load(layer.reach, block)
        for k in range(layer.n_feedback if model.coupled else 0):
            row = layer.work.apical * load(layer.feedback, block * layer.n_feedback + k)
            largest = maximum(largest, absolute(row))
        store(layer.work.largest, block, largest)
    largest = flat(layer.work.largest)
    for group in range(layer.work.peak.shape[0]):
        layer.work.peak[group] = 0
        for cell in range(group * GROUP, min((group + 1) * GROUP, layer.n)):
            layer.work.peak[group] = max(layer.work.peak[group], largest[cell])


@inlined
def project(spikes, weights, block, n_pre):
    """Project the exponentials of all presynaptic neurons through their weights."""
    decay, rise = full(weights, 0.0), full(weights, 0.0)
    for j in range(n_pre):
        if spikes.trace[0, j] != 0:
            row = load(weights, block * n_pre + j)
            decay = fma(spikes.trace[0, j], row, decay)
            rise = fma(spikes.trace[1, j], row, rise)
    return decay, rise
