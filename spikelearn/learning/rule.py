"""What a learning rule is to the rest of the package."""

from typing import Any, Protocol

from spikelearn.errors import InputError, described
from spikelearn.network import Network


class Rule(Protocol):
    """Contract of a learning rule: a frozen dataclass, registered by ``spikelearn.register(like=Rule)``.

    It may also have a method ``check(network)``, which raises `InputError` where the rule cannot learn. Making one with
    a number out of its range raises `InputError`, too.
    """

    def constants(self) -> Any:
        """Return the numbers of the rule for its compiled kernel.

        Returns
        -------
        NamedTuple
            Of a class registered by `spikelearn.core.rules.register_rule`.
        """


def check_rule(rule: Any, network: Network) -> None:
    """Raise `InputError` unless this is a rule that can train the network.

    Parameters
    ----------
    rule : Rule
        The rule to check.
    network : Network
        The network that it is to train.

    Raises
    ------
    InputError
        It is no such object, or its own `check` refuses the network.
    """
    if isinstance(rule, type) or not hasattr(rule, "constants"):
        raise InputError(f"rule must be an object such as spikelearn.Plateau(), got {described(rule)}")
    if hasattr(rule, "check"):
        rule.check(network)
