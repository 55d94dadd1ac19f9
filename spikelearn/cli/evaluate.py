"""Test a trained network."""

import argparse
from typing import Any

from spikelearn import datasets, evaluation, runs
from spikelearn.cli.arguments import integer, path


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("folder", metavar="RUN", type=path)
    parser.add_argument("--data", help="images to test on (default: the run's)")
    parser.add_argument("--scale", type=float, help="pixel of intensity 1 (default: the run's, or that of --data)")
    parser.add_argument("--repeats", type=integer, default=1, help="show all images so many times (default: 1)")
    parser.add_argument("--seed", type=integer, help="default: the run's")
    parser.add_argument("--threads", type=integer, default=1, help="has no influence on the result (default: 1)")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the test errors, their mean and their spread."""
    config, weights = runs.load_run(options.folder)
    source = options.data or config.data
    own = options.data is None and options.scale is None
    images = runs.test_images(options.folder) if own else datasets.load(source, scale=options.scale).test
    seed = config.seed if options.seed is None else options.seed
    try:
        predictions = evaluation.evaluate(
            config.model.network,
            weights,
            images,
            seed=seed,
            repeats=options.repeats,
            engine=config.engine,
            threads=options.threads,
        )
    except evaluation.EvaluationStopped as stopped:
        shown = stopped.predictions != evaluation.NOT_SHOWN
        wrong = 100 * (stopped.predictions != images.y)[shown].mean() if shown.any() else None
        so_far = "" if wrong is None else f", of which {wrong:.2f} % were predicted wrongly"
        raise KeyboardInterrupt(f"{stopped}{so_far}") from None
    errors = evaluation.error_percent(predictions, images.y)
    spread = float(errors.std(ddof=1)) if len(errors) > 1 else None
    result = {
        "folder": str(options.folder),
        "data": source,
        "images": len(images),
        "seed": seed,
        "repeats": options.repeats,
        "test_error": float(errors.mean()),
        "test_error_sd": spread,
        "test_errors": errors.tolist(),
    }
    if not options.json:
        deviation = "" if spread is None else f" +- {spread:.2f} (SD over {options.repeats} repeats of one network)"
        print(f"test error {result['test_error']:.2f} %{deviation} on {len(images)} images of {source}")
    return result
