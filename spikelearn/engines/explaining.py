"""What to say when code of a user's own does not compile: numba's answer, cut to what the user can mend."""

import linecache
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba.core.errors import NumbaError

from spikelearn.core.layer import Own
from spikelearn.errors import InputError, nearest

PACKAGE, NUMBA = Path(__file__).resolve().parents[1], Path(numba.__file__).resolve().parent
ASKED = ("memory", "traces", "draws", "psp_target")  # fields that a rule has only if it asks for them


@contextmanager
def explained(*parts: Any) -> Iterator[None]:
    """Turn numba's errors into an `InputError` that names whichever of these objects are of a user's own classes."""
    try:
        yield
    except NumbaError as error:
        own = [type(part).__name__ for part in parts if part is not None and not _is_ours(type(part).__module__)]
        own = list(dict.fromkeys(own))
        if not own:
            raise
        message = re.sub(r"\x1b\[[0-9;]*m", "", str(error))  # colours
        raise InputError(f"the kernels of {' or '.join(own)} cannot be compiled: {_reason(message)}") from error


def _is_ours(module: str) -> bool:
    return module.startswith("spikelearn.")


def _reason(message: str) -> str:
    """Return the innermost reason, and the user's line of code that it is about."""
    inner = message.rpartition("Failed in nopython mode pipeline")[2].partition("\n")[2].strip()
    reason = " ".join(re.split(r"\n\s*\n(?!\s*>>>)|There are|During:", inner)[0].split())
    unknown = re.search(r"Unknown attribute '(\w+)' of type Own<", reason)
    if unknown:
        reason = f"own has no {unknown[1]!r}; {nearest(unknown[1], Own._fields)}"
    places = [(Path(path), int(number)) for path, number in re.findall(r" at (\S+) \((\d+)\)", message)]
    theirs = [(path, number) for path, number in places if not {PACKAGE, NUMBA} & set(path.resolve().parents)]
    if not theirs:
        return reason
    path, number = theirs[0]
    line = linecache.getline(str(path), number).strip()
    if re.search(r"[gs]etitem\(int64", reason):
        for name in ASKED:
            if re.search(rf"own\.{name}\b|\b{name.removesuffix('s')}\(", line):
                reason = f"the rule has not asked for {name}; write register_rule(..., {name}=...)"
    elif places[0] != theirs[0]:
        reason = "numba does not know how, or it would make an array, which a kernel cannot"
    return f"{reason} ({path.name}, line {number}: {line})"
