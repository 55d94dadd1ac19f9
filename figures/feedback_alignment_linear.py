"""Not in the paper: feedback alignment on the linear task of Lillicrap et al.

python figures/feedback_alignment_linear.py [RUNS] [--out FILE]
"""

from statistics import median

from frame import main, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.linear_task import angle_curves, loss_curves

CAPTION = (
    "A linear 30-20-10 network learns a random linear map (Lillicrap et al., Task 1); medians over {seeds} seeds. "
    "(a) Normalised squared error; the rate of each rule is the best of a small grid. (b) Angle between feedback "
    "alignment's hidden teaching signal and those of backpropagation and of the pseudo-inverse of the forward weights: "
    "after {samples} samples {backprop:.0f} and {pseudo:.1f} degrees. (c) The same angles after long training with "
    "rate 0.001, against the range of the initial weights: from small weights, feedback alignment comes to follow the "
    "pseudo-inverse."
)


def medians(runs: list[dict], key: str) -> list[float]:
    """Return the median over runs, point by point."""
    return [median(values) for values in zip(*(run[key] for run in runs), strict=True)]


def gather(report: dict) -> tuple[dict[str, list[dict]], dict[float, list[dict]]]:
    """Return the curves by rule, and the ends of the sweep by the range of the initial weights."""
    by_rule: dict[str, list[dict]] = {}
    by_omega: dict[float, list[dict]] = {}
    for result in report["results"]:
        if result["kind"] == "curve":
            by_rule.setdefault(result["rule"], []).append(result)
        else:
            by_omega.setdefault(result["omega"], []).append(result)
    return by_rule, by_omega


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    by_rule, by_omega = gather(report)
    aligned = by_rule["feedback alignment"]
    samples = aligned[0]["sample"]
    angles = {
        "backpropagation": medians(aligned, "angle_backprop"),
        "the pseudo-inverse": medians(aligned, "angle_pseudo"),
    }
    figure = new_figure(11, 3.6)
    left, middle, right = figure.subplots(1, 3)
    loss_curves(left, samples, {rule: medians(runs, "error") for rule, runs in by_rule.items()})
    angle_curves(middle, samples, angles).set_xlabel("samples")
    sweep = {
        "backpropagation": [median(end["angle_backprop"] for end in ends) for ends in by_omega.values()],
        "the pseudo-inverse": [median(end["angle_pseudo"] for end in ends) for ends in by_omega.values()],
    }
    angle_curves(right, list(by_omega), sweep).set(xscale="log", xlabel="range of the initial weights", ylabel="")
    panels(figure, (left, middle, right))
    ends = {name: curve[-1] for name, curve in angles.items()}
    return figure, CAPTION.format(
        seeds=len(aligned),
        samples=int(samples[-1]),
        backprop=ends["backpropagation"],
        pseudo=ends["the pseudo-inverse"],
    )


if __name__ == "__main__":
    main("feedback_alignment_linear", __doc__, draw)
