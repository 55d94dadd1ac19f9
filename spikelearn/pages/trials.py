"""A recorded trial: the spikes of its layers, the potentials of some neurons with their plateaus; on one time axis."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import ColumnDataSource, Range1d, Span
from bokeh.plotting import figure

from spikelearn.pages.panels import hover, panel, shared_range, stacked
from spikelearn.pages.parts import Plot
from spikelearn.pages.thinning import BINS, distinct, extremes
from spikelearn.plotting.style import CLASS_COLOURS, COLOURS

if TYPE_CHECKING:  # recordings make their pages by these functions
    from spikelearn.recording import Recording

VARIABLES = {"v_apical": "apical", "v_basal": "basal", "v_dendrite": "dendrite", "v_soma": "soma"}
RASTER, POTENTIALS = 110, 150  # px
TALL = 30  # neurons up to which spikes are strokes, not dots
TIME, INK = "time (ms)", "#262626"


def time_axis(recording: "Recording") -> Range1d:
    """Return the time axis of a trial: all phases and all that was recorded, with a margin for marks at the ends."""
    ends = [(phase.start, phase.stop) for phase in recording.phases]
    ends += [(each.time.min(), each.time.max()) for each in recording.spikes.values() if len(each.time)]
    if len(recording.times):
        ends.append((recording.times[0], recording.times[-1]))
    start, stop = min((a for a, _ in ends), default=0.0), max((b for _, b in ends), default=0.0)
    margin = 0.01 * max(stop - start, 0.1)
    return shared_range(float(start - margin), float(stop + margin))


def raster(recording: "Recording", time: Range1d) -> Plot:
    """Draw the spikes of all recorded layers, a panel a layer, the outputs on top.

    Parameters
    ----------
    recording : Recording
        With the spikes of at least one layer.
    time : Range1d
        From `time_axis`.
    """
    layers = [layer for layer in recording.layers if layer in recording.spikes][::-1]
    plots, seen = [], []
    for layer in layers:
        neuron, when = recording.spikes[layer]
        n = int(neuron.max(initial=0)) + 1
        kept = distinct(neuron, when, time.start, time.end)
        plot = panel(time, layer, RASTER, y_range=Range1d(-0.5, n - 0.5))
        look = {"marker": "dash", "angle": np.pi / 2, "size": 8} if n <= TALL else {"size": 3, "line_color": None}
        data = {"time": when[kept].astype(np.float32), "neuron": neuron[kept].astype(np.int32)}
        plot.scatter("time", "neuron", source=data, color=INK, **look)
        plot.yaxis.ticker.desired_num_ticks = 4
        hover(plot, [(layer, "neuron @neuron"), ("spike", "@time{0.00} ms")])
        plots.append(plot)
        few = "" if len(kept) == len(when) else f" ({len(kept):,} are drawn)"
        seen.append(f"{layer}: {len(when):,}{few} by {len(np.unique(neuron)):,} neurons")
    _mark_phases(plots, recording)
    return Plot(
        model=stacked(plots, TIME),
        caption=f"Spikes of {', '.join(layers)}, from top to bottom.{_dashed(recording)}",
        alt=f"Raster of the spikes of {', '.join(seen)}.",
        x_range=time,
    )


def potentials(recording: "Recording", layer: str, neurons: Sequence[int], time: Range1d) -> Plot:
    """Draw the potentials of some neurons of a layer, a panel a compartment, and their plateau potentials.

    A diamond marks a plateau at its time: on the curve of the apical dendrite, and at its value in a panel of its own.

    Parameters
    ----------
    recording : Recording
        With a potential of that layer.
    layer : str
    neurons : sequence of int
        Recorded ones.
    time : Range1d
        From `time_axis`.
    """
    rows = [recording.row(layer, neuron) for neuron in neurons]
    of_class = layer == "output"
    palette = CLASS_COLOURS if of_class else COLOURS
    colours = [palette[(neuron if of_class else k) % len(palette)] for k, neuron in enumerate(neurons)]
    marks = _plateaus(recording, layer, neurons, colours)
    plots, seen = [], []
    for variable, name in VARIABLES.items():
        series = recording.potentials.get(f"{layer}.{variable}")
        if series is None:
            continue
        plot = _compartment(time, name, recording.times, dict(zip(neurons, series[rows], strict=True)), colours)
        seen.append(f"{name} from {series[rows].min():.3g} to {series[rows].max():.3g}")
        plots.append(plot)
        if variable == "v_apical" and marks is not None:
            _diamonds(plot, marks, "on_curve")
    if marks is not None:
        plots.insert(1 if f"{layer}.v_apical" in recording.potentials else 0, _values(time, marks))
        each = zip(*(marks.data[name] for name in ("phase", "neuron", "value")), strict=True)
        seen += [f"{phase} plateau of neuron {neuron} {value:.3g}" for phase, neuron, value in each]
    _mark_phases(plots, recording)
    n = len(recording.times)
    thinned = f" Of {n:,} samples the extremes of {BINS:,} equal stretches are drawn." if n > 2 * BINS else ""
    diamonds = " Diamonds are plateau potentials, at their time." if marks is not None else ""
    return Plot(
        model=stacked(plots, TIME),
        caption=f"Potentials in {layer}, relative to rest.{diamonds}{_dashed(recording)}{thinned}",
        alt=f"Potentials of {len(neurons)} neurons of {layer}: {', '.join(seen)}.",
        key=[(colour, f"neuron {neuron}") for colour, neuron in zip(colours, neurons, strict=True)],
        x_range=time,
    )


def _compartment(
    time: Range1d, name: str, times: np.ndarray, curves: Mapping[int, np.ndarray], colours: Sequence[str]
) -> figure:
    """Draw the potential of a compartment of some neurons."""
    plot, lines = panel(time, name, POTENTIALS), []
    plot.yaxis.ticker.desired_num_ticks = 4
    for (neuron, curve), colour in zip(curves.items(), colours, strict=True):
        kept = extremes(curve)
        data = {"time": times[kept].astype(np.float32), "v": curve[kept].astype(np.float32)}
        lines.append(plot.line("time", "v", source=data, color=colour, line_width=1.5, name=str(neuron)))
    about = [("", f"neuron $name, {name}"), ("time", "@time{0.00} ms"), ("potential", "@v{0.000}")]
    hover(plot, about, renderers=lines)
    return plot


def _values(time: Range1d, marks: ColumnDataSource) -> figure:
    """Draw plateau potentials; a dotted line joins those of one neuron."""
    plot = panel(time, "plateau", POTENTIALS)
    of = {
        neuron: [k for k, each in enumerate(marks.data["neuron"]) if each == neuron] for neuron in marks.data["neuron"]
    }
    for own in of.values():
        x, y = ([marks.data[name][k] for k in own] for name in ("time", "value"))
        plot.line(x, y, color=marks.data["colour"][own[0]], line_dash="dotted")
    _diamonds(plot, marks, "value")
    return plot


def _plateaus(
    recording: "Recording", layer: str, neurons: Sequence[int], colours: Sequence[str]
) -> ColumnDataSource | None:
    """Return phase, neuron, time and value of plateaus, and the apical potential then; None: there are none."""
    if layer not in recording.plateaus:
        return None
    plateaus, apical = recording.plateaus[layer], recording.potentials.get(f"{layer}.v_apical")
    found = []
    for phase, values, when in (
        ("forward", plateaus.forward, plateaus.time_forward),
        ("target", plateaus.target, plateaus.time_target),
    ):
        for neuron, colour in zip(neurons, colours, strict=True):
            if values is not None and when is not None:
                row = recording.row(layer, neuron)
                then = np.nan if apical is None else np.interp(when[row], recording.times, apical[row])
                found.append((phase, neuron, float(when[row]), float(values[row]), float(then), colour))
    if not found:
        return None
    names = ("phase", "neuron", "time", "value", "on_curve", "colour")
    return ColumnDataSource(dict(zip(names, map(list, zip(*found, strict=True)), strict=True)))


def _diamonds(plot: figure, marks: ColumnDataSource, y: str) -> None:
    drawn = plot.scatter("time", y, source=marks, marker="diamond", size=11, color="colour", line_color="#000000")
    about = [("neuron", "@neuron"), ("plateau", "@value{0.000} (@phase)"), ("time", "@time{0.00} ms")]
    hover(plot, about, renderers=[drawn])


def _mark_phases(plots: Sequence[figure], recording: "Recording") -> None:
    for plot in plots:
        for phase in recording.phases[1:]:
            plot.add_layout(Span(location=phase.start, dimension="height", line_color="#767676", line_dash="dashed"))


def _dashed(recording: "Recording") -> str:
    begin = [f"the {phase.name} phase begins at {phase.start:.4g} ms" for phase in recording.phases[1:]]
    return f" Dashed: {', '.join(begin)}." if begin else ""
