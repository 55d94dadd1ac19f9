r"""Backpropagation of the output loss through the same network, for comparison: it is not local.

.. math::
    E^l = k_l\, A\, r_{max}\, \sigma'(\bar V^{f,l}) \sum_k W^{l+1}_{ki} E^{l+1}_k

with the weights as they were during the trial and the area `A` of the synaptic kernel, 1 if it is whole: a layer
receives ``A`` times the rates of the one below. (The authors' code leaves it out, though theirs is 0.51, and uses the
weights that the trial has just changed.)
"""

from dataclasses import dataclass
from typing import NamedTuple

from spikelearn.core.jit import kernel
from spikelearn.core.lanes import LANES
from spikelearn.core.learn import STEP, output_errors
from spikelearn.core.rules import ABOVE, register_rule
from spikelearn.kinds import register
from spikelearn.learning.rule import Rule


class BackpropConstants(NamedTuple):
    """Numbers of the rule for the kernel."""

    step: float
    hidden: float


@register(like=Rule)
@dataclass(frozen=True)
class Backprop:
    """Gradient of the output loss, scaled in hidden layers by `hidden_scale` (figure 7B of the paper).

    Parameters
    ----------
    hidden_scale : float
        Factor of the hidden errors. 1: every layer descends the same loss at the same scale. The authors use 0.2,
        because they multiply the hidden gradient by ``P_0`` where the output has ``P_1``, over the area that they leave
        out.
    """

    hidden_scale: float = 1.0

    def constants(self) -> BackpropConstants:
        """Return the numbers of the rule for its compiled kernel."""
        return BackpropConstants(STEP, self.hidden_scale)


@kernel
def backprop_errors(rule, own, above):
    """Errors of one layer from those of the layer above."""
    if own.is_output:
        output_errors(rule.step, own)
        return
    scale = rule.hidden if above.is_output else 1.0
    factor = own.error.dtype.type(scale * own.dendrite_gain * own.area * own.rate_max)
    for i in range(own.n):
        total = own.error.dtype.type(0)
        for k in range(above.n):
            total += above.weights[k // LANES * above.n_pre + i, k % LANES] * above.error[k]
        own.error[i] = factor * total * own.slope[i]


register_rule(BackpropConstants, backprop_errors, reads=ABOVE)
