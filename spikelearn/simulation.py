"""One trial of a network, with recording: of drawn spikes or of given ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spikelearn.engines import Engine, Stimulus, engine_of
from spikelearn.engines.checking import check_trial
from spikelearn.engines.probing import Apical
from spikelearn.errors import InputError, check_kind, check_range, check_shares, described
from spikelearn.evaluation import check_fit
from spikelearn.examples import Examples, Trains
from spikelearn.network import Network
from spikelearn.phases import Phases
from spikelearn.recording import Recording
from spikelearn.timed import Frames, by_time, joined
from spikelearn.watching import LIMIT, Neurons, Record, layer_name, layer_names
from spikelearn.weights import Weights

Train = tuple[Sequence[int] | np.ndarray, Sequence[float] | np.ndarray]


def simulate(
    network: Network,
    weights: Weights,
    image: np.ndarray | Examples | None = None,
    *,
    label: int | None = None,
    target: np.ndarray | None = None,
    frame: float | None = None,
    state: Mapping[str, np.ndarray] | None = None,
    duration: float | None = None,
    phases: Phases | None = None,
    record: Sequence[str] | None = None,
    neurons: Neurons | None = None,
    every: float | None = None,
    window: tuple[float, float] | None = None,
    seed: int = 0,
    example: int = 0,
    engine: Engine | None = None,
    input_spikes: Train | None = None,
    apical_spikes: Train | Mapping[str, Train] | None = None,
    limit: int = LIMIT,
) -> Recording:
    """Simulate one trial and record it. Recording does not change it; nothing learns.

    Parameters
    ----------
    network : Network
        The network to simulate.
    weights : Weights
        Its weights; they do not change.
    image : (n_inputs,) array, or with `frame` (frames, n_inputs) array, or Examples, optional
        Intensities in [0, 1]; not with `input_spikes`. Or one example, such as ``digits.test.at([3])``; its frames and
        spikes are shown as in `train`, or as of a test image, with this seed.
    label : int, optional
        Class that is taught: a forward phase, then a target phase, as in training. By default a forward phase only, as
        for a test image.
    target : (n_classes,) array, optional
        Share of each class that is taught, in place of a label: numbers >= 0 that sum to 1.
    frame : float, optional
        Duration of each row of `image`, ms, for an input that changes in time; the last one stays to the end of the
        trial.
    state : mapping of str to array of any shape, optional
        State at the start: ``recording.state`` of another trial of this network and engine. By default at rest.
    duration : float, optional
        Length of the forward phase without a label, ms; by default that of a test image.
    phases : Phases, optional
        Phases in place of the network's.
    record : sequence of str, optional
        Variables to record, as those of `spikelearn.Record`; by default all.
    neurons : sequence of int or mapping, optional
        Neurons to record, as those of `spikelearn.Record`; by default all.
    every : float, optional
        Time between samples of potentials, ms; by default a step or slot.
    window : (float, float), optional
        Window of the recording, ms from the start of the trial; by default all of it.
    seed, example : int
        They fix every spike: with those of a training run, its example has the same input spikes here.
    engine : Event or Clock, optional
        By default the event engine, float32.
    input_spikes : ((n,) int array, (n,) float array), optional
        Inputs and times, ms, of spikes in place of drawn ones; a clock has a spike in the step that holds its time.
    apical_spikes : ((n,) int array, (n,) float array) or mapping from layer to such, optional
        Neurons and times, ms, of spikes that reach the apical dendrites in place of those of the layer that feeds back;
        by the name of the layer where more than one feeds back.
    limit : int
        Largest size of the recording, bytes.

    Returns
    -------
    Recording
        Potentials, spikes and plateaus of the trial, and the state after it.

    Raises
    ------
    InputError
        An unknown variable, layer or neuron; a recording beyond the limit; spikes of neurons or at times that do not
        exist; options that contradict each other.
    """
    engine = engine_of(engine)
    testing = label is None and target is None
    check_kind("network", network, Network, "of a model, give model.network")
    check_range("seed", seed, at_least=0, integer=True)
    check_range("example", example, at_least=0, integer=True)
    if not testing and duration is not None:
        raise InputError(f"duration={duration:g} is that of a trial without label or target; with one, give phases")
    chosen = phases or network.phases
    if duration is not None:
        check_range("duration", duration, above=0, unit="ms")
        # Averages begin after the settling time, but in something as short as that there is none.
        chosen = replace(chosen, test=duration, settle=chosen.settle if chosen.settle < duration else 0.0)
    network = replace(network, phases=chosen)
    purpose, n_inputs = "evaluation" if testing else "training", network.sizes[0]
    target = None if target is None else check_shares([target], 1, network.n_classes, "target")[0]
    apical = None if apical_spikes is None else _apical(apical_spikes, network)
    core = engine.build(network, weights)
    trains = None
    if input_spikes is not None:
        if image is not None or frame is not None:
            raise InputError("input_spikes are instead of an image; leave it out, and frame")
        trains = joined([by_time("input_spikes", input_spikes, n_inputs)])
        intensity = np.zeros(n_inputs, np.float32)
    elif image is None:
        raise InputError("nothing to show: give an image, or input_spikes")
    elif isinstance(image, np.ndarray | list | tuple) and frame is None:
        intensity = np.asarray(image, np.float32)
    else:
        example_of = _frames(np.asarray(image, np.float32), frame) if frame is not None else _one(image)
        check_fit(network, example_of, purpose)
        shown = example_of.show(slice(0, 1), core.moment(seed, example, 1, purpose))
        intensity, trains = shown.intensities[0], shown.trains
    intensity = check_trial(network, intensity, label)
    resolved = Record(variables=record, neurons=neurons, every=every, window=window, limit=limit).resolve(
        network, engine
    )
    longest = float(core.moment(seed, example, 1, purpose).lengths.sum())
    bright = float(np.sum(intensity)) if trains is None else len(trains.time) / (network.rate_max * longest)
    resolved.check_size(resolved.size(longest, bright), limit)
    for where, given in (("input_spikes", trains), ("apical_spikes", apical)):
        _check_times(where, given, longest)
    trace = core.record(
        intensity, label, target=target, seed=seed, example=example, watch=resolved.watch, state=state,
        stimulus=Stimulus(trains, apical),
    )  # fmt: skip
    about = {"seed": seed, "example": example} | ({} if label is None else {"label": int(label)})
    return replace(resolved.recording(trace, about), state=core.state())


def _frames(image: np.ndarray, frame: float) -> Frames:
    """Return an image that changes in time, from the start of the trial on."""
    if image.ndim != 2 or not len(image):
        raise InputError(
            f"image of shape {image.shape} does not change in time: with frame={frame:g} it must be (frames, inputs)"
        )
    return Frames(x=image[None], y=np.zeros(1, np.int64), n_classes=1, name="image", frame=frame, restart=False)


def _one(image: Any) -> Examples:
    """Return an example; `InputError` if there is none, or more."""
    if not hasattr(image, "show") or len(image) != 1:
        n = f", {len(image)} of them" if hasattr(image, "show") else ""
        raise InputError(
            f"image must be an array of intensities or one example, say digits.test.at([3]), got {described(image)}{n}"
        )
    return image


def _check_times(where: str, spikes: Trains | Apical | None, duration: float) -> None:
    """Raise `InputError` if spikes were given for times after the trial."""
    late = np.empty(0) if spikes is None else spikes.time[spikes.time >= duration]
    if len(late):
        raise InputError(
            f"{where}: {len(late)} spikes come at {late[0]:g} ms or later, but the trial is over at {duration:g} ms; "
            f"leave them out, or simulate for longer (duration=, or with a label phases=)"
        )


def _apical(given: Train | Mapping[str, Train], network: Network) -> Apical:
    """Return the spikes that reach apical dendrites."""
    names, feeding = layer_names(network)[1:], sorted(set(network.feeding))
    if not feeding:
        raise InputError("apical_spikes: a network without hidden layer has no apical dendrites")
    fed = [names[k] for k in feeding]
    if not isinstance(given, Mapping):
        if len(fed) > 1:
            raise InputError(f"apical_spikes: {', '.join(fed)} feed back; give a mapping from their names to spikes")
        given = {fed[0]: given}
    parts = []
    for text, spikes in given.items():
        name = layer_name(text, network)
        if name not in fed:
            raise InputError(f"apical_spikes: {name} does not feed back; those that do: {', '.join(fed)}")
        layer = names.index(name)
        neurons, times = by_time(f"apical_spikes of {name}", spikes, network.sizes[layer + 1])
        parts.append((np.full(len(neurons), layer), neurons, times))
    layers, neurons, times = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(times, kind="stable")
    return Apical(layers[order], neurons[order], times[order])
