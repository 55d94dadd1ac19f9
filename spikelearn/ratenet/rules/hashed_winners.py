r"""Winners by hashing: a hidden unit is active only if its weights fall into the same bucket as the layer's input.

A bucket is the signs of `bits` random projections, and there are several tables of them:

.. math::
    \tilde w = (w, b),\quad \tilde x = (x, 1),\quad
    m = \bigvee_{table} \bigwedge_{bit} \left[sign(p \cdot \tilde w) = sign(p \cdot \tilde x)\right],\quad
    h = m \circ f(W x + b)

A unit is likelier to be active the smaller the angle between its weights and the input. The probability is

.. math::
    1 - (1 - (1 - \theta/\pi)^{bits})^{tables},\quad \cos\theta = \frac{w x + b}{|\tilde w| |\tilde x|}

The error goes back through the active units only, by backpropagation; with ``bits=0`` all units are active, and the
rule is backpropagation itself. Projections are drawn once, and weights are hashed anew for each minibatch. Units that
do not collide are silent at test, too.

Source: Spring & Shrivastava, KDD 2017, arXiv:1602.08194, for rectified linear units. The point there is speed: products
of silent units are not computed. Here they are, and thrown away, so `shares` says what could be saved. They have layers
of 1,000 units, six bits and five tables, each asked in several buckets. Their hash favours large products rather than
small angles, which needs one more component for the norms of the weights. In small networks that makes the units with
small weights active together or not at all, and learns worse: 11 % test error on digits with 256 units, of which 24 %
are active, against 6 % here with 18 % (6 bits, 10 tables, 40 epochs, one seed). With a third of the units active it
errs as often as dropout that keeps as many, and with fewer more often (`experiments/results/hashed_shares.md`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.activations import Relu
from spikelearn.ratenet.delta import turned
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import State
from spikelearn.ratenet.shared import need_dense, need_deterministic

MOST_BITS = 62  # in an integer


@dataclass(frozen=True, kw_only=True)
class HashedWinners(FeedbackRule):
    """Backpropagation among the units whose weights collide with the input.

    Parameters
    ----------
    bits : int
        Projections in a table; each about halves the units that collide in it.
    tables : int
        A unit is active if it collides in one of them.
    """

    bits: int = 4
    tables: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("HashedWinners.bits", self.bits, at_least=0, at_most=MOST_BITS, integer=True)
        check_range("HashedWinners.tables", self.tables, at_least=1, integer=True)

    def network(self, sizes: Sequence[int]) -> RateNetwork:
        """Ask for rectified linear units, whose winners are those that are active anyway."""
        return RateNetwork(sizes=tuple(sizes), activation=Relu())

    def check(self, network: RateNetwork) -> None:
        """Refuse units that draw, and local layers."""
        need_deterministic(self, network)
        need_dense(self, network)

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw each hidden layer's projections, (pre + 1, tables * bits)."""
        drawn = ((pre + 1, self.tables * self.bits) for pre in network.sizes[:-2])
        return [rng.standard_normal(shape).astype(network.dtype) for shape in drawn]

    def kept(self, network: RateNetwork) -> int:
        """Return the numbers of the projections."""
        return sum((pre + 1) * self.tables * self.bits for pre in network.sizes[:-2])

    def active(self, state: State, layer: int, x: np.ndarray) -> np.ndarray:
        """Return which units of a hidden layer collide with its input.

        Parameters
        ----------
        state : State
            The network while it learns.
        layer : int
            The hidden layer, from 0.
        x : (n, pre) array
            Its input.

        Returns
        -------
        (n, units) bool array
            True where a unit is active.
        """
        W, b = state.parameters.W[layer], state.parameters.b[layer]
        planes, of_bias = state.memory[layer][:-1], state.memory[layer][-1]
        units, inputs = W @ planes + b[:, None] * of_bias, x @ planes + of_bias
        return (self.buckets(inputs)[:, None] == self.buckets(units)).any(axis=2)

    def buckets(self, projected: np.ndarray) -> np.ndarray:
        """Return the bucket in each table.

        Parameters
        ----------
        projected : (n, tables * bits) array
            Projections on the planes of all tables.

        Returns
        -------
        (n, tables) int array
            Number of the bucket.
        """
        signs = (projected > 0).reshape(len(projected), self.tables, self.bits)
        return signs @ (1 << np.arange(self.bits))

    def run(self, state: State, x: np.ndarray) -> Activity:
        """Run the network with silent units, in training and at test.

        Parameters
        ----------
        state : State
            The network while it learns.
        x : (n, inputs) array
            Inputs, an example a row.

        Returns
        -------
        Activity
            Activities and slopes of all layers.
        """
        network, h, slopes = state.network, [x], []
        for layer in range(network.n_hidden):
            active = self.active(state, layer, h[-1])
            found = network.layer(state.parameters, layer, h[-1])
            slopes.append(network.activation.slope(found) * active)
            h.append(found * active)
        h.append(network.layer(state.parameters, network.n_hidden, h[-1]))
        return Activity(h, slopes)

    def forward(self, state: State, x: np.ndarray, rng: np.random.Generator) -> Activity:
        """Run the network with silent units; nothing is drawn."""
        return self.run(state, x)

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the transpose of the present forward weights."""
        return turned(state.parameters)

    def outputs(self, state: State, x: np.ndarray) -> np.ndarray:
        """Return the outputs at test, (n, classes)."""
        return self.run(state, x).h[-1]

    def shares(self, state: State, x: np.ndarray) -> tuple[float, ...]:
        """Return the share of units that are active, the mean over examples.

        Parameters
        ----------
        state : State
            The network while it learns.
        x : (n, inputs) array
            Inputs, an example a row.

        Returns
        -------
        tuple of float
            One for each hidden layer.
        """
        h = self.run(state, x).h
        return tuple(float(self.active(state, layer, h[layer]).mean()) for layer in range(state.network.n_hidden))
