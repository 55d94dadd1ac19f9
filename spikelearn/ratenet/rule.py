"""What a learning rule is: from a minibatch to a gradient for each weight.

`Rule` is the contract; `spikelearn.ratenet.delta_rule` has the bases of rules that give each unit an error. Rules are
frozen and hold numbers only; arrays are in `State`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.delta import send_back, turned
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.optimisers import Adam, Moments, Optimiser
from spikelearn.ratenet.parameters import Parameters

__all__ = [
    "Batch",
    "Rule",
    "State",
]


class Batch(NamedTuple):
    """Examples to learn from.

    Parameters
    ----------
    x : (n, inputs) array
        Intensities, 0..1.
    target : (n, outputs) array
        1 for the class, else 0.
    """

    x: np.ndarray
    target: np.ndarray


@dataclass
class State:
    """A network while it learns.

    Parameters
    ----------
    network : RateNetwork
        Description of the network.
    parameters : Parameters
        Weights and biases, changed in place.
    memory : object
        What the rule's `start` returned: feedback weights, for example.
    moments : Moments
        Memory of the optimiser.
    gradient : Parameters
        Room for a gradient, overwritten for each minibatch.
    """

    network: RateNetwork
    parameters: Parameters
    memory: Any
    moments: Moments
    gradient: Parameters


Batches = Callable[[], Iterator[Batch]]  # each call is one pass over the training images, in an order of its own


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """Contract of a learning rule: it must define `gradients`; everything else has a default.

    Parameters
    ----------
    optimiser : Optimiser
        Turns gradients into steps.
    batch : int
        Number of examples in a minibatch.

    Raises
    ------
    InputError
        When made: a number of the rule is out of its range.
    """

    optimiser: Optimiser = field(default_factory=Adam)
    batch: int = 128

    def __post_init__(self) -> None:
        check_range("batch", self.batch, at_least=1, integer=True)

    def network(self, sizes: Sequence[int]) -> RateNetwork:
        """Describe the network that the rule is meant for: tanh and softmax, unless a rule says otherwise.

        Parameters
        ----------
        sizes : sequence of int
            Units of each layer, input first.

        Returns
        -------
        RateNetwork
            A network that passes `check`, if there are enough layers.
        """
        return RateNetwork(sizes=tuple(sizes))

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` unless the rule can train the network.

        Parameters
        ----------
        network : RateNetwork
            The network to train.

        Raises
        ------
        InputError
            The network lacks something that the rule needs; the message says what.
        """

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> Any:
        """Return the rule's own arrays before the first minibatch.

        Parameters
        ----------
        network : RateNetwork
            The network to train.
        parameters : Parameters
            Its initial weights and biases; a rule may change them in place.
        rng : numpy.random.Generator
            Source of the rule's draws.

        Returns
        -------
        object
            Becomes ``state.memory``; None where a rule has no arrays.
        """

    def prepare(self, state: State, batches: Batches, epoch: int, rng: np.random.Generator) -> None:
        """Do what comes before the forward weights learn in an epoch: train inverses, for example.

        Parameters
        ----------
        state : State
            The network while it learns.
        batches : callable
            Each call returns an iterator over one pass through the training images.
        epoch : int
            Counted from 0.
        rng : numpy.random.Generator
            Source of the rule's draws in this epoch.
        """

    def kept(self, network: RateNetwork) -> int:
        """Return how many numbers `start` makes: those of feedback weights, for example.

        Parameters
        ----------
        network : RateNetwork
            The network to train.

        Returns
        -------
        int
            Of the network's dtype; 0 unless a rule says otherwise.
        """
        return 0

    def forward(self, state: State, x: np.ndarray, rng: np.random.Generator) -> Activity:
        """Run the network as in training.

        Parameters
        ----------
        state : State
            The network while it learns.
        x : (n, inputs) array
            Inputs, an example a row.
        rng : numpy.random.Generator
            Source of the draws of hidden units.

        Returns
        -------
        Activity
            Activities and slopes of all layers.
        """
        return state.network.forward(state.parameters, x, rng)

    @abstractmethod
    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the direction to descend for a minibatch.

        Parameters
        ----------
        state : State
            The network while it learns.
        batch : Batch
            The examples.
        rng : numpy.random.Generator
            Source of the rule's draws.

        Returns
        -------
        `Parameters`
            One number for each weight and bias; may be ``state.gradient``, overwritten.
        """

    def learn(self, state: State, batch: Batch, rng: np.random.Generator) -> None:
        """Change the weights after one minibatch, by one step of the optimiser.

        Parameters
        ----------
        state : State
            The network while it learns; its parameters change in place.
        batch : Batch
            The examples.
        rng : numpy.random.Generator
            Source of the rule's draws.
        """
        gradient = self.gradients(state, batch, rng)
        state.parameters.flat -= self.optimiser.steps(state.moments, gradient.flat)

    def teaching(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray] | None:
        """Return the teaching signal of each hidden layer, which points uphill.

        Parameters
        ----------
        state : State
            The network while it learns.
        batch : Batch
            The examples.
        rng : numpy.random.Generator
            Source of the rule's draws.

        Returns
        -------
        list of (n, units) arrays, or None
            One for each hidden layer, lowest first. None if the rule has no such signal.
        """
        return None

    def reference(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray]:
        """Return the errors of backpropagation in each hidden layer, for the same weights and draws.

        Parameters
        ----------
        state : State
            The network while it learns.
        batch : Batch
            The examples.
        rng : numpy.random.Generator
            Source of the draws of hidden units.

        Returns
        -------
        list of (n, units) arrays
            One for each hidden layer, lowest first.
        """
        activity = self.forward(state, batch.x, rng)
        error = self.output_error(state.network, activity, batch.target)
        return send_back(state.network.connections, error, turned(state.parameters), activity.slope)[:-1]

    def output_error(self, network: RateNetwork, activity: Activity, target: np.ndarray) -> np.ndarray:
        """Return what the output layer descends: the gradient of each example's loss with respect to its input.

        Parameters
        ----------
        network : RateNetwork
            The network.
        activity : Activity
            A forward pass.
        target : (n, outputs) array
            1 for the class, else 0.

        Returns
        -------
        (n, outputs) array
            Errors of the outputs, without a factor for the minibatch.
        """
        return network.output.error(activity.h[-1], target)

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return for each hidden layer the angle between its feedback weights and the transpose of the forward ones.

        Parameters
        ----------
        state : State
            The network while it learns.

        Returns
        -------
        tuple of float
            Degrees, lowest layer first; NaN where there are no feedback weights.
        """
        return (float("nan"),) * state.network.n_hidden

    def outputs(self, state: State, x: np.ndarray) -> np.ndarray:
        """Return the outputs at test; the largest is the prediction.

        Parameters
        ----------
        state : State
            The network while it learns.
        x : (n, inputs) array
            Intensities, 0..1.

        Returns
        -------
        (n, outputs) array
            Outputs, without randomness.
        """
        return state.network.outputs(state.parameters, x)
