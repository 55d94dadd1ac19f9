"""A network together with what trains it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from spikelearn.errors import InputError, check_kind, check_range, described
from spikelearn.learning import Plateau, Rule, check_rule
from spikelearn.network import Network


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network, its learning rule and its learning rates.

    Parameters
    ----------
    network : Network
    learning_rates : tuple of float
        One for each layer with weights, from the bottom up; 0 keeps a layer as it is.
    rule : Rule
    """

    network: Network
    learning_rates: tuple[float, ...]
    rule: Rule = field(default_factory=Plateau)

    def __post_init__(self) -> None:
        check_kind("Model.network", self.network, Network, "describe one with spikelearn.Network(sizes=...)")
        if not isinstance(self.learning_rates, Iterable) or isinstance(self.learning_rates, str):
            raise InputError(
                f"Model.learning_rates must be a tuple, one number for each of the {self.network.n_layers} layers with "
                f"weights, got {described(self.learning_rates)}"
            )
        object.__setattr__(self, "learning_rates", tuple(self.learning_rates))  # of a list, too
        if len(self.learning_rates) != self.network.n_layers:
            raise InputError(
                f"Model.learning_rates={self.learning_rates} has {len(self.learning_rates)} rates; a network of sizes "
                f"{self.network.sizes} needs {self.network.n_layers}, one for each layer with weights"
            )
        for rate in self.learning_rates:
            check_range("Model.learning_rates", rate, at_least=0)
        check_rule(self.rule, self.network)
