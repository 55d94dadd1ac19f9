r"""Online alternating minimisation: first better codes for a minibatch, then weights that yield these codes.

The codes ``c_l`` are the pre-activations of hidden layer l, the objective of a minibatch is

.. math::
    CE(W_{L} r(c_{L-1}), t) + \mu \sum_l \|c_l - W_l r(c_{l-1})\|^2,\quad r = \max(\cdot, 0),\; r(c_0) := x

1. Codes start at the values of the forward pass, ``c_l^0``. From the highest layer down each makes n steps of gradient
   descent (Nesterov) on ``upper / mu + mse(c_l, c_l^0)``; `upper` is the cross-entropy for the highest layer,
   ``mu * mse(W_{l+1} r(c_l), c_{l+1})`` for the others.
2. Each layer makes one step of Adam, the hidden ones on ``mse(W_l r(c_{l-1}), c_l)``, the output on the cross-entropy,
   all independently, with the new codes.

``mse`` is the mean over units and minibatch. Only displacements ``c_l - c_l^0`` are stored: below the highest layer
they are so small that float32 would lose them in the difference of two codes.

Source: Choromanska et al., ICML 2019, arXiv:1806.09077, with the numbers of the authors' code, which has
batch normalisation and no hidden biases; here there are biases and no normalisation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.activations import Relu
from spikelearn.ratenet.delta import outer_means
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.optimisers import Adam, Optimiser
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Rule, State
from spikelearn.ratenet.shared import need_dense, need_deterministic_hidden

MOMENTUM = 0.9  # of the codes' descent


@dataclass(frozen=True, kw_only=True)
class AlternatingMinimisation(Rule):
    """Online alternating minimisation of codes and weights.

    Parameters
    ----------
    mu : float
        Weight of the consistency of codes with weights.
    code_rate : float
        Learning rate of the codes.
    code_steps : int
        Steps of the codes for each minibatch.
    """

    optimiser: Optimiser = field(default_factory=lambda: Adam(rate=0.003))
    batch: int = 200
    mu: float = 0.003
    code_rate: float = 0.3
    code_steps: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("AlternatingMinimisation.mu", self.mu, above=0)
        check_range("AlternatingMinimisation.code_rate", self.code_rate, above=0)
        check_range("AlternatingMinimisation.code_steps", self.code_steps, at_least=1, integer=True)

    def network(self, sizes: tuple[int, ...]) -> RateNetwork:  # type: ignore[override]
        """Describe a network of rectified linear units."""
        return RateNetwork(sizes=tuple(sizes), activation=Relu())

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for a network without hidden layers, with units that draw, or local layers."""
        need_deterministic_hidden(self, network)
        need_dense(self, network)

    def codes(self, state: State, batch: Batch) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the pre-activations of the hidden layers, and how far the codes have moved from them.

        Parameters
        ----------
        state : State
            The network while it learns.
        batch : Batch
            The examples.

        Returns
        -------
        codes : list of (n, units) arrays
            Pre-activations of each hidden layer, lowest first.
        moved : list of (n, units) arrays
            Displacement of the codes of each hidden layer.
        """
        network, W, b = state.network, state.parameters.W, state.parameters.b
        start, h = [], batch.x
        for layer in range(network.n_hidden):
            start.append(h @ W[layer].T + b[layer])
            h = np.maximum(start[-1], 0)
        moved: list[np.ndarray] = [None] * network.n_hidden  # type: ignore[list-item]
        for layer in reversed(range(network.n_hidden)):

            def upper(d: np.ndarray, layer: int = layer) -> np.ndarray:
                r = np.maximum(start[layer] + d, 0)
                if layer == network.n_hidden - 1:
                    output = network.output.apply(r @ W[-1].T + b[-1])
                    error = network.output.error(output, batch.target) / (self.mu * len(d))
                else:
                    error = (r - np.maximum(start[layer], 0)) @ W[layer + 1].T - moved[layer + 1]
                    error *= 2 / error.size
                return (error @ W[layer + 1]) * (r > 0)

            moved[layer] = self._descend(upper, np.zeros_like(start[layer]))
        return start, moved

    def _descend(self, upper: Callable[[np.ndarray], np.ndarray], d: np.ndarray) -> np.ndarray:
        """Move a displacement down ``upper / mu + mse(d, 0)``."""
        velocity = np.zeros_like(d)
        for _ in range(self.code_steps):
            gradient = upper(d) + (2 / d.size) * d
            velocity = MOMENTUM * velocity + gradient
            d = d - self.code_rate * (gradient + MOMENTUM * velocity)
        return d

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the gradient of each layer's own loss at the new codes."""
        network, W, b = state.network, state.parameters.W, state.parameters.b
        start, moved = self.codes(state, batch)
        new = [batch.x, *(np.maximum(c + d, 0) for c, d in zip(start, moved, strict=True))]
        errors = []
        for layer, d in enumerate(moved):
            missing = -d
            if layer > 0:
                missing += (new[layer] - np.maximum(start[layer - 1], 0)) @ W[layer].T
            errors.append(missing * (2 / missing.shape[1]))
        output = network.output.apply(new[-1] @ W[-1].T + b[-1])
        return outer_means(state.gradient, [*errors, network.output.error(output, batch.target)], new)

    def teaching(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray]:
        """Return how far the codes have moved, with the sign that points uphill."""
        return [-d for d in self.codes(state, batch)[1]]
