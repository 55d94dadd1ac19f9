r"""Sign symmetry: feedback weights have the present signs of the forward weights, but not their magnitudes.

.. math::
    Y^l = M^l \circ \mathrm{sign}(W^{l+1})^T,\quad M^l_{ij} = \sqrt{2 / (n_{in} + n_{out})}

Sources: Liao, Leibo & Poggio, AAAI 2016; Xiao et al., ICLR 2019, arXiv:1811.03567. One magnitude for all weights of a
layer, the standard deviation of Glorot's initial weights, is the variant called uSF.
"""

import math
from dataclasses import dataclass

import numpy as np

from spikelearn.ratenet.delta import turned
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import State


@dataclass(frozen=True, kw_only=True)
class SignSymmetry(FeedbackRule):
    """Feedback of fixed magnitude with the signs of the forward weights."""

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Return the magnitudes of the feedback weights, (units, units above) for each hidden layer."""
        above = [connection.reverse for connection in network.connections[1:]]
        return [(math.sqrt(2 / each.fans) * each.synapses()).astype(network.dtype) for each in above]

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the magnitudes with the present signs of the forward weights."""
        return [np.copysign(magnitude, W) for magnitude, W in zip(state.memory, turned(state.parameters), strict=True)]
