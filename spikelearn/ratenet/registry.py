"""The rules by name, with the numbers they are compared with. The numbers' sources stand beside them.

"Search" is experiments/learning_rates.py: a small grid on a validation split of the training images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spikelearn.errors import InputError, nearest
from spikelearn.ratenet.activations import Logistic
from spikelearn.ratenet.inverses import Parallel
from spikelearn.ratenet.network import RateNetwork
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
    FeedbackAlignment,
    HSICBottleneck,
    KolenPollack,
    Microcircuit,
    NodePerturbation,
    Shallow,
    SignSymmetry,
    WeightMirror,
    WeightPerturbation,
)
from spikelearn.ratenet.units import Dropout, StochasticBinary


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A rule as it is compared.

    Parameters
    ----------
    rule : Rule
    numbers : str
        Where the rule's numbers are from: which are a paper's, which ours.
    options : mapping
        What the network differs in from the one that the rule asks for.
    """

    rule: Rule
    numbers: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def network(self, sizes: tuple[int, ...]) -> RateNetwork:
        """Describe the network; `InputError` if the rule cannot train it."""
        network = replace(self.rule.network(sizes), **self.options)
        self.rule.check(network)
        return network


ENTRIES: dict[str, Entry] = {
    "bp": Entry(rule=Backprop(), numbers="Adam's defaults (Kingma & Ba)"),
    "shallow": Entry(rule=Shallow(), numbers="Adam's defaults"),
    "fa": Entry(rule=FeedbackAlignment(), numbers="rate: search"),
    "dfa": Entry(rule=DirectFeedback(), numbers="feedback: Nøkland's code; rate: search"),
    "dtp": Entry(rule=DTP(), numbers="Bartunov et al.; rate: search"),
    "dtp-parallel": Entry(rule=DTP(schedule=Parallel()), numbers=""),
    "sdtp": Entry(rule=SDTP(), numbers=""),
    "sdtp-parallel": Entry(rule=SDTP(schedule=Parallel()), numbers=""),
    "ao-sdtp": Entry(rule=AuxiliarySDTP(), numbers=""),
    "ao-sdtp-parallel": Entry(rule=AuxiliarySDTP(schedule=Parallel()), numbers=""),
    "sign": Entry(rule=SignSymmetry(), numbers="magnitude: Xiao et al.; rate: search"),
    "mirror": Entry(rule=WeightMirror(), numbers=""),
    "kp": Entry(rule=KolenPollack(), numbers=""),
    "hsic": Entry(rule=HSICBottleneck(), numbers=""),
    "am": Entry(rule=AlternatingMinimisation(), numbers=""),
    "dbn": Entry(rule=DeepBelief(), numbers=""),
    "ep": Entry(rule=EquilibriumPropagation(), numbers=""),
    "microcircuit": Entry(rule=Microcircuit(), numbers=""),
    "burst": Entry(rule=BurstPropagation(), numbers=""),
    "np": Entry(rule=NodePerturbation(), numbers=""),
    "wp": Entry(rule=WeightPerturbation(), numbers=""),
    "bp-binary": Entry(rule=Backprop(), numbers="", options={"activation": Logistic(), "units": StochasticBinary()}),
    "bp-dropout": Entry(rule=Backprop(), numbers="", options={"units": Dropout(keep=0.5)}),
}


def entry(name: str) -> Entry:
    """Return the entry of a name; `InputError` with the nearest one known if there is none."""
    if name not in ENTRIES:
        raise InputError(f"unknown rule {name!r}; {nearest(name, ENTRIES)}")
    return ENTRIES[name]
