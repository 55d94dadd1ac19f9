"""
Other answers, side by side
===========================

Plateau potentials are one answer to the question of credit assignment.
`spikelearn.ratenet` has some twenty others, for networks of rate units: feedback
alignment, target propagation, equilibrium propagation, perturbation and so on, each a
file whose docstring is its equations. Here are five of them and the shallow control.
"""

# %%
# A rule says which network it is meant for. `fit` trains, and reports after each
# epoch.

import matplotlib.pyplot as plt

import spikelearn as sl
from spikelearn.ratenet import entry, fit

digits = sl.load("digits")
names = ("bp", "fa", "dfa", "kp", "dtp", "shallow")

reached = {}
for name in names:
    found = entry(name)
    network = found.rule.network((64, 64, 64, 10))
    reached[name] = list(fit(network, found.rule, digits, seed=1, epochs=20))

# %%
# Test error against epoch, and the angle between the change of the lower hidden layer
# and backpropagation's.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for name, epochs in reached.items():
    line = "k--" if name == "shallow" else "-"
    left.plot(
        [each.epoch for each in epochs],
        [each.test_error for each in epochs],
        line,
        label=name,
    )
    if epochs[-1].angle and name not in ("bp", "shallow"):
        right.plot(
            [each.epoch for each in epochs],
            [each.angle[0] for each in epochs],
            label=name,
        )
left.set(xlabel="epoch", ylabel="test error (%)", yscale="log")
right.set(xlabel="epoch", ylabel="angle to backpropagation (degrees)", ylim=(0, 100))
left.legend(fontsize="small")
right.legend(fontsize="small")

# %%
# Layers may receive the image by patches instead, as cells of the retina and the
# visual cortex do: convolutions without the sharing of weights. Most rules can do
# that, too; those that send errors back do so through the same patches.

from spikelearn.ratenet import Local

patches = Local(image=(8, 8, 1), kernel=3, channels=8, stride=2)
for name in ("bp", "fa", "dfa", "dtp", "shallow"):
    found = entry(name)
    network = found.network((64, patches.post, 64, 10), local=(patches,))
    *_, last = fit(network, found.rule, digits, seed=1, epochs=20)
    print(f"{name}: {last.test_error:.1f} % wrong")

# %%
# One seed of a small task says little. The command line compares all rules over
# seeds, with the spiking network among them, and goes on where it was stopped:
#
# .. code-block:: sh
#
#    spikelearn compare --data mnist --jobs 2
#    spikelearn compare --data mnist --architecture mnist-local --jobs 2
#
# Which *past* event caused an error is another question: :doc:`/credit_through_time`.
