"""What a page shows of a recording, and the page of a single one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.errors import InputError
from spikelearn.pages import document
from spikelearn.pages.parts import Plot, Section, Table
from spikelearn.pages.trials import potentials, raster, time_axis

if TYPE_CHECKING:  # recordings make their pages by these functions
    from spikelearn.recording import Recording

HIDDEN, OUTPUTS = 3, 10  # neurons of a layer that are drawn if nobody chose

Neurons = Mapping[str, Sequence[int]]


def write_recording(recording: "Recording", path: str | Path, neurons: Neurons | None = None) -> None:
    """Write the page of a recording; `InputError` if there is nothing to draw."""
    parts = trial(recording, neurons)
    if not parts:
        raise InputError("nothing to draw: no spikes and no potentials were recorded")
    about = Table("What the recording says of itself", (), rows(recording.annotations))
    example = recording.annotations.get("example")
    title = "Recording" if example is None else f"Recording of example {example}"
    document.write(path, title, [Section("Spikes and potentials", parts=parts), Section("Provenance", parts=[about])])


def trial(recording: "Recording", neurons: Neurons | None = None) -> list[Plot]:
    """Return the plots of a recording, on one time axis: spikes, then potentials by layer, the lowest first.

    Parameters
    ----------
    recording : Recording
    neurons : mapping from layer to sequence of int, optional
        Whose potentials are drawn; by default `striking`.
    """
    time = time_axis(recording)
    found = [raster(recording, time)] if recording.spikes else []
    with_potentials = {name.partition(".")[0] for name in recording.potentials}
    for layer in (neurons or {}).keys() - with_potentials:
        recording.neurons[layer]  # an unknown name is said to be so
        raise InputError(f"neurons: no potentials of {layer} were recorded")
    for layer in recording.layers:
        if layer in with_potentials:
            chosen = (
                striking(recording, layer)
                if neurons is None or layer not in neurons
                else list(dict.fromkeys(neurons[layer]))
            )
            found += [potentials(recording, layer, chosen, time)] if chosen else []
    return found


def striking(recording: "Recording", layer: str) -> list[int]:
    """Return neurons worth a look, ascending.

    Of a hidden layer those whose plateaus differ most between the phases, from which they learn; of the outputs those
    with the highest mean potential of the soma; else the first that were recorded.
    """
    known, n = recording.neurons[layer], OUTPUTS if layer == "output" else HIDDEN
    plateaus, soma = recording.plateaus.get(layer), recording.potentials.get(f"{layer}.v_soma")
    if plateaus is not None and plateaus.forward is not None and plateaus.target is not None:
        order = np.argsort(-np.abs(plateaus.target - plateaus.forward), kind="stable")
    elif layer == "output" and soma is not None:
        order = np.argsort(-soma.mean(axis=1), kind="stable")
    else:
        order = np.arange(len(known))
    return sorted(known[order[:n]].tolist())


def rows(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return what JSON knows as rows of a table: names with dots, and values as text."""
    found = []
    for name, value in mapping.items():
        if isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
            value = dict(enumerate(value))
        if isinstance(value, Mapping):
            found += rows(value, f"{prefix}{name}.")
        else:
            items = value if isinstance(value, list | tuple) else [value]
            found.append((f"{prefix}{name}", ", ".join("none" if each is None else str(each) for each in items)))
    return found
