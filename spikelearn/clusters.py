"""Executors on clusters: Dask's and SLURM's. Both come with ``pip install 'spikelearn[cluster]'``."""

import shutil
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spikelearn.errors import InputError, InputWarning
from spikelearn.extras import imported

PATIENCE = 5  # s, for a scheduler to answer


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """Yield an executor of the scheduler at an address; `InputError` if none answers within `PATIENCE`."""
    distributed = imported("distributed", "cluster")
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except Exception as error:  # of many kinds: no such host, nobody listens, no such protocol
        raise InputError(
            f"no scheduler of Dask answers at {address!r} ({' '.join(str(error).split())}); start one with `dask "
            f"scheduler` and give the address that it prints"
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            warnings.warn(
                f"the scheduler at {address} has no workers yet; the runs begin when it has: dask worker {address}",
                InputWarning,
                stacklevel=3,
            )
        yield client.get_executor(pure=False)


def slurm(folder: Path, asked: Mapping[str, Any]) -> Any:
    """Return submitit's executor, which hands each task to SLURM as a job of its own.

    Parameters
    ----------
    folder : Path
        For its files; must be seen by all machines of the cluster.
    asked : mapping
        What submitit knows: ``timeout_min``, ``mem_gb``, ``slurm_partition`` ...
    """
    submitit = imported("submitit", "cluster")
    for command in ("sbatch", "srun"):
        if shutil.which(command) is None:
            raise InputError(
                f"SLURM is not here: there is no command {command}; start this on a machine of the cluster"
            )
    if "timeout_min" not in asked:  # submitit would take five minutes
        raise InputError("how long a run may take is not said; write [slurm] and below it timeout_min = 600, say")
    executor = submitit.AutoExecutor(folder, cluster="slurm")
    try:
        executor.update_parameters(**asked)
    except Exception as error:  # of many kinds
        raise InputError(f"slurm: {' '.join(str(error).split())}; correct the table [slurm]") from error
    return executor
