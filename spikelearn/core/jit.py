"""One decorator for every compiled function, with an on-disk cache that cannot go stale.

numba's own cache notices a change of the function's file, but not of a function it calls in another file. So the
cache folder is named after a hash of all sources that compiled code can come from.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import platformdirs

PACKAGE = Path(__file__).resolve().parent.parent


@cache
def cache_folder() -> Path | None:
    """Return the folder for compiled code, created; None where none can be written (then nothing is cached)."""
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for source in sorted(p for part in ("core", "learning") for p in (PACKAGE / part).glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    folder = platformdirs.user_cache_path("spikelearn") / "jit" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba: same bits on every run (no fast maths), division as in NumPy, cached.

    A kernel cannot allocate arrays, and is merged into the kernels that call it. So a record of a hundred arrays
    costs nothing to hand over: without the first, numba counts a reference to each, atomically; without the second, it
    copies them all.
    """
    return _compile(function, cached=cache_folder() is not None)


def uncached(compiled: Any) -> Any:
    """Return a twin of a `kernel` that is compiled anew in every process.

    For callers that pass it types whose code lies outside the package, which the cache cannot watch.
    """
    return _compile(getattr(compiled, "py_func", compiled), cached=False)


def _compile(function: Callable[..., Any], cached: bool) -> Any:
    options: dict[str, Any] = {
        "error_model": "numpy",
        "nogil": True,
        "cache": cached,
        "_nrt": False,  # no allocation, and no counting of references
        "forceinline": True,
    }
    if not cached:
        return numba.njit(**options)(function)
    # numba reads the setting when it decorates; it is global, so other packages get theirs back.
    config: Any = numba.config
    previous, config.CACHE_DIR = config.CACHE_DIR, str(cache_folder())
    try:
        return numba.njit(**options)(function)
    finally:
        config.CACHE_DIR = previous
