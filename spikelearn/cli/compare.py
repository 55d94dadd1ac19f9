"""Train rate networks by many rules, and the spiking network; one table."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from spikelearn import compare
from spikelearn.cli.arguments import absolute, engine, integer, integers, lines_above, path
from spikelearn.ratenet import table


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--rules", metavar="NAME[,NAME]", help=f"of {', '.join(compare.NAMES)} (default: all)")
    parser.add_argument("--data", default="digits", help="digits, mnist, a folder or FILE.npz (default: digits)")
    parser.add_argument("--sizes", metavar="N,N[,N]", help="layers, input first (default: two hidden layers of 256)")
    parser.add_argument("--engine", default="event", help="of the rule spiking: event (default), clock or rates")
    parser.add_argument(
        "--epochs",
        type=integer,
        help="passes over the training images (default: 5, or 1000 minibatches)",
    )
    parser.add_argument("--seeds", type=integer, default=5, help="train with seeds 1 to this (default: 5)")
    parser.add_argument("--examples", type=integer, metavar="N", help="train on the first N images")
    parser.add_argument("--jobs", type=integer, default=2, help="processes; no influence on the result (default: 2)")
    parser.add_argument(
        "--out", metavar="DIR", default="runs/compare", type=path, help="results; a second start goes on there"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the folder, and a row for each rule."""
    comparison = compare.Comparison(
        rules=compare.NAMES if options.rules is None else tuple(options.rules.split(",")),
        data=absolute(options.data) if Path(options.data).expanduser().exists() else options.data,
        sizes=() if options.sizes is None else integers("--sizes", options.sizes),
        engine=engine(options.engine),
        epochs=options.epochs,
        seeds=options.seeds,
        examples=options.examples,
    )
    # On a terminal only.
    with tqdm(unit="run", disable=True if options.json else None, file=sys.stderr) as bar, lines_above(bar):

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        results = compare.compare(comparison, options.out, jobs=options.jobs, progress=show)
    rows = table.rows(results)
    if not options.json:
        print(table.text(rows))
        print(f"table and picture in {options.out}")
    return {"folder": options.out, "rows": rows}
