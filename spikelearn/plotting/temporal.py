"""Rules that carry credit through time: loss against steps, and what they cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spikelearn.errors import InputError
from spikelearn.storage import replacing

Look = dict[str, Any]  # of a line, as matplotlib takes it
Curve = tuple[Sequence[float], Sequence[float]]  # x and y
EXACT, CONTROL = ("bptt", "-"), (("readout", "--"), ("readout-spiking", ":"))  # the same in every picture


def styles(rules: Sequence[str]) -> dict[str, Look]:
    """Return colour and line of each rule: black for the exact gradient, grey for the controls."""
    found: dict[str, Look] = {EXACT[0]: {"color": "black", "linestyle": EXACT[1]}}
    found |= {name: {"color": "0.5", "linestyle": line} for name, line in CONTROL}
    strong, dark = (colormaps[name].colors for name in ("tab10", "tab20b"))  # type: ignore[attr-defined]
    colours = (*strong[:7], *strong[8:], *dark[::3])  # without grey
    others = [rule for rule in rules if rule not in found]
    marks = ("o", "s", "^")
    for k, rule in enumerate(others):
        found[rule] = {"color": colours[k % len(colours)], "marker": marks[k // len(colours) % 3], "markersize": 3}
    return {rule: found[rule] for rule in rules}


def loss_curves(axes: Axes, curves: Mapping[str, Curve], levels: Mapping[str, float], look: Mapping[str, Look]) -> Axes:
    """Draw loss against steps, with lines at the levels, such as the optimum.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    curves : mapping
        For each rule steps and losses; a rule without any is left out.
    levels : mapping of str to float
    look : mapping
        As `styles` returns it.
    """
    drawn = {rule: curve for rule, curve in curves.items() if len(curve[0])}
    if not drawn:
        raise InputError("no curves: a comparison needs at least one rule that did not diverge at once")
    for name, value in levels.items():
        axes.axhline(value, color="0.8", linewidth=1, zorder=0)
        axes.annotate(
            name,
            (1, value),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize="x-small",
            color="0.5",
        )
    for rule, (steps, losses) in drawn.items():
        axes.plot(steps, losses, label=rule, linewidth=1.2, markevery=0.2, **look[rule])
    axes.set(xlabel="steps", ylabel="loss of a scored step")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def scaling_curves(axes: Axes, curves: Mapping[str, Curve], look: Mapping[str, Look], x: str, y: str) -> Axes:
    """Draw a cost against a size, both on logarithmic scales."""
    for rule, (sizes, costs) in curves.items():
        axes.plot(sizes, costs, label=rule, linewidth=1.2, **look[rule])
    axes.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def save_comparison(path: Path, curves: Mapping[str, Curve], levels: Mapping[str, float], title: str) -> None:
    """Write a picture of the loss curves; the ending of `path` says the format."""
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    loss_curves(axes, curves, levels, styles(list(curves))).set_title(title, fontsize="medium")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize="small")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150, format=path.suffix.lstrip("."))
