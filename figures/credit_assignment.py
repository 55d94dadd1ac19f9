"""Not in the paper: many answers to credit assignment side by side, on MNIST.

python figures/credit_assignment.py [RUNS] [--out FILE]
"""

import math

from frame import main, new_figure, panels
from matplotlib.figure import Figure
from rule_panels import NAMES

from spikelearn.compare import curves
from spikelearn.plotting.comparison import error_curves, final_angles, final_errors, styles
from spikelearn.ratenet import table

CURVES = ("bp", "shallow", "fa", "dfa", "sign", "kp", "dtp", "ao-sdtp", "ep", "burst", "np", "spiking")  # in panel a

CAPTION = (
    "How a hidden synapse gets its credit: {n} answers on {images}, {sizes}, {epochs} epochs, {seeds}. "
    "(a) Test error against epoch for some of the rules. (b) Test error after the last epoch: every seed (dots) and "
    "the mean (bar); diamonds: what others published, with other networks and up to a hundred times as many epochs "
    "(see the table). (c) Angle between each hidden layer's teaching signal and that of backpropagation for the same "
    "weights, lowest layer smallest; rules without a teaching signal have no dot. Rates come from a search on "
    "held-out training images; the spiking network has the paper's.{diverged}"
)


def caption(report: dict) -> str:
    """Return the caption, from the results themselves."""
    results, compared = report["results"], report["comparison"]
    count = compared["examples"] or "all"
    seeds = len({result["seed"] for result in results})
    diverged = list(dict.fromkeys(result["rule"] for result in results if result["diverged"] is not None))
    return CAPTION.format(
        n=len({result["rule"] for result in results}),
        images=f"{count} training images of {compared['data']}",
        sizes="-".join(map(str, compared["sizes"])),
        epochs=max(len(result["epochs"]) for result in results),
        seeds=f"{seeds} seed{'s' if seeds > 1 else ''}",
        diverged=f" Diverged with some seed: {', '.join(diverged)}." if diverged else "",
    )


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    results = report["results"]
    errors, _ = curves(results)
    look = styles(list(errors))
    last = {
        rule: [r["epochs"][-1]["test_error"] for r in results if r["rule"] == rule and r["diverged"] is None]
        for rule in errors
    }
    figure = new_figure(13, 6)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
    error_curves(left, {rule: curve for rule, curve in errors.items() if rule in CURVES}, look)
    handles, rules = left.get_legend_handles_labels()
    figure.legend(handles, [NAMES[rule] for rule in rules], loc="outside lower center", ncols=6, frameon=False)
    final_errors(middle, last, {rule: value for rule, (value, _) in report["reference"].items()}, look)
    degrees = {row["rule"]: [math.nan if a is None else a for a in row["angle"]] for row in table.rows(results)}
    final_angles(right, {label.get_text(): degrees[label.get_text()] for label in middle.get_yticklabels()}, look)
    middle.set_yticklabels([NAMES[label.get_text()] for label in middle.get_yticklabels()])
    right.set_yticklabels([])
    middle.plot([], [], "D", color="black", markersize=4, fillstyle="none", label="published")
    middle.legend(frameon=False, loc="upper right")
    panels(figure, (left, middle, right))
    return figure, caption(report)


if __name__ == "__main__":
    main("credit_assignment", __doc__, draw)
