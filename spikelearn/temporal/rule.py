r"""What a rule that assigns credit through time is: from one step after the other to a gradient of the weights.

The objective of a sequence is the sum over scored steps of the mean loss over the batch,

.. math::
    E = \sum_t \langle L_t \rangle,\quad e_t = \frac{dL_t}{d(W_{out} [a_t; 1])},\quad q_t = W_{out}^T e_t

The readout sees its error at once, so every rule shares its gradient, :math:`\langle e_t [a_t; 1]^T \rangle`; the loop
adds that. What a rule answers is the rest: which past step of which synapse caused :math:`e_t`.

For each step the loop calls `step` once, and `finish` after the last one. Both add to ``state.gradient.recurrent``
what is known by then, and say whether it is complete, which is when weights may change. Rules are frozen and hold
numbers only; the arrays of a sequence are in ``state.memory``.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.errors import InputError
from spikelearn.temporal.network import Network, RecurrentNetwork
from spikelearn.temporal.weights import Weights

__all__ = ["Rule", "State", "add_outer", "direct"]


@dataclass
class State:
    """A network while it learns.

    Parameters
    ----------
    network : Network
        Description of the network.
    weights : Weights
        Present weights, changed in place.
    fixed : object
        What the rule's `start` returned: feedback weights, for example.
    memory : object
        What the rule keeps of the present sequence.
    gradient : Weights
        Room for a gradient, to which the rule adds.
    """

    network: Any
    weights: Weights
    fixed: Any
    memory: Any
    gradient: Weights


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """Contract of a rule that assigns credit through time: it must define `step`; everything else has a default.

    Making one with a number out of its range raises `InputError`.
    """

    def check(self, network: Network) -> None:
        """Raise `InputError` unless the rule can train the network; by default it needs rate units.

        Parameters
        ----------
        network : Network
            The network to train.

        Raises
        ------
        InputError
            The network lacks something that the rule needs; the message says what.
        """
        if not isinstance(network, RecurrentNetwork):
            raise InputError(
                f"{type(self).__name__} trains networks of rate units, got a {type(network).__name__}; "
                f"use RecurrentNetwork, or a rule for spiking units such as EProp"
            )

    def start(self, network: Any, weights: Weights, rng: np.random.Generator) -> Any:
        """Return the arrays that stay from sequence to sequence.

        Parameters
        ----------
        network : Network
            The network to train.
        weights : Weights
            Its initial weights.
        rng : numpy.random.Generator
            Source of the rule's draws.

        Returns
        -------
        object
            Becomes ``state.fixed``; None where a rule has no such arrays.
        """

    def begin(self, state: State, batch: int) -> Any:
        """Return the memory before a sequence.

        Parameters
        ----------
        state : State
            The network while it learns.
        batch : int
            Number of sequences side by side.

        Returns
        -------
        object
            Becomes ``state.memory``.
        """

    @abstractmethod
    def step(self, state: State, step: Any, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Process one step of a sequence, and add to ``state.gradient.recurrent``.

        Parameters
        ----------
        state : State
            The network while it learns.
        step : Moment
            Activity of the network at this step.
        error : (batch, outputs) array or None
            Gradient of the loss with respect to the outputs' input; None where the step is not scored.
        rng : numpy.random.Generator
            Source of the rule's draws.

        Returns
        -------
        bool
            Whether the gradient is complete, so that weights may change now.
        """

    def finish(self, state: State) -> bool:
        """Process the end of a sequence, and add to ``state.gradient.recurrent``.

        Parameters
        ----------
        state : State
            The network while it learns.

        Returns
        -------
        bool
            Whether the gradient is complete, so that weights may change now.
        """
        return False


def direct(weights: Weights, error: np.ndarray | None) -> np.ndarray | float:
    """Return q, the gradient of this step's own loss with respect to the activity.

    Parameters
    ----------
    weights : Weights
        Present weights.
    error : (batch, outputs) array or None
        Gradient of the loss with respect to the outputs' input; None where the step is not scored.

    Returns
    -------
    (batch, units) array or float
        0 where the step is not scored.
    """
    return 0.0 if error is None else error @ weights.outward


def add_outer(gradient: np.ndarray, post: np.ndarray, pre: np.ndarray) -> None:
    """Add the mean over the batch of post times pre to a gradient.

    Parameters
    ----------
    gradient : (units, senders) array
        Changed in place.
    post : (batch, units) array
        Factor of each receiving unit.
    pre : (batch, senders) array
        Factor of each sender.
    """
    gradient += (post / len(post)).T @ pre
