"""Spikes of a population by slot: sorting, forgetting, and the exponentials of each neuron that are never forgotten."""

from spikelearn.core.jit import inlined, kernel
from spikelearn.core.lanes import flat
from spikelearn.core.layer import FORGOTTEN


@kernel
def sort_spikes(spikes, n_new, start, stop):
    """Take up new spikes, which lie in slots `start` to `stop`, by slot, and otherwise in the order they come.

    Returns whether they are others than those that lay there, if there are times.
    """
    first, slot, end = spikes.first, spikes.new_slot, spikes.first[stop]
    changed = end - first[start] != n_new
    for j in range(start, stop):
        first[j + 1] = 0
    for k in range(n_new):
        first[slot[k] + 1] += 1
    place = first[start]
    for j in range(start, stop):
        count, first[j + 1] = first[j + 1], place
        place += count
    # first[j + 1] is the place of the next spike of slot j, and in the end one past its last.
    neuron, new_neuron, time, new_time = spikes.neuron, spikes.new_neuron, spikes.time, spikes.new_time
    left, new_left = flat(spikes.left), spikes.new_left
    for k in range(n_new):
        j = slot[k] + 1
        place = first[j]
        if time.shape[0] > 0:
            changed = changed or place >= end or neuron[place] != new_neuron[k] or time[place] != new_time[k]
            time[place], left[place] = new_time[k], new_left[k]
        neuron[place] = new_neuron[k]
        first[j] = place + 1
    return changed


@kernel
def age_traces(trace, decay, rise):
    """Multiply the exponentials of all neurons by what is left of them."""
    for j in range(trace.shape[1]):
        if trace[0, j] < FORGOTTEN:
            trace[0, j] = 0
            trace[1, j] = 0
        trace[0, j] *= decay
        trace[1, j] *= rise


@inlined
def first_at(when, time):
    """Return the first of ascending times that is not before `time`."""
    low, high = 0, when.shape[0]
    while low < high:
        middle = (low + high) // 2
        if when[middle] < time:
            low = middle + 1
        else:
            high = middle
    return low
