"""Lillicrap's linear task: loss and angles against the number of samples, and against the initial weights."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from spikelearn.errors import InputError

COLOURS = {
    "shallow": "0.6",
    "perturbation": "C1",
    "backprop": "black",
    "feedback alignment": "C2",
    "pseudo-backprop": "C0",
}


def loss_curves(axes: Axes, samples: Sequence[int], errors: Mapping[str, Sequence[float]]) -> Axes:
    """Draw the normalised squared error of each rule, on a logarithmic scale."""
    if not errors:
        raise InputError("no curves: the linear task needs at least one rule")
    for rule, curve in errors.items():
        axes.plot(samples, curve, color=COLOURS[rule], linewidth=1.6, label=rule)
    axes.set(yscale="log", xlabel="samples", ylabel="normalised squared error")
    axes.legend(frameon=False, fontsize="small", loc="lower left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def angle_curves(axes: Axes, x: Sequence[float], angles: Mapping[str, Sequence[float]]) -> Axes:
    """Draw angles (degrees) of feedback alignment's teaching signal; the keys say to what."""
    axes.axhline(90, color="0.85", linewidth=1, zorder=0)
    for (other, curve), colour in zip(angles.items(), ("black", "C0"), strict=False):
        axes.plot(x, curve, color=colour, linewidth=1.6, marker="." if len(x) < 20 else "", label=f"to {other}")
    axes.set(ylabel="angle of feedback alignment (deg)")
    axes.set_ylim(0, 100)
    axes.yaxis.set_major_locator(FixedLocator((0, 30, 60, 90)))
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
