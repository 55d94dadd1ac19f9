"""Write a page for the browser: how a run learned, its weights, and what it does with some test images."""

import argparse
from typing import Any

from spikelearn import runs
from spikelearn.cli.arguments import check_inputs, images_of
from spikelearn.engines import engine_named


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Write the file; return what it says of the test images."""
    from spikelearn.doors.page import write_page  # Bokeh takes most of a second, and may not be there

    config, _ = runs.load_run(options.folder)
    source, images = images_of(options, config)
    check_inputs(source, images, config)
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
