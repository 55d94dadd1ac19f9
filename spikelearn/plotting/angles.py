"""Angle to another rule's errors along training (figure 7A of the paper)."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from spikelearn.analysis import Blocks
from spikelearn.errors import InputError
from spikelearn.plotting.style import CHANCE, COLOURS, bare


def angle_curves(axes: Axes, curves: Mapping[str, Blocks], to: str = "backpropagation") -> Axes:
    """Draw mean angles with a band of one standard error to each side, and 90 degrees, where nothing is learned.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    curves : mapping of str to Blocks
        Angles in degrees by name, from `analysis.block_means`.
    to : str
        The rule to which the angle was measured.

    Returns
    -------
    matplotlib.axes.Axes
        The axes given.

    Raises
    ------
    InputError
        `curves` is empty.
    """
    if not curves:
        raise InputError("curves is empty: give at least one series of angles")
    for k, (name, blocks) in enumerate(curves.items()):
        colour = COLOURS[k % len(COLOURS)]
        low, high = blocks.mean - blocks.sem, blocks.mean + blocks.sem
        axes.fill_between(blocks.stop, low, high, color=colour, alpha=0.25, linewidth=0)
        axes.plot(blocks.stop, blocks.mean, color=colour, linewidth=1.6, label=name)
    axes.axhline(90, color=CHANCE, linewidth=1, linestyle="--")
    axes.annotate("90°: chance", (1, 90), xycoords=("axes fraction", "data"), xytext=(0, 3),
                  textcoords="offset points", ha="right", color="0.4", fontsize="small")  # fmt: skip
    axes.set(xlabel="training example", ylabel=f"angle to {to} (degrees)")
    axes.set_xlim(left=0)
    axes.set_ylim(0, max(100, axes.get_ylim()[1]))
    axes.legend(frameon=False, loc="lower left")
    return bare(axes)
