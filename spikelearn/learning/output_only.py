"""Only the output layer learns, by the paper's rule (equation 28); hidden layers stay as they were drawn.

The control that every rule for hidden layers has to beat.
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.learn import register_rule
from spikelearn.learning.plateau import STEP, output_errors


class OutputOnlyConstants(NamedTuple):
    """Numbers of the rule for the kernel."""

    step: float


@dataclass(frozen=True)
class OutputOnly:
    """Output-layer learning with frozen hidden layers."""

    def constants(self) -> OutputOnlyConstants:
        """Return what the compiled kernel needs."""
        return OutputOnlyConstants(STEP)


@kernel
def output_only_errors(rule, trial, layer, error):
    """Errors of the output layer; none elsewhere."""
    if layer == trial.first.shape[0] - 1:
        output_errors(rule.step, trial, layer, error)
        return
    for cell in range(trial.first[layer], trial.stop[layer]):
        error[cell] = 0


register_rule(OutputOnlyConstants, output_only_errors)
