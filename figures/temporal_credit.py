"""Not in the paper: credit through time, by rules that look back and by rules that carry the past along.

python figures/temporal_credit.py [RUNS] [--out FILE]
"""

from statistics import fmean

from frame import main, new_figure, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikelearn.plotting.temporal import loss_curves, scaling_curves, styles

CAPTION = (
    "Which past event caused an error: rules for recurrent networks; {seeds}. (a) The add task (lags 5 and 9): loss "
    "of a scored step against steps of time, means over seeds; lines: the exact optimum and the best answer without "
    "memory. (b) Its mean over the last fifth of the steps: every seed (dots) and the mean (bar). (c) Pattern "
    "generation by {units} spiking units: squared error as a part of the pattern's variance ({patterns}). (d, e, f) "
    "What a rule stores of the past, against the length of a sequence and the number of units, and the processor time "
    "of a step on one thread. Grey, broken: the controls, whose readout alone learns; snap-2 has a sparse network, "
    "diagonal independent units, e-prop spiking ones.{diverged}"
)


def by_rule(curves: list[dict]) -> dict[str, list[dict]]:
    """Return the runs of each rule."""
    found: dict[str, list[dict]] = {}
    for curve in curves:
        found.setdefault(curve["rule"], []).append(curve)
    return found


def means(runs: list[dict], key: str) -> tuple[list[int], list[float]]:
    """Return steps and the mean over the runs that got there."""
    longest = max(runs, key=lambda run: len(run["step"]))["step"]
    values = [[run[key][at] for run in runs if at < len(run[key])] for at in range(len(longest))]
    return longest, [fmean(found) for found in values]


def seeds(curves: list[dict]) -> str:
    """Say how many seeds there are."""
    n = len({curve["seed"] for curve in curves})
    return "1 seed" if n == 1 else f"{n} seeds"


def final_losses(axes: Axes, rows: dict[str, list[float]], levels: dict[str, float], look: dict[str, dict]) -> None:
    """Draw the loss of every seed and the mean, a line for each rule, the best on top."""
    order = sorted(rows, key=lambda name: fmean(rows[name]))
    for value in levels.values():
        axes.axvline(value, color="0.8", linewidth=1)
    for at, name in enumerate(order):
        colour = look[name]["color"]
        axes.plot(rows[name], [at] * len(rows[name]), "o", color=colour, markersize=3.5, alpha=0.6)
        axes.plot([fmean(rows[name])], [at], "|", color=colour, markersize=13, markeredgewidth=2)
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlabel("loss of a scored step")
    axes.spines[["top", "right"]].set_visible(False)


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    add, pattern = (report["comparisons"][name] for name in ("add", "pattern"))
    runs, patterns = by_rule(add["curves"]), by_rule(pattern["curves"])
    look = styles(list(dict.fromkeys([*runs, *patterns, *(row["rule"] for row in report["scaling"])])))
    figure = new_figure(12, 7.4)
    axes = figure.subplots(2, 3).ravel()
    curves = {name: means(found, "loss") for name, found in runs.items()}
    loss_curves(axes[0], curves, add["levels"], look)
    last = {
        name: [fmean(run["loss"][-max(1, len(run["loss"]) // 5) :]) for run in found if run["diverged"] is None]
        for name, found in runs.items()
    }
    final_losses(axes[1], {name: losses for name, losses in last.items() if losses}, add["levels"], look)
    loss_curves(axes[2], {name: means(found, "quality") for name, found in patterns.items()}, {}, look)
    axes[2].set(ylabel=pattern["quality"], yscale="log")
    axes[2].legend(frameon=False, fontsize="small")
    for panel, kind, key in (
        (axes[3], "length", "stored"),
        (axes[4], "units", "stored"),
        (axes[5], "units", "seconds"),
    ):
        found: dict[str, tuple[list, list]] = {}
        for row in report["scaling"]:
            if row["kind"] == kind and row[key] > 0:
                sizes, costs = found.setdefault(row["rule"], ([], []))
                sizes.append(row["size"])
                costs.append(row[key])
        y = "bytes stored" if key == "stored" else "seconds a step"
        scaling_curves(panel, found, look, "steps of a sequence" if kind == "length" else "units", y)
    shown = {line.get_label(): line for panel in axes for line in panel.get_lines() if line.get_label() in look}
    figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=8, frameon=False, fontsize="small")
    panels(figure, axes)
    diverged = list(dict.fromkeys(run["rule"] for run in add["curves"] if run["diverged"] is not None))
    return figure, CAPTION.format(
        seeds=seeds(add["curves"]),
        patterns=seeds(pattern["curves"]),
        units=pattern["units"],
        diverged=f" Diverged with some seed: {', '.join(diverged)}." if diverged else "",
    )


if __name__ == "__main__":
    main("temporal_credit", __doc__, draw)
