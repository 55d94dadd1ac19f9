"""Figures 7B and C: receptive fields of the local rule and of backpropagation, and how well they match.

python figures/receptive_fields.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.receptive_fields import match_histogram, receptive_fields


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(13, 4.2)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    for panel, (name, fields) in zip((left, middle), report["fields"].items(), strict=True):
        receptive_fields(panel, fields, report["shape"])
        panel.set_title({"local": "local rule", "best match": "best match, backprop"}[name], fontsize="medium")
    match_histogram(right, report["regular"], report["shuffled"], untrained=report["untrained"])
    right.legend(frameon=False)
    panels(figure, (left, middle, right))
    return figure, (
        f"Receptive fields. (a) Weights of {len(report['fields']['local'])} hidden neurons, drawn at random, of a "
        f"network trained by the local rule (seed {report['local'][1]}). (b) The field of a network "
        f"trained by backpropagation "
        f"(seed {report['reference'][1]}, other initial weights) that each correlates with best. (c) That best "
        f"correlation for all {len(report['regular'])} neurons: mean {np.mean(report['regular']):.2f}; after shuffling "
        f"the weights of each local field {np.mean(report['shuffled']):.2f}; for the local network before training "
        f"{np.mean(report['untrained']):.2f}."
    )


if __name__ == "__main__":
    main("receptive_fields", __doc__, draw)
