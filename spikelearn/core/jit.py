"""One decorator for every compiled function, with an on-disk cache that cannot go stale.

numba's own cache notices a change of the function's file, but not of a function it calls in another file. So the
cache folder is named after a hash of all sources that compiled code can come from.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba import types
from numba.extending import typeof_impl

PACKAGE = Path(__file__).resolve().parent.parent


@functools.cache
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


class Kernel:
    """A compiled function: other kernels call it as it is, Python through a wrapper that unpacks its arguments.

    numba makes that wrapper for every function, and with records of a hundred arrays it takes as long to compile as
    the function itself. Most kernels are never called from Python, so here it is made when one is.
    """

    def __init__(self, function: Callable[..., Any], cached: bool) -> None:
        self.py_func, self._cached = function, cached
        functools.update_wrapper(self, function)
        self.inner = _compile(function, cached, "kernels", no_cpython_wrapper=True, no_cfunc_wrapper=True)

    @functools.cached_property
    def _entry(self) -> Any:
        return _compile(self.py_func, self._cached, "entries")

    def __call__(self, *args: Any) -> Any:  # noqa: D102
        return self._entry(*args)


@typeof_impl.register(Kernel)
def _type_of_kernel(value: Kernel, context: Any) -> types.Dispatcher:
    return types.Dispatcher(value.inner)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba: same bits on every run (no fast maths), division as in NumPy, cached.

    A kernel cannot allocate arrays, and is merged into the kernels that call it. So a record of a hundred arrays
    costs nothing to hand over: without the first, numba counts a reference to each, atomically; without the second, it
    copies them all. With NUMBA_DISABLE_JIT=1 it is the function.
    """
    return function if _interpreted() else Kernel(function, cached=cache_folder() is not None)


def uncached(compiled: Any) -> Any:
    """Return a twin of a `kernel` that is compiled anew in every process.

    For callers that pass it types whose code lies outside the package, which the cache cannot watch.
    """
    return compiled if _interpreted() else Kernel(compiled.py_func, cached=False)


def _interpreted() -> bool:
    config: Any = numba.config
    return bool(config.DISABLE_JIT)


def _compile(function: Callable[..., Any], cached: bool, folder: str, **wrappers: bool) -> Any:
    options: dict[str, Any] = {
        "error_model": "numpy",
        "nogil": True,
        "cache": cached,
        "_nrt": False,  # no allocation, and no counting of references
        "forceinline": True,
        **wrappers,
    }
    if not cached:
        return numba.njit(**options)(function)
    # numba reads the setting when it decorates; it is global, so other packages get theirs back. Its cache does not
    # tell with a wrapper from without, so each kind has a folder of its own.
    config: Any = numba.config
    previous, config.CACHE_DIR = config.CACHE_DIR, str(cache_folder() / folder)  # type: ignore[operator]
    try:
        return numba.njit(**options)(function)
    finally:
        config.CACHE_DIR = previous
