"""Learning curves of kinds of network, their errors at the end, repeated tests of one: figures 6, 8 and 9."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from frame import new_figure, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikelearn.analysis import spread
from spikelearn.plotting.curves import seed_curves
from spikelearn.plotting.groups import group_bars

PUBLISHED = {"no-hidden": 8.3, "one-hidden": 4.1, "two-hidden": 3.2, "sparse": 3.7, "symmetric": 3.6}  # percent
PUBLISHED_EPOCHS = 60
LAST = 10  # epochs that are averaged: from one to the next the error of a network moves by 0.1 to 0.25 points


def errors(report: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return test errors (seeds, epochs) by label; as far as the network trained for the least goes."""
    curves = {label: report["conditions"][name]["test_error"] for name, label in names.items()}
    n = min(len(curve) for seeds in curves.values() for curve in seeds)
    return {label: np.array([curve[:n] for curve in seeds]) for label, seeds in curves.items()}


def settled(curves: np.ndarray) -> np.ndarray:
    """Return of each network, (seeds, epochs), the mean error of its last ten epochs; the last of fewer than twenty."""
    return curves[:, -LAST if curves.shape[1] >= 2 * LAST else -1 :].mean(axis=1)


def when(n_epochs: int) -> str:
    """Say which epochs `settled` averages."""
    return f"epochs {n_epochs - LAST + 1} to {n_epochs}" if n_epochs >= 2 * LAST else f"epoch {n_epochs}"


def learning_figure(
    report: Mapping[str, Any], names: Mapping[str, str], intro: str, width: float = 12
) -> tuple[Figure, str]:
    """Return a figure of the three panels, and its caption, which begins with `intro`."""
    figure = new_figure(width, 4)
    grid = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    draw(grid, report, names)
    panels(figure, grid)
    return figure, f"{intro} {describe(report, names, 'abc')}"


def describe(report: Mapping[str, Any], names: Mapping[str, str], letters: str) -> str:
    """Return the caption of three panels with these letters."""
    a, b, c = letters
    diamonds = ", diamonds what was published" if published(report, names) else ""
    shown = f"bars their mean, lines its 95 % interval where there are three{diamonds}"
    text = (
        f"({a}) Mean over networks, band from the lowest to the highest; {sentence(report, names)}. ({b}) Dots are "
        f"networks, {shown}. ({c}) {tests(report, names)}."
    )
    return text.replace("\n", " ")


def published(report: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """Return the published errors of these networks, by name; none unless as many epochs are shown."""
    n = len(next(iter(errors(report, names).values()))[0])
    if n != PUBLISHED_EPOCHS:
        return {}
    bare = {name: name.removesuffix("-cited") for name in names}
    return {name: PUBLISHED[short] for name, short in bare.items() if short in PUBLISHED}


def draw(axes: tuple[Axes, Axes, Axes], report: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Fill three panels: curves, the last epoch's errors of all networks, repeated tests of the first."""
    draw_networks(axes[:2], report, names)
    retests = {label: report["conditions"][name]["retests"] for name, label in names.items()}
    group_bars(axes[2], retests).set_title("repeated tests of one network", fontsize="medium")
    slant(axes[2], names)


def draw_networks(
    axes: tuple[Axes, Axes],
    report: Mapping[str, Any],
    names: Mapping[str, str],
    top: float = 14,
    among: Mapping[str, str] | None = None,
) -> None:
    """Fill two panels: curves, and the errors of all networks at their end.

    Parameters
    ----------
    axes : two Axes
    report : mapping
        Of an experiment.
    names : mapping of str to str
        Label of each condition to show.
    top : float
        Upper end of the errors shown, percent, if all end below it.
    among : mapping of str to str, optional
        More conditions: all are shown for as long as the shortest of these was trained.
    """
    shown = errors(report, among or names)
    curves = {label: shown[label] for label in names.values()}
    left, right = axes
    last = {label: settled(found) for label, found in curves.items()}
    seed_curves(left, curves)
    if all(found.max() < top for found in last.values()):  # after a short training all of it is to be seen
        left.set_ylim(0, top)
    n = next(iter(curves.values())).shape[1]
    group_bars(right, last, f"test error, {when(n)} (%)").set_title("networks", fontsize="medium")
    for place, name in enumerate(names):
        if name in (known := published(report, names)):
            right.plot(place - 0.36, known[name], "D", color="black", markersize=5, label="published")
    handles = dict(zip(*reversed(right.get_legend_handles_labels()), strict=True))
    if "published" in handles:
        above = {"loc": "lower right", "bbox_to_anchor": (1.04, 0.98), "borderpad": 0, "handletextpad": 0}
        right.legend([handles["published"]], ["published"], frameon=False, fontsize="small", **above)
    slant(right, names)


def slant(axes: Axes, names: Mapping[str, str]) -> None:
    """Let labels slant where there is no room for them side by side."""
    if sum(map(len, names.values())) > 24:
        axes.tick_params(axis="x", rotation=20)


def sentence(report: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Say for the caption what the panels show, with numbers."""
    parts, last, known = [], errors(report, names), published(report, names)
    for name, label in names.items():
        found, end = settled(last[label]), last[label][:, -1].mean()
        sd = "" if len(found) == 1 else f", SD {found.std(ddof=1):.2f}"
        beside = f"; published {known[name]}" if name in known else ""
        parts.append(f"of {label}: {found.mean():.2f} % (n = {len(found)}{sd}; last epoch {end:.2f}{beside})")
    return f"test error, mean of {when(next(iter(last.values())).shape[1])}, " + "; ".join(parts)


def tests(report: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Say what repeated tests of the networks of seed 1 gave: how much one test is off, not how kinds differ."""
    groups = {label: report["conditions"][name]["retests"] for name, label in names.items()}
    means = "; ".join(
        f"of {label}: {spread(values).mean:.2f} % (SD {spread(values).sd:.2f})" for label, values in groups.items()
    )
    n = len(next(iter(groups.values())))
    return f"{n} tests of the network of seed 1 after its last epoch, other spikes each time, {means}"
