"""Other simulators of the same networks, to compare speeds with: a loop over time steps in plain NumPy, and Brian2.

Both take steps of 1 ms, as the authors do, and draw their own spikes: they agree with the engines in distribution.

NumPy
    All that `Clock` does, learning included: one matrix-vector product for each layer and step, spikes as dense vectors
    of counts, the synaptic filter for each presynaptic neuron.
Brian2
    The two phases of every example with all their spikes, and no learning. What it does otherwise: somata decay
    exponentially within a step (``exponential_euler``), a neuron spikes once a step at most, spikes arrive a step
    later. What nothing depends on is left out: without apical conductance, the feedback.

Brian2 is an extra (``pip install 'spikelearn[brian2]'``). It changes the process it is imported into (signal handlers,
logging, preferences), so whatever uses it belongs into a process of its own: `apart`.
"""

from spikelearn.peers.in_brian2 import Brian2
from spikelearn.peers.in_numpy import NumPy
from spikelearn.peers.task import DT, Task, Times, Unavailable, apart

__all__ = ["DT", "PEERS", "Brian2", "NumPy", "Peer", "Task", "Times", "Unavailable", "apart"]

Peer = NumPy | Brian2
PEERS = NumPy(), Brian2()
