"""Potentials of a neuron against time, with phases, spikes and plateaus: of figures 3C and 9A."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from spikelearn.plotting.style import COLOURS, bare

COMPARTMENTS = {
    "v_apical": ("apical dendrite", COLOURS[1]),
    "v_basal": ("basal dendrite", COLOURS[2]),
    "v_soma": ("soma", COLOURS[0]),
}


def draw_trace(axes: Sequence[Axes], trace: Mapping[str, Any]) -> None:
    """Fill a panel for each compartment, apical dendrite first."""
    (_, _, middle), (_, _, end) = trace["phases"]
    for panel, (kind, (name, colour)) in zip(axes, COMPARTMENTS.items(), strict=True):
        panel.plot(trace["time"], trace[kind], color=colour, linewidth=1.2)
        panel.axvline(middle, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
        panel.set(ylabel=f"{name}\npotential", xlim=(0, end))
        bare(panel)
    top, soma = axes[0], axes[-1]
    for phase, start, stop in trace["phases"]:
        top.annotate(f"{phase} phase", ((start + stop) / 2, 1.04), xycoords=("data", "axes fraction"), ha="center")
    for symbol, stop, mean, alpha in zip("ft", (middle, end), trace["v_apical_mean"], trace["alpha"], strict=True):
        window = trace["window"] if isinstance(trace["window"], float) else stop - 30
        top.plot([stop - window, stop], [mean, mean], color="black", linewidth=2.5, solid_capstyle="butt")
        top.annotate(
            rf"$\alpha^{symbol}$ = {alpha:.3f}", (stop - window / 2, mean), xytext=(0, 6), textcoords="offset points",
            ha="center", bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        )  # fmt: skip
    soma.plot(
        trace["spikes"], [1.04] * len(trace["spikes"]), "|", color="0.15", markersize=8, clip_on=False,
        transform=soma.get_xaxis_transform(),
    )  # fmt: skip
    soma.set_xlabel("time (ms)")


def describe(trace: Mapping[str, Any]) -> str:
    """Say what the panels show."""
    taken = f", which the network takes for a {trace['answer']}" if "answer" in trace else ""
    return (
        f"Shown is test image {trace['image']}, a {trace['label']}{taken}; of the layer, neuron {trace['neuron']}, "
        f"{trace['chosen']}. Marks above the soma: its spikes, {len(trace['spikes'])} in "
        f"{trace['phases'][1][2]:.0f} ms. Black: apical potential averaged before the end of each phase; its sigmoid "
        "is the plateau potential."
    )
