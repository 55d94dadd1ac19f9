"""Recordings in the forms of other libraries: xarray and Neo. Both come with ``pip install 'spikelearn[export]'``."""

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.extras import imported

if TYPE_CHECKING:  # recordings export themselves by these functions
    from spikelearn.recording import Recording

__all__ = ["to_neo", "to_xarray"]


def to_xarray(recording: "Recording") -> Any:
    """Return a recording as an `xarray.Dataset`.

    Variables are named as in the recording, with ``_`` for the dot and without brackets: ``hidden0_v_soma``, over
    ``hidden0_neuron`` and ``time`` (ms). Spikes are ``hidden0_spike_time`` and ``hidden0_spike_neuron``, plateaus
    ``hidden0_plateau_forward`` and so on. Phases are attributes: ``forward_start`` ...

    Parameters
    ----------
    recording : Recording
        The recording.

    Returns
    -------
    xarray.Dataset
        Potentials, spikes and plateaus, with units as attributes.

    Raises
    ------
    InputError
        xarray is not installed.
    """
    xarray = imported("xarray", "export")
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {"time": ("time", recording.times, {"units": "ms", "long_name": "end of the step"})}
    for layer, neurons in recording.neurons.items():
        coordinates[f"{_plain(layer)}_neuron"] = neurons
    for name, series in recording.potentials.items():
        layer, _, variable = name.partition(".")
        about = {"units": "1", "long_name": f"{variable} of {layer}, relative to rest"}
        variables[f"{_plain(layer)}_{variable}"] = ((f"{_plain(layer)}_neuron", "time"), series, about)
    for layer, spikes in recording.spikes.items():
        dimension = f"{_plain(layer)}_spike"
        variables[f"{dimension}_time"] = (dimension, spikes.time, {"units": "ms"})
        variables[f"{dimension}_neuron"] = (dimension, spikes.neuron)
    for layer, plateaus in recording.plateaus.items():
        for name, array in zip(plateaus._fields, plateaus, strict=True):
            if array is not None:
                about = {"units": "ms"} if name.startswith("time") else {"units": "1"}
                variables[f"{_plain(layer)}_plateau_{name}"] = (f"{_plain(layer)}_neuron", array, about)
    marks = {f"{p.name}_{edge}": getattr(p, edge) for p in recording.phases for edge in ("start", "stop")}
    return xarray.Dataset(variables, coordinates, attrs={**recording.annotations, **marks})


def to_neo(recording: "Recording") -> Any:
    """Return a recording as a `neo.Block` with one segment.

    Potentials are signals (time, neuron) without unit, the first sample at the end of the first step; spikes are spike
    trains, one for each neuron that spiked, annotated with layer and neuron; phases are epochs, plateau potentials
    events, labelled with layer, neuron and value.

    Parameters
    ----------
    recording : Recording
        The recording.

    Returns
    -------
    neo.Block
        Signals, spike trains, epochs and events; times in ms.

    Raises
    ------
    InputError
        Neo is not installed.
    """
    neo, quantities = imported("neo", "export"), imported("quantities", "export")
    ms, times = quantities.ms, recording.times
    stop = max([phase.stop for phase in recording.phases], default=0.0)
    block = neo.Block(name="spikelearn recording", **recording.annotations)
    segment = neo.Segment(name="trial", **recording.annotations)
    block.segments.append(segment)
    steps = np.diff(times)
    regular = len(times) > 1 and np.allclose(steps, steps[0], rtol=1e-6)
    for name, series in recording.potentials.items():
        layer = name.partition(".")[0]
        about = {"name": name, "array_annotations": {"neuron": recording.neurons[layer]}, "layer": layer}
        if regular:
            period = float(steps.mean()) * ms
            signal = neo.AnalogSignal(
                series.T, units="dimensionless", sampling_period=period, t_start=times[0] * ms, **about
            )
        else:
            signal = neo.IrregularlySampledSignal(times * ms, series.T, units="dimensionless", **about)
        _add(segment, "analogsignals" if regular else "irregularlysampledsignals", signal)
    for layer, spikes in recording.spikes.items():
        for neuron in np.unique(spikes.neuron):
            train = neo.SpikeTrain(
                spikes.time[spikes.neuron == neuron] * ms, t_stop=stop * ms, name=f"{layer} {neuron}", layer=layer,
                neuron=int(neuron),
            )  # fmt: skip
            _add(segment, "spiketrains", train)
    if recording.phases:
        names, starts, stops = zip(*recording.phases, strict=True)
        durations = np.subtract(stops, starts)
        _add(segment, "epochs", neo.Epoch(np.array(starts) * ms, durations * ms, labels=np.array(names), name="phases"))
    for layer, plateaus in recording.plateaus.items():
        for phase, values, when in (
            ("forward", plateaus.forward, plateaus.time_forward),
            ("target", plateaus.target, plateaus.time_target),
        ):
            if values is not None:
                labels = np.array(
                    [f"{layer} {n}: {v:.6g}" for n, v in zip(recording.neurons[layer], values, strict=True)]
                )
                about = {"array_annotations": {"neuron": recording.neurons[layer], "plateau": values}, "layer": layer}
                event = neo.Event(when * ms, labels=labels, name=f"plateaus {phase} {layer}", **about)
                _add(segment, "events", event)
    return block


def _add(segment: Any, container: str, child: Any) -> None:
    getattr(segment, container).append(child)
    child.segment = segment


def _plain(layer: str) -> str:
    return layer.replace("[", "").replace("]", "")
