"""Only the output layer learns, by the paper's rule (equation 28); hidden layers stay as they were drawn.

The control that every rule for hidden layers has to beat.
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.learn import STEP, output_errors
from spikelearn.core.rules import register_rule
from spikelearn.kinds import register
from spikelearn.learning.rule import Rule


class OutputOnlyConstants(NamedTuple):
    """Numbers of the rule for the kernel."""

    step: float


@register(like=Rule)
@dataclass(frozen=True)
class OutputOnly:
    """Learning of the output layer only, with frozen hidden layers."""

    def constants(self) -> OutputOnlyConstants:
        """Return the numbers of the rule for its compiled kernel."""
        return OutputOnlyConstants(STEP)


@kernel
def output_only_errors(rule, own):
    """Errors of the output layer; none elsewhere."""
    if own.is_output:
        output_errors(rule.step, own)
        return
    for i in range(own.n):
        own.error[i] = 0


register_rule(OutputOnlyConstants, output_only_errors)
