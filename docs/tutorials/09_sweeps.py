"""
Many settings, many seeds
=========================

Which learning rate? Does it depend on the feedback? A sweep trains every setting with
every seed, each in a run folder of its own, and makes one table. Stopped, it goes on
where it was.
"""

# %%
# The settings
# ------------
#
# What all runs have in common, by the names of ``spikelearn train``, and a grid:
# every feedback with every learning rate of the hidden layer. In a file, as TOML, the
# same goes to ``spikelearn sweep FILE.toml``.

import tempfile

import matplotlib.pyplot as plt
import numpy as np

import spikelearn as sl

RATES = [0.05, 0.2, 0.8]
FEEDBACK = ["random", "symmetric"]
grid = {
    "network": "one-hidden",
    "reading": "text",
    "engine": "clock",
    "hidden": 30,
    "examples": 800,
    "epochs": 3,
    "seeds": 2,
    "grid": {"feedback": FEEDBACK, "learning_rates.0": RATES},
}

# %%
# Run them
# --------
#
# ``jobs`` are processes. Their number changes no result. On a cluster an executor of
# Dask or SLURM takes their place.

folder = tempfile.mkdtemp()
table = sl.sweep(grid, folder, jobs=1)
for row in table[:4]:
    print(
        row["setting"],
        row["seed"],
        f"{row['test_error']:.1f} %",
        f"{row['seconds']:.1f} s",
    )

# %%
# The table is a list of dicts here, and a CSV and a JSON file in the folder: a row a
# run, with the settings as columns.

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
for feedback in FEEDBACK:
    rows = [row for row in table if row["feedback"] == feedback]
    errors = np.array(
        [
            [row["test_error"] for row in rows if row["learning_rates.0"] == rate]
            for rate in RATES
        ]
    )
    (line,) = ax.plot(RATES, errors.mean(axis=1), label=feedback)
    ax.plot(RATES, errors, ".", color=line.get_color())
ax.set(
    xscale="log", xlabel="learning rate of the hidden layer", ylabel="test error (%)"
)
ax.legend(title="feedback")

# %%
# These are test errors of a few epochs. To *choose* a rate, hold out training images:
# ``held_out = true``, or let ``spikelearn search`` look for the best. More on the
# page :doc:`/sweeps`.
