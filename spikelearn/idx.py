"""The IDX format, in which MNIST is published: sizes, then unsigned bytes, often gzipped."""

import gzip
import hashlib
import io
import math
import shutil
import zlib
from pathlib import Path

import numpy as np

from spikelearn.errors import InputError, wording


def read_idx(path: str | Path, sha256: str | None = None) -> np.ndarray:
    """Read an IDX file of unsigned bytes, gzipped or not (its first bytes tell, not its name).

    Parameters
    ----------
    path : str or Path
        The file.
    sha256 : str, optional
        Hash of the uncompressed content, hexadecimal. By default any content will do.

    Returns
    -------
    (...) uint8 array
        Of the shape given in the file, read-only.

    Raises
    ------
    InputError
        The file is corrupt, truncated, too long or of another type, or has another hash.
    """
    content = _uncompressed(Path(path))
    if sha256 is not None and (got := hashlib.sha256(content).hexdigest()) != sha256:
        raise InputError(f"{path}: SHA-256 of the uncompressed content is {got[:12]}..., expected {sha256[:12]}...")
    if content[:4] not in (b"\0\0\x08\x01", b"\0\0\x08\x02", b"\0\0\x08\x03"):
        magic = content[:4].hex(" ") or "nothing"
        raise InputError(f"{path} is not an IDX file of unsigned bytes (00 00 08 01 to 03): it starts with {magic}")
    start = 4 + 4 * content[3]  # then the sizes, as big-endian 32-bit numbers
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + math.prod(shape)
    swapped = tuple(int.from_bytes(content[at : at + 4], "little") for at in range(4, start, 4))
    if len(content) != expected and len(content) == start + math.prod(swapped):
        raise InputError(f"{path}: its sizes {swapped} are little-endian numbers; IDX files have big-endian ones")
    if len(content) != expected:
        problem = "truncated" if len(content) < expected else "too long"
        raise InputError(f"{path} is {problem}: shape {shape} needs {expected} bytes, got {len(content)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _uncompressed(path: Path) -> bytes:
    buffer = io.BytesIO()  # grows in place: a plain read() would need twice the memory while joining its chunks
    with open(path, "rb") as raw:
        zipped = raw.peek(2)[:2] == b"\x1f\x8b"
        try:
            shutil.copyfileobj(gzip.GzipFile(fileobj=raw) if zipped else raw, buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{path} is a corrupt gzip file ({wording(error)}); get it again") from error
    return buffer.getvalue()
