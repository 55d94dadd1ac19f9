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


@dataclass
class State:
    """A network while it learns.

    Attributes
    ----------
    network : Network
    weights : Weights
        Changed in place.
    fixed : object
        What the rule's `start` returned: feedback weights, say.
    memory : object
        What the rule remembers of the present sequence.
    gradient : Weights
        Room for a gradient.
    """

    network: Any
    weights: Weights
    fixed: Any
    memory: Any
    gradient: Weights


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """The contract. A rule must write `step`; everything else has a default."""

    def check(self, network: Network) -> None:
        """Raise `InputError` unless the rule can train the network; by default it needs rate units."""
        if not isinstance(network, RecurrentNetwork):
            raise InputError(
                f"{type(self).__name__} trains networks of rate units, got a {type(network).__name__}; "
                f"use RecurrentNetwork, or a rule for spiking units such as EProp"
            )

    def start(self, network: Any, weights: Weights, rng: np.random.Generator) -> Any:
        """Return what stays from sequence to sequence, to become ``state.fixed``."""

    def begin(self, state: State, batch: int) -> Any:
        """Return the memory before a sequence, to become ``state.memory``."""

    @abstractmethod
    def step(self, state: State, step: Any, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Take in one step; add to ``state.gradient.recurrent``; return whether weights may change now.

        Parameters
        ----------
        state : State
        step : Moment
            What the network did.
        error : (batch, outputs) array or None
            Of the outputs; None where the step is not scored.
        rng : numpy Generator
            For rules that draw.
        """

    def finish(self, state: State) -> bool:
        """Take in that the sequence is over; the same return value."""
        return False


def direct(weights: Weights, error: np.ndarray | None) -> np.ndarray | float:
    """Return q, the gradient with respect to the activity that this step's loss has itself; (batch, units) or 0."""
    return 0.0 if error is None else error @ weights.outward


def add_outer(gradient: np.ndarray, post: np.ndarray, pre: np.ndarray) -> None:
    """Add the mean over the batch of post times pre to a (units, senders) gradient."""
    gradient += (post / len(post)).T @ pre
