"""Spikes of the event engine on their way: queues by time, and what their arrival adds to a neuron.

Every spike arrives when it is emitted and, where spikes are forgotten, once more at the end of its memory, with
opposite sign. Either arrival is moved back to the start of the slot in which it falls; see `spikelearn.core.event`.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.few import FEW, load_few, store_few
from spikelearn.core.jit import kernel
from spikelearn.core.lanes import fma, load

ON, OFF = 0, 1  # a spike arrives; the end of its memory


class Synapse(NamedTuple):
    """The synaptic kernel, in ms."""

    tau_decay: float
    tau_rise: float
    scale: float  # 1 / (tau_decay - tau_rise)
    memory: float  # ms after which a spike is forgotten; infinite: never
    cut: np.ndarray  # (2 kinds, 2) what a spike, and the end of its memory, adds to decay and rise: 1, 1; -a, -b


class Responses(NamedTuple):
    """Taylor coefficients, highest power first; ``[phase, layer]`` where the soma's conductance enters."""

    decay: np.ndarray  # (n,) exp(-s / tau_decay)
    rise: np.ndarray  # (n,)
    keep: np.ndarray  # (2, layers, n) exp(-g s)
    from_decay: np.ndarray  # (2, layers, n)
    from_rise: np.ndarray  # (2, layers, n)


class Stretch(NamedTuple):
    """A part of a phase, cut into equal slots."""

    phase: int
    start: float  # ms from the start of the trial
    stop: float
    n_slots: int
    slot: float  # ms
    per_ms: float  # slots
    averaging: bool  # does any average want it?
    per_window: float  # 1/ms, one over the length of the phase's window if it is part of that, else 0


class Queues(NamedTuple):
    """The spikes of the inputs (queue 0) and of each layer, and how they arrive at the next."""

    time: np.ndarray  # (queues, capacity) float64, ms from the start of the trial, ascending; after the last: infinite
    pre: np.ndarray  # (queues, capacity) int32 neuron
    n: np.ndarray  # (queues,) int64
    n_gone: np.ndarray  # (2 kinds, queues) int64, how many are among the arrivals, or earlier
    on_place: np.ndarray  # (capacity + 2,) float64, scratch of `merge_arrivals`: between two infinities
    off_place: np.ndarray
    sort_time: np.ndarray  # (capacity,) scratch of `sort_spikes`
    sort_pre: np.ndarray
    bin_start: np.ndarray  # (capacity + 1,)


class Arrivals(NamedTuple):
    """What arrives in a segment at the layer above each queue; spikes and ends of their memory, by time."""

    n: np.ndarray  # (queues,) int64
    place: np.ndarray  # (queues, capacity) float64, slots from the start of the stretch; after the last: infinite
    pre: np.ndarray  # (queues, capacity) int32 neuron
    cut_decay: np.ndarray  # (queues, capacity) what is added to decay and rise on arrival, with a weight of 1
    cut_rise: np.ndarray
    age: np.ndarray  # (queues, capacity) ms, negative: back to the start of the slot
    decay: np.ndarray  # (queues, capacity) what is added to the state there
    rise: np.ndarray
    soma: np.ndarray


@kernel
def polynomial(coefficients, x):
    """Evaluate by Horner's rule, for a number or for lanes."""
    value = coefficients[0] + 0.0 * x
    for k in range(1, coefficients.shape[0]):
        value = fma(value, x, coefficients[k])
    return value


@kernel
def make_stretch(phase, start, stop, longest, averaging, per_window):
    """Cut a part of a phase into equal slots (a fraction of one that is due to rounding is no slot)."""
    n_slots = max(int(np.ceil((stop - start) / longest - 1e-9)), 1)
    slot, per_ms = (stop - start) / n_slots, n_slots / (stop - start)
    return Stretch(phase, start, stop, n_slots, slot, per_ms, averaging, per_window)


@kernel
def place_of(stretch, time):
    """Return where a time lies, in slots from the start of the stretch.

    All that happens is ordered by its place, never by its time, so rounding cannot put it into two slots, or into none.
    """
    place = (time - stretch.start) * stretch.per_ms
    return place if place > 0.0 else 0.0


@kernel
def time_of(stretch, place):
    """Return the time of a place, ms from the start of the trial."""
    return stretch.start + place * stretch.slot


@kernel
def sort_spikes(queues, queue, first, start, stop):
    """Sort the spikes of a queue from `first` on by time; they lie between `start` and `stop`, in ms.

    A counting sort into about as many bins as there are spikes, then insertion of what is left in wrong order.
    """
    queues.time[queue, queues.n[queue]] = np.inf
    n = queues.n[queue] - first
    if n < 2:
        return
    times, pres = queues.time[queue, first:], queues.pre[queue, first:]
    sort_time, sort_pre, bin_start = queues.sort_time, queues.sort_pre, queues.bin_start
    per_ms = (n - 1) / (stop - start)
    for b in range(n + 1):
        bin_start[b] = 0
    for k in range(n):
        bin_start[int((times[k] - start) * per_ms) + 1] += 1
    for b in range(n):
        bin_start[b + 1] += bin_start[b]
    for k in range(n):
        b = int((times[k] - start) * per_ms)
        target = bin_start[b]
        sort_time[target], sort_pre[target] = times[k], pres[k]
        bin_start[b] = target + 1
    for k in range(n):
        time, pre, target = sort_time[k], sort_pre[k], k
        while target > 0 and times[target - 1] > time:
            times[target], pres[target] = times[target - 1], pres[target - 1]
            target -= 1
        times[target], pres[target] = time, pre


@kernel
def merge_arrivals(net, work, stretch, queue, until):
    """List what arrives before slot `until`, spikes and ends of their memory, by place; return the first new one."""
    queues, arrivals, cut, memory = work.queues, work.arrivals, net.synapse.cut, net.synapse.memory
    on_place, off_place, n = queues.on_place, queues.off_place, arrivals.n[queue]
    on, off, n_on, n_off = queues.n_gone[ON, queue], queues.n_gone[OFF, queue], 0, 0
    # Slices, counted from 0: where an index might be negative, each access costs a comparison, and loops stay scalar.
    on_time, on_pre = queues.time[queue, on:], queues.pre[queue, on:]
    off_time, off_pre = queues.time[queue, off:], queues.pre[queue, off:]
    place, pre = arrivals.place[queue, n:], arrivals.pre[queue, n:]
    cut_decay, cut_rise = arrivals.cut_decay[queue, n:], arrivals.cut_rise[queue, n:]
    while place_of(stretch, on_time[n_on]) < until:
        n_on += 1
        on_place[n_on] = place_of(stretch, on_time[n_on - 1])
    while place_of(stretch, off_time[n_off] + memory) < until:
        n_off += 1
        off_place[n_off] = place_of(stretch, off_time[n_off - 1] + memory)
    queues.n_gone[ON, queue], queues.n_gone[OFF, queue] = on + n_on, off + n_off
    last = n_on + n_off - 1
    arrivals.n[queue] = n + n_on + n_off
    place[n_on + n_off] = np.inf
    if n_off == 0:
        for k in range(n_on):
            place[k], pre[k] = on_place[1 + k], on_pre[k]
            cut_decay[k], cut_rise[k] = cut[ON, 0], cut[ON, 1]
        return n
    on_place[0], off_place[0], on_place[n_on + 1], off_place[n_off + 1] = -np.inf, -np.inf, np.inf, np.inf
    i, j, i_back, j_back = 1, 1, n_on, n_off
    for k in range((n_on + n_off + 1) // 2):
        # Without branches: none could guess which of the two comes next. From both ends at once, because what takes
        # the time is to wait for the comparison before.
        kind = OFF if off_place[j] < on_place[i] else ON
        place[k] = min(on_place[i], off_place[j])
        pre[k] = off_pre[j - 1] if kind == OFF else on_pre[i - 1]
        cut_decay[k], cut_rise[k] = cut[kind, 0], cut[kind, 1]
        i, j = i + 1 - kind, j + kind
        kind = ON if off_place[j_back] < on_place[i_back] else OFF
        place[last - k] = max(on_place[i_back], off_place[j_back])
        pre[last - k] = off_pre[j_back - 1] if kind == OFF else on_pre[i_back - 1]
        cut_decay[last - k], cut_rise[last - k] = cut[kind, 0], cut[kind, 1]
        i_back, j_back = i_back - 1 + kind, j_back - kind
    return n


@kernel
def prepare_arrivals(net, work, stretch, queue, layer, until):
    """List what arrives at a layer before slot `until`, and what it adds to the state at the start of its slot."""
    arrivals, slot, phase = work.arrivals, stretch.slot, stretch.phase
    first = merge_arrivals(net, work, stretch, queue, until)
    n, place, age = arrivals.n[queue], arrivals.place[queue, first:], arrivals.age[queue, first:]
    for k in range(n - first):
        age[k] = (np.floor(place[k]) - place[k]) * slot
    decay, rise = net.responses.decay, net.responses.rise
    from_decay, from_rise = net.responses.from_decay[phase, layer], net.responses.from_rise[phase, layer]
    for k in range(first - first % FEW, n, FEW):
        x = load_few(arrivals.age, queue, k)
        by_decay, by_rise = load_few(arrivals.cut_decay, queue, k), load_few(arrivals.cut_rise, queue, k)
        store_few(arrivals.decay, queue, k, by_decay * polynomial(decay, x))
        store_few(arrivals.rise, queue, k, by_rise * polynomial(rise, x))
        to_soma = fma(by_decay, polynomial(from_decay, x), by_rise * polynomial(from_rise, x))
        store_few(arrivals.soma, queue, k, to_soma)


@kernel
def absorb(forward, row0, pre, place, k, until, to_decay, to_rise, to_soma, decay, rise, soma):
    """Add arrivals from the `k`-th on to the state, up to the slot (and part of it) `until`; return the next, too."""
    while place[k] < until:
        weights = load(forward, row0 + pre[k])
        decay = fma(to_decay[k], weights, decay)
        rise = fma(to_rise[k], weights, rise)
        soma = fma(to_soma[k], weights, soma)
        k += 1
    return k, decay, rise, soma


@kernel
def drop_spikes(net, work):
    """Drop the arrivals, and the spikes that are forgotten, or all where only traces remember."""
    queues = work.queues
    time, pre = queues.time, queues.pre
    for queue in range(queues.n.shape[0]):
        n = queues.n[queue]
        dropped = n if np.isinf(net.synapse.memory) else queues.n_gone[OFF, queue]
        for k in range(n - dropped):
            time[queue, k] = time[queue, dropped + k]
            pre[queue, k] = pre[queue, dropped + k]
        keep_spikes(work, queue, n - dropped)
    work.absorbed[:] = 0


@kernel
def keep_spikes(work, queue, n):
    """Tell that the first `n` spikes of a queue have arrived before, none for the second time."""
    queues, arrivals = work.queues, work.arrivals
    queues.n[queue] = n
    queues.time[queue, n] = np.inf
    queues.n_gone[ON, queue], queues.n_gone[OFF, queue] = n, 0
    work.n_fed[ON, queue], work.n_fed[OFF, queue] = n, 0
    work.n_echoed[ON, queue], work.n_echoed[OFF, queue] = n, 0
    arrivals.n[queue] = 0
    arrivals.place[queue, 0] = np.inf
