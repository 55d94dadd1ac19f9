"""Test a trained network."""

import argparse
from typing import Any

from spikelearn import evaluation, runs
from spikelearn.cli.arguments import images_of


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the test errors, their mean and their spread."""
    config, weights = runs.load_run(options.folder)
    source, images = images_of(options, config)
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
