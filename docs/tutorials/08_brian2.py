"""
From Brian2, and back
=====================

`to_brian2` writes a network and its weights as a `Network` of Brian2, with equations
as text. So one can add what this package does not have, or check what it does. Needs
``pip install 'spikelearn[brian2]'``.
"""

# %%
# A network in Brian2
# -------------------

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np

import spikelearn as sl

b2.prefs.codegen.target = "numpy"  # no compiler needed
b2.defaultclock.dt = 0.25 * b2.ms

network = sl.Network(sizes=(20, 10, 4))
weights = network.draw_weights(seed=1)
image = np.random.default_rng(0).random(20)

theirs = sl.to_brian2(network, weights, seed=1)
print(theirs["hidden0"].equations)

# %%
# It has the monitors that a user of Brian2 knows. A phase is a call of ``run``.

theirs["input"].rates = network.rate_max / b2.ms * image
theirs.run(50 * b2.ms)
theirs["output"].label = 2
theirs["output"].teaching = 1
theirs.run(50 * b2.ms)
print(theirs["spikes_output"].count[:])

# %%
# Do both agree? Driven by all spikes of a clock of this package, Brian2 comes to the
# same potentials.

ours = sl.simulate(
    network, weights, image, label=2, engine=sl.Clock(dt=0.25, dtype="float64")
)
driven = sl.to_brian2(network, weights, seed=1, spikes=ours.spikes)
driven["output"].label = 2
for phase in ours.phases:
    driven["output"].teaching = phase.name == "target"
    driven.run((phase.stop - phase.start) * b2.ms)
v = np.array(driven["potentials_output"].v)
figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(6.4, 4), sharex=True, layout="constrained"
)
top.plot(ours.times, ours["output.v_soma"][2], label="spikelearn")
top.plot(ours.times[:-1], v[2, 1:], "--", label="Brian2")
top.set(ylabel="output 2")
top.legend()
bottom.plot(ours.times[:-1], v[2, 1:] - ours["output.v_soma"][2, :-1])
bottom.set(xlabel="time (ms)", ylabel="difference")

# %%
# Left to itself, each draws spikes of its own, and they agree on average. More on the
# page :doc:`/brian2`.
