"""What an engine is to the rest of the package."""

from typing import Any, Protocol

import numpy as np

from spikelearn.errors import InputError, nearest
from spikelearn.network import Network
from spikelearn.weights import Weights

DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}


def check_dtype(where: str, dtype: str) -> None:
    """Raise `InputError` unless the core's floats can be of this type."""
    if dtype not in DTYPES:
        raise InputError(f"{where}={dtype!r} is unknown; {nearest(str(dtype), DTYPES)}")


class Engine(Protocol):
    """Contract of an engine: a frozen dataclass, registered by ``spikelearn.register(like=Engine)``.

    Commands of the command line use its name in small letters. Making one with a number out of its range raises
    `InputError`.
    """

    @property
    def dtype(self) -> str:
        """Type of the core's floats, ``"float32"`` or ``"float64"``."""

    @property
    def sampling(self) -> float:
        """Interval between samples of potentials where none is asked for, ms."""

    def check_interval(self, what: str, interval: float) -> None:
        """Raise `InputError` where potentials cannot be sampled at an interval.

        Parameters
        ----------
        what : str
            Name of the interval in the message.
        interval : float
            Time between samples, ms.

        Raises
        ------
        InputError
            The engine has no states at such times.
        """

    def build(self, network: Network, weights: Weights) -> Any:
        """Return a simulator of a network at rest.

        Parameters
        ----------
        network : Network
            The network to simulate.
        weights : Weights
            Its weights; copied.

        Returns
        -------
        Core
            Records of the network, and the calls that advance it.

        Raises
        ------
        InputError
            The engine cannot simulate the network, or the weights do not fit it.
        """
