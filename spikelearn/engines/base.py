"""What all engines share: records of layers with their weights, and the calls of the compiled loops."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core import trial
from spikelearn.core.feedback import Fixed
from spikelearn.core.layer import FORWARD, TARGET
from spikelearn.core.random import make_generator
from spikelearn.core.rules import Silent
from spikelearn.engines import checking, schedules
from spikelearn.engines.built import Built
from spikelearn.engines.explaining import explained
from spikelearn.engines.probing import Stimulus, Trace, Watch
from spikelearn.errors import InputError
from spikelearn.examples import Examples, Moment, Trains


class Chunk(NamedTuple):
    """Results of training on a chunk of examples.

    Parameters
    ----------
    prediction : (examples,) int64 array
        Class predicted before teaching.
    loss : (examples, layers) float64 array
        Hidden: sum of squared differences of plateau potentials; output: of rates, (spikes/ms)^2.
    angle : (examples, hidden layers) float64 array
        Degrees between the errors of the rule and of the one it is compared with; NaN without one.
    v_output : (examples, outputs) float64 array
        Mean somatic potentials of the outputs in the forward phase, relative to rest.
    trace : Trace or None
        Samples of a watched example.
    """

    prediction: np.ndarray
    loss: np.ndarray
    angle: np.ndarray
    v_output: np.ndarray
    trace: Trace | None


class Core(Built):
    """Records of one network for an engine, and the calls that advance it."""

    def train(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        targets: np.ndarray | None = None,
        trains: Trains | None = None,
        seed: int,
        first_example: int,
        learning_rates: tuple[float, ...],
        rule: Any,
        compare: Any = None,
        watch: Watch | None = None,
    ) -> Chunk:
        """Train on a chunk of examples, in order.

        Parameters
        ----------
        images : (examples, n_inputs) float32 array
            Intensities in [0, 1].
        labels : (examples,) int64 array
            Class of each example.
        targets : (examples, classes) float array, optional
            Share of each class that is taught; by default all of the label's.
        trains : Trains, optional
            Input spikes in place of drawn ones; then the intensities have no meaning.
        seed, first_example : int
            They fix every draw: example `k` of the chunk is trial ``first_example + k`` of the seed.
        learning_rates : tuple of float
            One for each layer with weights.
        rule : Rule
            How weights change.
        compare : Rule, optional
            A second rule; its errors are not applied, but the angle to them is returned.
        watch : Watch, optional
            What to keep of a single example.

        Returns
        -------
        Chunk
            Predictions, losses and angles, by example.

        Raises
        ------
        InputError
            Images, labels or learning rates do not fit the network.
        NotFiniteError
            A potential or an error became NaN or infinite; the message names layer, quantity and example.
        """
        self.prepare(rule, compare)
        images = checking.check_images(self.network, images)
        labels = checking.check_labels(self.network, images, labels)
        targets = checking.check_targets(self.network, labels, targets)
        checking.check_learning_rates(self.network, learning_rates)
        n, parts = len(images), self.network.phases.showings
        results = self._results(n * len(parts))
        first, learns = first_example * len(parts), np.array([part.learns for part in parts])
        lengths, windows = self._training_schedule(self._extra(seed, first, n * len(parts)))
        net = self._fed(images, trains, lengths, seed, "training")
        if watch is not None:
            net = self._watched(net, watch, float(lengths[0].sum()) * self._unit)
        run, net, (constants, other, plan) = self._with_code(
            trial.train_chunk,
            net,
            rule.constants(),
            Silent() if compare is None else compare.constants(),
            self.network.feedback.plan(),
        )
        schedule = trial.Schedule(first, learns, lengths, windows, self._rate, targets, True)
        with explained(rule, compare, *self._parts()):
            status = run(
                net, constants, other, plan, images, labels, schedule,
                np.array(learning_rates, np.float64), self.network.carry_state, results,
            )  # fmt: skip
        self._check(status, results, first_example, len(parts))
        self._check_finite(first_example + n)
        trace = None if watch is None else self._trace(net, watch, lengths[0])
        if compare is None:
            results.angle[:] = np.nan
        seen, learned = (slice(k, None, len(parts)) for k in schedules.told(parts))
        return Chunk(
            results.prediction[seen], results.loss[learned], results.angle[learned], results.v_output[seen], trace
        )

    def test(self, images: np.ndarray, *, seed: int, first_example: int) -> np.ndarray:
        """Show images, each to the network at rest, and predict their classes.

        Parameters
        ----------
        images : (images, n_inputs) float array
            Intensities in [0, 1].
        seed : int
            Fixes every draw, together with `first_example`.
        first_example : int
            Number of the first image as a trial of the seed.

        Returns
        -------
        (images,) int64 array
            Predicted classes.

        Raises
        ------
        InputError
            The images do not fit the network.
        """
        return self.look(images, seed=seed, first_example=first_example)[0]

    def look(
        self,
        images: np.ndarray,
        *,
        trains: Trains | None = None,
        seed: int,
        first_example: int,
        returns: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Show images, each to the network at rest.

        Parameters
        ----------
        images : (images, n_inputs) float array
            Intensities in [0, 1].
        trains : Trains, optional
            Input spikes in place of drawn ones; then the intensities have no meaning.
        seed, first_example : int
            They fix every draw: image `k` is trial ``first_example + k`` of the seed.
        returns : str, optional
            ``"potentials"`` or ``"counts"`` of spikes, from the settling time on.

        Returns
        -------
        prediction : (images,) int64 array
            Predicted classes.
        seen : (images, neurons of all layers, inputs first) array
            Mean somatic potentials, float64, relative to rest, 0 for inputs; or counts of spikes, int64. Without
            `returns`, of no image.

        Raises
        ------
        InputError
            The images do not fit the network, or counts are asked for of an engine without spikes.
        """
        images = checking.check_images(self.network, images)
        if returns == "counts" and not self._spiking:
            raise InputError("there are no spikes to count without time: ask for potentials, or take another engine")
        n, width = len(images), sum(self.network.sizes)
        results = self._results(n)._replace(
            potentials=np.zeros((n if returns == "potentials" else 0, width)),
            counts=np.zeros((n if returns == "counts" else 0, width), np.int64),
        )
        lengths, windows = schedules.testing(n, self._settle, self._test)
        schedule = trial.Schedule(
            first_example, np.zeros(1, bool), lengths, windows, self._rate, self._no_targets(n), False
        )
        run, net, _ = self._with_code(trial.test_chunk, self._fed(images, trains, lengths, seed, "evaluation"))
        with explained(*self._parts()):
            status = run(net, images, schedule, results)
        self._check(status, results, first_example)
        return results.prediction, results.counts if returns == "counts" else results.potentials

    def record(
        self,
        intensity: np.ndarray,
        label: int | None,
        *,
        target: np.ndarray | None = None,
        seed: int,
        example: int,
        watch: Watch | None = None,
        stimulus: Stimulus | None = None,
        state: Mapping[str, np.ndarray] | None = None,
    ) -> Trace:
        """Run one trial and keep what `watch` names; weights do not change, and watching does not change the trial.

        Parameters
        ----------
        intensity : (n_inputs,) float array
            Intensities in [0, 1].
        label : int or None
            Class that is taught. None, and no target: a test trial, without target phase, of a network at rest.
            Otherwise state is carried as in `train`.
        target : (classes,) float array, optional
            Share of each class that is taught.
        seed, example : int
            As in `train` and `test`: the trial with these numbers there has the same spikes.
        watch : Watch, optional
            By default everything, at every step.
        stimulus : Stimulus, optional
            Spikes to use instead of drawn ones.
        state : dict from str to array of any shape, optional
            State of the network before the trial, as `state` returned it.

        Returns
        -------
        Trace
            Samples, spikes and plateaus.

        Raises
        ------
        InputError
            Intensities, label, state or spikes do not fit the network.
        """
        intensity = checking.check_trial(self.network, intensity, label)
        watch, stimulus = self.everything() if watch is None else watch, stimulus or Stimulus()
        testing = label is None and target is None
        if state is not None:
            self.restore(state)
        elif testing or not self.network.carry_state:
            self.rest()
        if testing:
            lengths, windows = schedules.testing(1, self._settle, self._test)
            windows[0, TARGET] = windows[0, FORWARD]  # there is no such phase, but spikes are averaged for the plateaus
        else:
            schedules.check_one(self.network.phases)
            lengths, windows = self._training_schedule(self._extra(seed, example, 1))
        duration = float(lengths.sum()) * self._unit
        if stimulus.apical is not None:
            trial.settle(self._net)  # of the trial before apical dendrites remember what its neurons emitted
        net = self._fed(
            intensity[None], stimulus.inputs, lengths, seed, "evaluation" if testing else "training", stimulus.apical
        )
        net = self._watched(net, watch, duration)
        run, net, (plan,) = self._with_code(
            trial.watch_trial, net, Fixed() if testing else self.network.feedback.plan()
        )
        targets = self._no_targets(1)
        if not testing:
            targets = checking.check_targets(
                self.network, np.array([0 if label is None else label]), None if target is None else target[None]
            )
        schedule = trial.Schedule(example, np.zeros(1, bool), lengths, windows, self._rate, targets, True)
        with explained(*self._parts()):
            done = run(net, plan, intensity, schedule)
        if not done:
            self._fail(example)
        return self._trace(net, watch, lengths[0])

    def everything(self) -> Watch:
        """Return a description that watches all neurons at every step.

        Returns
        -------
        Watch
            All potentials and all spikes.
        """
        n_layers = self.network.n_layers
        return Watch(tuple(np.arange(n) for n in self.network.sizes[1:]), (True,) * (n_layers + 1), every=self._slot)

    def rest(self) -> None:
        """Clear all activity: potentials are at rest, and no spike is remembered."""
        trial.rest(self._net)

    def check_input(self, images: Examples, purpose: str) -> None:
        """Raise `InputError` if the first of some examples cannot be shown.

        Parameters
        ----------
        images : Examples
            The examples to show.
        purpose : str
            ``"training"`` or ``"evaluation"``.

        Raises
        ------
        InputError
            Its spikes are not those of inputs within the trial.
        """
        moment = self.moment(0, 0, 1, purpose)
        self._check_trains(images.show(slice(0, 1), moment).trains, moment.lengths)

    def moment(self, seed: int, first_example: int, n: int, purpose: str) -> Moment:
        """Return when `n` examples will be shown.

        Parameters
        ----------
        seed : int
            Fixes the lengths of phases.
        first_example : int
            Number of the first example as a trial of the seed.
        n : int
            Number of examples.
        purpose : str
            ``"training"`` or ``"evaluation"``.

        Returns
        -------
        Moment
            Lengths of phases, ms, and the generator of an example's draws.
        """
        if purpose == "evaluation":
            first, (lengths, _) = first_example, schedules.testing(n, self._settle, self._test)
        else:
            per_example = len(self.network.phases.showings)
            first = first_example * per_example
            lengths, _ = self._training_schedule(self._extra(seed, first, n * per_example))
        generator = partial(make_generator, seed, "frames", int(purpose == "evaluation"))
        return Moment(lengths * self._unit, first, self.network.rate_max, generator)
