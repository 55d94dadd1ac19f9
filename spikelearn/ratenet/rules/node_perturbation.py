r"""Node perturbation: units are disturbed at random, and the change of the loss tells in which direction it fell.

.. math::
    \tilde a_l = W_l \tilde h_{l-1} + b_l + \xi_l,\; \xi_l \sim N(0, s^2),\quad
    \delta^l = \frac{L(\tilde h) - L(h)}{s^2}\, \xi_l \quad\text{for each example}

All layers are disturbed at once, the output included. The error is unbiased up to order ``s**2``, and its angle to the
gradient grows with the number of units: the cosine for one example is about ``sqrt(2 / (pi n))``.

Sources: Williams, Machine Learning 8:229 (1992); Werfel, Xie & Seung, Neural Computation 17:2699 (2005).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.delta_rule import DeltaRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.optimisers import SGD, Optimiser
from spikelearn.ratenet.rule import State
from spikelearn.ratenet.shared import need_deterministic


@dataclass(frozen=True, kw_only=True)
class NodePerturbation(DeltaRule):
    """Errors from the loss with and without noise.

    Parameters
    ----------
    noise : float
        Standard deviation s. Much below 1e-3 the difference of the losses is lost in the rounding of float32.
    """

    optimiser: Optimiser = SGD(rate=0.03)
    noise: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("NodePerturbation.noise", self.noise, above=0)

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for units that draw: the two passes must differ in the noise only."""
        need_deterministic(self, network)

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the noise times the change of the loss that it caused."""
        network, h, drawn = state.network, activity.h[0], []
        for layer in range(network.n_layers):
            noise = rng.standard_normal((len(h), network.sizes[layer + 1]), h.dtype)
            noise *= self.noise
            drawn.append(noise)
            function = network.output if layer == network.n_layers - 1 else network.activation
            h = function.apply(network.drive(state.parameters, layer, h) + noise)
        rise = network.output.loss(h, target) - network.output.loss(activity.h[-1], target)
        rise /= self.noise**2
        return [noise * rise[:, None] for noise in drawn]
