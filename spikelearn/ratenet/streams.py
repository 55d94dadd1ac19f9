"""Randomness as an argument: a generator is a function of the seed, a purpose and counters.

So measuring, or asking for another epoch, never disturbs what training draws, and no state needs to be saved.
"""

import zlib

import numpy as np


def stream(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """Return the generator of a purpose, such as ``stream(1, "order", epoch)``; the same arguments, the same draws.

    Parameters
    ----------
    seed : int
        The user's, at least 0.
    purpose : str
        Any name; different names are independent.
    counters : int
        Number of the epoch, say.
    """
    key = (zlib.crc32(purpose.encode()), *counters)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
