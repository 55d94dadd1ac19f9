"""Two decorators for compiled functions, with an on-disk cache that cannot go stale.

numba's own cache notices a change of the function's file, but not of a function it calls in another file. So what is
compiled is kept in folders named after a hash of all it can come from: the core's sources, and for functions of other
files, a learning rule say, that file. A change of one rule leaves the code of all others as it is.
"""

import functools
import hashlib
import inspect
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
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
def cache_folder(source: Path | None = None, module: str = "") -> Path | None:
    """Return the folder for code compiled from the core and a module, created; None where none can be written."""
    digest = hashlib.sha256(f"numba {numba.__version__} {module}".encode())
    for path in [*sorted(CORE.glob("*.py")), *([] if source is None else [source])]:
        digest.update(path.name.encode() + path.read_bytes())
    folder = platformdirs.user_cache_path("spikelearn") / "jit" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def source_of(thing: Any) -> tuple[Path, str] | tuple[()]:
    """Return file and name of the module outside the core that defines a function or class; () if it is of the core.

    Raises
    ------
    OSError, TypeError
        It has no file, as what is typed into an interpreter, or other processes do not find it by its name.
    """
    path = Path(inspect.getfile(thing)).resolve()
    path.stat()
    if path.parent == CORE:
        return ()
    if thing.__module__ == "__main__" or "<locals>" in thing.__qualname__:
        raise TypeError(f"{thing.__qualname__} is part of the program that runs")
    return path, thing.__module__


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
    """Compile `function` with numba: same bits on every run (no fast maths), division as in NumPy, cached.

    It is compiled once, and other kernels call it. It cannot allocate arrays, so that numba counts no references. With
    NUMBA_DISABLE_JIT=1 it is the function.
    """
    return function if _interpreted() else Kernel(function, _folder_of(function), inline=False)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile `function` as `kernel` does, but merge it into those that call it: a call costs more than it does."""
    return function if _interpreted() else Kernel(function, _folder_of(function), inline=True)


def uncached(function: Callable[..., Any]) -> Any:
    """Compile `function` as `inlined` does, but keep nothing of it: for arguments of types from outside the core.

    Code of theirs in the core's folder would go stale with their files, of which that folder's name says nothing. The
    `specialised` twins of those that call it keep it.
    """
    return function if _interpreted() else Kernel(function, None, inline=True)


@functools.cache
def specialised(compiled: Any, *things: type) -> Any:
    """Return a twin of a kernel for arguments of types whose code lies outside the core, cached with their files."""
    if _interpreted():
        return compiled
    folders = []
    for thing in things:
        try:
            folders.append(cache_folder(*source_of(thing)))
        except (OSError, TypeError):
            return Kernel(compiled.py_func, None, inline=False)
    return Kernel(compiled.py_func, _common(folders), inline=False)


def _common(folders: list[Path | None]) -> Path | None:
    """Return a folder for code that comes from several sources."""
    if None in folders:
        return None
    digest = hashlib.sha256("".join(sorted({folder.name for folder in folders if folder})).encode())
    folder = folders[0].parent / digest.hexdigest()[:16]  # type: ignore[union-attr]
    folder.mkdir(exist_ok=True)
    return folder


def _folder_of(function: Callable[..., Any]) -> Path | None:
    try:
        return cache_folder(*source_of(function))
    except (OSError, TypeError):
        return None


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
