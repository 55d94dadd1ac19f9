"""How fast is it here? One network, timed in training and in testing, with compilation apart."""

import resource
import statistics
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from spikelearn.datasets import Images, find_mnist, load
from spikelearn.engines import Engine
from spikelearn.errors import InputError
from spikelearn.models import guerguiev2017
from spikelearn.neurons import HiddenNeuron
from spikelearn.storage import machine, to_dict
from spikelearn.training import CHUNK, evaluate, train

KILO = 1024 if sys.platform != "darwin" else 1024**2  # ru_maxrss is in KiB on Linux, in bytes on macOS
WARM_UP = 5  # chunks before the clock runs: the first examples find the network at rest


def bench(
    sizes: tuple[int, ...],
    *,
    engine: Engine,
    threads: int = 1,
    g_apical: float = 0.0,
    examples: int = 3000,
    test_images: int = 1000,
) -> dict[str, Any]:
    """Time training, one thread, and testing, `threads` threads, of a published network in the released reading.

    Parameters
    ----------
    sizes : tuple of int
        Layers, input first; up to two hidden ones.
    engine : Engine
    threads : int
    g_apical : float
        1/ms; above 0 the layers have to advance together.
    examples, test_images : int
        How many are timed.

    Returns
    -------
    dict
        ``train_ms`` and ``test_ms`` are medians over chunks, per example; rates are their inverses; ``train_speed`` is
        simulated over real time; ``compile_s`` is the first call, which compiles or loads what was compiled before.
    """
    names = list(guerguiev2017.NETWORKS)
    if not 2 <= len(sizes) <= 1 + len(names):
        raise InputError(f"--sizes {','.join(map(str, sizes))}: 2 to {1 + len(names)} layers can be timed")
    build = guerguiev2017.NETWORKS[names[len(sizes) - 2]]
    model = build("released", n_input=sizes[0], hidden=tuple(sizes[1:-1]), n_output=sizes[-1])
    model = replace(model, network=replace(model.network, hidden=HiddenNeuron(g_apical=g_apical)))
    images, source = _images(sizes)
    training = train(model, images, seed=1, epochs=1 + (examples + WARM_UP * CHUNK) // len(images), engine=engine)

    began = time.perf_counter()
    next(training)
    evaluate(model.network, training.weights, images.first(1), seed=1, engine=engine)
    first_call = time.perf_counter() - began
    for _ in range(WARM_UP):
        next(training)
    train_ms = _median_ms([_timed(lambda: next(training)) for _ in range(max(1, examples // CHUNK))], CHUNK)

    weights, tested = training.weights, images.first(min(len(images), test_images))
    seconds = [
        _timed(lambda: evaluate(model.network, weights, tested, seed=1, engine=engine, threads=threads))
        for _ in range(5)
    ]
    test_ms = _median_ms(seconds, len(tested))
    phases = model.network.phases
    simulated = 2 * (phases.minimum + phases.extra_mean)
    return {
        "engine": type(engine).__name__.lower(),
        "settings": to_dict(engine),
        "sizes": list(sizes),
        "g_apical": g_apical,
        "threads": threads,
        "images": source,
        "train_ms": train_ms,
        "train_examples_per_s": 1000 / train_ms,
        "train_speed": simulated / train_ms,
        "test_ms": test_ms,
        "test_images_per_s": 1000 / test_ms,
        "compile_s": first_call,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILO,
        "machine": machine(),
    }


def _images(sizes: tuple[int, ...]) -> tuple[Images, str]:
    """Return MNIST where it is at hand and fits, else random images of the same mean and sparseness."""
    if sizes[0] == 784 and sizes[-1] >= 10 and find_mnist():
        return load("mnist").train, "mnist"
    rng = np.random.default_rng(0)
    x = np.where(rng.random((2000, sizes[0])) < 0.19, rng.integers(120, 256, (2000, sizes[0])), 0).astype(np.uint8)
    return Images(x=x, y=rng.integers(0, sizes[-1], 2000), n_classes=sizes[-1], name="random images"), "random"


def _timed(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _median_ms(seconds: list[float], n: int) -> float:
    return 1000 * statistics.median(seconds) / n
