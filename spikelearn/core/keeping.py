"""Where compiled code is kept, and what if it cannot be: then it is compiled anew, and that is said once."""

import functools
import os
import warnings
from pathlib import Path
from typing import Any

import platformdirs

REMEDY = "it is compiled anew in every process; set NUMBA_CACHE_DIR to a folder that can be written"


@functools.cache
def say_once(text: str) -> None:
    """Warn, unless the same was said before."""
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def place() -> Path:
    """Return the folder of all compiled code, in ``$NUMBA_CACHE_DIR`` or else in the user's cache.

    `RuntimeError` if there is no home folder.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(chosen).expanduser() / "spikelearn" if chosen else platformdirs.user_cache_path("spikelearn")) / "jit"


def kept_in(name: str) -> Path | None:
    """Return the folder `name` for compiled code, created; None, and a warning, if nothing can be kept there."""
    parent: Path | str = "the user's cache"
    try:
        parent = place()
        folder = parent / name
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
        reason = "it cannot be written"
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        reason = _reason(error)
    say_once(f"compiled code cannot be kept in {parent} ({reason}); {REMEDY}")
    return None


class Forgiving:
    """numba's cache of a function, in which nothing that fails is fatal: a damaged file, a full disk."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return what is kept, None if there is nothing that can be read; that is then forgotten."""
        try:
            return self._cache.load_overload(signature, context)
        except Exception as error:  # damaged pickles raise almost anything
            say_once(f"compiled code in {place()} cannot be read ({error!r}); it is compiled anew")
            try:
                self._cache.flush()
            except OSError:
                pass  # said when it is saved
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep what was compiled, if that is possible."""
        try:
            self._cache.save_overload(signature, data)
        except OSError as error:
            say_once(f"compiled code cannot be kept in {place()} ({_reason(error)}); {REMEDY}")


def _reason(error: Exception) -> str:
    """Return what went wrong, without the name of the one file of many that it happened to."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
