"""
Kinds of feedback
=================

How do apical dendrites have to be wired to the outputs? Backpropagation would need
the transposed forward weights. The paper's answer: fixed random weights do. Here we
train the same network with several kinds of feedback.
"""

# %%
# Feedback is an object
# ---------------------
#
# It says which weights a network begins with and what becomes of them in training.

from dataclasses import replace

import matplotlib.pyplot as plt

import spikelearn as sl
from spikelearn.analysis import alignments
from spikelearn.models import guerguiev2017

KINDS = {
    "fixed random": sl.RandomFeedback(),
    "sparse, stronger": sl.SparseFeedback(fraction_zero=0.8, gain=5),
    "symmetric": sl.SymmetricFeedback(),
    "weight mirror": sl.WeightMirror(),
}

digits = sl.load("digits")
base = guerguiev2017.one_hidden("text", n_input=64, hidden=(60,))

# %%
# Each network sees the same images with the same seed. The shallow control, whose
# hidden weights never change, tells what the outputs can do alone. Leave it out, and
# everything looks as if it learned.


def learn(model, epochs=6):
    """Return errors by epoch, of images before they are taught, and the weights."""
    training = sl.train(
        model,
        digits.train,
        seed=1,
        epochs=epochs,
        engine=sl.Clock(),
        chunk_size=len(digits.train),
    )
    return [chunk.error for chunk in training], training.weights


curves, weights = {}, {}
for name, feedback in KINDS.items():
    curves[name], weights[name] = learn(
        replace(base, network=replace(base.network, feedback=feedback))
    )
curves["outputs learn alone"], _ = learn(replace(base, rule=sl.OutputOnly()))

figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for name, errors in curves.items():
    ax.plot(
        range(1, len(errors) + 1),
        errors,
        "k--" if name.startswith("outputs") else "o-",
        label=name,
    )
ax.set(xlabel="epoch", ylabel="wrong, before taught (%)", yscale="log")
ax.legend(fontsize="small")

# %%
# These curves are of one seed and a few epochs of a small task; for a claim, train
# several seeds, to the end, and look at test errors: the gallery of the paper's
# figures does. One thing is known from there: a good part of what kinds of feedback
# seem to do is how *strong* the feedback is, that is, how fast the hidden layer
# learns.
#
# Do forward weights follow the feedback?
# ---------------------------------------
#
# With fixed feedback, learning can only turn the forward weights towards it.
# `alignments` measures the angle between feedback weights and transposed forward
# weights: 90 degrees says that they have nothing to do with each other.

start = base.network.draw_weights(seed=1)
print(f"{'at the start':18s} {alignments(start.W, start.Y)[0].degrees:5.1f} degrees")
for name, each in weights.items():
    print(f"{name:18s} {alignments(each.W, each.Y)[0].degrees:5.1f} degrees")

# %%
# A feedback pathway of your own is a file: see :doc:`/own_feedback`.
