"""
Does credit arrive?
===================

A hidden neuron should change so that the outputs come closer to their targets.
Backpropagation says how. Here we measure how far a local rule agrees with it: by
angles, by the losses of layers, and by the condition of the paper's Theorem 1.
"""

# %%
# Angles
# ------
#
# With ``compare=`` every example is looked at by a second rule, which changes
# nothing. A chunk then carries the angle between the errors of both. 90 degrees are
# what chance gives; below, the local rule goes downhill.

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import spikelearn as sl
from spikelearn import analysis, plotting
from spikelearn.models import guerguiev2017

digits = sl.load("digits")
model = guerguiev2017.one_hidden("text", n_input=64, hidden=(60,))


def angles(model, epochs=4):
    """Return the chunks of training, watched by backpropagation."""
    return list(
        sl.train(
            model,
            digits.train,
            seed=1,
            epochs=epochs,
            engine=sl.Clock(),
            compare=sl.Backprop(),
        )
    )


spikes = angles(model)
rates = angles(replace(model, network=replace(model.network, feedback_signal="rates")))

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
for name, chunks in (("spikes fed back", spikes), ("rates fed back", rates)):
    every = np.concatenate([chunk.angle[:, 0] for chunk in chunks])
    ax.plot(analysis.running_mean(every, 200), label=name)
ax.axhline(90, color="0.6", lw=1)
ax.set(xlabel="examples", ylabel="angle to backpropagation (degrees)")
ax.legend()

# %%
# With rates the angle is smaller: what is left of it with spikes is in part noise,
# since ten outputs send only some spikes within the 20 ms over which a plateau is
# averaged.
#
# Losses
# ------
#
# The hidden layer has a loss of its own, the squared difference of its plateaus. If
# credit arrives, examples with a large loss of the outputs have a large one there.
# But beware: the outputs' errors move the plateaus, learned or not. So a control
# belongs beside it, in which hidden weights are frozen.

frozen = list(
    sl.train(
        replace(model, rule=sl.OutputOnly()),
        digits.train,
        seed=1,
        epochs=4,
        engine=sl.Clock(),
    )
)


def correlation(chunks):
    """Return the correlation of both losses within each digit, in later training."""
    loss, label = (
        np.concatenate([getattr(chunk, name) for chunk in chunks])
        for name in ("loss", "label")
    )
    half = len(label) // 2
    return analysis.loss_correlation(
        loss[half:, 0], loss[half:, -1], label[half:], 10, 1
    )


for name, chunks in (("plateau rule", spikes), ("hidden weights frozen", frozen)):
    found = correlation(chunks)
    r, shuffled = np.nanmean(found.r), np.nanmax(found.shuffled_high)
    print(f"{name:22s} mean r {r:.2f}, shuffled at most {shuffled:.2f}")

# %%
# Theorem 1
# ---------
#
# If feedback comes to invert the way up, one step of the hidden layer brings the
# outputs closer to their target. The condition is that the largest eigenvalue of (I -
# U)ᵀ(I - U) is below 1, where U is the product of two Jacobians: from hidden rates to
# output rates, and from output rates to plateaus.

network = model.network
training = sl.train(
    model, digits.train, seed=1, epochs=4, engine=sl.Clock(), chunk_size=100
)
values, us = [], []
for chunk in training:
    weights = training.weights
    up = analysis.output_jacobian(
        chunk.v_output,
        weights.W[-1],
        rate_max=network.rate_max,
        dendrite_gain=network.dendrite_gains[-1],
    )
    down = analysis.feedback_jacobian(
        chunk.v_output, weights.Y[0], rate_max=network.rate_max
    )
    us.append(analysis.products(up, down).mean(axis=0))
    values.append(float(analysis.contraction(us[-1])))

figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3.2), layout="constrained")
left.plot(100 * np.arange(1, len(values) + 1), values)
left.axhline(1, color="0.6", lw=1)
left.set(xlabel="examples", ylabel="largest eigenvalue")
plotting.matrix_image(right, us[-1])
right.set_title("U in the end")

# %%
# `spikelearn.analysis` takes arrays, so the same measures apply to weights and
# activity from anywhere else.
