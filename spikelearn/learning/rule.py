"""What a learning rule is to the rest of the package."""

from typing import Any, Protocol

from spikelearn.errors import InputError, described
from spikelearn.network import Network


class Rule(Protocol):
    """A frozen dataclass, made known by ``spikelearn.register(like=Rule)``.

    It may have a method ``check(network)``, too, which raises `InputError` where it cannot learn.
    """

    def constants(self) -> Any:
        """Return a NamedTuple of a class for which kernels are registered (`spikelearn.core.rules.register_rule`)."""


def check_rule(rule: Any, network: Network) -> None:
    """Raise `InputError` unless this is a rule, and the network meets the conditions that its method `check` has."""
    if isinstance(rule, type) or not hasattr(rule, "constants"):
        raise InputError(f"rule must be an object such as spikelearn.Plateau(), got {described(rule)}")
    if hasattr(rule, "check"):
        rule.check(network)
