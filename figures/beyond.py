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
    "rates-1000": "plateaus,\nrates back",
    "backprop-1000": "backprop",
    "frozen-1000": "hidden\nfrozen",
}
PUBLISHED = 4.1  # percent, one hidden layer of 500 after 60 epochs


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    ladder = _errors(report["ladder"], LEVERS)
    final = _errors(report["final"], FINAL)
    figure = new_figure(12, 4)
    grid = figure.subplots(1, 3 if ladder else 2, width_ratios=(1.1, 1, 1)[-3 if ladder else -2 :])
    if ladder:
        _steps(grid[0], ladder)
    bars = group_bars(grid[-2], final)
    bars.set_title("1,000 hidden neurons", fontsize="medium")
    bars.axhline(PUBLISHED, color="black", linewidth=1, linestyle="--")
    bars.annotate("the paper's network, published", (bars.get_xlim()[1], PUBLISHED), xytext=(0, 4),
                  textcoords="offset points", ha="right", fontsize="small")  # fmt: skip
    bars.set_ylim(top=max(bars.get_ylim()[1], 1.15 * PUBLISHED))
    curves = {
        label.replace("\n", " "): _curves(report["final"][name])
        for name, label in FINAL.items()
        if name in report["final"]
    }
    seed_curves(grid[-1], curves, "error while learning (%)")
    grid[-1].set_yscale("log")
    grid[-1].set_ylim(1, 100)
    panels(figure, grid)
    return figure, _caption(report, ladder, final)


def _errors(part: dict[str, Any], labels: dict[str, str]) -> dict[str, np.ndarray]:
    """Return test errors by label, of the networks that there are."""
    return {
        label: np.array([network["error"] for network in part[name]["networks"]])
        for name, label in labels.items()
        if name in part
    }


def _curves(found: dict[str, Any]) -> np.ndarray:
    return np.array([network["train_error"] for network in found["networks"]])


def _steps(axes: Axes, ladder: dict[str, np.ndarray]) -> None:
    """Draw the errors from the first lever, on top, to the last."""
    for place, errors in enumerate(ladder.values()):
        axes.plot(errors, np.full(len(errors), place), "o", color="C0", markersize=4, alpha=0.6)
        axes.plot(errors.mean(), place, "|", color="black", markersize=14)
        axes.annotate(f"{errors.mean():#.3g}", (errors.max(), place), xytext=(6, 0), textcoords="offset points",
                      va="center")  # fmt: skip
    axes.set_yticks(range(len(ladder)), ladder)
    axes.invert_yaxis()
    axes.set(xlabel="test error (%)", xlim=(0, 1.2 * max(errors.max() for errors in ladder.values())))
    axes.set_title("500 hidden neurons, lever by lever", fontsize="medium")
    bare(axes)


def _caption(report: dict, ladder: dict[str, np.ndarray], final: dict[str, np.ndarray]) -> str:
    parts = []
    if ladder:
        epochs = next(iter(report["ladder"].values()))["epochs"]
        means = "; ".join(f"{label.removeprefix('+ ')} {_told(errors)}" for label, errors in ladder.items())
        parts.append(
            f"From the paper's network to the best one, each lever beside those before it; {epochs} epochs, dots are "
            f"networks, lines their means: {means}."
        )
    epochs = next(iter(report["final"].values()))["epochs"]
    means = "; ".join(f"{label} {_told(errors)}" for label, errors in final.items()).replace("\n", " ")
    parts.append(
        f"784-1000-50, {epochs} epochs, tested once, with the averaged weights: {means}. Dots are networks, bars "
        f"their mean, lines its 95 % interval where there are three. The paper's network of 500: {PUBLISHED}, after 60 "
        f"epochs."
    )
    best = report["final"]["best-1000"]["networks"]
    cost, spikes = min(network["ms_per_example"] for network in best), best[0]["spikes_per_image"]
    parts.append(
        f"Error while learning, of images as they are shifted and before each is learned. An example costs {cost:.2f} "
        f"ms on the machine of the results; a test image takes {spikes['input']:,.0f} spikes of the inputs, "
        f"{spikes['hidden[0]']:,.0f} of hidden neurons and {spikes['output']:,.0f} of outputs in 250 ms."
    )
    return " ".join(f"({letter}) {text}" for letter, text in zip("abc", parts, strict=False))


def _told(errors: np.ndarray) -> str:
    sd = "" if len(errors) < 2 else f", SD {errors.std(ddof=1):.2f}"
    return f"{errors.mean():.2f} % (n = {len(errors)}{sd})"


if __name__ == "__main__":
    main("beyond", __doc__, draw)
