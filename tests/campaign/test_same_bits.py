"""The same bits, whatever runs them: threads, chunks, processes however started, the processor that is compiled for."""

import hashlib
import multiprocessing
import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
from conftest import INTERPRETED, needs_jit
from plan import bars, sizes

import spikelearn as sl

ENGINES = {"clock": sl.Clock(), "event": sl.Event(), "rates": sl.Rates()}


def images(n):
    x, y = bars(n, 0)
    return sl.Images(x=x, y=y, n_classes=3, name="bars")


def digest_of(engine, n, chunk_size=7, threads=1):
    """Train and test; return a hash of all that comes of it."""
    model = sl.Model(network=sl.Network(sizes=(9, 70, 3)), learning_rates=(0.2, 0.2))
    shown, found = images(n), hashlib.sha256()
    training = sl.train(model, shown, seed=1, engine=ENGINES[engine], chunk_size=chunk_size)
    for chunk in training:
        found.update(np.ascontiguousarray(chunk.loss).tobytes())
    predictions = sl.evaluate(
        model.network, training.weights, shown, seed=1, engine=ENGINES[engine], threads=threads, chunk_size=chunk_size
    )
    for array in (*training.weights.arrays, *training.state().values(), predictions):
        found.update(array.tobytes())
    return found.hexdigest()


def several(engine, n):
    """Cross threads with chunks, which say the loss of each example whatever their size, so the hash is the same."""
    return {digest_of(engine, n, chunk_size, threads) for chunk_size in (1, 7, 100, 1000) for threads in (1, 2, 4)}


of_each_engine = pytest.mark.parametrize("engine", ENGINES)


@of_each_engine
@sizes(30, 600)
def test_threads_and_chunks(engine, n):
    assert len(several(engine, n)) == 1


@needs_jit
@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
@sizes(20, 300)
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_processes(how, n):
    if how not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not {how}")
    wanted = digest_of("event", n)
    with multiprocessing.get_context(how).Pool(2) as pool:
        assert set(pool.starmap(digest_of, [("event", n, 7, 1), ("event", n, 4, 2)])) == {wanted}


@needs_jit
@sizes(20, 300)
def test_loky(n):
    work = joblib.Parallel(n_jobs=2, backend="loky")
    found = work(joblib.delayed(digest_of)("clock", n, size, threads) for size, threads in ((7, 1), (4, 2)))
    assert set(found) == {digest_of("clock", n)}


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled")
@pytest.mark.parametrize(
    "name, n", [("generic", 20), *(pytest.param(name, 300, marks=pytest.mark.slow) for name in ("generic", "haswell"))]
)
def test_other_processors(name, n):
    """Half as many lanes, and instructions of another scheduling."""
    code = f"import sys; sys.path[:0] = sys.argv[1:3]; import test_same_bits as t; print(t.digest_of('clock', {n}))"
    here = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", code, here, os.path.dirname(here)],
        capture_output=True, text=True, env=os.environ | {"NUMBA_CPU_NAME": name},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == digest_of("clock", n)
