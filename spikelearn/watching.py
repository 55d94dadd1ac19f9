"""Variables of a simulation to record, by name, and what a core must watch for them.

Layers are called ``input``, ``hidden[0]``, ..., ``output``; variables ``hidden[0].v_basal``, ``hidden[0].v_apical``,
``hidden[0].v_soma``, ``hidden[0].spikes``, ``output.v_dendrite``, ``output.v_soma``, ``output.spikes`` and
``input.spikes``.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn import origin
from spikelearn.engines import Engine, Trace, Watch
from spikelearn.errors import InputError, check_range, nearest
from spikelearn.network import Network
from spikelearn.recording import Phase, Plateaus, Recording, Spikes, check_size
from spikelearn.storage import version

LIMIT = 2_000_000_000  # bytes; more than that is hardly meant
SPIKE_BYTES = 12  # a 32-bit neuron and a 64-bit time

Neurons = Sequence[int] | Mapping[str, Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Variables, neurons and times to record.

    Parameters
    ----------
    variables : sequence of str or None
        Names such as ``"hidden[0].v_basal"``, ``.v_apical``, ``.v_soma``, ``.spikes``, ``"output.v_dendrite"`` and
        ``"input.spikes"``; ``"hidden[0]"`` or ``"hidden0"`` for all of that layer, ``"v_soma"`` or ``"spikes"`` for
        that of all layers. None: everything.
    neurons : sequence of int, or mapping from layer to such, or None
        Neurons whose potentials, plateaus and spikes are recorded; a sequence holds for all layers but the inputs.
        None, and layers not in the mapping: all.
    every : float or None
        Time between samples of potentials, ms: whole steps of `Clock`; with `Event` rounded to whole slots. None: one
        step or slot.
    window : (float, float) or None
        Start and end of the recording within a trial, ms. None: all of it.
    examples : iterable of int or None
        Trials to record in training, counted from the first of the first epoch. None: all.
    limit : int
        Size in bytes beyond which recording is refused before it begins.

    Raises
    ------
    InputError
        A time or the limit is out of its range.
    """

    variables: Sequence[str] | None = None
    neurons: Neurons | None = None
    every: float | None = None
    window: tuple[float, float] | None = None
    examples: Iterable[int] | None = None
    limit: int = LIMIT

    def __post_init__(self) -> None:
        if isinstance(self.variables, str):
            object.__setattr__(self, "variables", (self.variables,))
        if self.every is not None:
            check_range("Record.every", self.every, above=0, unit="ms")
        if self.window is not None:
            start, stop = self.window
            check_range("Record.window[0]", start, at_least=0, unit="ms")
            check_range("Record.window[1]", stop, above=start, unit="ms (its start)")
        if isinstance(self.examples, Iterator):  # it would be used up by the first training
            object.__setattr__(self, "examples", tuple(self.examples))
        check_range("Record.limit", self.limit, at_least=1, integer=True)

    def resolve(self, network: Network, engine: Engine) -> "Resolved":
        """Return the names and numbers as they are for a network and an engine.

        Parameters
        ----------
        network : Network
            The network to record.
        engine : Engine
            The engine that simulates it.

        Returns
        -------
        Resolved
            Full names, and what the engine has to watch.

        Raises
        ------
        InputError
            A variable, layer or neuron is unknown, or samples cannot be at such intervals.
        """
        layers = layer_names(network)
        wanted = _variables(self.variables, layers)
        chosen = _neurons(self.neurons, network, layers, wanted)
        every = engine.sampling if self.every is None else self.every
        engine.check_interval("Record.every", every)
        start, stop = (0.0, math.inf) if self.window is None else self.window
        potentials = {name.partition(".")[0] for name in wanted if not name.endswith(".spikes")}
        watch = Watch(
            neurons=tuple(chosen[layer] if layer in potentials else np.zeros(0, np.int64) for layer in layers[1:]),
            spikes=tuple(f"{layer}.spikes" in wanted for layer in layers),
            apical=any(name.endswith(".v_apical") for name in wanted),
            every=every,
            start=float(start),
            stop=float(stop),
        )
        return Resolved(network, engine, watch, tuple(wanted), chosen)


@dataclass(frozen=True)
class Resolved:
    """A `Record` that fits a network and an engine."""

    network: Network
    engine: Engine
    watch: Watch
    wanted: tuple[str, ...]
    chosen: dict[str, np.ndarray] = field(repr=False)

    def size(self, duration: float, intensity: float) -> int:
        """Estimate bytes of a trial of `duration` ms whose inputs have intensities that sum to `intensity`.

        Neurons are reckoned to fire at half of their highest rate.
        """
        seen = max(min(self.watch.stop, duration) - self.watch.start, 0.0)
        layers = layer_names(self.network)
        floats = 8 if self.engine.dtype == "float64" else 4
        total = 0.0
        for name in self.wanted:
            layer, _, variable = name.partition(".")
            n = len(self.chosen[layer])
            if variable == "spikes":
                firing = n / 2 if layer != "input" else intensity * n / self.network.sizes[layers.index(layer)]
                total += SPIKE_BYTES * seen * self.network.rate_max * firing
            else:
                total += floats * n * seen / self.watch.every
        return int(total)

    def request(self) -> dict[str, Any]:
        """Return what is recorded of an example, for `spikelearn.origin`."""
        layers = {name.partition(".")[0] for name in self.wanted}
        return {
            "variables": list(self.wanted),
            "neurons": {layer: origin.digest(chosen) for layer, chosen in self.chosen.items() if layer in layers},
            "every": self.watch.every,
            "window": [self.watch.start, self.watch.stop],
        }

    def check_size(self, size: int, limit: int, trials: int = 1) -> None:
        """Raise `InputError` if so many bytes are beyond the limit."""
        of = f"for {trials:,} trials; " if trials > 1 else ""
        narrower = "fewer neurons, variables or examples, a shorter window or a longer every"
        check_size(size, limit, f"{of}record {narrower}, or raise limit")

    def recording(self, trace: Trace, annotations: Mapping[str, int | float | str]) -> Recording:
        """Turn what a core saw into a recording."""
        layers, potentials, neurons, spikes, plateaus = layer_names(self.network), {}, {}, {}, {}
        for k, layer in enumerate(layers):
            hidden = 0 < k < len(layers) - 1
            if k > 0 and len(self.watch.neurons[k - 1]) > 0:
                neurons[layer] = self.watch.neurons[k - 1]
                series = {"v_soma": trace.v_soma[k - 1], "v_basal" if hidden else "v_dendrite": trace.v_dendrite[k - 1]}
                if hidden:
                    series["v_apical"] = trace.v_apical[k - 1]
                    plateaus[layer] = _plateaus(trace, k - 1)
                for name in series:
                    if f"{layer}.{name}" in self.wanted:
                        potentials[f"{layer}.{name}"] = np.ascontiguousarray(series[name].T)
            if f"{layer}.spikes" in self.wanted:
                times, cells = trace.spikes[k]
                kept = np.isin(cells, self.chosen[layer])
                spikes[layer] = Spikes(cells[kept], times[kept])
        forward, target = trace.lengths
        phases = [Phase("forward", 0.0, forward), Phase("target", forward, forward + target)]
        about: dict[str, int | float | str] = {
            "spikelearn": version(),
            "engine": type(self.engine).__name__,
            **vars(self.engine),
        }
        return Recording(
            times=trace.times,
            potentials=potentials,
            neurons=neurons,
            spikes=spikes,
            phases=tuple(phase for phase in phases if phase.stop > phase.start),
            plateaus=plateaus,
            annotations=about | dict(annotations),
        )


def _plateaus(trace: Trace, layer: int) -> Plateaus:
    (forward, target), early = trace.plateaus[layer], trace.early[layer]
    shown, taught = (length > 0 for length in trace.lengths)
    return Plateaus(
        forward=forward if shown else None,
        target=target if taught else None,
        time_forward=trace.lengths[0] - early[0] if shown else None,
        time_target=sum(trace.lengths) - early[1] if taught else None,
    )


def layer_names(network: Network) -> list[str]:
    """Return the names of all layers, inputs first."""
    return ["input", *(f"hidden[{k}]" for k in range(network.n_hidden)), "output"]


def layer_name(text: str, network: Network) -> str:
    """Return the name of a layer that a user may have written ``hidden0``."""
    names, name = layer_names(network), re.sub(r"^hidden(\d+)$", r"hidden[\1]", text)
    if name not in names:
        raise InputError(f"unknown layer {text!r}; {nearest(text, names)}")
    return name


def variable_names(layers: list[str]) -> list[str]:
    """Return the names of all variables."""
    names = ["input.spikes"]
    for layer in layers[1:]:
        dendrites = ("v_dendrite",) if layer == "output" else ("v_apical", "v_basal")
        names += [f"{layer}.{variable}" for variable in (*dendrites, "v_soma", "spikes")]
    return names


def _variables(given: Sequence[str] | None, layers: list[str]) -> list[str]:
    """Return full names, in their usual order."""
    known = variable_names(layers)
    if given is None:
        return known
    found = set()
    for text in given:
        name = re.sub(r"^hidden(\d+)", r"hidden[\1]", str(text))
        matches = [each for each in known if name in (each, *each.split("."))]
        if not matches:
            short = [*known, *layers, *dict.fromkeys(each.partition(".")[2] for each in known)]
            raise InputError(f"unknown variable {text!r} to record; {nearest(name, short)}")
        found.update(matches)
    return [name for name in known if name in found]


def _neurons(
    given: Neurons | None, network: Network, layers: list[str], wanted: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return the neurons of each layer, ascending."""
    chosen = {layer: np.arange(n) for layer, n in zip(layers, network.sizes, strict=True)}
    if given is None:
        return chosen
    if isinstance(given, Mapping):
        asked = {layer_name(layer, network): list(indices) for layer, indices in given.items()}
    else:
        recorded = dict.fromkeys(name.partition(".")[0] for name in wanted)
        asked = {layer: list(given) for layer in recorded if layer != "input"}
    for layer, indices in asked.items():
        n = len(chosen[layer])
        for index in indices:
            if not isinstance(index, int | np.integer) or not 0 <= index < n:
                hint = "" if isinstance(given, Mapping) else "; name the layer: neurons={'hidden[0]': [...]}"
                raise InputError(f"unknown neuron {index!r} of {layer}: it has neurons 0 to {n - 1}{hint}")
        chosen[layer] = np.unique(np.array(indices, np.int64))
    return chosen
