"""
A first network
===============

We train a spiking network to read digits, look at its error, and keep what it has
learned.

The network has 64 inputs, 100 hidden neurons with segregated dendrites, and 50
outputs, five for each digit. An input is a pixel: it spikes at random, the brighter
the more often. Nothing is propagated backwards. The outputs' spikes reach the apical
dendrites of the hidden neurons through fixed random weights, and each hidden neuron
learns from what its own apical dendrite tells it.
"""

# %%
# The data
# --------
#
# ``digits`` are 1,797 images of 8 x 8 pixels that come with scikit-learn.
# `spikelearn.load` divides them into images to train on and images to test with.
# Pixels are intensities between 0 and 1.

import matplotlib.pyplot as plt

import spikelearn as sl
from spikelearn.models import beyond

digits = sl.load("digits")
print(digits.train.x.shape, digits.test.x.shape, digits.train.n_classes)

figure, axes = plt.subplots(1, 8, figsize=(8, 1.4), layout="constrained")
for ax, image, label in zip(axes, digits.train.x, digits.train.y, strict=False):
    ax.imshow(image.reshape(8, 8), cmap="gray_r")
    ax.set_title(label)
    ax.axis("off")

# %%
# The model
# ---------
#
# A model is a description: a network, a rule that changes its weights, and learning
# rates. It holds no arrays. `plateau_best` is the best one we know. Printing it shows
# every number of it.

model = beyond.plateau_best("text", n_input=64, hidden=(100,))
print(model.network.sizes, model.rule, model.learning_rates)

# %%
# Training
# --------
#
# `spikelearn.train` returns training in progress. A loop over it shows the images one
# after the other, in an order of its own for each epoch; after a number of images it
# hands over a *chunk*, which says what the network answered before it was taught. One
# can stop at any chunk, look at anything, and go on.

training = sl.train(model, digits.train, seed=1, epochs=8, engine=sl.Clock())
seen, wrong = [], []
for chunk in training:
    seen.append(chunk.epoch * len(digits.train) + chunk.stop)
    wrong.append(chunk.error)

# %%
# The weights to test with are `training.tested`: for this model, weights averaged
# over the last examples. `evaluate` shows each test image for some time, without
# teaching, and reads which outputs were most active.

answers = sl.evaluate(
    model.network, training.tested, digits.test, seed=1, engine=sl.Clock()
)
error = sl.error_percent(answers, digits.test.y)[0]
print(f"test error {error:.1f} %")

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.plot(seen, wrong, ".-", label="training images, before they are taught")
ax.axhline(error, color="C1", label="test images, in the end")
ax.set(xlabel="images shown", ylabel="wrong (%)", ylim=(0, None))
ax.legend()

# %%
# The same seed gives the same numbers, to the last bit, on any number of threads.
# Another seed is another network: other weights to begin with, other spikes, another
# order. Always report several.
#
# What it has learned
# -------------------
#
# Weights are arrays, (postsynaptic, presynaptic). Here are those from the pixels to
# some hidden neurons.

W = training.weights.W[0]
print(W.shape)
figure, axes = plt.subplots(2, 6, figsize=(7, 2.6), layout="constrained")
for ax, row in zip(axes.flat, W, strict=False):
    ax.imshow(
        row.reshape(8, 8), cmap="RdBu_r", vmin=-abs(row).max(), vmax=abs(row).max()
    )
    ax.axis("off")

# %%
# On disk
# -------
#
# The command line does the same and keeps a folder that can be gone on with, tested
# and traced:
#
# .. code-block:: sh
#
#    spikelearn train plateau-best --data digits --reading text --hidden 100 \
#        --epochs 8 --seed 1 --out runs/first
#    spikelearn train plateau-best --out runs/first --resume --epochs 10
#    spikelearn evaluate runs/first
