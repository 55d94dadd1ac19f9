"""Not in the paper: its networks on Fashion-MNIST, beside a linear classifier and backpropagation.

python figures/fashion.py [RUNS] [--out FILE]
"""

from frame import main, new_figure, panels
from learning import errors, sentence, settled, when
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikelearn.plotting.curves import seed_curves
from spikelearn.plotting.groups import group_bars
from spikelearn.plotting.style import COLOURS, bare

SPIKING = {
    "fashion-no-hidden": "no hidden\nlayer",
    "fashion-one-hidden": "one",
    "fashion-two-hidden": "two",
    "fashion-sparse": "one,\nsparse x 5",
    "fashion-symmetric": "one,\nsymmetric",
    "fashion-backprop": "one,\nbackprop",
}
CONTROLS = {"linear": "linear\nclassifier", "rates-backprop": "500 rate units,\nbackprop"}
NAMES = SPIKING | CONTROLS
TOP = 25  # percent


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    figure = new_figure(14, 7.6)
    upper, lower = figure.subfigures(2, 1)
    grid = (*upper.subplots(1, 2, width_ratios=(1, 1.6)), lower.subplots(1, 1))
    found = errors(report, NAMES)
    seed_curves(grid[0], {label.replace("\n", " "): found[label] for label in SPIKING.values()})
    if max(curves[:, -1].max() for curves in found.values()) < TOP:  # after a short training all of it is to be seen
        grid[0].set_ylim(5, TOP)
    n = found["linear\nclassifier"].shape[1]
    group_bars(grid[1], {label: settled(curves) for label, curves in found.items()}, f"test error, {when(n)} (%)")
    _search(grid[2], report)
    panels(figure, grid)
    spiking = ", ".join(f"{rates} for {kind}" for kind, rates in report["best"].items())
    text = (
        "Fashion-MNIST. Spiking networks with no, one (500) and two hidden layers (500, 100), feedback random where "
        "nothing is said, and for control rate networks that learn by backpropagation in minibatches, by Adam: a "
        "softmax of the pixels, and 500 hidden units. (a) Means over networks, bands from the lowest to the highest. "
        f"(b) Dots are networks, bars their mean, lines its 95 % interval where there are three; "
        f"{sentence(report, NAMES)}. (c) What the learning rates were chosen by: error on a fifth of the training "
        f"images after five epochs, one network each (another seed); rates of hidden layers and of the output: "
        f"{spiking}."
    )
    return figure, text.replace(",\n", ", ").replace("\n", " ")


def _search(axes: Axes, report: dict) -> None:
    """Draw the held-out errors of all rates that were tried, by kind of network; what was chosen is filled."""
    chosen = {f"{kind}-{rates}" for kind, rates in report["best"].items()}
    kinds = [name for name in NAMES if name.removeprefix("fashion-") in _searched(report)]
    at, ticks = 0, {}
    for name in kinds:
        kind, colour = name.removeprefix("fashion-"), COLOURS[list(NAMES).index(name) % len(COLOURS)]
        tried = {key: curve[-1] for key, curve in report["search"].items() if key.rsplit("-", 1)[0] == kind}
        ticks[at + (len(tried) - 1) / 2] = NAMES[name]
        for key, error in tried.items():
            axes.plot(at, error, "o", markerfacecolor=colour if key in chosen else "none", color=colour, markersize=6)
            axes.annotate(key.rsplit("-", 1)[1].replace(",", ", "), (at, error), xytext=(0, 6), rotation=90,
                          textcoords="offset points", ha="center", fontsize="x-small")  # fmt: skip
            at += 1
        at += 1.5
    axes.set_xticks(list(ticks), ticks.values())
    last = [found[-1] for found in report["search"].values()]
    span = max(last) - min(last) or 1
    axes.set(ylabel="error, held out (%)", ylim=(min(last) - 0.1 * span, max(last) + 0.2 * span))
    bare(axes)


def _searched(report: dict) -> set[str]:
    return {key.rsplit("-", 1)[0] for key in report["search"]}


if __name__ == "__main__":
    main("fashion", __doc__, draw)
