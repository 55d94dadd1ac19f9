"""Distribution of firing rates."""

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from spikelearn.analysis import RateDistribution
from spikelearn.plotting.style import COLOURS, bare


def rate_histogram(axes: Axes, distribution: RateDistribution) -> Axes:
    """Draw how many neurons fire at which rate, with the mean, and the shares that are silent and saturated.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    distribution : RateDistribution
        From `analysis.rate_distribution`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.
    """
    axes.stairs(distribution.counts, distribution.edges_hz, fill=True, color=COLOURS[0], alpha=0.8)
    axes.axvline(distribution.mean_hz, color=COLOURS[1], linewidth=1.6, label=f"mean {distribution.mean_hz:.0f} Hz")
    shares = f"silent {100 * distribution.silent:.0f} %, saturated {100 * distribution.saturated:.0f} %"
    axes.plot([], [], " ", label=shares)
    axes.set(xlabel="mean firing rate (Hz)", ylabel="neurons", xlim=(0, distribution.edges_hz[-1]))
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1))
    return bare(axes)
