"""The network as a classifier of scikit-learn, for its pipelines, searches and scores.

Training is that of `spikelearn.train` with the model `model_` and the seed `seed_`, to the same bits. `partial_fit` and
`warm_start` continue it as though it had never paused: epoch `e` over n rows begins at trial ``e * n`` of the seed, and
potentials carry over. So three calls of `partial_fit` with the same rows equal one `fit` with three epochs.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_X_y, validate_data
from tqdm.auto import tqdm

from spikelearn.doors import saved
from spikelearn.doors.given import images_of, model_of, seed_of
from spikelearn.engines import Engine
from spikelearn.errors import InputError, check_range
from spikelearn.evaluation import activity
from spikelearn.feedback import Feedback
from spikelearn.learning import Rule
from spikelearn.scaling import Scaling, check_finite
from spikelearn.training import Chunk, Training, train


class SegregatedDendriteClassifier(ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """A spiking network with segregated dendrites that learns to classify rows of numbers.

    Numbers are intensities of the inputs: as they are if all of the training set are within 0..1; else each column is
    scaled by its smallest and largest number in the training set, of `partial_fit` that of the first call. Later rows
    are scaled by the same numbers and clipped.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Number of neurons of each hidden layer, from the lowest up; ``()`` for none.
    reading : str
        Reading of the paper, ``"text"``, ``"released"`` or ``"cited"``: see `spikelearn.models.guerguiev2017`.
    feedback : Feedback, optional
        Feedback weights; by default the reading's.
    rule : Rule, optional
        Learning rule; by default `Plateau`.
    learning_rates : float or sequence of float, optional
        One for all layers with weights, or one for each, from the lowest up. By default 1 for hidden layers, 0.1 for
        the output layer.
    epochs : int
        Number of passes of `fit` over the training set.
    engine : Event, Clock or Rates, optional
        By default the event engine. `Clock` is faster.
    random_state : int, Generator, RandomState or None
        Seed of all draws, if it is an integer; a seed is drawn from the others.
    n_jobs : int, optional
        Number of threads that predict; no influence on results. Training takes one.
    warm_start : bool
        Continue in `fit` from the present weights, with the scaling and the seed of the first `fit`.
    verbose : bool
        Show a progress bar.

    Attributes
    ----------
    classes_ : (n_classes,) array
        Labels, sorted.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : (features,) object array
        Names of the columns; only where X has names, all of them text.
    model_ : Model
        Network, rule and learning rates.
    network_ : Network
        Description of the network.
    weights_ : Weights
        Present weights.
    scaling_ : Scaling
        Numbers of each column that become 0 and 1.
    seed_ : int
        Seed of all draws.
    history_ : list of dict
        For each whole epoch its number, rows learned so far, error in percent before each was taught, mean losses.
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        *,
        reading: str = "text",
        feedback: Feedback | None = None,
        rule: Rule | None = None,
        learning_rates: Any = None,
        epochs: int = 50,
        engine: Engine | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.reading = reading
        self.feedback = feedback
        self.rule = rule
        self.learning_rates = learning_rates
        self.epochs = epochs
        self.engine = engine
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.warm_start = warm_start
        self.verbose = verbose

    # -- learning -------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from scratch or, with `warm_start`, continue.

        Where an argument is refused, nothing changes. After Ctrl-C the examples learned so far count.

        Parameters
        ----------
        X : (n, columns) array
            Rows of numbers, finite.
        y : (n,) array
            Labels of any type: at least two different ones.

        Returns
        -------
        SegregatedDendriteClassifier
            The object itself.

        Raises
        ------
        InputError
            A parameter or a number is out of its range, or there is a single class.
        """
        check_range("epochs", self.epochs, at_least=1, integer=True)
        x, labels = self._checked(X, y)
        if self.warm_start and hasattr(self, "weights_"):
            self._go_on(X, x, labels, self.epochs)
        else:
            self._begin(X, x, labels, np.unique(labels), self.epochs)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Learn from each row once, and keep what was learned before.

        Parameters
        ----------
        X : (n, columns) array
            Rows of numbers, finite.
        y : (n,) array
            Labels, of those in `classes`.
        classes : (n_classes,) array, optional
            All labels there will be; needed in the first call.

        Returns
        -------
        SegregatedDendriteClassifier
            The object itself.

        Raises
        ------
        InputError
            `classes` are missing in the first call, or differ later.
        """
        x, labels = self._checked(X, y)
        all_classes = None if classes is None else np.unique(np.asarray(classes))
        if hasattr(self, "weights_"):
            if all_classes is not None and not np.array_equal(all_classes, self.classes_):
                raise InputError(
                    f"classes={all_classes.tolist()} differ from those learned before, {self.classes_.tolist()}; "
                    f"leave them out, or call fit to learn from scratch"
                )
            self._go_on(X, x, labels, 1)
        elif all_classes is None:
            raise InputError("the first call of partial_fit needs classes, all labels that there will be")
        else:
            self._begin(X, x, labels, all_classes, 1)
        return self

    def _checked(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        x, labels = check_X_y(X, y, dtype=(np.float64, np.float32), ensure_all_finite=False, estimator=self)
        check_classification_targets(labels)
        check_finite(x)
        return x, labels

    def _begin(self, X: Any, x: np.ndarray, labels: np.ndarray, classes: np.ndarray, epochs: int) -> None:
        if len(classes) < 2:
            raise InputError(
                f"y has one class only, {classes.tolist()}; a classifier needs rows of two classes at least"
            )
        model, scaling = model_of(self, x.shape[1], len(classes)), Scaling.of(x)
        seed = seed_of(self.random_state)
        training = train(model, images_of(scaling, x, classes, labels), seed=seed, epochs=epochs, engine=self.engine)
        validate_data(self, X, skip_check_array=True)  # keeps the number of columns, and their names
        self.classes_, self.model_, self.scaling_, self.seed_ = classes, model, scaling, seed
        self.network_ = model.network
        self.history_: list[dict[str, float]] = []
        self._learn(training)

    def _go_on(self, X: Any, x: np.ndarray, labels: np.ndarray, epochs: int) -> None:
        validate_data(self, X, skip_check_array=True, reset=False)
        model = model_of(self, x.shape[1], len(self.classes_))
        if model.network != self.network_:
            raise InputError(
                f"learning goes on with the network of {self.network_.sizes} neurons that was begun with, but "
                f"hidden_layer_sizes, reading or feedback have changed; set them back, or learn from scratch with "
                f"fit and warm_start=False"
            )
        images = images_of(self.scaling_, x, self.classes_, labels)
        passes = math.ceil(self._trials / len(images))  # whole ones: no trial comes twice, so no draw does
        training = train(
            model,
            images,
            seed=self.seed_,
            epochs=passes + epochs,
            weights=self.weights_,
            engine=self.engine,
        )
        training.resume(passes * len(images), self._state)
        self.model_ = model
        self._learn(training)

    def _learn(self, training: Training) -> None:
        n, wrong, loss = len(training.images), 0, np.zeros(self.network_.n_layers)
        try:
            for chunk in self._shown(training):
                wrong, loss = wrong + chunk.n_wrong, loss + chunk.loss.sum(axis=0)
                if chunk.stop == n:
                    before = self.history_[-1]["examples"] if self.history_ else 0
                    row = {"epoch": len(self.history_) + 1, "examples": before + n, "train_error": 100 * wrong / n}
                    self.history_.append(row | {f"loss_{i}": each / n for i, each in enumerate(loss.tolist())})
                    wrong, loss = 0, np.zeros_like(loss)
        finally:
            self.weights_, self._state, self._trials = training.weights, training.state(), training.trials

    def _shown(self, training: Training) -> Iterator[Chunk]:
        """Yield the chunks of training; if wanted, with a progress bar."""
        total = training.epochs * len(training.images)
        with tqdm(total=total, initial=training.trials, unit="row", disable=not self.verbose) as bar:
            for chunk in training:
                yield chunk
                bar.set_postfix_str(
                    f"epoch {chunk.epoch + 1}/{training.epochs}, error {chunk.error:.0f} %", refresh=False
                )
                bar.update(len(chunk.label))

    # -- looking --------------------------------------------------------------------------------------------------

    def predict(self, X: Any) -> np.ndarray:
        """Return the label of the output with the highest mean potential for each row.

        Parameters
        ----------
        X : (n, columns) array
            Rows of numbers, finite.

        Returns
        -------
        (n,) array
            Labels.
        """
        potentials = self._potentials(X, ["output"])[0]
        return self.classes_[potentials.argmax(axis=1)]

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the mean somatic potentials of the outputs for each row.

        Of two classes, the logarithm of the second rate over the first one, see `predict_proba`, which is above 0 where
        the second potential is the higher one.

        Parameters
        ----------
        X : (n, columns) array
            Rows of numbers, finite.

        Returns
        -------
        (n, n_classes) or, of two classes, (n,) float64 array
            Potentials, relative to rest, or logarithms.
        """
        potentials = self._potentials(X, ["output"])[0]
        if len(self.classes_) > 2:
            return potentials
        first, second = np.log(self.network_.output.curve.value(potentials)).T
        return second - first

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return each output's rate at its mean potential, over the sum of all outputs' rates.

        These fractions sum to 1, but learning does not make them calibrated probabilities.

        Parameters
        ----------
        X : (n, columns) array
            Rows of numbers, finite.

        Returns
        -------
        (n, n_classes) float64 array
            Fractions, 0..1.
        """
        potentials = self._potentials(X, ["output"])[0]
        rates = self.network_.output.curve.value(potentials)
        return rates / rates.sum(axis=1, keepdims=True)

    def transform(self, X: Any) -> np.ndarray:
        """Return the activity of all hidden neurons for each row: rates at their mean potentials.

        Parameters
        ----------
        X : (n, columns) array
            Rows of numbers, finite.

        Returns
        -------
        (n, hidden neurons) float64 array
            Rates in units of the highest rate, 0..1; the lowest layer first.

        Raises
        ------
        InputError
            There is no hidden layer.
        """
        check_is_fitted(self)
        if not self.network_.n_hidden:
            raise InputError("hidden_layer_sizes=() makes no hidden layer, of which there could be activity")
        layers = [f"hidden[{layer}]" for layer in range(self.network_.n_hidden)]
        neurons = self.network_.hidden_neurons
        potentials = self._potentials(X, layers)
        return np.hstack([neuron.curve.value(v) for neuron, v in zip(neurons, potentials, strict=True)])

    def _potentials(self, X: Any, layers: list[str]) -> list[np.ndarray]:
        """Return mean somatic potentials of layers for each row, (n, neurons) float64."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=(np.float64, np.float32), ensure_all_finite=False)
        check_finite(x)
        images = images_of(self.scaling_, x, self.classes_, np.repeat(self.classes_[:1], len(x)))
        seen = activity(
            self.network_,
            self.weights_,
            images,
            seed=self.seed_,
            layers=layers,
            returns="potentials",
            engine=self.engine,
            threads=effective_n_jobs(self.n_jobs),
        )
        return [seen[layer] for layer in layers]

    @property
    def _n_features_out(self) -> int:
        return sum(self.network_.sizes[1:-1])

    # -- a run folder ---------------------------------------------------------------------------------------------

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a run folder, as the commands do; from it `load` continues to the same bits.

        Parameters
        ----------
        path : str or Path
            Folder to make.
        overwrite : bool
            Replace a run that is there.

        Raises
        ------
        InputError
            A part of the classifier cannot stand in a run folder, or the folder exists.
        """
        check_is_fitted(self)
        saved.write(self, path, overwrite)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the classifier that `save` wrote.

        Parameters
        ----------
        path : str or Path
            Folder to read.

        Returns
        -------
        SegregatedDendriteClassifier
            A classifier that predicts the same.
        """
        return saved.read(cls, path)
