r"""A genetic algorithm on the weights: the best networks of a generation are copied with small random changes.

.. math::
    w_{child} = w_{parent} + s\, \epsilon(seed),\quad \epsilon \sim N(0, I)

Each generation has one minibatch, on which all its networks are tested. The best of them become the parents of the next
one (truncation); the best of all also goes on unchanged (elitism), and is the network that `outputs` shows. There is no
crossover and no gradient: the optimiser is not used.

A child is its parent and a seed, so a network is the list of seeds that led to it, and only parents are kept as arrays.

Source: Such, Madhavan, Conti, Lehman, Stanley & Clune, arXiv:1712.06567 (2017). It has 1,000 networks in a generation,
draws those of the first one independently, and tests the ten best again before one is kept. Here there are tens of
networks, all descend from one, and the minibatch is the only test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Rule, State
from spikelearn.ratenet.shared import mean_loss, need_deterministic
from spikelearn.ratenet.streams import stream


class Parents(NamedTuple):
    """The networks that have children, the best first.

    Attributes
    ----------
    weights : list of (size,) arrays
    seeds : list of tuple of int
        For each the seeds that lead to it from the network before learning.
    """

    weights: list[np.ndarray]
    seeds: list[tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class GeneticAlgorithm(Rule):
    """Truncation selection, Gaussian mutation, and one network that goes on unchanged.

    Parameters
    ----------
    noise : float
        Standard deviation s of a mutation.
    population : int
        Networks in a generation, the unchanged one included.
    parents : int
        How many of them have children, at most `population`.
    """

    noise: float = 0.01
    population: int = 32
    parents: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("GeneticAlgorithm.noise", self.noise, above=0)
        check_range("GeneticAlgorithm.population", self.population, at_least=2, integer=True)
        check_range("GeneticAlgorithm.parents", self.parents, at_least=1, at_most=self.population, integer=True)

    def check(self, network: RateNetwork) -> None:
        """Refuse units that draw: networks must differ in the weights only."""
        need_deterministic(self, network)

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> Parents:
        """Begin with one parent."""
        return Parents([parameters.flat.copy()], [()])

    def kept(self, network: RateNetwork) -> int:
        """Return the numbers of the parents' weights."""
        return self.parents * network.numbers

    def descend(self, first: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
        """Return the weights to which mutations lead.

        Parameters
        ----------
        first : (size,) array
            Weights to begin with.
        seeds : sequence of int
            One for each mutation, in their order.

        Returns
        -------
        (size,) array
            Weights after all mutations.
        """
        weights = first.copy()
        for seed in seeds:
            weights += self.noise * stream(seed, "mutation").standard_normal(len(first), first.dtype)
        return weights

    def generation(self, state: State, batch: Batch, rng: np.random.Generator) -> Parents:
        """Return the parents of the next generation.

        Parameters
        ----------
        state : State
            The network while it learns.
        batch : Batch
            The examples on which all are judged.
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        Parents
            The best of the old ones and of their mutated copies.
        """
        old, trial = state.memory, state.parameters.copy()
        chosen = rng.integers(len(old.weights), size=self.population - 1).tolist()
        drawn = rng.integers(2**63 - 1, size=self.population - 1).tolist()
        born = [(0, ()), *((parent, (seed,)) for parent, seed in zip(chosen, drawn, strict=True))]
        losses = []
        for parent, seeds in born:
            trial.flat[:] = self.descend(old.weights[parent], seeds)
            losses.append(mean_loss(state.network, trial, batch))
        best = [born[k] for k in np.argsort(losses, kind="stable")[: self.parents]]
        weights = [self.descend(old.weights[parent], seeds) for parent, seeds in best]
        return Parents(weights, [old.seeds[parent] + seeds for parent, seeds in best])

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the present weights minus those of the next generation's best network."""
        np.subtract(state.parameters.flat, self.generation(state, batch, rng).weights[0], out=state.gradient.flat)
        return state.gradient

    def learn(self, state: State, batch: Batch, rng: np.random.Generator) -> None:
        """Go on by a generation."""
        state.memory = self.generation(state, batch, rng)
        state.parameters.flat[:] = state.memory.weights[0]
