"""Not in the paper: all rules on two small tasks that a linear classifier cannot do.

python figures/harder.py [RUNS] [--out FILE]
"""

from statistics import fmean

from frame import main, new_figure, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rule_panels import NAMES, diverged, last, seeds

from spikelearn.plotting.comparison import final_errors, styles

TASKS = ("yin-yang", "mnist-1d")


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    comparisons = report["comparisons"]
    figure = new_figure(12, 6.6)
    grid = figure.subplots(1, 2)
    parts = []
    for letter, axes, task in zip("ab", grid, TASKS, strict=True):
        found = comparisons[task]
        errors = last(found["results"])
        linear = fmean(last(comparisons[f"{task}, linear"]["results"])["bp"])
        final_errors(axes, errors, {}, styles(list(errors)))
        axes.set_yticklabels([NAMES[label.get_text()] for label in axes.get_yticklabels()])
        mark(axes, linear, "linear classifier")
        sizes = "-".join(map(str, found["sizes"]))
        parts.append(
            f"({letter}) {found['data']}, {sizes}, {found['epochs']} epochs; line: a linear classifier, {linear:.1f} %."
        )
    panels(figure, grid)
    text = (
        f"Two small tasks that a linear classifier cannot do, {seeds(comparisons['yin-yang'])}: test error after the "
        f"last epoch, every network (dots) and the mean (bar). {' '.join(parts)} Rates are those found on MNIST and on "
        f"the digits; the spiking network's are the paper's.{diverged(comparisons)}"
    )
    return figure, text


def mark(axes: Axes, value: float, label: str) -> None:
    """Draw a vertical line with a name."""
    axes.axvline(value, color="0.6", linewidth=1, linestyle=":")
    axes.annotate(label, (value, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
                  ha="center", fontsize="small", color="0.35")  # fmt: skip


if __name__ == "__main__":
    main("harder", __doc__, draw)
