"""What all tests share. This folder is on the path, so that a test can say ``import reference``."""

import signal

import numba
import numpy as np
import pytest
from hypothesis import settings

import spikelearn.runs  # noqa: F401, all kinds are registered before a test that forgets some
from spikelearn import datasets, kinds
from spikelearn.core.compiling import telling
from spikelearn.core.lanes import LANES

INTERPRETED = bool(numba.config.DISABLE_JIT)  # NUMBA_DISABLE_JIT=1: a debugger and coverage see inside the kernels

# The same examples on every run; the first call of a kernel compiles, so there is no deadline.
settings.register_profile("spikelearn", deadline=None, derandomize=True, max_examples=25 if INTERPRETED else 100)
settings.load_profile("spikelearn")

# A shell lets what it starts in the background ignore Ctrl-C, and the processes that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A program that tells of every compilation, also of what a quick machine compiles within moments.
IMPATIENT = """
import sys
from spikelearn import cli
from spikelearn.core import compiling
compiling.PATIENCE = 0.0
sys.exit(cli.main())
"""

needs_jit = pytest.mark.skipif(INTERPRETED, reason="interpreted, it would take too long or say nothing")
of_both_types = pytest.mark.parametrize("real", [np.float32, np.float64])


@pytest.fixture(autouse=True, scope="session")
def quiet_compiler():
    """What commands print is compared, and with an empty cache they would say that they compile."""
    with telling(lambda line: None):
        yield


@pytest.fixture
def forgotten():
    """Registered classes and data sets are forgotten after a test."""
    before = {like: dict(own) for like, own in kinds._LIKE.items()}
    yield
    kinds._LIKE.clear()
    kinds._LIKE.update(before)
    datasets.OWN.clear()


def samples(compiled: int, interpreted: int) -> int:
    """Return a number of samples: fewer where kernels are interpreted."""
    return interpreted if INTERPRETED else compiled


def rows(n: int, real: type[np.floating], low: float = -3.0, high: float = 3.0) -> np.ndarray:
    """Return random numbers as rows of lanes, always the same ones; (`n`, 64)."""
    return np.random.default_rng(0).uniform(low, high, (n, LANES)).astype(real)
