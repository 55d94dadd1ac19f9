"""How fast is it here? One network, timed in training and in testing, with compilation apart; and its peers."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from spikelearn.datasets import find_mnist, load
from spikelearn.descriptions import to_dict
from spikelearn.engines import Clock, Engine, Event
from spikelearn.errors import InputError, check_range
from spikelearn.evaluation import CHUNK, evaluate
from spikelearn.examples import Images, images_of
from spikelearn.model import Model
from spikelearn.models import guerguiev2017
from spikelearn.neurons import HiddenNeuron
from spikelearn.peers import DT, Peer, Task, Times, Unavailable, apart
from spikelearn.storage import machine, peak_memory_mb
from spikelearn.training import Training, train
from spikelearn.weights import Weights

WARM_UP = 5  # chunks before the clock runs: the first examples find the network at rest
RECORDED = 100  # examples whose spikes are counted


def bench(
    sizes: tuple[int, ...],
    *,
    engine: Engine,
    reading: str = "released",
    threads: int = 1,
    g_apical: float = 0.0,
    examples: int = 3000,
    test_images: int = 1000,
    peers: Sequence[Peer] = (),
    peer_examples: int = 100,
    peer_images: int = 50,
    progress: Callable[[str], object] = lambda stage: None,
) -> dict[str, Any]:
    """Time training, one thread, and testing, `threads` threads, of a published network.

    Parameters
    ----------
    sizes : tuple of int
        Layers, input first; up to two hidden ones.
    engine : Engine
    reading : str
        Of the paper: ``"released"`` or ``"text"``.
    threads : int
    g_apical : float
        1/ms; above 0 the layers have to advance together.
    examples, test_images : int
        How many are timed: whole chunks of 100 examples, at least one; images as many as there are.
    peers : sequence of NumPy or Brian2
        Other simulators, timed on the same network with the weights that the engine arrived at, each on one thread in
        a process of its own.
    peer_examples, peer_images : int
        How many examples and test images are timed there.
    progress : function of a str
        Called at the beginning of each stage, with its name.

    Returns
    -------
    dict
        Of the engine, and under ``peers``, in a list, with the same keys, of each peer:

        ``train_ms``, ``test_ms``
            Per example and per image; medians over chunks (NumPy: over examples; Brian2: means over one run).
        ``train_examples_per_s``, ``test_images_per_s``
            Their inverses.
        ``train_speed``
            Simulated over real time, in training.
        ``steps_per_s`` (`Clock`, NumPy, Brian2)
            Time steps of the whole network in a second of training: the mean number of steps of an example over
            ``train_ms``.
        ``events_per_s`` (`Event`)
            Spikes, of inputs and all neurons, in a second of training: the mean number in recorded examples, with the
            weights that training arrived at, over ``train_ms``.
        ``undecided`` (engines)
            Share of the candidates for spikes in training whose potential had to be worked out, as bounds of it did
            not tell whether they are spikes; None but for `Event`.
        ``compile_s``
            The engine: the first call, which compiles or loads what was compiled before, and trains on a chunk. Brian2:
            all that precedes the first step. NumPy: 0.
        ``peak_memory_mb``
            MiB of the process so far, with Python, this package and (the engine's) all images; None where the system
            does not tell.
        ``learns``
            False for Brian2, which simulates the same phases without changing a weight.
        ``skipped``
            Instead of times, why a peer could not run, and what to do.
    """
    counts = {"examples": examples, "test_images": test_images, "threads": threads}
    counts |= {"peer_examples": peer_examples, "peer_images": peer_images}
    for what, count in counts.items():
        check_range(what, count, at_least=1, integer=True)
    model = _published(sizes, reading, g_apical)
    images, source = _images(sizes)
    common = {"sizes": list(sizes), "reading": reading, "g_apical": g_apical, "images": source}
    times, training = _time_engine(engine, model, images, threads, examples, test_images, progress)
    weights = training.weights
    if isinstance(engine, Event):
        example = _events(engine, model, weights, images)
    elif isinstance(engine, Clock):
        example = _steps(model, engine.dt)
    else:
        example = Example(
            2 * (model.network.phases.minimum + model.network.phases.extra_mean), "steady_states_per_s", 2
        )
    result = _entry(type(engine).__name__.lower(), times, common, threads, True, example)
    result |= {"undecided": _undecided(engine, training), "machine": machine(), "peers": []}
    shown = images.first(min(len(images), max(peer_examples, peer_images)))
    task = Task(model=model, weights=weights, images=shown, examples=peer_examples, test_images=peer_images)
    for peer in peers:
        progress(type(peer).__name__)
        result["peers"].append(_bench_peer(peer, task, common))
    return result


def _published(sizes: tuple[int, ...], reading: str, g_apical: float) -> Model:
    names = list(guerguiev2017.NETWORKS)
    if not 2 <= len(sizes) <= 1 + len(names):
        raise InputError(f"--sizes {','.join(map(str, sizes))}: 2 to {1 + len(names)} layers can be timed")
    build = guerguiev2017.NETWORKS[names[len(sizes) - 2]]
    model = build(reading, n_input=sizes[0], hidden=tuple(sizes[1:-1]), n_output=sizes[-1])
    return replace(model, network=replace(model.network, hidden=HiddenNeuron(g_apical=g_apical)))


def _images(sizes: tuple[int, ...]) -> tuple[Images, str]:
    """Return MNIST where it is at hand and fits, else random images of the same mean and sparseness."""
    if sizes[0] == 784 and sizes[-1] >= 10 and find_mnist():
        return images_of(load("mnist").train, "benchmarks"), "mnist"
    rng = np.random.default_rng(0)
    x = np.where(rng.random((2000, sizes[0])) < 0.19, rng.integers(120, 256, (2000, sizes[0])), 0).astype(np.uint8)
    return Images(x=x, y=rng.integers(0, sizes[-1], 2000), n_classes=sizes[-1], name="random images"), "random"


def _time_engine(
    engine: Engine,
    model: Model,
    images: Images,
    threads: int,
    examples: int,
    test_images: int,
    progress: Callable[[str], object],
) -> tuple[Times, Training]:
    """Time an engine; return what it trained, too."""
    training = train(model, images, seed=1, epochs=1 + (examples + WARM_UP * CHUNK) // len(images), engine=engine)

    def test(some: Images) -> None:
        evaluate(model.network, training.weights, some, seed=1, engine=engine, threads=threads)

    progress("compiling")
    compile_s = _timed(lambda: next(training)) + _timed(lambda: test(images.first(1)))
    progress("training")
    for _ in range(WARM_UP):
        next(training)
    train_s = [_timed(lambda: next(training)) for _ in range(max(1, examples // CHUNK))]
    progress("testing")
    tested = images.first(min(len(images), test_images))
    test_s = [_timed(lambda: test(tested)) for _ in range(5)]
    return Times(
        settings=to_dict(engine),
        train_ms=1000 * statistics.median(train_s) / CHUNK,
        test_ms=1000 * statistics.median(test_s) / len(tested),
        compile_s=compile_s,
        peak_memory_mb=peak_memory_mb(),
    ), training


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


class Example(NamedTuple):
    """A training example in the mean: its length, and what there is to do in it."""

    length: float  # ms
    rate: str  # what the number of things done in a second is called
    amount: float


def _steps(model: Model, dt: float) -> Example:
    """Count time steps of `dt` ms: the extra length of each phase is rounded down to whole ones."""
    phases = model.network.phases
    extra = np.random.default_rng(0).wald(phases.extra_mean, phases.extra_shape, 100_000)
    steps = 2 * (phases.minimum / dt + float(np.floor(extra / dt).mean()))
    return Example(steps * dt, "steps_per_s", steps)


def _events(engine: Event, model: Model, weights: Weights, images: Images) -> Example:
    """Count spikes, of inputs and all neurons, in recorded examples."""
    core, n, phases = engine.build(model.network, weights), min(len(images), RECORDED), model.network.phases
    shown = zip(images.intensities(slice(n)), images.y[:n].tolist(), strict=True)
    recordings = [core.record(*each, seed=1, example=number) for number, each in enumerate(shown)]
    spikes = sum(len(times) for recording in recordings for times, _ in recording.spikes)
    return Example(2 * (phases.minimum + phases.extra_mean), "events_per_s", spikes / n)


def _undecided(engine: Engine, training: Training) -> float | None:
    """Return the share of the event engine's candidates in training that needed their exact potential."""
    if not isinstance(engine, Event):
        return None
    candidates, undecided = training._progress.look(lambda core: core._net.model.tally.tolist())
    return undecided / max(candidates, 1)


def _bench_peer(peer: Peer, task: Task, common: dict[str, Any]) -> dict[str, Any]:
    """Time a peer in a process of its own."""
    name = type(peer).__name__.lower()
    try:
        times = apart(peer.time, task)
    except Unavailable as reason:
        return {"engine": name, "skipped": str(reason)}
    return _entry(name, times, common, peer.threads, peer.learns, _steps(task.model, DT))


def _entry(
    name: str,
    times: Times,
    common: dict[str, Any],
    threads: int,
    learns: bool,
    example: Example,
) -> dict[str, Any]:
    """Put the part of the result together that engine and peers have."""
    return {
        "engine": name,
        "settings": times.settings,
        **common,
        "threads": threads,
        "learns": learns,
        "train_ms": times.train_ms,
        "train_examples_per_s": 1000 / times.train_ms,
        "train_speed": example.length / times.train_ms,
        example.rate: 1000 / times.train_ms * example.amount,
        "test_ms": times.test_ms,
        "test_images_per_s": 1000 / times.test_ms,
        "compile_s": times.compile_s,
        "peak_memory_mb": times.peak_memory_mb,
    }
