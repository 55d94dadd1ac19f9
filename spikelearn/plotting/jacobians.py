"""The condition of Theorem 1 along training, and the matrix U itself (figure 5, supplement 1)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from spikelearn.errors import InputError
from spikelearn.plotting.style import CHANCE, COLOURS, DIVERGING, bare


def eigenvalue_curves(axes: Axes, example: ArrayLike, curves: Mapping[str, ArrayLike]) -> Axes:
    """Draw largest eigenvalues of (I - U)^T (I - U), and the 1 below which the condition holds.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    example : (n,) array
        Number of training examples shown.
    curves : mapping of str to (n,) float arrays
        Eigenvalues by name, from `analysis.contraction`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        `curves` is empty, or shapes do not fit.
    """
    if not curves:
        raise InputError("curves is empty: give at least one series of eigenvalues")
    example = np.asarray(example)
    for k, (name, values) in enumerate(curves.items()):
        if np.shape(values) != example.shape or example.ndim != 1:
            raise InputError(
                f"curves[{name!r}] of shape {np.shape(values)} must have the shape of example, {example.shape}"
            )
        axes.plot(example, values, color=COLOURS[k % len(COLOURS)], linewidth=1.6, label=name)
    axes.axhline(1, color=CHANCE, linewidth=1, linestyle="--")
    axes.annotate("1: holds below", (1, 1), xycoords=("axes fraction", "data"), xytext=(0, -3),
                  textcoords="offset points", ha="right", va="top", color="0.4", fontsize="small")  # fmt: skip
    axes.set(xlabel="training example", ylabel="largest eigenvalue of $(I-U)^T(I-U)$")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return bare(axes)


def matrix_image(axes: Axes, u: ArrayLike, limit: float | None = None) -> Axes:
    """Draw the matrix U: the identity if feedback inverts the way up.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    u : (outputs, outputs) float array
        Product of the Jacobians, with rates in spikes/ms (`analysis.products`, its mean).
    limit : float, optional
        End of the colour scale, for pictures side by side; by default the largest entry.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        `u` is not square.
    """
    u = np.asarray(u)
    if u.ndim != 2 or u.shape[0] != u.shape[1] or u.size == 0:
        raise InputError(f"u of shape {u.shape} must be square, (outputs, outputs)")
    limit = limit or float(np.abs(u).max())
    image = axes.imshow(u, cmap=DIVERGING, vmin=-limit, vmax=limit)
    axes.set(xlabel="error of output", ylabel="comes back to output")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(12, integer=True))
    axes.figure.colorbar(image, ax=axes, label="U, for rates in spikes/ms")
    return axes
