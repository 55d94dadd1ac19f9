"""One trial of a network, with recording: of drawn spikes or of given ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikelearn.core.random import make_generator
from spikelearn.engines import Engine, Stimulus, engine_of
from spikelearn.engines.checking import check_images, check_trial
from spikelearn.errors import InputError, check_kind, check_range, check_shares
from spikelearn.network import Network
from spikelearn.phases import Phases
from spikelearn.recording import Recording
from spikelearn.watching import LIMIT, Neurons, Record, layer_name, layer_names
from spikelearn.weights import Weights

Train = tuple[Sequence[int] | np.ndarray, Sequence[float] | np.ndarray]


def simulate(
    network: Network,
    weights: Weights,
    image: np.ndarray | None = None,
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
    network, weights
        What to simulate.
    image : (n_inputs,) array, or with `frame` (frames, n_inputs)
        Intensities in [0, 1]; may be left out if `input_spikes` are given.
    label : int, optional
        With a label: a forward phase, then a target phase with this class taught, as in training. Without: a forward
        phase, as for a test image.
    target : (n_classes,) array, optional
        In place of a label what share of each class is taught: numbers >= 0 that sum to 1.
    frame : float, optional
        Input that changes in time: each row of `image` lasts for so many ms, the last one to the end of the trial.
    state : mapping of str to array, optional
        In which the trial begins: ``recording.state`` of another one of this network and engine. By default at rest.
    duration : float, optional
        Of the forward phase without a label, ms; that of a test image by default.
    phases : Phases, optional
        In place of the network's.
    record, neurons, every, window, limit
        What to record: see `spikelearn.Record`; everything by default.
    seed, example : int
        They fix every spike: with those of a training run, its example has the same input spikes here.
    engine : Event or Clock, optional
        By default the event engine, float32.
    input_spikes : (neurons, times) pair, optional
        Spikes of the inputs in place of drawn ones; times in ms, those of a clock fall into the step that holds them.
    apical_spikes : (neurons, times) pair, or mapping from layer to such a pair, optional
        Spikes that reach the apical dendrites in place of those of the layer that feeds back; where more than one layer
        does, by the name of the layer.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        An unknown variable, layer or neuron; a recording beyond the limit; spikes of neurons or at times that do not
        exist; options that contradict each other.
    """
    engine = engine_of(engine)
    if frame is not None and input_spikes is not None:
        raise InputError("frame is that of an image which changes in time; with input_spikes, leave it out")
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
    if image is None:
        if input_spikes is None:
            raise InputError("nothing to show: give an image, or input_spikes")
        image = np.zeros(network.sizes[0], np.float32)
    # Phases are longer than their minimum by some 2 ms; 100 ms more are hardly ever drawn.
    longest = chosen.test if testing else 2 * chosen.minimum + 100
    shown = np.asarray(image, np.float32)
    if frame is not None:
        shown = _check_frames(network, shown, frame)
        image = shown.max(axis=0)
    image = check_trial(network, image, label)
    target = None if target is None else check_shares([target], 1, network.n_classes, "target")[0]
    resolved = Record(variables=record, neurons=neurons, every=every, window=window, limit=limit).resolve(
        network, engine
    )
    resolved.check_size(resolved.size(longest, float(np.sum(image))), limit)
    stimulus = Stimulus(
        inputs=None if input_spikes is None else _train("input_spikes", input_spikes, network.sizes[0]),
        apical=None if apical_spikes is None else _apical(apical_spikes, network),
    )
    if frame is not None:
        stimulus = stimulus._replace(inputs=draw_frames(shown, frame, longest, network.rate_max, seed, example))
    core = engine.build(network, weights)
    trace = core.record(
        image, label, target=target, seed=seed, example=example, watch=resolved.watch, stimulus=stimulus, state=state
    )
    _check_times(stimulus if frame is None else stimulus._replace(inputs=None), sum(trace.lengths))
    about = {"seed": seed, "example": example} | ({} if label is None else {"label": int(label)})
    return replace(resolved.recording(trace, about), state=core.state())


def draw_frames(
    frames: np.ndarray, frame: float, duration: float, rate_max: float, seed: int, example: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw Poisson spikes of inputs whose rates change from frame to frame.

    Parameters
    ----------
    frames : (frames, n_inputs) array
        Intensities in [0, 1]; the last frame stays.
    frame, duration : float
        How long a frame lasts, and for how long spikes are drawn, ms.
    rate_max : float
        Rate at intensity 1, spikes/ms.
    seed, example : int
        They fix every spike.

    Returns
    -------
    neurons, times : (n,) int64 and float64 arrays, by time
    """
    rng = make_generator(seed, "frames", example)
    shown = np.minimum(np.arange(math.ceil(duration / frame)), len(frames) - 1)
    counts = rng.poisson(rate_max * frame * np.asarray(frames, float)[shown])
    step, neuron = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    times = frame * (step + rng.random(len(step)))
    order = np.argsort(times, kind="stable")
    order = order[times[order] < duration]
    return neuron[order], times[order]


def _check_frames(network: Network, frames: np.ndarray, frame: float) -> np.ndarray:
    """Return frames; `InputError` unless they are intensities of the inputs, a row for each frame."""
    check_range("frame", frame, above=0, unit="ms")
    if frames.ndim != 2 or not len(frames):
        raise InputError(
            f"image of shape {frames.shape} does not change in time: with frame={frame:g} it must be (frames, inputs)"
        )
    return check_images(network, frames)


def _train(where: str, spikes: Train, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return neurons and times by time; `InputError` unless they are neurons that exist and times from 0 on."""
    neurons, times = np.asarray(spikes[0]), np.asarray(spikes[1], float)
    if neurons.shape != times.shape or neurons.ndim != 1:
        raise InputError(f"{where}: neurons {neurons.shape} and times {times.shape} must be two arrays of equal length")
    if len(neurons) and neurons.dtype.kind not in "iu":
        raise InputError(f"{where}: neurons must be integers, got {neurons.dtype}")
    bad = (neurons < 0) | (neurons >= n)
    if bad.any():
        raise InputError(f"{where}: unknown neuron {neurons[bad][0]}; there are neurons 0 to {n - 1}")
    if not (times >= 0).all() or not np.isfinite(times).all():
        raise InputError(
            f"{where}: times must be finite and >= 0 ms, got {times[~(times >= 0) | ~np.isfinite(times)][0]}"
        )
    order = np.argsort(times, kind="stable")
    return neurons[order].astype(np.int64), times[order]


def _check_times(stimulus: Stimulus, duration: float) -> None:
    """Raise `InputError` if spikes were given for times after the trial."""
    for where, spikes in (("input_spikes", stimulus.inputs), ("apical_spikes", stimulus.apical)):
        times = np.empty(0) if spikes is None else spikes[-1]
        late = times[times >= duration]
        if len(late):
            raise InputError(
                f"{where}: {len(late)} spikes come at {late[0]:g} ms or later, but the trial is over at {duration:g} "
                f"ms; leave them out, or simulate for longer (duration=, or with a label phases=)"
            )


def _apical(given: Train | Mapping[str, Train], network: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return layers (0 the first with weights), neurons and times of the spikes that reach apical dendrites."""
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
        neurons, times = _train(f"apical_spikes of {name}", spikes, network.sizes[layer + 1])
        parts.append((np.full(len(neurons), layer), neurons, times))
    layers, neurons, times = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(times, kind="stable")
    return layers[order], neurons[order], times[order]
