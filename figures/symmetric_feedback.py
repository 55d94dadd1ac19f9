"""Figure 8D: test errors with random feedback, with the transposed forward weights, and with these plus noise.

python figures/symmetric_feedback.py [RUNS] [--out FILE]
"""

from collections.abc import Iterable

import numpy as np
from frame import main, networks, new_figure, panels
from learning import describe, errors
from learning import draw as draw_learning
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikelearn.plotting.curves import seed_curves
from spikelearn.plotting.style import COLOURS, bare

NAMES = {"one-hidden": "random", "symmetric": "symmetric", "symmetric-noisy": "symmetric\n+ noise"}

WANDERING = {"one-hidden": "random", "symmetric": "symmetric", "drifting": "symmetric\n+ noise that adds up"}


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(13, 7.6)
    top, bottom = figure.subfigures(2, 1)
    upper, lower = top.subplots(1, 3, width_ratios=(1.3, 1, 1)), bottom.subplots(1, 3)
    draw_learning(upper, report, NAMES)
    noise = {float(sd): curve for sd, curve in report["noise"].items()}
    curves = errors(report, WANDERING)
    drifting = report["conditions"]["drifting"]
    n = len(next(iter(noise.values())))
    draw_noise(lower[0], noise, curves["random"][:, n - 1].mean())
    draw_reach(lower[1], report["reach"])
    seed_curves(lower[2], curves)
    panels(figure, (*upper, *lower))
    last = [found[-1] for found in drifting["test_error"]]
    return figure, (
        "One hidden layer; feedback weights random, or the transposed forward weights, or these with noise of SD 0.05 "
        f"drawn anew for each example. {describe(report, NAMES, 'abc')} (d) Noise of other sizes, drawn anew for each "
        f"example: test error after {n} epochs, 1 network (seed 1); line: random feedback. (e) How far noise on the "
        "feedback of the trained network moves the differences of its plateaus, target minus forward, that teach: root "
        f"mean square over neurons and {report['reach']['trials']} trials, as a share of these differences' own "
        f"({report['reach']['plateaus']:.3f}); noise drawn for each trial, or for each of its two phases; 1 network "
        "(seed 1). (f) Noise that adds up: "
        f"each feedback weight takes a random step of SD {drifting['sd']} an example (in steps of "
        f"{drifting['step']} examples) away from the transposed forward weight; {np.mean(last):.2f} % in the end "
        f"({networks(len(last))}, {min(last):.2f} to {max(last):.2f})."
    )


def draw_noise(axes: Axes, noise: dict[float, list[float]], random: float) -> None:
    """Draw test error against the SD of noise."""
    axes.plot(list(noise), [curve[-1] for curve in noise.values()], "o-", color=COLOURS[2])
    axes.axhline(random, color=COLOURS[0], linestyle="--")
    axes.annotate("random feedback", (1, random), (-4, 4), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", color=COLOURS[0])  # fmt: skip
    axes.set_xscale("symlog", linthresh=0.05, linscale=0.4)
    _mark_noise(axes, noise)
    axes.set_xlim(-0.015, 1.15 * max(noise))
    epochs = len(next(iter(noise.values())))
    axes.set_ylabel(f"test error, epoch {epochs} (%)")
    axes.set_ylim(0, 1.2 * max(random, *(curve[-1] for curve in noise.values())))
    bare(axes)


def draw_reach(axes: Axes, reach: dict) -> None:
    """Draw the part of the plateaus' differences that is noise, against the SD of the noise."""
    for key, label, colour in (("each_phase", "each phase", COLOURS[3]), ("each_trial", "each trial", COLOURS[2])):
        parts = {float(sd): 100 * size / reach["plateaus"] for sd, size in reach[key].items()}
        axes.plot(list(parts), list(parts.values()), "o-", color=colour, label=f"drawn for {label}")
    axes.set(xscale="log", yscale="log", ylabel="noise in plateau differences (%)")
    axes.yaxis.set_major_formatter("{x:g}")
    _mark_noise(axes, parts)
    axes.legend(frameon=False)
    bare(axes)


def _mark_noise(axes: Axes, sds: Iterable[float]) -> None:
    axes.set_xticks(list(sds), [f"{sd:g}" for sd in sds])
    axes.xaxis.minorticks_off()
    axes.set_xlabel("SD of noise on feedback weights")


if __name__ == "__main__":
    main("symmetric_feedback", __doc__, draw)
