"""Time training and testing of a network on this machine."""

import argparse
import sys
from typing import Any

from tqdm import tqdm

from spikelearn import bench
from spikelearn.cli.arguments import integers, lines_above
from spikelearn.engines import engine_named
from spikelearn.peers import PEERS


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was timed, of the engine and of each peer."""
    # On a terminal, the stage it is at: Brian2's first run waits for a compiler, most of a minute.
    quiet = True if options.json else None
    with (
        tqdm(bar_format="{desc} [{elapsed}]", disable=quiet, leave=False, file=sys.stderr) as bar,
        lines_above(bar),
    ):
        result = bench.bench(
            integers("--sizes", options.sizes),
            engine=engine_named(options.engine),
            reading=options.reading,
            threads=options.threads,
            g_apical=options.g_apical,
            examples=options.examples,
            test_images=options.test_images,
            peers=PEERS if options.peers else (),
            progress=bar.set_description_str,
        )
    if not options.json:
        _print_times(result)
    return result


def _print_times(result: dict[str, Any]) -> None:
    """Print what was timed, and a table with a row for the engine and for each peer."""
    computer, sizes = result["machine"], "-".join(map(str, result["sizes"]))
    print(
        f"{sizes} ({result['reading']}), g_apical {result['g_apical']:g}/ms, images: {result['images']}, "
        f"threads for testing: {result['threads']}; {computer['cpu']}, {computer['cpu_count']} cores"
    )
    work = next(key for key in ("steps_per_s", "events_per_s", "steady_states_per_s") if key in result)
    print(
        f"training: {result['train_examples_per_s']:.0f} examples/s, {result['train_speed']:.0f} times real time, "
        f"{result[work]:.3g} {work.removesuffix('_per_s')}/s; testing: {result['test_images_per_s']:.0f} images/s"
    )
    if result["undecided"] is not None:
        print(f"candidates for spikes that needed their exact potential: {100 * result['undecided']:.2g} %")
    print(f"{'':28} {'ms/example':>10} {'ratio':>7} {'ms/image':>10} {'ratio':>7} {'compile s':>10} {'memory MB':>10}")
    for row in (result, *result["peers"]):
        if "skipped" in row:
            print(f"{row['engine']} was skipped: {' '.join(row['skipped'].split())}")
            continue
        detail = row["settings"].get("target") or row["settings"]["dtype"]
        memory = "" if row["peak_memory_mb"] is None else f"{row['peak_memory_mb']:.0f}"
        print(
            f"{row['engine'] + ' ' + detail + ('' if row['learns'] else ', no learning'):28} "
            f"{row['train_ms']:10.3g} {row['train_ms'] / result['train_ms']:7.3g} "
            f"{row['test_ms']:10.3g} {row['test_ms'] / result['test_ms']:7.3g} {row['compile_s']:10.3g} {memory:>10}"
        )
