"""Write a page for the browser: how a run learned, its weights, and what it does with some test images."""

import argparse
from typing import Any

from spikelearn import runs
from spikelearn.cli.arguments import engine, integer, path
from spikelearn.datasets import load
from spikelearn.errors import InputError


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("folder", metavar="RUN", type=path)
    parser.add_argument("--data", help="images to choose from (default: the run's)")
    parser.add_argument("--scale", type=float, help="pixel of intensity 1 (default: the run's, or that of --data)")
    parser.add_argument(
        "--image", type=integer, action="extend", nargs="+", metavar="N", help="numbers of test images (default: 0)"
    )
    parser.add_argument("--angles", action="store_true", help="measure the angle to backpropagation, too")
    parser.add_argument("--engine", help="event or clock, for these images (default: the run's)")
    parser.add_argument("--out", default="page.html", type=path, help="FILE.html (default: page.html)")


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
        engine=None if options.engine is None else engine(options.engine),
        angles=options.angles,
    )
    result = {"folder": str(options.folder), "out": options.out, **result}
    if not options.json:
        print(f"test error {result['test_error']:.2f} % on {result['images']} images; page {result['out']}")
    return result
