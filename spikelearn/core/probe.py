"""Looking at trials, and standing in for what is drawn: neither changes anything else.

A probe names neurons whose potentials are sampled at ends of slots. Spikes are kept in any case.
"""

from typing import NamedTuple

import numpy as np

from spikelearn.core.jit import inlined
from spikelearn.core.records import record


@record
class Probe(NamedTuple):
    """Neurons whose potentials are sampled, and room for the samples: rows are those of ends of slots.

    Arrays without a shape have that of the one above.
    """

    first: np.ndarray  # (layers + 1,) int64, the first watched neuron of each layer
    cell: np.ndarray  # (watched,) int64, its number in the layer, ascending
    apical: bool  # are apical potentials wanted?
    every: int  # slots between samples
    skipped: int  # multiples of `every` before the first that is wanted
    decay: np.ndarray  # (watched,) the clock's filters, as the samples see them
    rise: np.ndarray
    v_soma: np.ndarray  # (rows, watched)
    v_dendrite: np.ndarray  # (rows, watched); of hidden neurons the basal one
    v_apical: np.ndarray  # (rows, watched); of hidden neurons only


@record
class Given(NamedTuple):
    """Spikes that are given instead of drawn, by step or, in the event engine, in ms."""

    inputs: bool  # are those of the inputs given?
    first: np.ndarray  # (showings + 1,) int64: showing `k` of the chunk has ``first[k]`` to ``first[k + 1]``
    input_neuron: np.ndarray  # (n,) int32
    input_when: np.ndarray  # (n,) float64, ascending in a showing
    apical: bool  # are those given that apical dendrites receive? Then they are ``layer.fed``.


@inlined
def sample_row(probe, slot):
    """Return the row of the samples at the start of a slot, counted from the start of the trial; -1 for none."""
    row = slot // probe.every - probe.skipped
    return row if slot % probe.every == 0 and 0 <= row < probe.v_soma.shape[0] else -1
