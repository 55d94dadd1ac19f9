"""Pictures of recordings: compartments of neurons, and spikes of layers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:  # recordings draw themselves by these functions
    from spikelearn.recording import Recording

# Okabe & Ito: told apart by colour-blind readers, too.
COLORS = {"v_apical": "#D55E00", "v_basal": "#009E73", "v_dendrite": "#009E73", "v_soma": "#0072B2"}
LABELS = {"v_apical": "apical", "v_basal": "basal", "v_dendrite": "dendrite", "v_soma": "soma"}
MAX_ROWS = 2000  # neurons of a layer that are drawn in a raster, evenly chosen


def plot_recording(recording: "Recording", layer: str, neurons: Sequence[int]) -> Figure:
    """Draw the compartments of some neurons of a layer, a column a neuron, as the paper's figure 3C.

    Potentials against time, apical above basal above soma, with the neuron's spikes over the soma, each plateau's time
    and value at the apical dendrite, and the phases.
    """
    wanted = [v for v in LABELS if f"{layer}.{v}" in recording.potentials]
    has_input = "input" in recording.spikes
    n_rows = len(wanted) + has_input
    figure = Figure(figsize=(1.5 + 5.5 * len(neurons), 1.0 + 1.35 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(n_rows, len(neurons), sharex=True, sharey="row", squeeze=False)
    for column, neuron in enumerate(neurons):
        row = recording.row(layer, neuron)
        for axes, variable in zip(grid[:, column], wanted, strict=False):
            axes.plot(recording.times, recording[f"{layer}.{variable}"][row], color=COLORS[variable], linewidth=1.2)
            if variable == "v_apical" and layer in recording.plateaus:
                _mark_plateaus(axes, recording, layer, row)
            if variable == "v_soma" and layer in recording.spikes:
                _mark_spikes(axes, recording, layer, neuron)
            if column == 0:
                axes.set_ylabel(f"{LABELS[variable]}\npotential")
        if has_input:
            _raster(grid[-1, column], recording, "input")
            if column > 0:
                grid[-1, column].set_ylabel("")
        grid[0, column].set_title(f"{layer}, neuron {neuron}", fontsize=10, pad=16)
        grid[-1, column].set_xlabel("time (ms)")
    for axes in grid.flat:
        _mark_phases(axes, recording, name=axes in grid[0])
    figure.align_ylabels()
    return figure


def plot_raster(recording: "Recording") -> Figure:
    """Draw the spikes of all recorded layers, a panel a layer, the outputs on top."""
    layers = [layer for layer in recording.layers if layer in recording.spikes][::-1]
    figure = Figure(figsize=(7.0, 0.9 + 1.5 * len(layers)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(layers), 1, sharex=True, squeeze=False)[:, 0]
    for axes, layer in zip(grid, layers, strict=True):
        _raster(axes, recording, layer)
        _mark_phases(axes, recording, name=axes is grid[0])
    grid[-1].set_xlabel("time (ms)")
    figure.align_ylabels()
    return figure


def _raster(axes: Axes, recording: "Recording", layer: str) -> None:
    spikes = recording.spikes[layer]
    seen = np.unique(spikes.neuron)
    if len(seen) > MAX_ROWS:
        seen = seen[:: -(-len(seen) // MAX_ROWS)]
    kept = np.isin(spikes.neuron, seen)
    n = int(spikes.neuron.max(initial=0)) + 1
    tall = n <= 30
    axes.plot(
        spikes.time[kept], spikes.neuron[kept], linestyle="", color="0.15", marker="|" if tall else ".",
        markersize=6 if tall else 2.0, markeredgewidth=0.8 if tall else 0.0,
    )  # fmt: skip
    axes.set_ylim(-0.5, n - 0.5)
    axes.set_ylabel(f"{layer}\nneuron")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _mark_spikes(axes: Axes, recording: "Recording", layer: str, neuron: int) -> None:
    spikes = recording.spikes[layer]
    times = spikes.time[spikes.neuron == neuron]
    # Above the panel's upper edge, whatever the potentials are.
    axes.plot(times, np.full(len(times), 1.04), "|", color="0.15", markersize=7, clip_on=False,
              transform=axes.get_xaxis_transform())  # fmt: skip


def _mark_plateaus(axes: Axes, recording: "Recording", layer: str, row: int) -> None:
    plateaus = recording.plateaus[layer]
    for values, when, name in (
        (plateaus.forward, plateaus.time_forward, "f"),
        (plateaus.target, plateaus.time_target, "t"),
    ):
        if values is not None and when is not None:
            level = np.interp(when[row], recording.times, recording[f"{layer}.v_apical"][row])
            axes.plot([when[row]], [level], "D", color="k", markersize=4, zorder=3)
            axes.annotate(
                rf"$\alpha^{name}$ = {values[row]:.2f}", (when[row], level), xytext=(-4, 5), fontsize=8, ha="right",
                textcoords="offset points", bbox={"facecolor": "w", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
            )  # fmt: skip


def _mark_phases(axes: Axes, recording: "Recording", name: bool) -> None:
    for phase in recording.phases[1:]:
        axes.axvline(phase.start, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    if recording.phases:
        axes.set_xlim(recording.phases[0].start, recording.phases[-1].stop)
    for phase in recording.phases if name else ():
        axes.annotate(
            f"{phase.name} phase", ((phase.start + phase.stop) / 2, 1.06), xycoords=axes.get_xaxis_transform(),
            ha="center", fontsize=8, color="0.4",
        )  # fmt: skip
