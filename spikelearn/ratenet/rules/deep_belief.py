r"""Deep belief net: a stack of restricted Boltzmann machines, each trained on what the one below makes of the images.

Before the first epoch the layers learn one after the other by contrastive divergence (`spikelearn.ratenet.boltzmann`),
without labels; then the output layer learns by the delta rule on the features. There is no fine-tuning, so hidden
layers have no teaching signal.

.. math::
    m \leftarrow \mu m + \eta (CD_1 - \lambda W),\quad W \leftarrow W + m

Source: Hinton, Osindero & Teh, Neural Computation 18:1527 (2006); rates, momentum (0.5, after five passes 0.9), weight
cost and initial weights, N(0, 0.1^2), are those of Hinton & Salakhutdinov's code (Science 313:504, 2006).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.activations import Logistic
from spikelearn.ratenet.boltzmann import Machine, contrastive_divergence
from spikelearn.ratenet.delta_rule import DeltaRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batches, State
from spikelearn.ratenet.shared import need_dense, need_deterministic_hidden

EARLY, LATE, EARLY_PASSES = 0.5, 0.9, 5  # momentum, and when it rises


@dataclass(frozen=True, kw_only=True)
class DeepBelief(DeltaRule):
    """Pre-training layer by layer by contrastive divergence, and a softmax on top.

    Parameters
    ----------
    passes : int
        Number of passes over the images, for each layer.
    rate : float
        Learning rate of contrastive divergence.
    cost : float
        Decay of the weights in units of `rate`.
    """

    batch: int = 100
    passes: int = 3
    rate: float = 0.1
    cost: float = 2e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("DeepBelief.passes", self.passes, at_least=0, integer=True)
        check_range("DeepBelief.rate", self.rate, at_least=0)
        check_range("DeepBelief.cost", self.cost, at_least=0)

    def network(self, sizes: Sequence[int]) -> RateNetwork:
        """Describe a network of logistic units."""
        return RateNetwork(sizes=tuple(sizes), activation=Logistic())

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for a network without hidden layers, with units that draw, or local layers."""
        need_deterministic_hidden(self, network)
        need_dense(self, network)

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[Machine]:
        """Draw the hidden weights anew, and view them as machines: their hidden biases are the network's."""
        machines = []
        for W, b in zip(parameters.W[:-1], parameters.b[:-1], strict=True):
            W[:] = 0.1 * rng.standard_normal(W.shape)
            machines.append(Machine(W=W, visible=np.zeros(W.shape[1], W.dtype), hidden=b))
        return machines

    def kept(self, network: RateNetwork) -> int:
        """Return the number of biases of the units that the machines make up."""
        return sum(network.sizes[:-2])

    def prepare(self, state: State, batches: Batches, epoch: int, rng: np.random.Generator) -> None:
        """Train the machines, the lowest first, before the first epoch."""
        if epoch > 0:
            return
        for layer, machine in enumerate(state.memory):
            momentum = Machine(*(np.zeros_like(a) for a in (machine.W, machine.visible, machine.hidden)))
            for number in range(self.passes):
                keep = EARLY if number < EARLY_PASSES else LATE
                for batch in batches():
                    v = batch.x
                    for below in state.memory[:layer]:
                        v = below.up(v)
                    uphill = contrastive_divergence(machine, v, 1, rng)
                    uphill.W -= self.cost * machine.W
                    for name, change in vars(uphill).items():
                        moving = getattr(momentum, name)
                        moving *= keep
                        moving += self.rate * change
                        getattr(machine, name)[:] += moving

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the output error; hidden layers do not learn from labels."""
        return [None] * state.network.n_hidden + [self.output_error(state.network, activity, target)]
