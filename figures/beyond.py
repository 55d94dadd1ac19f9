"""Not in the paper: how far down plateau potentials alone bring the error, and which lever gave what.

python figures/beyond.py [RUNS] [--out FILE]
"""

from typing import Any

import numpy as np
from frame import main, new_figure, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

from spikelearn.plotting.curves import seed_curves
from spikelearn.plotting.groups import group_bars
from spikelearn.plotting.style import bare

LEVERS = {
    "paper": "the paper's network",
    "rates": "+ higher learning rates",
    "gate": "+ gate by mismatch",
    "likelihood": "+ likelihood of outputs",
    "populations": "+ 5 outputs a class",
    "gain": "+ stronger feedback",
    "decay": "+ rates decay",
    "averaging": "+ averaged weights",
    "shifts": "+ shifts",
}
CONTROLS = {
    "backprop": "backprop, not plateaus",
    "rates back": "rates fed back, not spikes",
    "two hidden": "two hidden layers, 500-200",
    "frozen": "hidden layer frozen",
    "frozen, spread": "the same, weights spread",
    "frozen, local": "frozen, from patches",
    "frozen, local, spread": "patches, weights spread",
}
FINAL = {"best-1000": "plateaus", "backprop-1000": "backprop"}
FASHION = {"fashion-1000": "plateaus", "fashion-backprop-1000": "backprop"}
PUBLISHED = 4.1  # percent, one hidden layer of 500 after 60 epochs

Part = dict[str, dict[str, Any]]


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    ladder = _labelled(report["ladder"], LEVERS), _labelled(report["controls"], CONTROLS)
    mnist, fashion = _labelled(report["final"], FINAL), _labelled(report["final"], FASHION)
    figure = new_figure(12, 6.5)
    grid = figure.subplot_mosaic("abb;acd", width_ratios=(2, 1, 1))
    shown = {"a": (_rungs, ladder), "b": (_curves, (mnist,)), "c": (_bars, (mnist,)), "d": (_fashion, (fashion,))}
    told = [panel(grid[letter], *parts) for letter, (panel, parts) in shown.items()]
    panels(figure, (grid[letter] for letter in shown))
    return figure, " ".join(f"({letter}) {text}" for letter, text in zip(shown, told, strict=True))


def _labelled(part: Part, labels: dict[str, str]) -> Part:
    """Return what was found by label, of the networks that there are."""
    return {label: part[name] for name, label in labels.items() if name in part}


def _errors(found: dict[str, Any]) -> np.ndarray:
    """Return the test error of each network."""
    return np.array([network["error"] for network in found["networks"]])


def _rungs(axes: Axes, ladder: Part, controls: Part) -> str:
    """Draw the errors from the first lever, on top, to the last, and those of the controls below."""
    errors = {label: _errors(found) for label, found in (ladder | controls).items()}
    for place, (label, found) in enumerate(errors.items()):
        axes.plot(
            found, np.full(len(found), place), "o", color="C0" if label in ladder else "C1", markersize=4, alpha=0.6
        )
        axes.plot(found.mean(), place, "|", color="black", markersize=14)
        axes.annotate(f"{found.mean():#.3g}", (found.max(), place), xytext=(8, 0), textcoords="offset points",
                      va="center")  # fmt: skip
    axes.set_yticks(range(len(errors)), errors)
    axes.axhline(len(ladder) - 0.5, color="black", linewidth=0.6)
    axes.invert_yaxis()
    every = np.concatenate(list(errors.values()))
    axes.set(xlabel="test error (%)", xscale="log", xlim=(0.8 * every.min(), 1.8 * every.max()))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.set_title("MNIST, 500 hidden neurons", fontsize="medium")
    bare(axes)
    return (
        f"From the paper's network to the best one, each lever beside those before it; {_epochs(ladder)} epochs, dots "
        f"are networks, lines their means: {_told(ladder)}. Below the line, in place of the last of these: "
        f"{_told(controls)}. Times are beside other work, spikes those of all neurons in 250 ms of a test image."
    )


def _curves(axes: Axes, final: Part) -> str:
    """Draw the errors of the final networks of MNIST while learning."""
    curves = {
        label: np.array([network["train_error"] for network in found["networks"]]) for label, found in final.items()
    }
    seed_curves(axes, curves, "error while learning (%)")
    axes.set_yscale("log")
    axes.set_ylim(1, 100)
    axes.set_title("MNIST, 1,000 hidden neurons", fontsize="medium")
    return (
        f"1,000 hidden neurons, {_epochs(final)} epochs: error while learning, of images as they are shifted, before "
        f"each is learned."
    )


def _bars(axes: Axes, final: Part) -> str:
    """Draw the errors of the final networks of MNIST beside the paper's."""
    group_bars(axes, {label: _errors(found) for label, found in final.items()})
    axes.set_title("MNIST, 1,000", fontsize="medium")
    axes.axhline(PUBLISHED, color="black", linewidth=1, linestyle="--")
    axes.annotate("paper's, published", (axes.get_xlim()[0], PUBLISHED), xytext=(4, 4), textcoords="offset points",
                  fontsize="small")  # fmt: skip
    axes.set_ylim(top=max(axes.get_ylim()[1], 1.15 * PUBLISHED))
    return (
        f"The same, tested once at their end, with the averaged weights: {_told(final)}. Bars are means, lines their "
        f"95 % intervals. The paper's network of 500: {PUBLISHED}, after 60 epochs."
    )


def _fashion(axes: Axes, final: Part) -> str:
    """Draw the errors of the final networks of Fashion-MNIST."""
    group_bars(axes, {label: _errors(found) for label, found in final.items()})
    axes.set_title("Fashion-MNIST, 1,000", fontsize="medium")
    return f"Fashion-MNIST, {_epochs(final)} epochs: {_told(final)}."


def _epochs(part: Part) -> int:
    return int(next(iter(part.values()))["epochs"])


def _told(part: Part) -> str:
    """Say each network's error, how much it differs, and what it costs."""
    return "; ".join(f"{label.removeprefix('+ ')} {_one(found)}" for label, found in part.items()).replace("\n", " ")


def _one(found: dict[str, Any]) -> str:
    errors, networks = _errors(found), found["networks"]
    sd = "" if len(errors) < 2 else f", SD {errors.std(ddof=1):.2f}"
    cost = min(network["ms_per_example"] for network in networks)
    spikes = np.mean([sum(network["spikes_per_image"].values()) for network in networks])
    return f"{errors.mean():.2f} % (n = {len(errors)}{sd}; {cost:.2f} ms an example, {spikes:,.0f} spikes an image)"


if __name__ == "__main__":
    main("beyond", __doc__, draw)
