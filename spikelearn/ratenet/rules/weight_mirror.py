r"""Weight mirror: between training batches a layer is shown noise, and the correlation it leaves behind is ``W^T``.

.. math::
    \xi \sim N(0, s^2 I),\quad y = f(W^{l+1} \xi + b) - \langle \cdot \rangle,\quad
    Y^l \leftarrow Y^l + \rho \left( \langle \xi y^T \rangle / s^2 - Y^l \right)

Without the subtraction of the mean, units that are active on average add noise of their own. Layers are mirrored one at
a time with fresh noise: noise that has passed a layer is no longer independent. The output layer answers with its
pre-activation.

Source: Akrout et al., NeurIPS 2019, arXiv:1904.05391, with the rate and the decay of the mirror chosen such that
``Y`` is a running mean, whose expectation for linear units is ``W^T`` itself.
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Batches, State


@dataclass(frozen=True, kw_only=True)
class WeightMirror(FeedbackRule):
    """Feedback weights learned from noise, one minibatch of it for each one of images.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise.
    rate : float
        Learning rate of the running mean, per minibatch of noise.
    first : int
        Number of minibatches of noise before any image.
    """

    noise: float = 0.1
    rate: float = 0.02
    first: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("WeightMirror.noise", self.noise, above=0)
        check_range("WeightMirror.rate", self.rate, at_least=0, at_most=1)
        check_range("WeightMirror.first", self.first, at_least=0, integer=True)

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Return feedback weights of zero."""
        return [np.zeros(connection.reverse.shape, network.dtype) for connection in network.connections[1:]]

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the present feedback weights."""
        return state.memory

    def mirror(self, state: State, examples: int, rng: np.random.Generator) -> None:
        """Send noise through each layer, one after the other, and change the feedback weights.

        Parameters
        ----------
        state : State
            The network while it learns; its feedback weights change in place.
        examples : int
            Number of examples of noise.
        rng : numpy.random.Generator
            Source of the noise.
        """
        network = state.network
        for k, Y in enumerate(state.memory):
            noise = rng.standard_normal((examples, network.sizes[k + 1]), Y.dtype)
            noise *= self.noise
            answer = network.drive(state.parameters, k + 1, noise)
            if k < network.n_hidden - 1:
                answer = network.activation.apply(answer)
            answer -= answer.mean(axis=0)
            answer *= self.rate / (examples * self.noise**2)
            change = np.empty_like(Y)
            network.connections[k + 1].reverse.correlate(noise, answer, change)
            Y *= 1 - self.rate
            Y += change

    def prepare(self, state: State, batches: Batches, epoch: int, rng: np.random.Generator) -> None:
        """Mirror for `first` minibatches before the first image."""
        for _ in range(self.first if epoch == 0 else 0):
            self.mirror(state, self.batch, rng)

    def learn(self, state: State, batch: Batch, rng: np.random.Generator) -> None:
        """Mirror once, then change the forward weights."""
        self.mirror(state, len(batch.x), rng)
        super().learn(state, batch, rng)
