"""Losses of hidden and output layer: example by example, and their correlation by category (figure 5B and C)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from spikelearn.analysis import LossCorrelation
from spikelearn.errors import InputError
from spikelearn.plotting.style import CHANCE, COLOURS, bare


def loss_scatter(axes: Axes, hidden_loss: ArrayLike, output_loss: ArrayLike, shuffled_loss: ArrayLike) -> Axes:
    """Draw hidden against output losses, one dot an example, with re-paired ones behind.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    hidden_loss : (examples,) float array
        Losses of the hidden layer for examples of one category: sums of squared differences of plateau potentials.
    output_loss : (examples,) float array
        Losses of the output layer for the same examples, (spikes/ms)^2.
    shuffled_loss : (examples,) float array
        The hidden losses in another order, such as ``rng.permutation(hidden_loss)``.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        Shapes differ, or there are fewer than 2 examples.
    """
    hidden, output, shuffled = (np.asarray(loss) for loss in (hidden_loss, output_loss, shuffled_loss))
    if hidden.ndim != 1 or len(hidden) < 2 or not hidden.shape == output.shape == shuffled.shape:
        raise InputError(
            f"losses of shapes {hidden.shape}, {output.shape} and {shuffled.shape} must all be (examples,), at least 2"
        )
    for loss, colour, name in ((shuffled, CHANCE, "shuffled"), (hidden, COLOURS[0], "as they were")):
        r = np.corrcoef(loss, output)[0, 1]
        axes.plot(loss, output, ".", color=colour, markersize=4, alpha=0.6, label=f"{name}: r = {r:.2f}")
    axes.set(xlabel="hidden loss $L^0$", ylabel="output loss $L^1$ ((spikes/ms)²)")
    axes.set_xlim(left=0)
    # Losses have long tails: the legend above them covers nothing.
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), markerscale=2)
    return bare(axes)


def loss_correlations(axes: Axes, correlation: LossCorrelation) -> Axes:
    """Draw the correlation of each category, with the 95 % range of its shuffle.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    correlation : LossCorrelation
        From `analysis.loss_correlation`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.
    """
    category = np.arange(len(correlation.r))
    height = correlation.shuffled_high - correlation.shuffled_low
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.bar(category, height, 0.6, correlation.shuffled_low, color="0.8", label="shuffled, 95 %")
    axes.plot(category, correlation.r, "o", color=COLOURS[0], label="as they were")
    axes.set(xlabel="category", ylabel="correlation of $L^0$ and $L^1$ (r)")
    axes.use_sticky_edges = False  # bars would stand on the axis, as if they were cut off there
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
    return bare(axes)
