r"""Backpropagation of the output loss through the same network, for comparison: it is not local.

.. math::
    E^l = k_l\\, r_{max}\\, \\sigma'(\\bar V^{f,l}) \\sum_k W^{l+1}_{ki} E^{l+1}_k

with the weights as they were during the trial. (The authors' code uses those the trial has just changed.)
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.learn import register_rule
from spikelearn.learning.plateau import STEP, output_errors


class BackpropConstants(NamedTuple):
    """Numbers of the rule for the kernel."""

    step: float
    hidden: float


@dataclass(frozen=True)
class Backprop:
    """The true gradient of the output loss, scaled in hidden layers by `hidden_scale`.

    Parameters
    ----------
    hidden_scale : float
        1: every layer descends the same loss at the same scale. The authors use 0.2, because they multiply the
        hidden gradient by ``P_0`` where the output has ``P_1``.
    """

    hidden_scale: float = 1.0

    def constants(self) -> BackpropConstants:
        """Return what the compiled kernel needs."""
        return BackpropConstants(STEP, self.hidden_scale)


@kernel
def backprop_errors(rule, trial, layer, error):
    """Errors of one layer by backpropagation; those of the layer above are in `error`."""
    output = trial.first.shape[0] - 1
    if layer == output:
        output_errors(rule.step, trial, layer, error)
        return
    above = layer + 1
    scale = rule.hidden if above == output else 1.0
    factor = error.dtype.type(scale * trial.dendrite_gain[layer] * trial.rate_max)
    for cell in range(trial.first[layer], trial.stop[layer]):
        pre = cell - trial.first[layer]
        total = error.dtype.type(0)
        for k in range(trial.first[above], trial.stop[above]):
            total += trial.forward[trial.weight_row[k // LANES] + pre, k % LANES] * error[k]
        error[cell] = factor * total * trial.slope[cell]


register_rule(BackpropConstants, backprop_errors)
