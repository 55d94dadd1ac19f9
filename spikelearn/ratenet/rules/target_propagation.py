r"""Target propagation: a hidden layer learns to come closer to a target, which decoders make from the one above.

.. math::
    t_l = h_l + g_{l+1}(t_{l+1}) - g_{l+1}(h_{l+1}) \quad\text{(the difference corrects for an inexact inverse)} \\
    \text{local loss } \|f_l(h_{l-1}) - t_l\|^2 \text{, so } \delta^l = 2 (h_l - t_l) \circ f'(a^l)

Targets and inputs of a layer are constants of its loss. What differs is how the highest hidden layer, H, gets its own:

DTP
    ``t_H = h_H - alpha * dLoss/dh_H``, one step of the true gradient, each example's own;
SDTP
    by the same difference rule from ``t_L``, the label as one-hot vector, which minimises the loss;
AO-SDTP
    the same, with the output extended by random features ``z = tanh(A h_H)`` that never learn:
    ``t_H = h_H + g(t_L, z) - g(h_L, z)``, so that the decoder receives more of ``h_H`` than ten probabilities.

The output layer descends the task's loss. Sources: Lee, Zhang, Fischer & Bengio, ECML 2015 (DTP); Bartunov et al.,
NeurIPS 2018, arXiv:1807.04587 (SDTP, AO-SDTP; Adam for both, tanh). Not stated there, and chosen here: local losses are
summed over units, with the mean over the minibatch; `alpha` multiplies each example's gradient.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.angles import angle
from spikelearn.ratenet.connections import Connection, Dense
from spikelearn.ratenet.delta import outer_means, turned
from spikelearn.ratenet.delta_rule import DeltaRule
from spikelearn.ratenet.inverses import Alternating, Decoders, Schedule, reconstruction_error
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.optimisers import Adam, Optimiser
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Batches, State
from spikelearn.ratenet.shared import need_deterministic_hidden


@dataclass(frozen=True, kw_only=True)
class TargetPropagation(DeltaRule):
    """Base of the three variants, from Lee et al. (2015) and Bartunov et al. (2018).

    Parameters
    ----------
    inverse : Optimiser
        Optimiser of the decoders.
    noise : float
        Standard deviation of the noise in the activities that the decoders reconstruct.
    schedule : Alternating or Parallel
        When the decoders learn.
    """

    inverse: Optimiser = field(default_factory=Adam)
    noise: float = 0.1
    schedule: Schedule = field(default_factory=Alternating)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(f"{type(self).__name__}.noise", self.noise, at_least=0)

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for a network without hidden layers, or with units that draw."""
        need_deterministic_hidden(self, network)

    def decoders(self, network: RateNetwork) -> list[Connection]:
        """Return how each decoder leads from a layer to the one below.

        Parameters
        ----------
        network : RateNetwork
            The network to train.

        Returns
        -------
        list of Connection
            One for each decoder, lowest first.
        """
        return [connection.reverse for connection in network.connections[1:]]

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> Decoders:
        """Draw the decoders as the forward weights are drawn."""
        decoders = Parameters(self.decoders(network), network.dtype)
        for V, connection in zip(decoders.W, decoders.connections, strict=True):
            V[:] = connection.draw(rng)
        return Decoders(decoders, self.inverse.start(decoders.flat.size, network.dtype), decoders.zeros_like())

    def kept(self, network: RateNetwork) -> int:
        """Return the numbers of the decoders, their gradient and what their optimiser remembers."""
        decoders = self.decoders(network)
        weights = sum(math.prod(connection.shape) + connection.post for connection in decoders)
        return (2 + self.inverse.start(1, network.dtype).numbers) * weights

    def above(self, state: State, layer: int, h: np.ndarray) -> np.ndarray:
        """Return the activities that a decoder receives when the layer below it sends `h`.

        Parameters
        ----------
        state : State
            The network while it learns.
        layer : int
            The layer that the decoder inverts; 0 is the first with weights.
        h : (n, units) array
            Activities of the layer below.

        Returns
        -------
        (n, units above) array
            Input of the decoder.
        """
        return state.network.layer(state.parameters, layer, h)

    def wanted(self, clean: np.ndarray, noisy: np.ndarray) -> np.ndarray:
        """Return the activities that a decoder learns to reconstruct: those without the noise.

        Parameters
        ----------
        clean : (n, units) array
            Activities without noise.
        noisy : (n, units) array
            Activities with noise, from which the decoder's input follows.

        Returns
        -------
        (n, units) array
            One of the two.
        """
        return clean

    @abstractmethod
    def top_target(self, state: State, activity: Activity, target: np.ndarray) -> np.ndarray:
        """Return the target of the highest hidden layer.

        Parameters
        ----------
        state : State
            The network while it learns.
        activity : Activity
            The forward pass.
        target : (n, outputs) array
            1 for the class, else 0.

        Returns
        -------
        (n, units) array
            Target of the highest hidden layer.
        """

    def targets(self, state: State, activity: Activity, target: np.ndarray) -> list[np.ndarray]:
        """Return the target of each hidden layer.

        Parameters
        ----------
        state : State
            The network while it learns.
        activity : Activity
            The forward pass.
        target : (n, outputs) array
            1 for the class, else 0.

        Returns
        -------
        list of (n, units) arrays
            One for each hidden layer, lowest first.
        """
        h, decoders = activity.h, state.memory
        targets = [self.top_target(state, activity, target)]
        for k in reversed(range(state.network.n_hidden - 1)):
            targets.append(h[k + 1] + decoders.decode(k, targets[-1]) - decoders.decode(k, h[k + 2]))
        return targets[::-1]

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the gradient of each local loss, and that of the task's loss for the output."""
        hidden = zip(activity.h[1:-1], self.targets(state, activity, target), activity.slope, strict=True)
        return [2 * (h - t) * slope for h, t, slope in hidden] + [self.output_error(state.network, activity, target)]

    def learn_inverses(self, state: State, batch: Batch, rng: np.random.Generator) -> None:
        """Change the decoders after one minibatch.

        Parameters
        ----------
        state : State
            The network while it learns; its decoders change in place.
        batch : Batch
            The examples.
        rng : numpy.random.Generator
            Source of the noise.
        """
        decoders, h, seen, errors = state.memory, batch.x, [], []
        for k in range(len(decoders.parameters.W)):
            h = state.network.layer(state.parameters, k, h)
            noisy = h + self.noise * rng.standard_normal(h.shape, h.dtype)
            seen.append(self.above(state, k + 1, noisy))
            errors.append(reconstruction_error(decoders.decode(k, seen[-1]), self.wanted(h, noisy)))
        gradient = outer_means(decoders.gradient, errors, seen)
        decoders.parameters.flat -= self.inverse.steps(decoders.moments, gradient.flat)

    def prepare(self, state: State, batches: Batches, epoch: int, rng: np.random.Generator) -> None:
        """Train the decoders if the schedule has them learn before the forward weights."""
        self.schedule.before_epoch(lambda batch: self.learn_inverses(state, batch, rng), batches)

    def learn(self, state: State, batch: Batch, rng: np.random.Generator) -> None:
        """Train the forward weights, and the decoders if both learn at once."""
        self.schedule.with_batch(lambda part: self.learn_inverses(state, part, rng), batch)
        super().learn(state, batch, rng)

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return the angle between each decoder's weights and the transpose of the layer's that it inverts."""
        pairs = zip(state.memory.parameters.W, turned(state.parameters), strict=False)
        return tuple(angle(V[:, : W.shape[1]], W) for V, W in pairs)


@dataclass(frozen=True, kw_only=True)
class DTP(TargetPropagation):
    """Difference target propagation, with the numbers of Bartunov et al. (2018) for MNIST, alternating.

    Parameters
    ----------
    alpha : float
        Step of the highest hidden layer's target down the gradient.
    """

    optimiser: Optimiser = field(default_factory=lambda: Adam(rate=3.08e-4, beta1=0.99, beta2=0.99, epsilon=1e-4))
    inverse: Optimiser = field(default_factory=lambda: Adam(rate=4.593e-3, beta1=0.99, beta2=0.999, epsilon=1e-4))
    alpha: float = 0.232
    noise: float = 0.220

    def decoders(self, network: RateNetwork) -> list[Connection]:
        """Return the decoders between hidden layers: none is needed above the highest."""
        return super().decoders(network)[:-1]

    def wanted(self, clean: np.ndarray, noisy: np.ndarray) -> np.ndarray:
        """Return the activities with their noise, as Lee et al. do."""
        return noisy

    def top_target(self, state: State, activity: Activity, target: np.ndarray) -> np.ndarray:
        """Return the activity after one step down the gradient."""
        gradient = self.output_error(state.network, activity, target) @ state.parameters.W[-1]
        return activity.h[-2] - self.alpha * gradient

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return the decoders' angles; the highest hidden layer has the transposed forward weights themselves."""
        return (*super().alignment(state), 0.0)


@dataclass(frozen=True, kw_only=True)
class SDTP(TargetPropagation):
    """Simplified difference target propagation (Bartunov et al. 2018): no gradient is sent back at all."""

    def top_target(self, state: State, activity: Activity, target: np.ndarray) -> np.ndarray:
        """Return the target that the label decodes to."""
        decode, top = state.memory.decode, state.network.n_hidden - 1
        return activity.h[-2] + decode(top, target) - decode(top, activity.h[-1])


@dataclass
class AuxiliaryDecoders(Decoders):
    """Decoders, and the weights of the random features.

    Parameters
    ----------
    features : (features, units) array
        Weights of the random features, from the highest hidden layer.
    """

    features: np.ndarray


@dataclass(frozen=True, kw_only=True)
class AuxiliarySDTP(TargetPropagation):
    """Simplified difference target propagation with auxiliary outputs (Bartunov et al. 2018).

    Parameters
    ----------
    auxiliary : int
        Number of random features; 512 in the paper on CIFAR-10, not stated for MNIST.
    """

    auxiliary: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("AuxiliarySDTP.auxiliary", self.auxiliary, at_least=1, integer=True)

    def decoders(self, network: RateNetwork) -> list[Connection]:
        """Return the decoders: the highest one receives the random features, too."""
        *hidden, highest = super().decoders(network)
        return [*hidden, Dense(highest.pre + self.auxiliary, highest.post)]

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> AuxiliaryDecoders:
        """Draw the decoders and the random features."""
        plain = super().start(network, parameters, rng)
        size = network.sizes[-2]
        features = (rng.standard_normal((self.auxiliary, size)) / math.sqrt(size)).astype(network.dtype)
        return AuxiliaryDecoders(plain.parameters, plain.moments, plain.gradient, features)

    def kept(self, network: RateNetwork) -> int:
        """Return the numbers of the decoders and of the random features."""
        return super().kept(network) + self.auxiliary * network.sizes[-2]

    def above(self, state: State, layer: int, h: np.ndarray) -> np.ndarray:
        """Return the input of a decoder: that of the highest one has the random features beside the output."""
        plain = super().above(state, layer, h)
        return plain if layer < state.network.n_layers - 1 else self.extended(state, plain, h)

    def extended(self, state: State, output: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return the output, or its target, beside the random features of `h`.

        Parameters
        ----------
        state : State
            The network while it learns.
        output : (n, outputs) array
            Outputs, or their targets.
        h : (n, units) array
            Activities of the highest hidden layer.

        Returns
        -------
        (n, outputs + auxiliary) array
            Both, side by side.
        """
        return np.hstack([output, np.tanh(h @ state.memory.features.T)])

    def top_target(self, state: State, activity: Activity, target: np.ndarray) -> np.ndarray:
        """Return the target that the label decodes to, together with the features of the present activity."""
        decode, top, h = state.memory.decode, state.network.n_hidden - 1, activity.h[-2]
        taught = self.extended(state, target.astype(h.dtype, copy=False), h)
        return h + decode(top, taught) - decode(top, self.extended(state, activity.h[-1], h))
