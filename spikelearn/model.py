"""A network together with what trains it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from spikelearn.augment import Augment
from spikelearn.averaging import Averaging
from spikelearn.errors import InputError, check_able, check_kind, check_range, described
from spikelearn.learning import Plateau, Rule, check_rule
from spikelearn.network import Network
from spikelearn.schedule import Constant, Schedule


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network and how it learns.

    Parameters
    ----------
    network : Network
        What learns.
    learning_rates : tuple of float
        One for each layer with weights, from the bottom up; 0 keeps a layer as it is.
    rule : Rule
        How its weights change.
    schedule : Constant, Decay, Hyperbolic or another Schedule
        Course of the learning rates from epoch to epoch.
    augment : Shifts, optional
        Change of each image before it is learned from. None: images stay as they are.
    averaging : Averaging, optional
        Averaging of weights for tests. None: the present weights are tested.

    Raises
    ------
    InputError
        A part is of another kind, or there is not one learning rate for each layer.
    """

    network: Network
    learning_rates: tuple[float, ...]
    rule: Rule = field(default_factory=Plateau)
    schedule: Schedule = field(default_factory=Constant)
    augment: Augment | None = None
    averaging: Averaging | None = None

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
        check_able("Model.schedule", self.schedule, ("factor",), "spikelearn.Decay(by=0.95)")
        if self.augment is not None:
            check_able("Model.augment", self.augment, ("check", "draw", "change"), "spikelearn.Shifts()")
            self.augment.check(self.network.sizes[0])
        if self.averaging is not None:
            check_kind("Model.averaging", self.averaging, Averaging, "give spikelearn.Averaging()")

    def rates(self, epoch: int) -> tuple[float, ...]:
        """Return the learning rates of an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.

        Returns
        -------
        tuple of float
            Learning rate of each layer with weights, from the bottom up.
        """
        factor = self.schedule.factor(epoch)
        return tuple(factor * rate for rate in self.learning_rates)
