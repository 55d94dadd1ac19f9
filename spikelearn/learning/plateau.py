r"""The rule of the paper: hidden neurons learn from the difference of their own two plateau potentials.

.. math::
    E^{out} &= P_1\\, k_d\\, r_{max} (\\phi^* - r_{max}\\,\\sigma(\\bar V^f))\\, \\sigma'(\\bar V^f)  \\quad (28) \\\\
    E^{hid} &= P_0\\, k_b\\, r_{max} (\\alpha^t - \\alpha^f)\\, \\sigma'(\\bar V^f)  \\quad (33)

with ``P_0 = 20 / rate_max`` and ``P_1 = 20 / rate_max**2`` (Table 1). The mean of the sigmoid is the target, the
sigmoid of the mean the prediction. A hidden neuron reads nothing but its own potentials.
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.learn import register_rule

STEP = 20.0  # both P of Table 1, times rate_max or its square


class PlateauConstants(NamedTuple):
    """What the kernel knows of the rule: nothing, its numbers are the network's."""

    step: float


@dataclass(frozen=True)
class Plateau:
    """Plateau-potential learning, equations 28, 29, 33 and 35."""

    def constants(self) -> PlateauConstants:
        """Return what the compiled kernel needs."""
        return PlateauConstants(STEP)


@kernel
def output_errors(step, trial, layer, error):
    """Errors of the output layer: rates under teaching minus rates predicted from the forward phase."""
    factor = error.dtype.type(step * trial.dendrite_gain[layer])
    for cell in range(trial.first[layer], trial.stop[layer]):
        error[cell] = factor * (trial.activity_target[cell] - trial.predicted[cell]) * trial.slope[cell]


@kernel
def plateau_errors(rule, trial, layer, error):
    """Errors of one layer by the plateau rule."""
    if layer == trial.first.shape[0] - 1:
        output_errors(rule.step, trial, layer, error)
        return
    factor = error.dtype.type(rule.step * trial.dendrite_gain[layer])
    for cell in range(trial.first[layer], trial.stop[layer]):
        error[cell] = factor * (trial.plateau_target[cell] - trial.plateau_forward[cell]) * trial.slope[cell]


register_rule(PlateauConstants, plateau_errors)
