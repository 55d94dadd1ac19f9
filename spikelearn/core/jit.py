"""Two decorators for compiled functions, with an on-disk cache that cannot go stale.

numba's own cache notices a change of the function's file, but not of a function it calls in another file. So what is
compiled is kept in folders named after a hash of all it can come from: the core's sources, and where a learning rule
takes part, its files. A change of one rule leaves the code of all others as it is.
"""

import functools
import hashlib
import inspect
import math
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import numba
import numpy as np
import platformdirs
from numba import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import IRLegalization
from numba.extending import models, register_model, typeof_impl

from spikelearn.core.compiling import compile_aside
from spikelearn.core.records import Packed, is_record

CORE = Path(__file__).resolve().parent
_SETTING = threading.Lock()  # of numba's folder, which is global


@functools.cache
def cache_folder(*things: Any) -> Path | None:
    """Return the folder for code from the core and some functions and classes, created; None: it is not to be kept."""
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for path in sorted(CORE.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    folder = platformdirs.user_cache_path("spikelearn") / "jit"
    try:
        seen: set[Any] = set()
        for part in (part for thing in things for part in _origins(thing, seen)):
            digest.update(part)
        folder = folder / digest.hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, TypeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def _origins(thing: Any, seen: set[Any]) -> Iterator[bytes]:
    """Yield what the code of a function or class is made of: its file, and what it names, if that is not of the core.

    Raises
    ------
    OSError, TypeError
        That is not to be told, or other processes do not find it by its name: it was typed into an interpreter, say.
    """
    thing = getattr(thing, "py_func", thing)
    path = Path(inspect.getfile(thing)).resolve()
    if thing in seen or path.parent == CORE:
        return
    seen.add(thing)
    if thing.__module__ == "__main__" or "<locals>" in thing.__qualname__:
        raise TypeError(f"{thing.__qualname__} is part of the program that runs")
    yield f"{thing.__module__} {thing.__qualname__}".encode()
    yield path.read_bytes()
    for name in _names(thing.__code__) if inspect.isfunction(thing) else ():
        value = thing.__globals__.get(name, 0)
        if isinstance(value, int | float | np.number):
            yield f"{name} {value!r}".encode()
        elif value is not np and value is not math:
            yield from _origins(value, seen)


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names in the code of a function, and of those within it."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names(part)


@register_pass(mutates_CFG=False, analysis_only=True)
class _KeepIntermediateCode(AnalysisPass):
    """Give a function a library of which no machine code is made: others link its intermediate code."""

    _name = "keep_intermediate_code"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:  # noqa: D102
        state.library = state.targetctx.codegen().create_library(state.func_id.func_qualname)
        state.library.__class__ = _IntermediateCode
        return False


class _IntermediateCode(JITCodeLibrary):
    def _optimize_final_module(self) -> None:
        """Nothing to do: that comes with those that link it."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return 1  # of the wrapper for Python, which nothing calls

    @property
    def codegen(self) -> Any:
        return self

    def set_env(self, name: str, environment: Any) -> None:
        """Nothing to do: only the wrapper for Python reads it."""


class Part(CompilerBase):
    """numba's compiler, for functions that exist in those that call them only: they are optimised there, and once."""

    def define_pipelines(self) -> list[Any]:  # noqa: D102
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_KeepIntermediateCode, IRLegalization)
        passes.finalize()
        return [passes]


class Kernel:
    """A compiled function: other kernels call it as it is, Python through a wrapper that unpacks its arguments.

    numba makes that wrapper for every function, and with records of a hundred arrays it takes as long to compile as
    the function itself. Most kernels are never called from Python, so here it is made when one is.
    """

    def __init__(self, function: Callable[..., Any], folder: Path | None, inline: bool) -> None:
        self.py_func, self._folder, self._inline = function, folder, inline
        functools.update_wrapper(self, function)
        # Kernels that others call are part of their code: they have none of their own, in memory or in the cache.
        self.inner = _compile(
            function, None, "", inline, no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=Part
        )  # fmt: skip

    @functools.cached_property
    def _entry(self) -> Any:
        entry = _compile(self.py_func, self._folder, "entries", False, no_cfunc_wrapper=True)
        # numba calls this for arguments of types that it has not met in this process.
        entry.compile = functools.partial(compile_aside, entry, self._folder)
        return entry

    def __call__(self, *args: Any) -> Any:  # noqa: D102
        return self._entry(*(Packed(arg) if is_record(arg) else arg for arg in args))


class KernelType(types.Dispatcher):
    """numba's type of a kernel. A constant argument is one like any other: no kernel is compiled anew for each."""

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:  # noqa: D102
        return super().get_call_type(context, tuple(map(types.unliteral, args)), kws)


register_model(KernelType)(models.OpaqueModel)


@typeof_impl.register(Kernel)
def _type_of_kernel(value: Kernel, context: Any) -> KernelType:
    return KernelType(value.inner)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` with numba: same bits on every run (no fast maths), division as in NumPy.

    It is compiled once, and other kernels call it. It cannot allocate arrays, so that numba counts no references. What
    Python calls is kept on disk if it is of the core. With NUMBA_DISABLE_JIT=1 it is the function.
    """
    return function if _interpreted() else Kernel(function, _folder_of(function), inline=False)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile `function` as `kernel` does, but merge it into those that call it: a call costs more than it does."""
    return function if _interpreted() else Kernel(function, _folder_of(function), inline=True)


@functools.cache
def specialised(compiled: Any, *things: Any) -> Any:
    """Return a twin of a kernel of the core whose code includes these functions and classes, kept with their files."""
    return compiled if _interpreted() else Kernel(compiled.py_func, cache_folder(*things), inline=False)


def _folder_of(function: Callable[..., Any]) -> Path | None:
    return cache_folder() if Path(function.__code__.co_filename).resolve().parent == CORE else None


def _interpreted() -> bool:
    config: Any = numba.config
    return bool(config.DISABLE_JIT)


def _compile(function: Callable[..., Any], folder: Path | None, kind: str, inline: bool, **wrappers: Any) -> Any:
    options: dict[str, Any] = {
        "error_model": "numpy",
        "nogil": True,
        "cache": folder is not None,
        "_nrt": False,  # no allocation, and no counting of references
        "forceinline": inline,
        **wrappers,
    }
    if folder is None:
        return numba.njit(**options)(function)
    # numba reads the setting when it decorates; it is global, so other packages get theirs back. Its cache does not
    # tell with a wrapper from without, so each kind has a folder of its own.
    config: Any = numba.config
    with _SETTING:
        previous, config.CACHE_DIR = config.CACHE_DIR, str(folder / kind)
        try:
            return numba.njit(**options)(function)
        finally:
            config.CACHE_DIR = previous
