"""Learning rules side by side: error and angles against epochs, one colour for each rule."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spikelearn.errors import InputError
from spikelearn.storage import replacing

Look = dict[str, Any]  # of a line, as matplotlib takes it
Curves = Mapping[str, Sequence[float]]  # name of the rule: a number an epoch, from the first; NaN: none
CONTROLS = {"bp": ("black", "-"), "shallow": ("0.5", "--")}  # always there, so they look the same in every picture
TICKS = (0.5, 1, 2, 3, 5, 10, 20, 50, 100)


def styles(rules: Sequence[str]) -> dict[str, Look]:
    """Return colour and line of each rule: fixed for the controls; up to 30 others differ in colour or mark."""
    others = [rule for rule in rules if rule not in CONTROLS]
    strong, pale, dark = (colormaps[name].colors for name in ("tab10", "tab20", "tab20b"))  # type: ignore[attr-defined]
    colours = (*strong, *pale[1::2], *dark[::4])  # 25 that differ
    marks = ("o", "s", "^")
    found: dict[str, Look] = {rule: {"color": colour, "linestyle": line} for rule, (colour, line) in CONTROLS.items()}
    for k, rule in enumerate(others):
        found[rule] = {"color": colours[k % 25], "marker": marks[k // 10 % 3], "markersize": 4}
    return {rule: found[rule] for rule in rules}


def error_curves(axes: Axes, curves: Curves, look: Mapping[str, Look]) -> Axes:
    """Draw test error (percent) against epochs, on a logarithmic scale."""
    if not curves:
        raise InputError("no curves: a comparison needs at least one rule")
    _lines(axes, curves, look)
    axes.set(yscale="log", xlabel="epoch", ylabel="test error (%)")
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return axes


def angle_curves(axes: Axes, curves: Curves, look: Mapping[str, Look]) -> Axes:
    """Draw angles (degrees) against epochs; 90 degrees, no use on average, is marked."""
    axes.axhline(90, color="0.85", linewidth=1, zorder=0)
    _lines(axes, {rule: curve for rule, curve in curves.items() if any(v == v for v in curve)}, look)
    axes.set(xlabel="epoch", ylabel="angle to backprop (deg)")
    axes.set_ylim(-4, max(100, *(v + 5 for curve in curves.values() for v in curve if v == v), 0))
    axes.yaxis.set_major_locator(FixedLocator((0, 30, 60, 90, 120, 150, 180)))
    return axes


def _lines(axes: Axes, curves: Curves, look: Mapping[str, Look]) -> None:
    for rule, curve in curves.items():
        point = {"marker": "o", "markersize": 4} if len(curve) == 1 else {}  # of a single epoch there is no line
        axes.plot(range(1, len(curve) + 1), curve, label=rule, linewidth=1.3, **{**point, **look[rule]})
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if max(map(len, curves.values()), default=0) == 1:
        axes.set_xlim(0.5, 1.5)
    axes.spines[["top", "right"]].set_visible(False)


def final_errors(
    axes: Axes,
    errors: Mapping[str, Sequence[float]],
    reference: Mapping[str, float],
    look: Mapping[str, Look],
) -> Axes:
    """Draw the error of every seed and the mean, a line for each rule, the best on top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    errors : mapping
        For each rule the test error (percent) of each seed; a rule without any is left out.
    reference : mapping
        What others measured, for some of the rules.
    look : mapping
        As `styles` returns it.
    """
    means = {rule: sum(found) / len(found) for rule, found in errors.items() if len(found)}
    if not means:
        raise InputError("no errors: a comparison needs at least one rule that did not diverge")
    order = sorted(means, key=means.__getitem__)
    for at, rule in enumerate(order):
        colour = look[rule]["color"]
        axes.plot([means[rule]], [at], "|", color=colour, markersize=13, markeredgewidth=2)
        axes.plot(errors[rule], [at] * len(errors[rule]), "o", color=colour, markersize=3.5, alpha=0.6)
        if rule in reference:
            axes.plot([reference[rule]], [at], "D", color="black", markersize=4, fillstyle="none")
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set(xscale="log", xlabel="test error (%)")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(axis="y", color="0.93")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def final_angles(axes: Axes, angles: Mapping[str, Sequence[float]], look: Mapping[str, Look]) -> Axes:
    """Draw the angle to backpropagation of each hidden layer, in the order given; the lowest layer is the smallest dot.

    Rules without a teaching signal have an empty line.
    """
    axes.axvline(90, color="0.8", linewidth=1)
    for at, (rule, found) in enumerate(angles.items()):
        for layer, degrees in enumerate(found):
            axes.plot([degrees], [at], "o", color=look[rule]["color"], markersize=4 + 3 * layer, fillstyle="none")
    axes.set_yticks(range(len(angles)), list(angles))
    axes.set_ylim(len(angles) - 0.5, -0.5)
    axes.set(xlabel="angle to backprop (deg)", xlim=(-4, 100))
    axes.xaxis.set_major_locator(FixedLocator((0, 30, 60, 90)))
    axes.grid(axis="y", color="0.93")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def save_comparison(paths: Sequence[str | Path], errors: Curves, angles: Sequence[Curves], title: str = "") -> None:
    """Write a picture: errors, then the angle in each hidden layer, lowest first.

    Parameters
    ----------
    paths : sequence of str or Path
        Files to write; the ending says the format (png, pdf).
    errors : mapping
        For each rule its test error, percent, epoch by epoch.
    angles : sequence of mappings
        For each hidden layer, lowest first, the same for the angle to backpropagation, degrees.
    title : str
        Text above the panel of errors.

    Raises
    ------
    InputError
        `errors` is empty.
    """
    look = styles(list(errors))
    figure = Figure(figsize=(3.6 * (1 + len(angles)) + 1.6, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 1 + len(angles), squeeze=False)[0]
    error_curves(panels[0], errors, look).set_title(title.replace("$", r"\$"), fontsize="medium")
    for layer, curves in enumerate(angles):
        angle_curves(panels[1 + layer], curves, look).set_title(f"hidden layer {layer + 1}", fontsize="medium")
        if layer > 0:  # its neighbour says it
            panels[1 + layer].set_ylabel("")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize="small")
    for path in paths:
        with replacing(Path(path)) as temporary:
            figure.savefig(temporary, dpi=150, format=Path(path).suffix.lstrip("."))
