"""Figure: Lillicrap's linear task. Reads what experiments/feedback_alignment_linear.py wrote; writes PNG, PDF, text."""

import argparse
import json
from pathlib import Path
from statistics import median

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spikelearn.plotting.linear_task import angle_curves, loss_curves

RESULTS = Path(__file__).parents[1] / "experiments" / "results" / "feedback_alignment_linear.json"

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
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    loss_curves(left, samples, {rule: medians(runs, "error") for rule, runs in by_rule.items()})
    angle_curves(middle, samples, angles).set_xlabel("samples")
    sweep = {
        "backpropagation": [median(end["angle_backprop"] for end in ends) for ends in by_omega.values()],
        "the pseudo-inverse": [median(end["angle_pseudo"] for end in ends) for ends in by_omega.values()],
    }
    angle_curves(right, list(by_omega), sweep).set(xscale="log", xlabel="range of the initial weights", ylabel="")
    for letter, axes in zip("abc", (left, middle, right), strict=True):
        axes.set_title(letter, loc="left", fontweight="bold")
    ends = {name: curve[-1] for name, curve in angles.items()}
    return figure, CAPTION.format(
        seeds=len(aligned),
        samples=int(samples[-1]),
        backprop=ends["backpropagation"],
        pseudo=ends["the pseudo-inverse"],
    )


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=Path("runs/figures"))
    options = parser.parse_args()
    figure, caption = draw(json.loads(options.results.read_text()))
    options.out.mkdir(parents=True, exist_ok=True)
    for ending in ("png", "pdf"):
        figure.savefig(options.out / f"feedback_alignment_linear.{ending}", dpi=150)
    (options.out / "feedback_alignment_linear.txt").write_text(caption + "\n")
    print(caption)


if __name__ == "__main__":
    main()
