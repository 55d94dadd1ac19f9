"""Bars of conditions with every single measurement (right panels of figures 6, 8 and 9)."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from spikelearn.analysis import spread
from spikelearn.errors import InputError
from spikelearn.plotting.style import COLOURS, bare


def group_bars(axes: Axes, groups: Mapping[str, ArrayLike], label: str = "test error (%)") -> Axes:
    """Draw the mean of each condition as a bar from 0, every value as a dot, the 95 % interval of the mean of three.

    Say in the caption what a dot is: a repeated test of one network, or a network.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    groups : mapping of str to (n,) float arrays
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
        `groups` is empty.
    """
    if not groups:
        raise InputError("groups is empty: give the values of at least one condition")
    highest = 0.0
    for place, (name, values) in enumerate(groups.items()):
        found = spread(values)
        colour = COLOURS[place % len(COLOURS)]
        axes.bar(place, found.mean, 0.6, color=colour, alpha=0.45, label=name)
        # Side by side in the order of measurement, so that equal values do not hide each other.
        offset = np.linspace(-0.22, 0.22, found.n) if found.n > 1 else np.zeros(1)
        axes.plot(place + offset, values, "o", color=colour, markersize=3.5)
        if found.n > 2:
            half = [[found.mean - found.low], [found.high - found.mean]]
            axes.errorbar(place + 0.36, found.mean, half, fmt="none", color="black", capsize=3, linewidth=1.2)
        highest = max(highest, found.max, found.high if found.n > 2 else found.mean)
        axes.annotate(f"{found.mean:#.3g}", (place, max(found.max, found.mean)), xytext=(0, 5),
                      textcoords="offset points", ha="center")  # fmt: skip
    axes.set(ylabel=label, xlim=(-0.6, len(groups) - 0.4), ylim=(0, 1.12 * highest or 1))
    axes.set_xticks(range(len(groups)), groups.keys())
    return bare(axes)
