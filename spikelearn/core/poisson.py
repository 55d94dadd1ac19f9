"""Poisson processes, drawn exactly.

Inputs: one unit-rate process along all inputs laid end to end (each as long as its expected count) is every input's
own process at once; its events come sorted by input and, within an input, by time.

Neurons: thinning (Lewis & Shedler 1979). A group of neurons gets a Poisson number of candidates at its highest
rate; each falls on a uniformly drawn neuron and becomes a spike with probability sigmoid(V) of that neuron. The
spike counts of a step are then Poisson with mean ``rate_max * sigmoid(V) * dt``, and counts above 1 can occur.
"""

import math
from typing import NamedTuple

import numpy as np

from spikelearn.core.jit import inlined, kernel
from spikelearn.core.layer import GROUP
from spikelearn.core.random import fill_exponentials, fill_words, uniform
from spikelearn.core.records import record

GUIDE_BITS = 8


@record
class CountTable(NamedTuple):
    """Inversion tables for the Poisson number of candidates, one row for each group of neurons."""

    cdf: np.ndarray  # (groups, n) float64, P(count <= k); ends with 1
    guide: np.ndarray  # (groups, 2**GUIDE_BITS) int64, a count to start the search at


def count_table(means: list[float]) -> CountTable:
    """Tabulate Poisson distributions of the given means up to a count that no 32-bit draw exceeds."""
    longest = max(count_bound(mean, bits=33) for mean in means)
    cdf = np.ones((len(means), longest + 1))
    guide = np.zeros((len(means), 1 << GUIDE_BITS), np.int64)
    for block, mean in enumerate(means):
        terms = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(longest)]
        cdf[block, :longest] = np.minimum(np.cumsum(terms), 1.0)
        guide[block] = np.searchsorted(cdf[block], np.arange(1 << GUIDE_BITS) / (1 << GUIDE_BITS), side="right")
    return CountTable(cdf, guide)


def count_bound(mean: float, bits: int = 100) -> int:
    """Return a count that a Poisson number of this mean exceeds with probability below ``2**-bits`` (Chernoff)."""
    low, high = int(mean) + 1, int(2 * mean) + 200
    while low < high:
        middle = (low + high) // 2
        if mean == 0 or middle - mean - middle * math.log(middle / mean) < -bits * math.log(2):
            high = middle
        else:
            low = middle + 1
    return low


@inlined
def draw_count(table, group, word):
    """Invert a group's distribution at a uniform word."""
    draw = uniform(word)
    count = table.guide[group, word >> np.uint32(32 - GUIDE_BITS)]
    while table.cdf[group, count] < draw:
        count += 1
    return count


@kernel
def fill_guide(cumulative, guide):
    """Prepare `look_up`: ``guide[g]`` is the first of `cumulative` that is above ``g / len(guide)`` of the last."""
    total, j = cumulative[cumulative.shape[0] - 1], 0
    for g in range(guide.shape[0]):
        while cumulative[j] <= total * g / guide.shape[0] and j < cumulative.shape[0] - 1:
            j += 1
        guide[g] = j


@inlined
def look_up(cumulative, guide, word):
    """Turn a uniform word into an index: each with the odds that it adds to `cumulative`."""
    draw = uniform(word)
    j = guide[int(draw * guide.shape[0])]
    draw *= cumulative[cumulative.shape[0] - 1]
    while cumulative[j] <= draw:
        j += 1
    return j


@kernel
def draw_inputs(key, onset, example, expected, n_steps, words, gaps, source, row, first_row):
    """Draw the input spikes of some steps, by input and then time.

    Parameters
    ----------
    key : (4,) uint32 array
    onset, example : int
        Step at which the stretch begins, and trial: the stream of draws.
    expected : (n_inputs,) float64 array
        Expected spikes of each input in one step.
    n_steps : int
    words : (1, 64) uint32 array, gaps : (64,) float64 array
        Scratch.
    source, row : (capacity,) int32 arrays
        Filled with the spikes: input, and `first_row` plus step.
    first_row : int

    Returns
    -------
    int
        Number of spikes; -1 if they exceed the capacity (draw again with more: the same spikes come out).
    """
    n_spikes, used, batch = 0, GROUP, 0
    start, position = 0.0, 0.0
    pending = False  # is `position` an event that lies beyond the inputs seen so far?
    for j in range(expected.shape[0]):
        if expected[j] == 0.0:
            continue
        stop = start + expected[j] * n_steps
        per_step = 1.0 / expected[j]
        while True:
            if not pending:
                if used == GROUP:
                    fill_words(key, batch, onset, example, words, 0)
                    fill_exponentials(words, 0, gaps)
                    batch += 1
                    used = 0
                position += gaps[used]
                used += 1
            pending = position >= stop
            if pending:
                break
            if n_spikes == source.shape[0]:
                return -1
            source[n_spikes] = j
            row[n_spikes] = first_row + min(int((position - start) * per_step), n_steps - 1)
            n_spikes += 1
        start = stop
    return n_spikes
