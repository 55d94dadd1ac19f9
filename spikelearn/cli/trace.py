"""Replay a trained network on a test image and draw its potentials, or save them."""

import argparse
from pathlib import Path
from typing import Any

from spikelearn import runs, watching
from spikelearn.cli.arguments import check_inputs, images_of, integers
from spikelearn.engines import engine_named
from spikelearn.errors import InputError
from spikelearn.simulation import simulate
from spikelearn.storage import replacing

PICTURES = (".png", ".pdf", ".svg")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Write the file; return what the network did with the image."""
    config, weights = runs.load_run(options.folder)
    network, out = config.model.network, Path(options.out)
    if out.suffix not in (*PICTURES, ".h5"):
        raise InputError(f"--out {options.out}: write a picture ({', '.join(PICTURES)}) or a recording (.h5)")
    source, images = images_of(options, config)
    check_inputs(source, images, config)
    if not 0 <= options.image < len(images):
        raise InputError(f"--image {options.image}: {source} has test images 0 to {len(images) - 1}")
    layer = watching.layer_name(options.layer or watching.layer_names(network)[1], network)
    neurons = list(integers("--neurons", options.neurons))
    recording = simulate(
        network,
        weights,
        images.at(slice(options.image, options.image + 1)),
        label=int(images.y[options.image]) if options.duration is None else None,
        duration=options.duration,
        record=[layer, "spikes"],
        neurons={layer: neurons},
        seed=config.seed if options.seed is None else options.seed,
        example=options.image,
        engine=config.engine if options.engine is None else engine_named(options.engine),
    )
    try:
        if out.suffix == ".h5":
            recording.save(out)
        else:
            with replacing(out) as temporary:
                recording.plot(layer, neurons).savefig(temporary, dpi=150, format=out.suffix[1:])
    except FileNotFoundError as error:
        raise InputError(f"--out {options.out}: there is no folder {out.parent}") from error
    result = {
        "folder": str(options.folder),
        "image": options.image,
        "label": int(images.y[options.image]),
        "out": str(out),
        "spikes": {name: len(spikes.time) for name, spikes in recording.spikes.items()},
        "plateaus": {
            name: {
                phase: None if values is None else values.tolist()
                for phase, values in (("forward", each.forward), ("target", each.target))
            }
            for name, each in recording.plateaus.items()
        },
    }
    if not options.json:
        print(f"image {options.image}, a {result['label']}: neurons {options.neurons} of {layer} in {out}")
    return result
