r"""Direct feedback alignment: fixed random weights carry the output error straight to every hidden layer.

.. math::
    \delta^l = (Y^l \delta^L) \circ f'(a^l),\quad Y^l \sim U(\pm 1 / \sqrt{n_l}) \text{ of shape } (n_l, n_L)

Source: Nøkland, NeurIPS 2016, arXiv:1609.01596; the range of the feedback weights is that of the author's code.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.ratenet.angles import angle
from spikelearn.ratenet.delta import turned
from spikelearn.ratenet.delta_rule import DeltaRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import State


@dataclass(frozen=True, kw_only=True)
class DirectFeedback(DeltaRule):
    """Fixed random feedback from the output to every hidden layer."""

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the feedback weights, (units, outputs) for each hidden layer; they stay fixed."""
        sizes = network.sizes
        return [
            rng.uniform(-1 / math.sqrt(size), 1 / math.sqrt(size), (size, sizes[-1])).astype(network.dtype)
            for size in sizes[1:-1]
        ]

    def kept(self, network: RateNetwork) -> int:
        """Return the number of hidden units times outputs: much, where local layers are large and classes many."""
        return sum(network.sizes[1:-1]) * network.sizes[-1]

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the output error, sent straight to each hidden layer."""
        error = self.output_error(state.network, activity, target)
        return [(error @ Y.T) * slope for Y, slope in zip(state.memory, activity.slope, strict=True)] + [error]

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return the angle to the transpose of the product of all weights above."""
        product, found = np.eye(state.network.sizes[-1], dtype=state.network.dtype), []
        layers = list(zip(state.network.connections[1:], turned(state.parameters), state.memory, strict=True))
        for connection, W, Y in reversed(layers):
            product = connection.reverse.send(W, product)  # a row for each output
            found.append(angle(Y, product.T))
        return tuple(found[::-1])
