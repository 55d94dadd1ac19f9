"""How fast is it? The spiking engines on the published networks, peers, cost against size, and what a user waits for.

Every configuration is timed by ``spikelearn bench`` in a process of its own, all in turn and the whole round
``--repeats`` times; medians count, and the fastest stands beside them. It needs MNIST (see ``spikelearn data``), some
six minutes a round, and a machine with nothing else to do. ``--quick`` goes through all of it once, with few
examples: only to see that it works. Writes ``speed.json`` (every repeat) and ``speed.md`` (the tables), which are
committed beside this script, in ``results/``.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

import spikelearn as sl
from spikelearn.models import guerguiev2017
from spikelearn.storage import machine

ENGINES = "event", "clock"
HIDDEN = 100, 500, 1000, 2000, 4000
REPEATS = 3
TEST_SET = 10_000


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Options of ``spikelearn bench``."""

    engine: str = "clock"
    sizes: tuple[int, ...] = (784, 500, 10)
    reading: str = "released"
    g_apical: float = 0.0
    threads: int = 1
    examples: int = 3000
    test_images: int = 1000
    peers: bool = False

    @property
    def options(self) -> list[str]:
        """What the command is given."""
        return [
            f"--engine={self.engine}",
            f"--sizes={','.join(map(str, self.sizes))}",
            f"--reading={self.reading}",
            f"--g-apical={self.g_apical:g}",
            f"--threads={self.threads}",
            f"--examples={self.examples}",
            f"--test-images={self.test_images}",
            *(["--peers"] if self.peers else []),
        ]


NETWORKS = [
    Configuration(engine=engine, **options)
    for options in (
        {},
        {"reading": "text"},
        {"sizes": (784, 500, 100, 10)},
        {"sizes": (784, 500, 100, 10), "reading": "text"},
        {"g_apical": 0.05},
    )
    for engine in ENGINES
]
THREADS = [Configuration(engine=engine, threads=threads) for engine in ENGINES for threads in (1, 2)]
SIZES = {
    (engine, n): Configuration(engine=engine, sizes=(784, n, 10), examples=1000, test_images=100)
    for engine in ENGINES
    for n in HIDDEN
}
PEERS = [Configuration(peers=True, **options) for options in ({}, {"reading": "text"}, {"g_apical": 0.05})]


@dataclass
class Outcome:
    """What the calls of one configuration returned: result objects, or the message of the first that failed."""

    configuration: Configuration
    results: list[dict]
    failure: str | None = None

    def median(self, key: str) -> float:
        """Return the median of a number over repeats."""
        return statistics.median(result[key] for result in self.results)

    def fastest(self, key: str) -> float:
        """Return the smallest of a time over repeats: neighbours on a shared machine only add to it."""
        return min(result[key] for result in self.results)


def measure(configurations: list[Configuration], counts: list[str], repeats: int) -> dict[Configuration, Outcome]:
    """Time all configurations in turn, and that `repeats` times; what fails is not tried again."""
    outcomes = {each: Outcome(each, []) for each in configurations}
    for repeat in range(repeats):
        for configuration, outcome in outcomes.items():
            if outcome.failure is not None:
                continue
            command = ["-m", "spikelearn", "bench", "--json", *configuration.options, *counts]
            ended = subprocess.run([sys.executable, *command], capture_output=True, text=True)
            if ended.returncode == 0:
                outcome.results.append(json.loads(ended.stdout))
                said = f"{outcome.results[-1]['train_ms']:.3g} ms an example"
            else:
                said = outcome.failure = (ended.stderr.strip().splitlines() or [f"status {ended.returncode}"])[-1]
            print(f"{repeat + 1}: {' '.join(configuration.options)}: {said}", flush=True)
    return outcomes


def waits(repeats: int) -> dict[str, float]:
    """Return what a user waits for, in seconds: the import, and a short training, compiled before or not."""
    train = ["-m", "spikelearn", "train", "one-hidden", "--hidden=100", "--epochs=1", "--examples=100", "--overwrite"]
    with tempfile.TemporaryDirectory() as folder:
        train += ["--out", f"{folder}/run"]
        cold = _seconds(train, XDG_CACHE_HOME=f"{folder}/cache")
        _seconds(train)  # compiles, if it was not before
        return {
            "import": statistics.median(_seconds(["-c", "import spikelearn"]) for _ in range(repeats)),
            "first command, compiled before": statistics.median(_seconds(train) for _ in range(repeats)),
            "first command after an installation": cold,
        }


def _seconds(arguments: list[str], **environment: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=os.environ | environment)
    return time.perf_counter() - began


def operations(hidden: int) -> float:
    """Return what an example costs at least: input spikes times `hidden`, `hidden` times steps, weights changed.

    Weights of black pixels do not change, for their inputs are silent.
    """
    network = guerguiev2017.one_hidden(hidden=(hidden,)).network
    steps = 2 * (network.phases.minimum + network.phases.extra_mean)
    brightness, lit = _mean_image()
    input_spikes = network.rate_max * steps * brightness
    return input_spikes * hidden + hidden * steps + lit * hidden + hidden * network.sizes[-1]


@cache
def _mean_image() -> tuple[float, float]:
    """Return the mean sum of the intensities of an image, and its mean number of pixels that are not black."""
    images = sl.load("mnist").train
    return float(images.x.sum(axis=1).mean()) / 255, float(np.count_nonzero(images.x, axis=1).mean())


def tables(outcomes: dict[Configuration, Outcome]) -> str:
    """Return all tables, in markdown."""
    blocks = [
        ("Networks, one thread", _networks(outcomes)),
        ("Peers, in the same run", _peers(outcomes)),
        (f"Testing {TEST_SET} images, from the time of one", _threads(outcomes)),
        ("Cost against size: 784-H-10, relative to H = 500, fastest", _costs(outcomes)),
    ]
    return "\n".join(f"## {title}\n\n{_markdown(rows)}\n" for title, rows in blocks)


def _networks(outcomes: dict[Configuration, Outcome]) -> list[list[str]]:
    head = ["engine, network", "ms/example", "fastest", "ms/image", "fastest", "steps or spikes/s", "x real time", "MB"]
    rows = [head]
    for each in NETWORKS:
        outcome = outcomes[each]
        work = "steps_per_s" if each.engine == "clock" else "events_per_s"
        if outcome.failure is not None:
            rows.append([_name(each), outcome.failure] + [""] * (len(head) - 2))
            continue
        rows.append(
            [
                _name(each),
                *_times(outcome, "train_ms"),
                *_times(outcome, "test_ms"),
                *_cells(outcome, (work, "train_speed", "peak_memory_mb")),
            ]
        )
    return rows


def _peers(outcomes: dict[Configuration, Outcome]) -> list[list[str]]:
    """Return medians, those of ratios to the engine of the same run, too."""
    rows = [["simulator", "ms/example", "ratio", "ms/image", "ratio", "compile s", "MB"]]
    for each in PEERS:
        outcome = outcomes[each]
        if outcome.failure is not None:
            rows.append([_name(each), *_cells(outcome, ("",) * 6)])
            continue
        for entries in zip(*([result, *result["peers"]] for result in outcome.results), strict=True):
            rows.append(_peer_row(each, entries, outcome.results))
    return rows


def _peer_row(configuration: Configuration, entries: tuple[dict, ...], engine: list[dict]) -> list[str]:
    """Return the row of an entry of each run, beside those of the engine in the same runs."""
    name = entries[0]["engine"]
    skipped = [entry["skipped"] for entry in entries if "skipped" in entry]
    if skipped:
        return [name, f"skipped: {skipped[0]}"] + [""] * 5
    settings, learns = entries[0]["settings"], entries[0]["learns"]
    label = f"{name} {settings.get('target') or settings['dtype']}" + ("" if learns else ", no learning")

    def median(key: str, relative: bool = False) -> str:
        units = [ours[key] if relative else 1.0 for ours in engine]
        return _number(statistics.median(entry[key] / unit for entry, unit in zip(entries, units, strict=True)))

    return [
        _name(configuration) if entries[0] is engine[0] else label,
        median("train_ms"),
        median("train_ms", relative=True),
        median("test_ms"),
        median("test_ms", relative=True),
        median("compile_s"),
        median("peak_memory_mb"),
    ]


def _threads(outcomes: dict[Configuration, Outcome]) -> list[list[str]]:
    rows = [["engine", "threads", "s", "fastest"]]
    for each in THREADS:
        rows.append([each.engine, str(each.threads), *_times(outcomes[each], "test_ms", TEST_SET / 1000)])
    return rows


def _costs(outcomes: dict[Configuration, Outcome]) -> list[list[str]]:
    """Return time over operations, relative to 500 hidden neurons: 1 is a cost in proportion to the operations.

    Of the fastest calls: a ratio of two medians is mostly noise where neighbours come and go.
    """
    rows = [["H", *(f"{engine}: {what}" for engine in ENGINES for what in ("ms/example", "ms/operations, relative"))]]
    for n in HIDDEN:
        row = [str(n)]
        for engine in ENGINES:
            outcome, unit = outcomes[SIZES[engine, n]], outcomes[SIZES[engine, 500]]
            if outcome.failure is not None:
                row += [outcome.failure, ""]
                continue
            expected = unit.fastest("train_ms") * operations(n) / operations(500) if unit.results else math.nan
            row += [_number(time) for time in (outcome.fastest("train_ms"), outcome.fastest("train_ms") / expected)]
        rows.append(row)
    return rows


def _name(configuration: Configuration) -> str:
    parts = [configuration.engine, "-".join(map(str, configuration.sizes)), configuration.reading]
    return ", ".join(parts + ([f"g_apical={configuration.g_apical:g}"] if configuration.g_apical else []))


def _cells(outcome: Outcome, keys: tuple[str, ...]) -> list[str]:
    """Return medians as text; of a configuration that failed the message in the first cell."""
    if outcome.failure is not None:
        return [outcome.failure] + [""] * (len(keys) - 1)
    return [_number(outcome.median(key)) for key in keys]


def _times(outcome: Outcome, key: str, scale: float = 1.0) -> list[str]:
    """Return the median and the fastest as text; of a configuration that failed the message in the first cell."""
    if outcome.failure is not None:
        return [outcome.failure, ""]
    return [_number(scale * outcome.median(key)), _number(scale * outcome.fastest(key))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _markdown(rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], rule, *rows[1:]))


def main() -> None:
    """Measure everything and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few examples, once: only to see that it works")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"rounds (default: {REPEATS})")
    parser.add_argument("--out", type=Path, help="folder (default: experiments/results; with --quick: runs)")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error(f"--repeats {options.repeats}: at least 1 is needed")
    folder = options.out or Path("runs" if options.quick else "experiments/results")
    folder.mkdir(parents=True, exist_ok=True)
    repeats = 1 if options.quick else options.repeats
    counts = ["--examples=100", "--test-images=20"] if options.quick else []
    configurations = list(dict.fromkeys([*NETWORKS, *THREADS, *SIZES.values(), *PEERS]))
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python experiments/speed.py" + (" --quick" if options.quick else f" --repeats {repeats}"),
        "machine": machine(),
        "seconds": waits(repeats),
    }
    outcomes = measure(configurations, counts, repeats)
    computer = report["machine"]
    text = (
        f"# Speed\n\n{report['date']}, `{report['command']}`, {computer['cpu']}, {computer['cpu_count']} cores, "
        f"{computer['platform']}, Python {computer['python']}, "
        f"{', '.join(f'{name} {version}' for name, version in computer['versions'].items())}. "
        f"Medians of {repeats} unless it says fastest. A failed configuration shows its message.\n\n"
        f"{tables(outcomes)}\n"
        f"## Waiting\n\n{_markdown([['what', 's'], *([what, _number(s)] for what, s in report['seconds'].items())])}\n"
    )
    report["results"] = [
        {"configuration": asdict(each), "failure": outcome.failure, "results": outcome.results}
        for each, outcome in outcomes.items()
    ]
    (folder / "speed.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "speed.md").write_text(text)
    print(f"\n{text}\nwritten to {folder / 'speed.json'} and {folder / 'speed.md'}")


if __name__ == "__main__":
    main()
