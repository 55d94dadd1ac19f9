"""What a sweep will take, before it is begun: seconds and bytes, from some examples of each network.

Seconds are of one process on this machine as busy as it is now; a run that others run beside takes longer.
"""

import json
import time
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from spikelearn import runs
from spikelearn.checkpoints import pack
from spikelearn.descriptions import to_dict
from spikelearn.evaluation import evaluate
from spikelearn.storage import RunFolder
from spikelearn.sweeps.plan import Plan, part_of
from spikelearn.sweeps.running import check_folders, run_path
from spikelearn.training import train

EXAMPLES = 32  # that are timed
FILES = 16_384  # bytes of a run folder besides the checkpoint


def estimate(planned: Plan, out: Path) -> list[dict[str, Any]]:
    """Return a row for each setting: what is done of its runs, what is left, and the seconds and bytes of that.

    Parameters
    ----------
    planned : Plan
    out : Path
        Where runs may have been begun.

    Returns
    -------
    list of dict
        ``setting``, its values; ``runs``, ``done`` and ``begun`` of them; ``epochs`` that are left of all; ``seconds``
        of these; ``bytes`` that are still to be written.
    """
    check_folders(planned, out)
    measured: dict[str, tuple[float, int]] = {}
    rows = []
    for name, setting in planned.settings.items():
        config = setting.config
        kind = json.dumps([to_dict(config.model.network), to_dict(config.engine), config.data, config.examples])
        if kind not in measured:
            measured[kind] = _measure(config)
        seconds, size = measured[kind]
        done, begun, left = 0, 0, 0
        for seed in planned.seeds:
            if (out / "results" / f"{name}-{seed}.json").is_file():
                done += 1
                continue
            folder = RunFolder(run_path(out, name, seed))
            exists = (folder.path / "config.json").is_file()
            begun += exists
            left += config.epochs - (min(len(folder.metrics()), config.epochs) if exists else 0)
        new = len(planned.seeds) - done - begun
        rows.append(
            {
                "setting": name,
                **setting.values,
                "runs": len(planned.seeds),
                "done": done,
                "begun": begun,
                "epochs": left,
                "seconds": round(seconds * left, 3),
                "bytes": size * new,
            }
        )
    return rows


def _measure(config: runs.Config) -> tuple[float, int]:
    """Return seconds of an epoch, and bytes of a run folder."""
    data = part_of(config).data
    n, n_test = min(EXAMPLES, len(data.train)), min(EXAMPLES, len(data.test))
    images, shown = data.train.first(n), data.test.first(n_test)
    training = train(config.model, images, seed=config.seed, epochs=2, engine=config.engine, chunk_size=n)
    runs.compile_kernels(config, training.weights)
    with threadpool_limits(1):
        next(training)  # then all is in the processor's caches
        began = time.perf_counter()
        next(training)
        learned = time.perf_counter()
        evaluate(config.model.network, training.tested, shown, seed=config.seed, engine=config.engine)
        tested = time.perf_counter()
    arrays = pack(training.weights, training.state(), training.average)
    seconds = (learned - began) / n * len(data.train) + (tested - learned) / n_test * len(data.test)
    return seconds, FILES + sum(array.nbytes for array in arrays.values())
