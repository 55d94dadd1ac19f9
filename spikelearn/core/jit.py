"""Two decorators for compiled functions, with a cache, in memory and on disk, that cannot go stale.

numba's own cache notices a change of the function's file, but not of a function it calls in another file. So what is
compiled is kept in folders named after a hash of all it can come from: the core's sources, and where a learning rule
takes part, what that is made of (`identity`). A change of one rule leaves the code of all others as it is.
"""

import functools
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
from numba import types
from numba.extending import models, register_model, typeof_impl

from spikelearn.core.compiling import compile_aside
from spikelearn.core.identity import CORE, content, is_core
from spikelearn.core.keeping import Forgiving, kept_in
from spikelearn.core.parts import Part
from spikelearn.core.records import Packed, is_record

_SETTING = threading.Lock()  # of numba's folder, which is global


def _sources() -> str:
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for path in sorted(CORE.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


# As they are imported, and not when something is compiled: they may have been replaced by then.
_SOURCES = _sources()


@functools.cache
def cache_folder(digest: str = "") -> Path | None:
    """Return the folder for code of the core and of what has a digest, created; None: nothing can be kept there."""
    return kept_in(hashlib.sha256(f"{_SOURCES} {digest}".encode()).hexdigest()[:16])


class Kernel:
    """A compiled function: other kernels call it as it is, Python through a wrapper that unpacks its arguments.

    numba makes that wrapper for every function, and with records of a hundred arrays it takes as long to compile as
    the function itself. Most kernels are never called from Python, so here it is made when one is.

    A function that is not of the core is compiled anew when it, or what it names, has changed.
    """

    def __init__(self, function: Callable[..., Any], folder: Path | None, inline: bool) -> None:
        self.py_func, self._folder, self._inline = function, folder, inline
        functools.update_wrapper(self, function)
        self._is_core = is_core(function)
        self._parts: dict[str, Any] = {}
        self._entries: dict[str, Any] = {}
        self._apart: dict[tuple[str, Any], tuple[int, Any]] = {}
        self._making = threading.RLock()

    def _digest(self) -> str:
        return "" if self._is_core else content(self.py_func).digest

    @property
    def inner(self) -> Any:
        """The function for kernels that call it: part of their code, it has none of its own in memory or on disk."""
        digest = self._digest()
        if digest not in self._parts:
            wrappers = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
            self._parts[digest] = _compile(self.py_func, None, "", self._inline, pipeline_class=Part, **wrappers)
        return self._parts[digest]

    @property
    def _entry(self) -> Any:
        digest = self._digest()
        with self._making:  # threads that call it share what one of them compiles
            if digest not in self._entries:
                entry = _compile(self.py_func, self._folder, "entries", False, no_cfunc_wrapper=True)
                # numba calls this for arguments of types that it has not met in this process.
                entry.compile = functools.partial(compile_aside, entry, self._folder)
                self._entries[digest] = entry
            return self._entries[digest]

    def address(self, signature: tuple[Any, ...]) -> int:
        """Return where the code for arguments of these types is, for kernels that call it without being part of it."""
        key = self._digest(), signature
        with self._making:
            if key not in self._apart:
                wrappers = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
                entry = _compile(self.py_func, self._folder, "apart", False, **wrappers)
                compile_aside(entry, self._folder, signature)
                code = entry.overloads[signature]
                self._apart[key] = code.library.get_pointer_to_function(code.fndesc.llvm_func_name), entry
            return self._apart[key][0]

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


def specialised(compiled: Any, *things: Any) -> Any:
    """Return a twin of a kernel of the core whose code includes these functions and classes, kept with what they are.

    Its name tells it from other twins: the loader of machine code knows functions by their names.
    """
    if _interpreted():
        return compiled
    made_of, function = content(*things), compiled.py_func
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__module__, twin.__doc__ = function.__module__, function.__doc__
    twin.__qualname__ = f"{function.__qualname__}_{made_of.digest}"
    return Kernel(twin, cache_folder(made_of.digest) if made_of.found else None, inline=False)


def _folder_of(function: Callable[..., Any]) -> Path | None:
    return cache_folder() if is_core(function) else None


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
            dispatcher = numba.njit(**options)(function)
            dispatcher._cache = Forgiving(dispatcher._cache)
            return dispatcher
        finally:
            config.CACHE_DIR = previous
