"""
A rule, a neuron, a feedback pathway of your own
================================================

What this package has, it has by the same doors that are open to you: a description (a
frozen dataclass with numbers) and a kernel (a function that is compiled). The pages
:doc:`/own_rule`, :doc:`/own_neuron` and :doc:`/own_feedback` have a whole file for
each. Here we put a rule together and see what it does.
"""

# %%
# A rule turns what a neuron knows after an example into one error. This one is the
# paper's plateau rule, but a neuron keeps still if its plateaus differ by less than a
# threshold.

from dataclasses import dataclass
from typing import NamedTuple

import matplotlib.pyplot as plt

import spikelearn as sl
from spikelearn.core.jit import kernel
from spikelearn.core.learn import output_errors
from spikelearn.core.rules import register_rule
from spikelearn.models import guerguiev2017


class Numbers(NamedTuple):
    """What the kernel is told."""

    step: float
    threshold: float


@kernel
def errors(rule, own):
    """Write an error for each neuron of a layer."""
    if own.is_output:
        output_errors(rule.step, own)
        return
    for i in range(own.n):
        difference = own.plateau_target[i] - own.plateau_forward[i]
        enough = abs(difference) > rule.threshold
        own.error[i] = (
            rule.step * own.dendrite_gain * difference * own.slope[i] if enough else 0.0
        )


register_rule(Numbers, errors)


@sl.register(like=sl.Plateau)
@dataclass(frozen=True)
class Threshold:
    """The plateau rule, of differences above a threshold."""

    threshold: float = 0.05

    def constants(self):
        """Return what the kernel is told."""
        return Numbers(20.0, self.threshold)


# %%
# It stands wherever a rule does. The first use compiles it.

digits = sl.load("digits")
base = guerguiev2017.one_hidden("text", n_input=64, hidden=(60,))
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
for rule in (sl.Plateau(), Threshold(0.05), Threshold(0.3)):
    model = sl.Model(
        network=base.network, learning_rates=base.learning_rates, rule=rule
    )
    training = sl.train(
        model,
        digits.train,
        seed=1,
        epochs=6,
        engine=sl.Clock(),
        chunk_size=len(digits.train),
    )
    ax.plot(range(1, 7), [chunk.error for chunk in training], "o-", label=repr(rule))
ax.set(xlabel="epoch", ylabel="wrong, before taught (%)", ylim=(0, None))
ax.legend(fontsize="small")

# %%
# In a file of its own the rule goes through the command line and stays in run folders
# by its name:
#
# .. code-block:: sh
#
#    spikelearn train one-hidden --import mine --set rule=Threshold \
#        --set rule.threshold=0.1 --out runs/mine
#
# A rule may keep memory of each neuron or synapse, draw at random, change weights by
# a kernel of its own, hear of success: :doc:`/own_rule` lists what it can ask for.
