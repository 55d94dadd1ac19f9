r"""What a learning rule is: from a minibatch to a gradient for each weight.

`Rule` is the contract. Most rules give each unit an error and leave the rest to the delta rule; these derive from
`DeltaRule` and write `errors`. Most of them send the output error down through feedback weights layer by layer; these
derive from `FeedbackRule` and name the weights:

.. math::
    \delta^L = h^L - t \;(error\ of\ the\ output),\quad \delta^l = (Y^l \delta^{l+1}) \circ f'(a^l),\quad
    \Delta W^l = -\eta \langle \delta^l (h^{l-1})^T \rangle,\quad \Delta b^l = -\eta \langle \delta^l \rangle

Angle brackets are means over the minibatch. Rules are frozen and hold numbers only; arrays are in `State`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.ratenet.angles import angle
from spikelearn.ratenet.network import Activity, RateNetwork, glorot
from spikelearn.ratenet.optimisers import Adam, Moments, Optimiser
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.units import Deterministic


class Batch(NamedTuple):
    """Examples to learn from: (n, inputs) intensities in 0..1, and (n, outputs) targets, 1 for the class, else 0."""

    x: np.ndarray
    target: np.ndarray


@dataclass
class State:
    """A network while it learns.

    Attributes
    ----------
    network : RateNetwork
    parameters : Parameters
        Weights and biases, changed in place.
    memory : object
        What the rule's `start` returned: feedback weights, say.
    moments : Moments
        What the optimiser remembers.
    gradient : Parameters
        Room for a gradient, used anew for each minibatch.
    """

    network: RateNetwork
    parameters: Parameters
    memory: Any
    moments: Moments
    gradient: Parameters


Batches = Callable[[], Iterator[Batch]]  # each call is one pass over the training images, in an order of its own


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """The contract. A rule must write `gradients`; everything else has a default.

    Parameters
    ----------
    optimiser : Optimiser
        What makes steps of gradients.
    batch : int
        Examples in a minibatch.
    """

    optimiser: Optimiser = field(default_factory=Adam)
    batch: int = 128

    def __post_init__(self) -> None:
        check_range("batch", self.batch, at_least=1, integer=True)

    def network(self, sizes: Sequence[int]) -> RateNetwork:
        """Describe the network that the rule is meant for: tanh and softmax, unless it says otherwise."""
        return RateNetwork(sizes=tuple(sizes))

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` unless the rule can train the network."""

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> Any:
        """Return the rule's own arrays, to become ``state.memory``."""

    def prepare(self, state: State, batches: Batches, epoch: int, rng: np.random.Generator) -> None:
        """Do what comes before the forward weights learn in an epoch, counted from 0: a pass over inverses, say."""

    def forward(self, state: State, x: np.ndarray, rng: np.random.Generator) -> Activity:
        """Run the network as in training."""
        return state.network.forward(state.parameters, x, rng)

    @abstractmethod
    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return what to descend for a minibatch; may be written to ``state.gradient``."""

    def learn(self, state: State, batch: Batch, rng: np.random.Generator) -> None:
        """Change weights after one minibatch: one step of the optimiser."""
        gradient = self.gradients(state, batch, rng)
        state.parameters.flat -= self.optimiser.steps(state.moments, gradient.flat)

    def teaching(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray] | None:
        """Return each hidden layer's teaching signal, (n, units) arrays that point uphill; None if there is none."""
        return None

    def reference(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray]:
        """Return what backpropagation would send to each hidden layer for the same weights and draws."""
        activity = self.forward(state, batch.x, rng)
        error = self.output_error(state.network, activity, batch.target)
        return send_back(error, [W.T for W in state.parameters.W[1:]], activity.slope)[:-1]

    def output_error(self, network: RateNetwork, activity: Activity, target: np.ndarray) -> np.ndarray:
        """Return what the output layer descends: each loss's gradient with respect to its input, (n, outputs)."""
        return network.output.error(activity.h[-1], target)

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return for each hidden layer the angle between its feedback weights and the transpose of the forward ones.

        Degrees; NaN where there are no feedback weights.
        """
        return (float("nan"),) * state.network.n_hidden

    def outputs(self, state: State, x: np.ndarray) -> np.ndarray:
        """Return the outputs at test, (n, classes); the largest is the prediction."""
        return state.network.outputs(state.parameters, x)


class DeltaRule(Rule):
    """A rule that says the error of every unit; weights then follow the delta rule."""

    @abstractmethod
    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return one (n, units) array for each layer with weights; None where a layer does not learn.

        Parameters
        ----------
        state : State
        activity : Activity
            The forward pass.
        target : (n, outputs) array
            1 for the class, else 0.
        rng : numpy Generator
            For rules that draw.
        """

    def _errors(
        self, state: State, batch: Batch, rng: np.random.Generator
    ) -> tuple[Activity, Sequence[np.ndarray | None]]:
        activity = self.forward(state, batch.x, rng)
        return activity, self.errors(state, activity, batch.target, rng)

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the mean over the minibatch of error times presynaptic activity."""
        activity, errors = self._errors(state, batch, rng)
        return outer_means(state.gradient, errors, activity.h)

    def teaching(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray] | None:
        """Return the errors of the hidden layers."""
        hidden = self._errors(state, batch, rng)[1][:-1]
        return None if any(error is None for error in hidden) else list(hidden)  # type: ignore[arg-type]


class FeedbackRule(DeltaRule):
    """A rule that sends the output error down, layer by layer, through feedback weights."""

    @abstractmethod
    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the feedback weights into each hidden layer, (units, units of the layer above)."""

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Send the output error down."""
        return send_back(self.output_error(state.network, activity, target), self.feedback(state), activity.slope)

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return the angle between each feedback matrix and the transpose of the weights it stands for."""
        pairs = zip(self.feedback(state), state.parameters.W[1:], strict=True)
        return tuple(angle(Y, W.T) for Y, W in pairs)


def send_back(error: np.ndarray, feedback: Sequence[np.ndarray], slope: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the errors of all layers: each the one above times feedback weights, times the slope."""
    errors = [error]
    for Y, own in zip(reversed(feedback), reversed(slope), strict=True):
        below = errors[-1] @ Y.T
        below *= own
        errors.append(below)
    return errors[::-1]


def outer_means(gradient: Parameters, errors: Sequence[np.ndarray | None], h: Sequence[np.ndarray]) -> Parameters:
    """Overwrite `gradient` with the means over rows of error times presynaptic activity; zero where None."""
    for layer, error in enumerate(errors):
        W, b = gradient.W[layer], gradient.b[layer]
        if error is None:
            W[:] = 0
            b[:] = 0
            continue
        # The division is on the small factor: dividing the product would be one more pass over the large one.
        share = error / len(error)
        np.matmul(share.T, h[layer], out=W)
        share.sum(axis=0, out=b)
    return gradient


def draw_feedback(network: RateNetwork, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw feedback weights into each hidden layer from the layer above, distributed as the forward weights are."""
    return [glorot((pre, post), rng).astype(network.dtype) for post, pre in network.shapes[1:]]


def mean_loss(network: RateNetwork, parameters: Parameters, batch: Batch) -> float:
    """Return the loss of a minibatch at test, the mean over its examples."""
    return network.output.loss(network.outputs(parameters, batch.x), batch.target).mean(dtype=np.float64)


def need_deterministic(rule: Rule, network: RateNetwork) -> None:
    """Raise `InputError` if the network has hidden units that draw what they transmit."""
    if not isinstance(network.units, Deterministic):
        raise InputError(f"{type(rule).__name__} needs deterministic units, not {network.units}; use Deterministic()")


def need_deterministic_hidden(rule: Rule, network: RateNetwork) -> None:
    """Raise `InputError` if the network has no hidden layer, or hidden units that draw what they transmit."""
    need_deterministic(rule, network)
    if network.n_hidden == 0:
        raise InputError(
            f"{type(rule).__name__} trains hidden layers, and sizes {network.sizes} have none; add one, such as "
            f"({network.sizes[0]}, 256, {network.sizes[-1]})"
        )
