"""Showing images to a network: predicted classes, and what else the neurons do.

Image `i` of repetition `r` of a test is trial ``r * n + i`` of the seed: every draw follows from that, whatever the
size of the chunks or the number of threads.
"""

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spikelearn.engines import Engine, engine_of
from spikelearn.errors import InputError, check_choice, check_kind, check_range, described
from spikelearn.examples import Examples
from spikelearn.network import Network
from spikelearn.watching import layer_name, layer_names
from spikelearn.weights import Weights

CHUNK = 100  # examples in one compiled call: some 20 ms, so that progress and Ctrl-C feel immediate
MODEL = "of a model, give model.network"
SEEN = ("potentials", "counts")
NOT_SHOWN = np.int64(-1)


class EvaluationStopped(KeyboardInterrupt):
    """Ctrl-C during `evaluate` or `activity`.

    Parameters
    ----------
    predictions : (repeats, images) int64 array
        Predictions made so far; -1 for images that were not shown.
    """

    def __init__(self, predictions: np.ndarray) -> None:
        super().__init__(f"stopped after {(predictions != NOT_SHOWN).sum()} of {predictions.size} images")
        self.predictions = predictions


def evaluate(
    network: Network,
    weights: Weights,
    images: Examples,
    *,
    seed: int,
    repeats: int = 1,
    engine: Engine | None = None,
    threads: int = 1,
    chunk_size: int = CHUNK,
    returns: str = "classes",
) -> np.ndarray:
    """Predict the class of each image, shown to the network at rest.

    Parameters
    ----------
    network : Network
        The network to test.
    weights : Weights
        Its weights.
    images : Examples
        Examples to show.
    seed : int
        Fixes every spike; training and evaluation with the same seed are independent.
    repeats : int
        Number of times that all images are shown, with other spikes each time.
    engine : Event, Clock or Rates, optional
        By default the event engine, float32.
    threads : int
        Number of threads; has no influence on the results.
    chunk_size : int
        Images for each compiled call; has no influence on the results.
    returns : str
        ``"classes"``; ``"potentials"``, means of the outputs' somata, relative to rest; or ``"counts"`` of the outputs'
        spikes. Both from the settling time on.

    Returns
    -------
    (repeats, images) int64 array
        Predicted classes: the output, or population, with the highest mean somatic potential. For potentials,
        (repeats, images, outputs) float64; for counts, the same of int64.

    Raises
    ------
    EvaluationStopped
        After Ctrl-C, with the predictions made so far.
    InputError
        The images do not fit the network, or an argument is out of its range.
    """
    check_range("repeats", repeats, at_least=1, integer=True)
    check_choice("returns", returns, ("classes", *SEEN))
    show = _Show(network, weights, images, seed, repeats, engine, threads, chunk_size)
    n = len(images)
    if returns == "classes":
        return show.all().reshape(repeats, n)
    seen = show.all_seen(returns, ["output"])["output"]
    return seen.reshape(repeats, n, -1)


def activity(
    network: Network,
    weights: Weights,
    images: Examples,
    *,
    seed: int,
    layers: Sequence[str] | None = None,
    returns: str = "counts",
    engine: Engine | None = None,
    threads: int = 1,
    chunk_size: int = CHUNK,
) -> dict[str, np.ndarray]:
    """Return the activity of whole layers for each image, shown to the network at rest.

    Parameters
    ----------
    network : Network
        The network to show images to.
    weights : Weights
        Its weights.
    images : Examples
        Examples to show.
    seed : int
        Fixes every spike; they are those of `evaluate` with the same seed.
    layers : sequence of str, optional
        ``"hidden[0]"``, ``"output"`` and so on, for counts ``"input"``, too; by default all of these.
    returns : str
        ``"counts"`` of spikes, or ``"potentials"``, means of the somata, relative to rest. Both from the settling time
        on.
    engine : Event, Clock or Rates, optional
        By default the event engine, float32.
    threads : int
        Number of threads; has no influence on the results.
    chunk_size : int
        Images for each compiled call; has no influence on the results.

    Returns
    -------
    dict from layer to (images, neurons) array
        Counts, int64, or potentials, float64, relative to rest.

    Raises
    ------
    EvaluationStopped
        After Ctrl-C, with the predictions made so far.
    InputError
        A layer is unknown, or the images do not fit the network.
    """
    check_choice("returns", returns, SEEN)
    check_kind("network", network, Network, MODEL)
    known = layer_names(network)[0 if returns == "counts" else 1 :]
    chosen = known if layers is None else [layer_name(layer, network) for layer in layers]
    for layer in chosen:
        check_choice("layers", layer, known)
    return _Show(network, weights, images, seed, 1, engine, threads, chunk_size).all_seen(returns, chosen)


class _Show:
    """All images, shown in chunks by several threads."""

    def __init__(
        self,
        network: Network,
        weights: Weights,
        images: Examples,
        seed: int,
        repeats: int,
        engine: Engine | None,
        threads: int,
        chunk_size: int,
    ) -> None:
        check_range("seed", seed, at_least=0, integer=True)
        check_range("threads", threads, at_least=1, integer=True)
        check_range("chunk_size", chunk_size, at_least=1, integer=True)
        check_fit(network, images, "evaluation")
        self.images, self.seed, self.repeats = images, seed, repeats
        self.threads, self.chunk_size = threads, chunk_size
        self.names, self.sizes = layer_names(network), network.sizes
        engine = engine_of(engine)
        self.cores = [engine.build(network, weights) for _ in range(threads)]

    def all(self, keep: Callable[[slice, np.ndarray], None] | None = None, returns: str | None = None) -> np.ndarray:
        """Return the predictions of all images, (repeats * images,); hand what else was seen to `keep`."""
        images, threads, cores, n = self.images, self.threads, self.cores, len(self.images)
        predictions = np.full(self.repeats * n, NOT_SHOWN)
        n_chunks = math.ceil(n / self.chunk_size)
        # Without an image it only compiles, if it must; of all threads this one may be the one that can be interrupted.
        cores[0].look(np.zeros((0, images.n_inputs), np.float32), seed=self.seed, first_example=0, returns=returns)
        stop = threading.Event()

        def work(thread: int) -> None:
            for k in range(thread, self.repeats * n_chunks, threads):
                if stop.is_set():
                    return
                repeat, chunk = divmod(k, n_chunks)
                part = slice(chunk * self.chunk_size, min((chunk + 1) * self.chunk_size, n))
                first = repeat * n + part.start
                core, size = cores[thread], part.stop - part.start
                shown = images.show(part, core.moment(self.seed, first, size, "evaluation"))
                found, seen = core.look(
                    shown.intensities, trains=shown.trains, seed=self.seed, first_example=first, returns=returns
                )
                if keep is not None:
                    keep(slice(first, first + len(found)), seen)
                predictions[first : first + len(found)] = found

        with ThreadPoolExecutor(threads) as pool:
            try:
                list(pool.map(work, range(threads)))
            except KeyboardInterrupt:
                stop.set()
                pool.shutdown()  # chunks at work, some hundredths of a second each, are done first
                raise EvaluationStopped(predictions.reshape(self.repeats, n)) from None
            finally:
                stop.set()
        return predictions

    def all_seen(self, returns: str, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Return what was seen of some layers, (repeats * images, neurons)."""
        ends = np.cumsum(self.sizes)
        columns = {name: slice(end - size, end) for name, size, end in zip(self.names, self.sizes, ends, strict=True)}
        kind = np.int64 if returns == "counts" else np.float64
        n = self.repeats * len(self.images)
        kept = {layer: np.zeros((n, self.sizes[self.names.index(layer)]), kind) for layer in layers}

        def keep(rows: slice, seen: np.ndarray) -> None:
            for layer, array in kept.items():
                array[rows] = seen[:, columns[layer]]

        self.all(keep, returns)
        return kept


def error_percent(predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the share of wrong predictions in each row, in percent.

    Parameters
    ----------
    predictions : (images,) or (repeats, images) int array
        Predicted classes.
    labels : (images,) int array
        Correct classes.

    Returns
    -------
    (repeats,) float64 array
        Percent; a single number, of shape (), for predictions of shape (images,).

    Raises
    ------
    InputError
        Shapes do not fit, or a type is not integer.
    """
    try:
        predictions, labels = np.asarray(predictions), np.asarray(labels)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"predictions or labels are no array: {error}") from error
    kinds = {"predictions": predictions, "labels": labels}
    for name, array in kinds.items():
        if array.dtype.kind not in "iu":
            raise InputError(f"{name} must be integers, class numbers, got {array.dtype}; use astype")
    if labels.ndim != 1 or not len(labels) or predictions.ndim not in (1, 2) or predictions.shape[-1] != len(labels):
        raise InputError(
            f"predictions of shape {predictions.shape} do not fit labels of shape {labels.shape}; predictions must be "
            f"(images,) or (repeats, images), labels (images,)"
        )
    return 100 * (predictions != labels).mean(axis=-1)


def check_fit(network: Network, images: Examples, purpose: str) -> None:
    """Raise `InputError` unless the examples have what each input needs and a class for each output at most."""
    check_kind("network", network, Network, MODEL)
    if isinstance(images, type) or not all(hasattr(images, name) for name in ("show", "check", "n_inputs", "y")):
        raise InputError(
            f"images must be Images, Frames or SpikeTrains, got {described(images)}; of a data set, give its .train or "
            f".test; of arrays, make spikelearn.Images"
        )
    if images.n_inputs != network.sizes[0]:
        raise InputError(
            f"{images.name}: examples of {images.n_inputs} inputs do not fit a network with {network.sizes[0]} inputs"
        )
    images.check(network.phases, purpose)
    if images.n_classes > network.n_classes:
        raise InputError(
            f"{images.name}: {images.n_classes} classes do not fit a network with {network.n_classes} outputs"
            + ("" if network.population == 1 else f" of population={network.population} each")
        )
