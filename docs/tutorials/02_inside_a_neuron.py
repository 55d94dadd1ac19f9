"""
Inside a neuron
===============

A hidden neuron has three compartments. Its basal dendrite receives spikes from below,
its apical dendrite spikes from the outputs, and its soma sums up. At the end of each
phase of a trial the apical dendrite's mean potential becomes a *plateau potential*.
The difference between two plateaus is what the neuron learns from. We look at all of
that.
"""

# %%
# One neuron, and spikes that we choose
# -------------------------------------
#
# A network of one input, one hidden neuron and one output, with weights that we set.
# Two spikes reach the basal dendrite, a burst of ten the apical one.

import matplotlib.pyplot as plt
import numpy as np

import spikelearn as sl
from spikelearn.models import guerguiev2017

network = sl.Network(sizes=(1, 1, 1), hidden=sl.HiddenNeuron(g_apical=0.05))
weights = sl.Weights(
    W=(np.array([[20.0]]), np.array([[1.0]])),
    b=(np.zeros(1), np.zeros(1)),
    Y=(np.array([[30.0]]),),
)
recording = sl.simulate(
    network,
    weights,
    duration=120,
    input_spikes=([0, 0], [20, 60]),
    apical_spikes=([0] * 10, np.arange(40, 60, 2)),
)
figure = recording.plot()

# %%
# A spike opens a synapse whose current rises within 3 ms and decays within 10 ms.
# Between spikes every potential is a sum of exponentials, and the default engine
# computes it as such: there is no time step. A conductance of 0.05 / ms joins the
# apical dendrite to the soma here; the paper's default is none, and then the soma
# does not notice the burst at all.

print(sorted(recording.potentials))
print(f"apical dendrite, at most: {recording['hidden[0].v_apical'].max():.2f}")
print(f"plateau potential at the end: {recording.plateaus['hidden[0]'].forward[0]:.2f}")

# %%
# A trial of a network that learns
# --------------------------------
#
# First some training. Then we look for an image that is answered wrongly, because
# where the answer is right, the two plateaus hardly differ.

digits = sl.load("digits")
model = guerguiev2017.one_hidden("text", n_input=64, hidden=(60,))
training = sl.train(model, digits.train, seed=2, epochs=3, engine=sl.Clock())
for _ in training:
    pass
answers = sl.evaluate(
    model.network, training.weights, digits.test, seed=2, engine=sl.Clock()
)[0]
wrong = int(np.flatnonzero(answers != digits.test.y)[0])
label = int(digits.test.y[wrong])
print(f"image {wrong} is a {label}, the network says {answers[wrong]}")

trial = sl.simulate(
    model.network,
    training.weights,
    digits.test.intensities([wrong])[0],
    label=label,
    seed=2,
)
for phase in trial.phases:
    print(f"{phase.name:8s} {phase.start:5.1f} to {phase.stop:5.1f} ms")

# %%
# In the forward phase the network answers; in the target phase a current drives the
# right output and silences the others. The raster shows that: which outputs spike
# changes in the middle.

figure = trial.raster()

# %%
# What does a hidden neuron make of it? The one with the largest difference between
# its plateaus:

plateaus = trial.plateaus["hidden[0]"]
difference = plateaus.target - plateaus.forward
neuron = int(abs(difference).argmax())
first, second = plateaus.forward[neuron], plateaus.target[neuron]
print(f"neuron {neuron}: plateau {first:.2f}, then {second:.2f}")
figure = trial.plot(neurons=[neuron])

# %%
# All neurons at once: the rule moves each neuron's weights by the difference of its
# plateaus, times the slope of its f-I curve, times the mean of what arrived at each
# synapse.

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.bar(np.arange(len(difference)), np.sort(difference), width=1.0)
ax.set(xlabel="hidden neurons, in order", ylabel="plateau, target minus forward")

# %%
# Looking changes nothing: a recorded training comes to the same bits as one that is
# not. To record while training, give `train` a `Record` and a file; to replay a test
# image of a run on disk, use ``spikelearn trace``.
