r"""The rule of the paper: hidden neurons learn from the difference of their own two plateau potentials.

.. math::
    E^{out} &= P_1\, k_d\, r_{max} (\phi^* - r_{max}\,\sigma(\bar V^f))\, \sigma'(\bar V^f)  \quad (28) \\
    E^{hid} &= P_0\, k_b\, r_{max} (\alpha^t - \alpha^f)\, \sigma'(\bar V^f)  \quad (33)

with ``P_0 = 20 / rate_max`` and ``P_1 = 20 / rate_max**2`` (Table 1). The mean of the sigmoid is the target, the
sigmoid of the mean the prediction. A hidden neuron reads nothing but its own potentials.
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.learn import STEP, output_errors
from spikelearn.core.rules import register_rule
from spikelearn.kinds import register
from spikelearn.learning.rule import Rule


class PlateauConstants(NamedTuple):
    """What the kernel knows of the rule: nothing, its numbers are the network's."""

    step: float


@register(like=Rule)
@dataclass(frozen=True)
class Plateau:
    """Plateau-potential learning, equations 28, 29, 33 and 35."""

    def constants(self) -> PlateauConstants:
        """Return what the compiled kernel needs."""
        return PlateauConstants(STEP)


@kernel
def plateau_errors(rule, own):
    """Errors of one layer by the plateau rule."""
    if own.is_output:
        output_errors(rule.step, own)
        return
    factor = own.error.dtype.type(rule.step * own.dendrite_gain)
    for i in range(own.n):
        own.error[i] = factor * (own.plateau_target[i] - own.plateau_forward[i]) * own.slope[i]


register_rule(PlateauConstants, plateau_errors)
