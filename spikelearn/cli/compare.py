"""Train by many rules, and print one table: on images, or with --task on what needs memory."""

import argparse
import sys
from typing import Any

from spikelearn import compare
from spikelearn.cli.arguments import integers, runs_bar
from spikelearn.datasets import absolute
from spikelearn.engines import engine_named
from spikelearn.errors import InputError
from spikelearn.paths import expanded
from spikelearn.ratenet import Architecture, architecture, table
from spikelearn.temporal import comparison as temporal
from spikelearn.temporal import table as temporal_table

IMAGES, TASKS = ("data", "scale", "sizes", "architecture", "engine", "epochs", "examples"), ("steps", "units")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the folder, and a row for each rule."""
    where, others = ("on images; leave out --task", IMAGES) if options.task else ("with --task", TASKS)
    for name in others:
        if getattr(options, name) is not None:
            raise InputError(f"--{name} is for comparing {where}")
    return on_task(options) if options.task else on_images(options)


def on_images(options: argparse.Namespace) -> dict[str, Any]:
    """Compare rules for layered networks."""
    data = "digits" if options.data is None else options.data
    layers = _layers(options)
    usual = compare.NAMES if options.architecture is None else compare.fitting(layers.sizes, layers.local, data)
    comparison = compare.Comparison(
        rules=usual if options.rules is None else tuple(options.rules.split(",")),
        data=absolute(data) if expanded(data).exists() else data,
        sizes=layers.sizes,
        local=layers.local,
        scale=options.scale,
        engine=engine_named("event" if options.engine is None else options.engine),
        epochs=options.epochs,
        seeds=options.seeds,
        examples=options.examples,
    )
    if options.architecture is not None:
        sizes = ", ".join(f"{name} {size / 2**20:.1f}" for name, size in compare.memory_of(comparison).items())
        print(f"arrays of a process, in MiB: {sizes}; activities come on top", file=sys.stderr)
    rows = table.rows(_gather(options, compare.compare, comparison))
    return _show(options, rows, table.text(rows))


def _layers(options: argparse.Namespace) -> Architecture:
    """Return the layers that were asked for; no sizes if none were."""
    if options.architecture is None:
        return Architecture(sizes=() if options.sizes is None else integers("--sizes", options.sizes))
    if options.sizes is not None:
        raise InputError("--sizes and --architecture both say which layers; leave one of them out")
    return architecture(options.architecture)


def on_task(options: argparse.Namespace) -> dict[str, Any]:
    """Compare rules for recurrent networks."""
    comparison = temporal.Comparison(
        task=options.task,
        rules=() if options.rules is None else tuple(options.rules.split(",")),
        seeds=options.seeds,
        steps=options.steps,
        units=options.units,
    )
    rows = temporal_table.rows(_gather(options, temporal.compare, comparison))
    return _show(options, rows, temporal_table.text(rows, comparison.setting.task.quality, comparison.levels))


def _gather(options: argparse.Namespace, function: Any, comparison: Any) -> list[dict[str, Any]]:
    """Call a function that compares, with a bar where there is a terminal."""
    with runs_bar(options.json) as show:
        return function(comparison, options.out, jobs=options.jobs, progress=show)


def _show(options: argparse.Namespace, rows: list[dict[str, Any]], text: str) -> dict[str, Any]:
    if not options.json:
        print(text)
        print(f"table and picture in {options.out}")
    return {"folder": options.out, "rows": rows}
