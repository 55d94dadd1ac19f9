"""Not in the paper: how far down plateau potentials alone bring the error, and which lever gave what.

python figures/beyond.py [RUNS] [--out FILE]
"""

from typing import Any

import numpy as np
from frame import main, new_figure, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
FINAL = {
    "best-1000": "plateaus",
    "two-hidden": "plateaus,\ntwo layers",
    "rates-1000": "plateaus,\nrates back",
    "backprop-1000": "backprop",
    "frozen-1000": "hidden\nfrozen",
    "frozen-local-1000": "frozen,\npatches",
}
FASHION = {"fashion-1000": "plateaus", "fashion-backprop-1000": "backprop"}
PUBLISHED = 4.1  # percent, one hidden layer of 500 after 60 epochs

Part = dict[str, dict[str, Any]]


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    ladder = _labelled(report["ladder"], LEVERS)
    mnist, fashion = _labelled(report["final"], FINAL), _labelled(report["final"], FASHION)
    shown = [(_steps, ladder), (_bars, mnist), (_bars_of_fashion, fashion), (_curves, mnist)]
    shown = [(panel, part) for panel, part in shown if part]
    rows = 1 if len(shown) < 4 else 2
    figure = new_figure(12, 4.2 * rows)
    grid = figure.subplots(rows, len(shown) // rows, squeeze=False).ravel()
    told = [panel(axes, part) for axes, (panel, part) in zip(grid, shown, strict=True)]
    panels(figure, grid)
    return figure, " ".join(f"({letter}) {text}" for letter, text in zip("abcd", told, strict=False))


def _labelled(part: Part, labels: dict[str, str]) -> Part:
    """Return what was found by label, of the networks that there are."""
    return {label: part[name] for name, label in labels.items() if name in part}


def _errors(found: dict[str, Any]) -> np.ndarray:
    """Return the test error of each network."""
    return np.array([network["error"] for network in found["networks"]])


def _steps(axes: Axes, ladder: Part) -> str:
    """Draw the errors from the first lever, on top, to the last."""
    errors = {label: _errors(found) for label, found in ladder.items()}
    for place, found in enumerate(errors.values()):
        axes.plot(found, np.full(len(found), place), "o", color="C0", markersize=4, alpha=0.6)
        axes.plot(found.mean(), place, "|", color="black", markersize=14)
        axes.annotate(f"{found.mean():#.3g}", (found.max(), place), xytext=(6, 0), textcoords="offset points",
                      va="center")  # fmt: skip
    axes.set_yticks(range(len(errors)), errors)
    axes.invert_yaxis()
    axes.set(xlabel="test error (%)", xlim=(0, 1.2 * max(found.max() for found in errors.values())))
    axes.set_title("MNIST, 500 hidden neurons, lever by lever", fontsize="medium")
    bare(axes)
    return (
        f"From the paper's network to the best one, each lever beside those before it; {_epochs(ladder)} epochs, dots "
        f"are networks, lines their means: {_told(ladder)}."
    )


def _bars(axes: Axes, final: Part) -> str:
    """Draw the errors of the final networks of MNIST beside the paper's."""
    group_bars(axes, {label: _errors(found) for label, found in final.items()})
    axes.set_title("MNIST, 1,000 hidden neurons", fontsize="medium")
    axes.axhline(PUBLISHED, color="black", linewidth=1, linestyle="--")
    axes.annotate("the paper's network, published", (axes.get_xlim()[0], PUBLISHED), xytext=(4, 4),
                  textcoords="offset points", fontsize="small")  # fmt: skip
    axes.set_ylim(top=max(axes.get_ylim()[1], 1.15 * PUBLISHED))
    return (
        f"MNIST, one hidden layer of 1,000, {_epochs(final)} epochs, tested once, with the averaged weights: "
        f"{_told(final)}. Times are of the machine of the results, spikes of all neurons in 250 ms of a test image. "
        f"Dots are networks, bars their mean, lines its 95 % interval where there are three. The paper's network of "
        f"500: {PUBLISHED}, after 60 epochs."
    )


def _bars_of_fashion(axes: Axes, final: Part) -> str:
    """Draw the errors of the final networks of Fashion-MNIST."""
    group_bars(axes, {label: _errors(found) for label, found in final.items()})
    axes.set_title("Fashion-MNIST, the same networks", fontsize="medium")
    return f"The same on Fashion-MNIST: {_told(final)}."


def _curves(axes: Axes, final: Part) -> str:
    """Draw the errors while learning."""
    curves = {
        label.replace("\n", " "): np.array([network["train_error"] for network in found["networks"]])
        for label, found in final.items()
    }
    seed_curves(axes, curves, "error while learning (%)")
    axes.set_yscale("log")
    axes.set_ylim(1, 100)
    return "MNIST: error while learning, of images as they are shifted and before each is learned."


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
