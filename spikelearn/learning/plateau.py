r"""The rule of the paper: hidden neurons learn from the difference of their own two plateau potentials.

.. math::
    E^{out} &= P_1\, k_d\, r_{max} (\phi^* - r_{max}\,\sigma(\bar V^f))\, \sigma'(\bar V^f)  \quad (28) \\
    E^{hid} &= P_0\, k_b\, r_{max} (\alpha^t - \alpha^f)\, \sigma'(\bar V^f)  \quad (33)

with ``P_0 = 20 / rate_max`` and ``P_1 = 20 / rate_max**2`` (Table 1). The mean of the sigmoid is the target, the
sigmoid of the mean the prediction. A hidden neuron reads nothing but its own potentials and, if there is a gate, one
number that reaches all neurons, as a neuromodulator does: how far the outputs are from their targets.

.. math::
    m = \max_k |\phi^*_k / r_{max} - \sigma(\bar V^f_k)|, \qquad
    E^{hid} \rightarrow \min(1,\, m / \theta)\, E^{hid}

Most plateau differences of an example that is right already are noise of the fed-back spikes; the gate keeps it out of
the weights. (Not in the paper.)
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.layer import MISMATCH
from spikelearn.core.learn import STEP, output_errors
from spikelearn.core.rules import register_rule
from spikelearn.errors import check_range
from spikelearn.kinds import register
from spikelearn.learning.rule import Rule


class PlateauConstants(NamedTuple):
    """Numbers of the rule for the kernel."""

    step: float
    gate: float


@register(like=Rule)
@dataclass(frozen=True)
class Plateau:
    """Plateau-potential learning, equations 28, 29, 33 and 35.

    Parameters
    ----------
    gate : float
        Within [0, 1]: smallest mismatch of an output, in units of `rate_max`, at which hidden neurons learn in full;
        below it they learn in proportion. 0: always in full, as in the paper.
    """

    gate: float = 0.0

    def __post_init__(self) -> None:
        check_range("Plateau.gate", self.gate, at_least=0, at_most=1)

    def constants(self) -> PlateauConstants:
        """Return the numbers of the rule for its compiled kernel."""
        return PlateauConstants(STEP, self.gate)


@kernel
def plateau_errors(rule, own):
    """Errors of one layer by the plateau rule."""
    if own.is_output:
        output_errors(rule.step, own)
        return
    opened = min(1.0, own.signal[MISMATCH] / rule.gate) if rule.gate > 0 else 1.0
    factor = own.error.dtype.type(rule.step * own.dendrite_gain * opened)
    for i in range(own.n):
        own.error[i] = factor * (own.plateau_target[i] - own.plateau_forward[i]) * own.slope[i]


register_rule(PlateauConstants, plateau_errors)
