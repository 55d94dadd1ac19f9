"""The shallow control: only the output layer learns, on random features. What a rule gains over it, it gains inside."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.ratenet.delta_rule import DeltaRule
from spikelearn.ratenet.network import Activity
from spikelearn.ratenet.rule import State


@dataclass(frozen=True, kw_only=True)
class Shallow(DeltaRule):
    """The delta rule for the output layer; hidden layers keep their initial weights.

    No source: this is a control.
    """

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the output error; hidden layers do not learn."""
        return [None] * state.network.n_hidden + [self.output_error(state.network, activity, target)]
