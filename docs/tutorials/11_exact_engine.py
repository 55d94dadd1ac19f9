r"""
How the exact engine works
==========================

The default engine, `Event`, simulates without a time step. This page builds a small
version of it in NumPy, step by step, and compares it with a direct sum over all
spikes.
"""

# %%
# A potential between spikes
# --------------------------
#
# A synapse answers a spike with a difference of two exponentials. The soma follows
# its dendrite as a leaky integrator with the total conductance :math:`g`. So the
# soma's answer to a single spike is a sum of three exponentials:
#
# .. math::
#     K(t) = A e^{-t/\tau_L} + B e^{-t/\tau_s} + C e^{-g t}, \quad
#     A = \frac{g_b}{(\tau_L - \tau_s)(g - 1/\tau_L)}, \quad
#     B = \frac{-g_b}{(\tau_L - \tau_s)(g - 1/\tau_s)}, \quad C = -(A + B)

import matplotlib.pyplot as plt
import numpy as np

TAU_L, TAU_S, G_B, G = 10.0, 3.0, 0.6, 0.7  # ms, ms, 1/ms, 1/ms
A = G_B / ((TAU_L - TAU_S) * (G - 1 / TAU_L))
B = -G_B / ((TAU_L - TAU_S) * (G - 1 / TAU_S))
RATES = np.array([1 / TAU_L, 1 / TAU_S, G])
FACTORS = np.array([A, B, -(A + B)])


def answer(t):
    """Return the soma's answer to one spike, t ms ago."""
    t = np.asarray(t, float)[..., None]
    return np.where(
        t[..., 0] >= 0, (FACTORS * np.exp(-RATES * np.maximum(t, 0))).sum(-1), 0
    )


# %%
# Sixty ms of input: spikes of many neurons, through weights of both signs. `direct`
# sums over all of them at each time.

rng = np.random.default_rng(1)
arrivals = np.sort(rng.uniform(0, 60, 400))
weights = rng.normal(0.3, 6.0, 400)


def direct(times, memory=np.inf):
    """Return the potential as a sum over spikes, forgotten after `memory` ms."""
    ages = np.asarray(times)[:, None] - arrivals
    late = ages - memory
    # What the synapse has left when it forgets a spike is taken back; the soma goes on.
    cut = FACTORS[:2] * np.exp(-np.minimum(memory, 1e3) * RATES[:2])
    back = (cut * np.exp(-np.maximum(late, 0)[..., None] * RATES[:2])).sum(-1)
    back = np.where(late >= 0, back - cut.sum() * np.exp(-np.maximum(late, 0) * G), 0)
    return ((answer(ages) - back) * weights).sum(1)


# %%
# Slots
# -----
#
# Time is cut into slots, of 1 ms here to see something happen in them, of a quarter
# in the engine. At the start of each, three sums over *all* past spikes are kept, one
# for each exponential; from slot to slot they decay by three factors. Within a slot
# the potential follows from the three sums and the few spikes that arrived in the
# slot. A slot is no time step: spikes keep their exact times.

SLOT = 1.0
n_slots = int(60 / SLOT)
sums = np.zeros((n_slots + 1, 3))
slot_of = (arrivals / SLOT).astype(int)
for k in range(n_slots):
    here = slot_of == k
    ages = (k + 1) * SLOT - arrivals[here]
    sums[k + 1] = sums[k] * np.exp(-RATES * SLOT) + (
        weights[here, None] * np.exp(-RATES * ages[:, None])
    ).sum(0)


def by_slots(t, memory=None):
    """Return the potential at t from the sums at its slot's start and its spikes."""
    k = min(int(t / SLOT), n_slots - 1)
    kept, here = sums[k].copy(), (slot_of == k) & (arrivals <= t)
    value = (weights[here] * answer(t - arrivals[here])).sum()
    if memory is not None and k >= memory / SLOT:
        past = k - int(memory / SLOT)
        gone = np.exp(-memory * RATES)
        gone[2] = -(A * gone[0] + B * gone[1]) / FACTORS[2]
        kept -= gone * sums[past]  # the same sums, read a memory earlier
        there = (slot_of == past) & (arrivals <= t - memory)
        late = (t - memory - arrivals[there])[:, None]
        value -= (
            weights[there] * (FACTORS * gone * np.exp(-RATES * late)).sum(1)
        ).sum()
    return (FACTORS * kept * np.exp(-RATES * (t - k * SLOT))).sum() + value


times = np.linspace(0.1, 59.9, 600)
print(
    "largest difference, all spikes kept:",
    abs(np.array([by_slots(t) for t in times]) - direct(times)).max(),
)

# %%
# Forgetting
# ----------
#
# In the reading ``released`` a synapse forgets a spike after 10 ms. Nothing has to be
# taken out of a list for that: a forgotten spike is the same sum, read 10 ms earlier,
# and taken off. (So spikes arrive only once.)

cut = np.array([by_slots(t, 10.0) for t in times])
print("largest difference, spikes forgotten:", abs(cut - direct(times, 10.0)).max())

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(times, direct(times), label="spikes kept for ever")
ax.plot(times, cut, label="forgotten after 10 ms")
ax.set(xlabel="time (ms)", ylabel="potential")
ax.legend()

# %%
# Thinning
# --------
#
# A neuron spikes at random, with rate :math:`\varphi_{max}\,\sigma(V)`. To draw that
# exactly, draw *candidates* at the highest rate, each with a uniform number u, and
# keep those with :math:`u < \sigma(V)`, that is, with V above logit(u). No sigmoid is
# needed. And mostly no exact V: the sums at the slot's start alone are wrong by at
# most the few spikes of the slot. Where logit(u) lies outside that band, the decision
# is made already, and it is the exact one.

candidates = np.sort(
    rng.uniform(0, 60, rng.poisson(0.2 * 60 * 40))
)  # as of forty such neurons, to see more
u = rng.uniform(size=len(candidates))
threshold = np.log(u / (1 - u))
LARGEST = answer(np.linspace(0, SLOT, 50)).max()
rough, band = np.empty(len(candidates)), np.empty(len(candidates))
for i, t in enumerate(candidates):
    k = min(int(t / SLOT), n_slots - 1)
    rough[i] = (FACTORS * sums[k] * np.exp(-RATES * (t - k * SLOT))).sum()
    band[i] = LARGEST * abs(weights[slot_of == k]).sum()
undecided = abs(rough - threshold) <= band
exact = np.array([by_slots(t) for t in candidates])
assert ((exact > threshold) == (rough > threshold))[~undecided].all()
print(len(candidates), "candidates,", (exact > threshold).sum(), "spikes")
print(undecided.sum(), "had to be looked at closely")

figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
shown = candidates < 20
ax.fill_between(
    candidates[shown],
    (rough - band)[shown],
    (rough + band)[shown],
    color="C0",
    alpha=0.25,
    lw=0,
    label="bound",
)
ax.plot(
    times[times < 20], direct(times[times < 20]), "C0", lw=1, label="exact potential"
)
for kind, colour, label in (
    (exact > threshold, "C3", "spike"),
    (exact <= threshold, "0.6", "no spike"),
):
    ax.plot(
        candidates[shown & kind],
        threshold[shown & kind],
        ".",
        color=colour,
        label=label,
    )
ax.plot(
    candidates[shown & undecided],
    threshold[shown & undecided],
    "o",
    mfc="none",
    color="k",
    label="looked at closely",
)
ax.set(
    xlabel="time (ms)",
    ylabel="potential, and logit(u) of candidates",
    ylim=(-5, 8),
    xlim=(0, 20),
)
ax.legend(fontsize="small", ncols=5, loc="upper center")

# %%
# The compiled engine (``spikelearn/core/exact.py``, ``thinning.py``) does this for 32
# or 64 neurons at a time, in vector registers, and averages over windows in closed
# form from the same sums. ``spikelearn bench`` prints the share of candidates that
# had to be looked at closely.
