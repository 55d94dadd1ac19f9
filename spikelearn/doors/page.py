"""The page of a run, for the browser: how it learned, what its weights are, what it does with some test images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spikelearn import runs
from spikelearn.analysis import alignment, way_up
from spikelearn.engines import Engine
from spikelearn.errors import InputError
from spikelearn.evaluation import error_percent, evaluate
from spikelearn.examples import Examples
from spikelearn.network import Network
from spikelearn.pages import document
from spikelearn.pages.curves import error_curves, loss_curves
from spikelearn.pages.matrices import confusion, receptive_fields
from spikelearn.pages.parts import Section, Table, number
from spikelearn.pages.recorded import rows, trial
from spikelearn.simulation import simulate
from spikelearn.spiking_row import mean_angles
from spikelearn.storage import RunFolder, load_checkpoint
from spikelearn.watching import layer_names
from spikelearn.weights import Weights

FIELDS = 25  # receptive fields that are drawn


def write_page(
    folder: str | Path,
    path: str | Path,
    test: Examples,
    numbers: Sequence[int] = (0,),
    *,
    engine: Engine | None = None,
    angles: bool = False,
) -> dict[str, Any]:
    """Write the page of a run folder; return what it says of the test images.

    Parameters
    ----------
    folder : str or Path
    path : str or Path
        Replaced at once or not at all; its name ends in ``.html``.
    test : Examples
        Those to predict, as `spikelearn.runs.test_images` returns them.
    numbers : sequence of int
        Which of them to show: each in a training trial, with its class taught, in which nothing is learned.
    engine : Event or Clock, optional
        For these trials; by default the run's.
    angles : bool
        Whether to measure the angle between the rule's errors and those of backpropagation, on the first test images.

    Raises
    ------
    InputError
        Something of the folder, the images or the name of the page cannot be used; nothing is written.
    """
    document.check_place(path)
    opened = RunFolder.open(folder)
    config, weights = runs.load_run(folder)
    network, n = config.model.network, len(test)
    for image in numbers:
        if not 0 <= image < n:
            raise InputError(f"image {image}: {test.name} has test images 0 to {n - 1}")
    _, attributes = load_checkpoint(opened.checkpoint_path)
    predictions = evaluate(network, weights, test, seed=config.seed, engine=config.engine)[0]
    error = float(error_percent(predictions, test.y))
    summary = {
        "network": f"{config.name}, {'-'.join(map(str, network.sizes))} neurons",
        "reading": config.reading,
        "data": config.data,
        "trained on": f"{attributes['trials']:,} examples, seed {config.seed}",
        "test error": f"{error:.2f} % of {n:,} images",
    }
    to_backprop = mean_angles(config.model, weights, test, config.seed, config.engine) if angles else None
    shown = [_trial(config, weights, test, image, int(predictions[image]), engine) for image in dict.fromkeys(numbers)]
    sections = [
        Section("Summary", parts=[Table("The run", (), list(summary.items()))]),
        _learning(opened),
        *_angles(network, weights, to_backprop),
        Section("Receptive fields", parts=[receptive_fields(weights.W[0], layer_names(network)[1], FIELDS)]),
        Section("Confusion", parts=[confusion(test.y, predictions, network.n_classes)]),
        *shown,
        Section("Configuration", parts=[Table("config.json", ("key", "value"), rows(opened.config()))]),
        Section("Provenance", parts=[Table("environment.json", ("key", "value"), rows(opened.environment()))]),
    ]
    document.write(path, f"{config.name} on {Path(config.data).name}, seed {config.seed}", sections)
    return {"images": n, "test_error": error, "predictions": {image: int(predictions[image]) for image in numbers}}


def _trial(
    config: runs.Config, weights: Weights, test: Examples, image: int, predicted: int, engine: Engine | None
) -> Section:
    """Show a test image to the network as in training, and draw what it does."""
    recording = simulate(
        config.model.network, weights, test.at(slice(image, image + 1)), label=int(test.y[image]), seed=config.seed,
        example=image, engine=engine or config.engine,
    )  # fmt: skip
    text = (
        f"Of class {test.y[image]}; at the test it was taken for class {predicted}. Here it is shown as in training: "
        f"first as it is, then with its class taught; nothing is learned. Of each hidden layer the three neurons are "
        f"drawn whose plateau potentials differ most between the two phases."
    )
    return Section(f"Test image {image}", text, trial(recording))


def _learning(folder: RunFolder) -> Section:
    metrics = folder.metrics()
    if not metrics:
        return Section("Learning", "No epoch is complete yet.")
    return Section("Learning", parts=[error_curves(metrics), loss_curves(metrics)])


def _angles(network: Network, weights: Weights, to_backprop: Sequence[float] | None) -> list[Section]:
    """Return a table of angles, a row for each hidden layer; no section where there is none."""
    columns = ["layer", "feedback to forward weights", "norm of forward over feedback weights"]
    table = []
    for layer, (name, y, source) in enumerate(zip(layer_names(network)[1:], weights.Y, network.feeding, strict=False)):
        found = alignment(weights.W[source] if source == layer + 1 else way_up(weights.W, layer), y)
        table.append([name, f"{found.degrees:.1f}°", number(found.norm_ratio)])
    if to_backprop is not None:
        columns.append("errors to those of backpropagation")
        table = [[*row, f"{angle:.1f}°"] for row, angle in zip(table, to_backprop, strict=True)]
    text = "At 90° they have nothing in common, at 0° they agree."
    return [Section("Angles", text, [Table("Angles of each hidden layer", columns, table)])] if table else []
