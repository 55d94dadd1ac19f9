"""Learning curves from the metrics of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikelearn.errors import InputError


def learning_curve(axes: Axes, metrics: Sequence[Mapping[str, Any]], title: str = "") -> Axes:
    """Draw training and test error against epochs.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    metrics : sequence of mappings
        Rows with ``epoch``, ``train_error`` and ``test_error``, errors in percent.
    title : str
    """
    if not metrics:
        raise InputError("metrics has no rows: a learning curve needs at least one epoch")
    epochs = [row["epoch"] for row in metrics]
    test = [row["test_error"] for row in metrics]
    train = [row["train_error"] for row in metrics]
    axes.plot(epochs, train, ".-", color="0.6", linewidth=1.2, label="training, while learning")
    axes.plot(epochs, test, ".-", color="C3", linewidth=1.8, label=f"test (last: {test[-1]:.1f} %)")
    axes.set(xlabel="epoch", ylabel="error (%)", title=title)
    axes.set_ylim(0, 1.08 * max(*test, *train, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return axes


def save_learning_curve(path: str | Path, metrics: Sequence[Mapping[str, Any]], title: str = "") -> None:
    """Write `learning_curve` to a PNG file."""
    # Without pyplot: no display, no global state, nothing to close.
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    learning_curve(figure.add_subplot(), metrics, title)
    figure.savefig(path, dpi=150)
