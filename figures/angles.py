"""Figure 7A: angle between the errors of the local rule and those of backpropagation.

python figures/angles.py [RUNS] [--out FILE]
"""

import numpy as np
from frame import main, networks, new_figure, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikelearn.plotting.style import CHANCE, COLOURS, bare

READINGS = {
    "released reading": "",
    "cited reading": "-cited",
    "released, learning rates 0.3 and 0.01": "-slow-output",
    "reading of the text": "-text",
}  # suffix of the conditions' names
NAMES = {"one-hidden": "spiking feedback", "rate-feedback": "rate feedback"}
PUBLISHED = {"one-hidden": (65, 70), "rate-feedback": (35, 40)}  # lowest, and at the end


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(17, 4.2)
    *grid, last = figure.subplots(1, 1 + len(READINGS), sharey=True)
    parts = []
    for axes, (reading, suffix) in zip(grid, READINGS.items(), strict=True):
        said = [
            one_kind(axes, report["conditions"][name + suffix], colour, label, PUBLISHED[name])
            for colour, (name, label) in zip(COLOURS, NAMES.items(), strict=False)
        ]
        n = len(report["conditions"]["one-hidden" + suffix]["runs"])
        parts.append(f"{reading}, {networks(n)}: {'; '.join(said)}")
        axes.axhline(90, color=CHANCE, linewidth=1, linestyle="--")
        axes.set(xlabel="training example", ylim=(0, 100))
        axes.set_xlim(left=0)
        axes.set_title(reading, fontsize="medium")
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        bare(axes)
    grid[0].set_ylabel("angle to backpropagation (degrees)")
    grid[0].plot([], [], "D", color="white", markeredgecolor="black", label="published, at the end")
    grid[0].legend(frameon=False, loc="lower left")
    draw_by_loss(last, report["conditions"])
    panels(figure, [*grid, last])
    return figure, (
        "Does the local rule follow backpropagation? One hidden layer; angle between what both rules would change in "
        f"the hidden layer, for the same trial and weights; means of {report['block']} examples; line: mean over "
        "networks, band: from the lowest to the highest. Dashed: right angle, no relation. Diamonds: published, at the "
        f"end. Published: about 65, then about 70 degrees with spiking feedback, about 35, then about 40 with rates. "
        f"{'. '.join(parts)}. (e) The last epoch: examples by the loss of the output layer, a tenth of them at a time; "
        "solid: released reading, dashed: with learning rates 0.3 and 0.01."
    )


def draw_by_loss(axes: Axes, conditions: dict) -> None:
    """Draw angle against the loss of the output layer, by rank."""
    for suffix, style in (("", "o-"), ("-slow-output", "s--")):
        for colour, name in zip(COLOURS, NAMES, strict=False):
            parts = np.array([run["by_loss"] for run in conditions[name + suffix]["runs"]])
            share = 100 * (np.arange(parts.shape[1]) + 0.5) / parts.shape[1]
            axes.fill_between(share, parts.min(axis=0), parts.max(axis=0), color=colour, alpha=0.25, linewidth=0)
            axes.plot(share, parts.mean(axis=0), style, color=colour, markersize=4, linewidth=1.5)
    axes.axhline(90, color=CHANCE, linewidth=1, linestyle="--")
    axes.set(xlabel="examples with a smaller output loss (%)", xlim=(0, 100))
    axes.set_title("last epoch, by loss", fontsize="medium")
    for style, label in (("o-", "released reading"), ("s--", "rates 0.3 and 0.01")):
        axes.plot([], [], style, color="0.4", markersize=4, label=label)
    axes.legend(frameon=False, loc="lower left", fontsize="small")
    bare(axes)


def one_kind(axes: Axes, found: dict, colour: str, label: str, published: tuple[int, int]) -> str:
    """Draw one condition; return its numbers in words."""
    stop, mean = np.array(found["stop"]), np.array([run["mean"] for run in found["runs"]])
    axes.fill_between(stop, mean.min(axis=0), mean.max(axis=0), color=colour, alpha=0.25, linewidth=0)
    axes.plot(stop, mean.mean(axis=0), color=colour, linewidth=1.5, label=label)
    axes.plot([stop[-1]], [published[1]], "D", color=colour, markeredgecolor="black", clip_on=False)
    average = mean.mean(axis=0)
    last = np.mean([run["by_epoch"][-1] for run in found["runs"]])
    return (
        f"{label} lowest {average.min():.0f} degrees after {stop[average.argmin()]:,} examples, {last:.1f} in the last "
        "epoch"
    )


if __name__ == "__main__":
    main("angles", __doc__, draw)
