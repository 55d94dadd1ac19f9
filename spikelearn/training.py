"""Training: `train` yields chunk by chunk. What happens in between is the caller's.

Example `k` of epoch `e` is trial ``e * n + k`` of the seed: every draw follows from that, whatever the size of the
chunks.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn.averaging import EVERY
from spikelearn.core.random import make_generator
from spikelearn.engines import Engine, engine_of
from spikelearn.engines.base import Core
from spikelearn.errors import InputError, check_kind, check_range
from spikelearn.evaluation import CHUNK, check_fit
from spikelearn.examples import Examples, images_of
from spikelearn.learning import Rule, check_rule
from spikelearn.model import Model
from spikelearn.progress import Progress, Reached
from spikelearn.recorder import Recorder
from spikelearn.watching import Record
from spikelearn.weights import Weights


@dataclass(frozen=True, eq=False)
class Chunk:
    """Results of a stretch of training.

    Parameters
    ----------
    epoch : int
        Counted from 0.
    start, stop : int
        First example of the epoch in this stretch and the one after its last, in the order in which they were shown.
    label, prediction : (n,) int64 arrays
        Correct class, and the output that was most active before teaching.
    loss : (n, layers) float64 array
        Hidden: sum of squared differences of plateau potentials; output: of rates, (spikes/ms)^2.
    angle : (n, hidden layers) float64 array
        Degrees between the errors of the rule and of the one it is compared with; NaN without one.
    v_output : (n, outputs) float64 array
        Mean somatic potentials of the outputs in the forward phase, relative to rest.
    """

    epoch: int
    start: int
    stop: int
    label: np.ndarray
    prediction: np.ndarray
    loss: np.ndarray
    angle: np.ndarray
    v_output: np.ndarray

    @property
    def n_wrong(self) -> int:
        """Number of examples predicted wrongly."""
        return int((self.prediction != self.label).sum())

    @property
    def error(self) -> float:
        """Share of examples predicted wrongly, percent."""
        return 100 * self.n_wrong / len(self.label)


class Training:
    """Training in progress: iterate over it, chunk by chunk.

    `train` makes it; `weights` are the present ones at any time. If an exception such as Ctrl-C stops a chunk, training
    is where it was before that chunk: iterate over the same object to go on. A copy (`copy.deepcopy`, pickle, joblib)
    goes on to the same bits.

    Parameters
    ----------
    model : Model
        Network, rule and learning rates.
    images : Examples
        Examples to learn from.
    seed : int
        Fixes weights (unless given), order and every spike.
    epochs : int
        Number of passes over the images.
    weights : Weights or None
        Weights at the start; None: drawn from `seed`.
    engine : Engine
        How to simulate.
    chunk_size : int
        Number of examples for each step of the iteration.
    compare : Rule or None
        Another rule, to whose errors the angle is measured.
    record : Record or None
        What to record of which examples.
    record_to : str, Path or None
        File to which recordings are added.

    Raises
    ------
    InputError
        Images and network do not fit, or a number is out of its range.
    """

    def __init__(
        self,
        model: Model,
        images: Examples,
        *,
        seed: int,
        epochs: int,
        weights: Weights | None,
        engine: Engine,
        chunk_size: int,
        compare: Rule | None,
        record: Record | None,
        record_to: str | Path | None,
    ) -> None:
        check_range("seed", seed, at_least=0, integer=True)
        check_range("epochs", epochs, at_least=1, integer=True)
        check_range("chunk_size", chunk_size, at_least=1, integer=True)
        check_kind("model", model, Model, "make one of a network, rule and learning rates, or take one of models")
        check_fit(model.network, images, "training")
        if compare is not None:
            check_rule(compare, model.network)
        self.model, self.images, self.seed, self.epochs = model, images, seed, epochs
        self.chunk_size, self.compare = chunk_size, compare
        start = model.network.draw_weights(seed) if weights is None else weights
        core = engine.build(model.network, start)
        core.prepare(model.rule, compare)
        core.check_input(images, "training")
        if model.augment is not None:
            images_of(images, "networks with augment=")
        self._progress = Progress(core, Reached(0))
        self._plan: tuple[int, np.ndarray, np.ndarray] = (-1, np.empty(0), np.empty(0))
        self._recorder = None
        if (record is None) != (record_to is None):
            raise InputError("recording needs both: record, what to record, and record_to, the file to write")
        if record is not None and record_to is not None:
            check_kind("record", record, Record, 'give spikelearn.Record(variables=["hidden[0].v_soma"], examples=[0])')
            self._recorder = Recorder(record, record_to, model, engine, images, seed, epochs)

    @property
    def trials(self) -> int:
        """Number of examples learned, counted over all epochs."""
        return self._progress.reached.trials

    @property
    def weights(self) -> Weights:
        """Present weights, a copy; they can be set between chunks. The caller waits for a chunk in another thread."""
        return self._progress.look(lambda core: core.weights)

    @weights.setter
    def weights(self, weights: Weights) -> None:
        def put(core: Core, reached: Reached) -> tuple[None, Reached]:
            core.weights = weights
            return None, reached

        self._progress.change(put, wait=True)

    @property
    def average(self) -> Weights | None:
        """Averaged weights; None where the model has no averaging, or no 500 examples were learned yet."""
        return self._progress.look(lambda _: self._progress.reached.average)

    @property
    def tested(self) -> Weights:
        """Weights to test with: averaged where the model has averaging, else the present ones."""
        average = self.average
        return self.weights if average is None else average

    def state(self) -> dict[str, np.ndarray]:
        """Return potentials and recent spikes, which going on needs besides `weights`, `average` and `trials`.

        Returns
        -------
        dict from str to array of any shape
            A copy.
        """
        return self._progress.look(lambda core: core.state())

    def resume(self, trials: int, state: Mapping[str, np.ndarray], average: Weights | None = None) -> None:
        """Continue after some examples, counted over all epochs, from a state that `state` returned there.

        Parameters
        ----------
        trials : int
            Number of examples learned so far.
        state : mapping of str to array of any shape
            What `state` returned there.
        average : Weights, optional
            The averaged weights there.

        Raises
        ------
        InputError
            The state is another network's or engine's, or of spikelearn 0.1; nothing has changed.
        """
        check_range("trials", trials, at_least=0, at_most=self.epochs * len(self.images), integer=True)

        def restore(core: Core, _: Reached) -> tuple[None, Reached]:
            core.restore(state)
            if self._recorder is not None:
                self._recorder.file.truncate(trials)
            return None, Reached(int(trials), average)

        self._progress.change(restore, wait=True)

    # -- copies: they go on to the same bits, in another process, too ---------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        if self._recorder is not None:
            raise InputError(
                f"a training that records cannot be copied: both would write to {self._recorder.file.path}; "
                f"copy one that was made without record"
            )
        return vars(self).copy()

    def __copy__(self) -> "Training":
        twin = type(self).__new__(type(self))
        vars(twin).update(self.__getstate__(), _progress=copy.copy(self._progress))
        return twin

    # -- going on -------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        """Train on the next chunk: on all of it, or, whatever is raised meanwhile, on none.

        Raises
        ------
        InputError
            Another thread is at it.
        """
        if self.trials >= self.epochs * len(self.images):
            raise StopIteration
        return self._progress.change(self._learn, wait=False)

    def _learn(self, core: Core, reached: Reached) -> tuple[Chunk, Reached]:
        """Train on a chunk; return it, and how far training is then."""
        (trials, average), averaging = reached, self.model.averaging
        epoch, start = divmod(trials, len(self.images))
        # Chunks end on multiples of their size, so that a run that was stopped meets the same ones again.
        stop = min(len(self.images), (start // self.chunk_size + 1) * self.chunk_size)
        index, changes = (drawn[start:stop] for drawn in self._plan_of(epoch))
        rates = self.model.rates(epoch)
        labels = self.images.y[index]
        targets = None if self.images.targets is None else self.images.targets[index]
        if self._recorder is not None and trials == 0:
            self._recorder.begin(core.weights)
        parts = []
        for first, last in self._parts(trials, stop - start):
            example = trials + first
            recorder = self._recorder if self._recorder is not None and example in self._recorder else None
            shown = self.images.show(index[first:last], core.moment(self.seed, example, last - first, "training"))
            if self.model.augment is not None:
                shown = shown._replace(intensities=self.model.augment.change(shown.intensities, changes[first:last]))
            result = core.train(
                shown.intensities,
                labels[first:last],
                targets=None if targets is None else targets[first:last],
                trains=shown.trains,
                seed=self.seed,
                first_example=example,
                learning_rates=rates,
                rule=self.model.rule,
                compare=self.compare,
                watch=None if recorder is None else recorder.watch,
            )
            if recorder is not None and result.trace is not None:
                about: dict[str, int | str] = {
                    "seed": self.seed,
                    "index": int(index[first]),
                    "label": int(labels[first]),
                }
                if self.model.augment is not None:
                    about["augment"] = json.dumps(changes[first].tolist())
                recorder.keep(example, result.trace, about)
            parts.append(result[:-1])
            if averaging is not None and (trials + last) % EVERY == 0:
                average = averaging.add(average, core.weights, trials + last)
        chunk = Chunk(epoch, start, stop, labels, *map(np.concatenate, zip(*parts, strict=True)))
        return chunk, Reached(trials + stop - start, average)

    def _parts(self, trials: int, n: int) -> list[tuple[int, int]]:
        """Cut a chunk where weights are averaged, and around recorded examples: the results are the same."""
        edges = {0, n}
        if self.model.averaging is not None:
            edges |= set(range(-trials % EVERY, n, EVERY))
        if self._recorder is not None:
            alone = [k for k in range(n) if trials + k in self._recorder]
            edges |= {*alone, *(k + 1 for k in alone)}
        return list(pairwise(sorted(edges)))

    def _plan_of(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the examples of an epoch in their order, and what becomes of each."""
        if self._plan[0] != epoch:
            n, augment = len(self.images), self.model.augment
            order = make_generator(self.seed, "order", epoch).permutation(n)
            drawn = np.empty(n) if augment is None else augment.draw(make_generator(self.seed, "augment", epoch), n)
            self._plan = epoch, order, drawn
        return self._plan[1:]


def train(
    model: Model,
    images: Examples,
    *,
    seed: int,
    epochs: int = 1,
    weights: Weights | None = None,
    engine: Engine | None = None,
    chunk_size: int = CHUNK,
    compare: Rule | None = None,
    record: Record | None = None,
    record_to: str | Path | None = None,
) -> Training:
    """Train online, one example after the other; nothing happens until the result is iterated over.

    Parameters
    ----------
    model : Model
        Network, rule and learning rates.
    images : Images, Frames or SpikeTrains
        Examples to learn from; or objects of another class that keeps `spikelearn.examples.Examples`.
    seed : int
        Fixes weights (unless given), order and every spike.
    epochs : int
        Number of passes over the images, each in an order of its own.
    weights : Weights, optional
        Weights at the start, by default drawn from `seed`; never changed.
    engine : Event, Clock or Rates, optional
        By default the event engine, float32.
    chunk_size : int
        Number of examples for each step of the iteration; has no influence on the results.
    compare : Rule, optional
        Another rule, to whose errors the angle is measured.
    record, record_to : Record and str or Path, optional
        What to record of which examples, and the HDF5 file (see `RecordingFile`) to which each is added. A file that
        has examples must have them of the same training: model, engine, seed, images, weights and what is recorded.

    Returns
    -------
    Training
        An iterator over `Chunk`.

    Raises
    ------
    InputError
        Images and network do not fit, or the engine does not suit the network.
    NotFiniteError
        While iterating: a potential, an error or a weight became NaN or infinite.
    """
    return Training(
        model,
        images,
        seed=seed,
        epochs=epochs,
        weights=weights,
        engine=engine_of(engine),
        chunk_size=chunk_size,
        compare=compare,
        record=record,
        record_to=record_to,
    )
