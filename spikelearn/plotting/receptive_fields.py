"""Receptive fields as images, and how well those of two networks match (figure 7B and C)."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from spikelearn.errors import InputError, check_range
from spikelearn.plotting.style import CHANCE, COLOURS, DIVERGING, bare


def receptive_fields(axes: Axes, w: ArrayLike, shape: tuple[int, int], limit: float | None = None) -> Axes:
    """Draw the weights of each neuron as an image, in one grid, on a common scale.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    w : (neurons, inputs) float array
        Forward weights; select rows to draw fewer.
    shape : (int, int)
        Rows and columns of the images that are the input.
    limit : float, optional
        End of the colour scale; by default the 99th percentile of absolute weights, so that a few do not pale the rest.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        `shape` does not fit the number of inputs.
    """
    w = np.asarray(w, np.float64)
    rows, columns = shape
    if w.ndim != 2 or w.size == 0 or w.shape[1] != rows * columns:
        raise InputError(
            f"w of shape {w.shape} must be (neurons, {rows} x {columns} = {rows * columns}), images of shape {shape}"
        )
    n_columns = math.ceil(math.sqrt(len(w)))
    n_rows = math.ceil(len(w) / n_columns)
    gap = max(1, rows // 12)
    grid = np.full((n_rows * (rows + gap) - gap, n_columns * (columns + gap) - gap), np.nan)
    for k, field in enumerate(w):
        top, left = (k // n_columns) * (rows + gap), (k % n_columns) * (columns + gap)
        grid[top : top + rows, left : left + columns] = field.reshape(rows, columns)
    limit = limit or float(np.percentile(np.abs(w), 99)) or 1.0
    image = axes.imshow(grid, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest")
    axes.set_axis_off()
    extend = "both" if np.abs(w).max() > limit else "neither"
    axes.figure.colorbar(image, ax=axes, label="weight", extend=extend)
    return axes


def match_histogram(
    axes: Axes, regular: ArrayLike, shuffled: ArrayLike, n_bins: int = 30, untrained: ArrayLike = ()
) -> Axes:
    """Draw how well fields match those of another network, and how well they do when shuffled.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    regular, shuffled : (neurons,) float arrays
        Best correlations, `r` of `analysis.best_match` and `analysis.shuffled_match`; NaN are left out.
    n_bins : int
        Number of bins, over the range of all values.
    untrained : (neurons,) float array, optional
        Best correlations before training, as a second control.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        There is no correlation to draw, or `n_bins` is below 1.
    """
    check_range("n_bins", n_bins, at_least=1, integer=True)
    values = [np.asarray(r, np.float64) for r in (regular, shuffled, untrained)]
    values = [r[~np.isnan(r)] for r in values]
    if not all(len(r) for r in values[:2]):
        raise InputError("regular or shuffled has no correlations; give those of at least one neuron")
    edges = np.histogram_bin_edges(np.concatenate(values), n_bins)
    for r, colour, name in ((values[1], CHANCE, "shuffled"), (values[0], COLOURS[0], "as they are")):
        axes.hist(r, edges.tolist(), color=colour, alpha=0.75, label=f"{name}: mean {r.mean():.2f}")
    if len(values[2]):
        label = f"untrained: mean {values[2].mean():.2f}"
        axes.hist(values[2], edges.tolist(), histtype="step", color=COLOURS[1], linewidth=1.4, label=label)
    axes.set(xlabel="best correlation (r)", ylabel="neurons")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
    return bare(axes)
