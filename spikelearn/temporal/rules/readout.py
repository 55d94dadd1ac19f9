"""The control: only the readout learns, on what a random recurrent network remembers by itself.

What a rule gains over it, it gains by credit through time.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.temporal.network import Network
from spikelearn.temporal.rule import Rule, State


@dataclass(frozen=True, kw_only=True)
class ReadoutOnly(Rule):
    """Recurrent and input weights keep their initial values. No source: this is a control."""

    def check(self, network: Network) -> None:
        """Accept any network."""

    def step(self, state: State, step: Any, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Leave the recurrent gradient at zero."""
        return error is not None
