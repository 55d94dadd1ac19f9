"""Write a page for the browser: how a run learned, its weights, and what it does with some test images."""

import argparse
from typing import Any

from spikelearn import runs
from spikelearn.datasets import load
from spikelearn.engines import engine_named
from spikelearn.errors import InputError


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Write the file; return what it says of the test images."""
    from spikelearn.doors.page import write_page  # Bokeh takes most of a second, and may not be there

    config, _ = runs.load_run(options.folder)
    own = options.data is None and options.scale is None
    source = options.data or config.data
    images = runs.test_images(options.folder) if own else load(source, scale=options.scale).test
    if images.n_inputs != config.model.network.sizes[0]:
        raise InputError(
            f"--data {source} has examples of {images.n_inputs} inputs; the network takes "
            f"{config.model.network.sizes[0]}"
        )
    result = write_page(
        options.folder,
        options.out,
        images,
        options.image or [0],
        engine=None if options.engine is None else engine_named(options.engine),
        angles=options.angles,
    )
    result = {"folder": str(options.folder), "out": options.out, **result}
    if not options.json:
        print(f"test error {result['test_error']:.2f} % on {result['images']} images; page {result['out']}")
    return result
