"""Learning curves: of a run, from its metrics, and of several networks of a kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from spikelearn.errors import InputError
from spikelearn.plotting.style import COLOURS, bare
from spikelearn.storage import replacing


def learning_curve(axes: Axes, metrics: Sequence[Mapping[str, Any]], title: str = "") -> Axes:
    """Draw training and test error against epochs.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    metrics : sequence of mappings
        Rows with ``epoch``, ``train_error`` and ``test_error``, errors in percent.
    title : str
        Text above the axes, taken as it is: not as mathematics.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        `metrics` has no rows.
    """
    if not metrics:
        raise InputError("metrics has no rows: a learning curve needs at least one epoch")
    epochs = [row["epoch"] for row in metrics]
    test = [row["test_error"] for row in metrics]
    train = [row["train_error"] for row in metrics]
    axes.plot(epochs, train, ".-", color="0.6", linewidth=1.2, label="training, while learning")
    axes.plot(epochs, test, ".-", color="C3", linewidth=1.8, label=f"test (last: {test[-1]:.1f} %)")
    axes.set(xlabel="epoch", ylabel="error (%)", title=title.replace("$", r"\$"))
    axes.set_ylim(0, 1.08 * max(*test, *train, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return axes


def seed_curves(axes: Axes, curves: Mapping[str, ArrayLike], label: str = "test error (%)") -> Axes:
    """Draw a measure against epochs: the mean over networks, and a band from the lowest to the highest of them.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    curves : mapping of str to (seeds, epochs) float arrays
        Values by name of the condition.
    label : str
        Text of the vertical axis, with the unit.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        `curves` is empty, or an array is not (seeds, epochs).
    """
    if not curves:
        raise InputError("curves is empty: give at least one")
    for k, (name, values) in enumerate(curves.items()):
        values = np.asarray(values, np.float64)
        if values.ndim != 2 or values.size == 0:
            raise InputError(f"curves[{name!r}] of shape {values.shape} must be (seeds, epochs), at least one of each")
        colour, epochs = COLOURS[k % len(COLOURS)], np.arange(1, values.shape[1] + 1)
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.25, linewidth=0)
        axes.plot(epochs, values.mean(axis=0), color=colour, linewidth=1.6, label=name)
    axes.set(xlabel="epoch", ylabel=label)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.legend(frameon=False)
    return bare(axes)


def save_learning_curve(path: str | Path, metrics: Sequence[Mapping[str, Any]], title: str = "") -> None:
    """Write `learning_curve` to a PNG file.

    Parameters
    ----------
    path : str or Path
        File to write; replaced if it exists.
    metrics : sequence of mappings
        Rows as those of `learning_curve`.
    title : str
        Text above the axes.
    """
    # Without pyplot: no display, no global state, nothing to close.
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    learning_curve(figure.add_subplot(), metrics, title)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
