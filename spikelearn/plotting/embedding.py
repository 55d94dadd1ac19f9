"""Examples in the plane, by class (figure 6C)."""

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from spikelearn.errors import InputError
from spikelearn.plotting.style import CLASS_COLOURS


def embedding_scatter(axes: Axes, points: ArrayLike, label: ArrayLike) -> Axes:
    """Draw each example as a dot in the colour of its class, whose name stands in the midst of them.

    The axes have no numbers, as those of t-SNE mean nothing.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    points : (examples, 2) float array
        Places in the plane, from `analysis.embed`.
    label : (examples,) int array
        Class of each example.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        Shapes do not fit.
    """
    points, label = np.asarray(points), np.asarray(label)
    if points.ndim != 2 or points.shape[1] != 2 or label.shape != points.shape[:1] or points.size == 0:
        raise InputError(
            f"points of shape {points.shape} must be (examples, 2), label of shape {label.shape} (examples,)"
        )
    # With thousands of dots smaller ones; never so small that a colour cannot be seen.
    size = float(np.clip(12_000 / len(points), 3, 20))
    classes = np.unique(label)
    for category in classes:
        own = points[label == category]
        colour = CLASS_COLOURS[int(category) % len(CLASS_COLOURS)]
        axes.scatter(own[:, 0], own[:, 1], s=size, color=colour, linewidths=0, label=str(category))
    for category in classes:  # above all dots
        x, y = _middle(points[label == category])
        text = axes.text(x, y, str(category), ha="center", va="center", fontsize="large", fontweight="bold")
        text.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
    axes.set_aspect("equal", "datalim")
    axes.set_axis_off()
    return axes


def _middle(points: np.ndarray) -> np.ndarray:
    """Return the example closest to the median: that of a class in two clusters may lie in the cluster of another."""
    closest = np.linalg.norm(points - np.median(points, axis=0), axis=1).argmin()
    return np.asarray(points[closest])
