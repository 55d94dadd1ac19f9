"""
The paper, figure by figure
===========================

Each data figure of Guerguiev, Lillicrap & Richards (2017) is one experiment and one
picture. The experiments take hours; their results are kept in the repository, and
pictures are drawn from them. :doc:`/paper` shows them all, with what was published
and what came out here. This page is about how to do it yourself.
"""

# %%
# One experiment
# --------------
#
# ``experiments/learning_curves.py`` trains the paper's three networks. A scale says
# how long: ``smoke`` takes seconds and shows that it runs, ``laptop`` minutes,
# ``paper`` is the published one.
#
# .. code-block:: sh
#
#    python experiments/learning_curves.py --scale smoke
#    python figures/learning_curves.py runs/experiments/smoke
#
# What it leaves is one JSON file, with results, configuration, seeds, version and
# machine. A picture is a function of that file, and never simulates.

import json
import sys

sys.path.insert(0, "../../figures")  # this page's script lies in docs/tutorials
from learning_curves import draw

with open("../../experiments/results/learning_curves.json") as file:
    report = json.load(file)
print({key: report[key] for key in ("experiment", "command", "date", "spikelearn")})
figure, caption = draw(report)
print(caption)

# %%
# The networks
# ------------
#
# They have names, and so do the paper's variants. A reading says what of the paper's
# text or its code is meant.

from spikelearn.models import guerguiev2017

for network in (
    guerguiev2017.no_hidden,
    guerguiev2017.one_hidden,
    guerguiev2017.two_hidden,
):
    model = network("released")
    print(network.__name__, model.network.sizes, model.learning_rates)
print(", ".join(guerguiev2017.VARIANTS))

# %%
# On the command line: ``spikelearn train one-hidden --variant sparse --data mnist
# --epochs 60``.
#
# All results
# -----------
#
# ``python experiments/all.py --scale paper --jobs 2`` runs the lot, cheapest first,
# and goes on where it was stopped; ``make figures`` draws every picture from what is
# committed.
