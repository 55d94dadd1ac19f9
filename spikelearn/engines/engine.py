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
    """A frozen dataclass, made known by ``spikelearn.register(like=Engine)``.

    Its name in small letters is what commands call it.
    """

    @property
    def dtype(self) -> str:
        """The core's floats, ``"float32"`` or ``"float64"``."""

    @property
    def sampling(self) -> float:
        """Interval, ms, at which potentials are recorded if nothing else is asked for."""

    def check_interval(self, what: str, interval: float) -> None:
        """Raise `InputError` where potentials cannot be recorded at an interval, ms; the message calls it `what`."""

    def build(self, network: Network, weights: Weights) -> Any:
        """Return a `Core` of the network with a copy of weights, at rest."""
