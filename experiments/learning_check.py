"""Does it learn? Published networks on digits and MNIST, a few seeds, against the errors they must stay below.

By the clock engine, whose numerics are the paper's.

Scales: ``smoke`` (seconds), ``laptop`` (minutes; needs MNIST, see ``spikelearn data``). Writes one JSON file; the one
of scale laptop is committed beside this script, in ``results/``.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import spikelearn as sl
from spikelearn.models.guerguiev2017 import NETWORKS
from spikelearn.runs import Config, Run
from spikelearn.storage import machine


@dataclass(frozen=True, kw_only=True)
class Check:
    """One training run of several seeds, and the test error (percent) that each must stay below."""

    network: str
    reading: str
    data: str
    hidden: tuple[int, ...]
    epochs: int
    seeds: tuple[int, ...]
    below: float


SCALES = {
    "smoke": [
        Check(network="one-hidden", reading="text", data="digits", hidden=(100,), epochs=3, seeds=(1,), below=20.0),
    ],
    "laptop": [
        Check(
            network="one-hidden", reading="text", data="digits", hidden=(100,), epochs=25, seeds=(1, 2, 3), below=8.0
        ),
        Check(network="no-hidden", reading="released", data="mnist", hidden=(), epochs=1, seeds=(1,), below=14.0),
        Check(
            network="one-hidden", reading="released", data="mnist", hidden=(500,), epochs=1, seeds=(1, 2), below=13.0
        ),
        Check(network="one-hidden", reading="text", data="mnist", hidden=(500,), epochs=1, seeds=(1,), below=13.0),
        Check(
            network="two-hidden", reading="released", data="mnist", hidden=(500, 100), epochs=1, seeds=(1,), below=13.0
        ),
    ],
}


def run(check: Check) -> dict:
    """Train every seed of a check; return it with the test error of each after the last epoch."""
    data = sl.load(check.data)
    model = NETWORKS[check.network](
        check.reading, n_input=data.train.n_inputs, hidden=check.hidden, n_output=data.train.n_classes
    )
    errors = []
    for seed in check.seeds:
        config = Config(
            name=check.network,
            reading=check.reading,
            model=model,
            engine=sl.Clock(),
            data=check.data,
            epochs=check.epochs,
            seed=seed,
        )
        with tempfile.TemporaryDirectory() as folder:
            errors.append(round(Run.start(Path(folder) / "run", config, data).train()[-1]["test_error"], 3))
        print(f"{check.network} ({check.reading}) on {check.data}, seed {seed}: {errors[-1]:.2f} %", flush=True)
    return {**vars(check), "test_errors": errors, "passed": max(errors) < check.below}


def main() -> None:
    """Run all checks of a scale and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=SCALES, default="smoke")
    parser.add_argument("--out", type=Path, default=Path("runs/learning_check.json"))
    options = parser.parse_args()
    results = [run(check) for check in SCALES[options.scale]]
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python experiments/learning_check.py --scale {options.scale}",
        "machine": machine(),
        "results": results,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {options.out}")
    if not all(result["passed"] for result in results):
        raise SystemExit("an error is above its limit")


if __name__ == "__main__":
    main()
