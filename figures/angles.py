"""Figure 7A: angle between the errors of the local rule and those of backpropagation.

python figures/angles.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, networks, new_figure
from matplotlib.figure import Figure

from spikelearn.plotting.style import CHANCE, COLOURS, bare

NAMES = {"one-hidden": "spiking feedback", "rate-feedback": "rate feedback"}
PUBLISHED = {"one-hidden": (65, 70), "rate-feedback": (35, 40)}  # lowest, and at the end


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure, parts = new_figure(7.5, 4.4), []
    axes = figure.subplots()
    for colour, (name, label) in zip(COLOURS, NAMES.items(), strict=False):
        found = report["conditions"][name]
        stop, mean = np.array(found["stop"]), np.array([run["mean"] for run in found["runs"]])
        axes.fill_between(stop, mean.min(axis=0), mean.max(axis=0), color=colour, alpha=0.25, linewidth=0)
        axes.plot(stop, mean.mean(axis=0), color=colour, linewidth=1.5, label=label)
        low, end = PUBLISHED[name]
        axes.plot([stop[-1]], [end], "D", color=colour, markeredgecolor="black", clip_on=False)
        average = mean.mean(axis=0)
        last = np.mean([run["by_epoch"][-1] for run in found["runs"]])
        parts.append(
            f"{label}: lowest {average.min():.0f} degrees after {stop[average.argmin()]:,} examples, {last:.1f} in the "
            f"last epoch (published: about {low}, then about {end})"
        )
    axes.axhline(90, color=CHANCE, linewidth=1, linestyle="--")
    axes.set(xlabel="training example", ylabel="angle to backpropagation (degrees)", ylim=(0, 100))
    axes.set_xlim(left=0)
    axes.legend(frameon=False, loc="lower left")
    bare(axes)
    n = len(report["conditions"]["one-hidden"]["runs"])
    return figure, (
        f"The local rule follows backpropagation. One hidden layer; angle between what both rules would change in the "
        f"hidden layer, for the same trial and weights; means of {report['block']} examples; line: mean over "
        f"{networks(n)}, band: from the lowest to the highest. Dashed: right angle, no relation. Diamonds: published, "
        f"at the end. {'; '.join(parts)}."
    )


if __name__ == "__main__":
    main("angles", __doc__, draw)
