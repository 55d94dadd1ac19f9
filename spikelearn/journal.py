"""A file that is changed wholly or not at all: changes are collected in memory, kept in a journal, then applied.

HDF5 kills the process where a disk is full, and leaves a damaged file where it is killed itself. So it writes into
memory here, page by page. What changed goes to ``.NAME.journal`` beside the file, which is renamed to that when it is
complete, and from there into the file. Whoever opens a file that has a journal reads through it; whoever changes it
applies it first.
"""

import contextlib
import io
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from spikelearn.errors import InputError
from spikelearn.storage import replacing

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PAGE = 1 << 14
PATIENCE = 2.0  # s
HEADER = struct.Struct("<8sQQQ")  # mark; what is kept of the file, its new length; number of pages
NUMBER = struct.Struct("<Q")
MARK = b"pages 1\n"


class Pages(io.RawIOBase):
    """A file as it would be after some changes, which are in memory only.

    Parameters
    ----------
    base : binary file
        What is read where nothing was changed.
    """

    def __init__(self, base: IO[bytes]) -> None:
        self._base = base
        self.length = os.fstat(base.fileno()).st_size
        self.changed: dict[int, bytearray] = {}
        self.kept = self.length  # so much of the base was never cut off
        self._at = 0

    def seekable(self) -> bool:
        """Tell that one can."""
        return True

    def readable(self) -> bool:
        """Tell that one can."""
        return True

    def writable(self) -> bool:
        """Tell that one can."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place."""
        self._at = offset + (0, self._at, self.length)[whence]
        return self._at

    def tell(self) -> int:
        """Return the present place."""
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Make the file so long; what is new is zero."""
        size = self._at if size is None else size
        if size < self.length:
            for number in [number for number in self.changed if number * PAGE >= size]:
                del self.changed[number]
            if size // PAGE in self.changed:
                self.changed[size // PAGE][size % PAGE :] = bytes(PAGE - size % PAGE)
        self.length = size
        self.kept = min(self.kept, size)
        return size

    def readinto(self, buffer: Any) -> int:
        """Read as much as fits and is there."""
        view = memoryview(buffer).cast("B")
        n = max(min(len(view), self.length - self._at), 0)
        for number, part, place in self._parts(n):
            page = self.changed[number] if number in self.changed else self._kept(number)
            view[place] = page[part]
        self._at += n
        return n

    def write(self, data: Any) -> int:
        """Write into memory."""
        view = memoryview(data).cast("B")
        for number, part, place in self._parts(len(view)):
            self._page(number)[part] = view[place]
        self._at += len(view)
        if len(view):
            self.length = max(self.length, self._at)
        return len(view)

    def _parts(self, n: int) -> Iterator[tuple[int, slice, slice]]:
        """Yield pages, what of them, and where that is in what is read or written."""
        done = 0
        while done < n:
            number, begin = divmod(self._at + done, PAGE)
            size = min(PAGE - begin, n - done)
            yield number, slice(begin, begin + size), slice(done, done + size)
            done += size

    def _kept(self, number: int) -> bytes:
        self._base.seek(number * PAGE)
        return self._base.read(min(max(self.kept - number * PAGE, 0), PAGE)).ljust(PAGE, b"\0")

    def _page(self, number: int) -> bytearray:
        if number not in self.changed:
            self.changed[number] = bytearray(self._kept(number))
        return self.changed[number]


class ChangedMeanwhile(Exception):
    """What was read of a file is of no one moment: somebody changed it who did not wait, or could not know."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Pages]:
    """Yield a file as it is, or will be when its journal is applied; `ChangedMeanwhile` if that was not one state."""
    with open(path, "rb") as file, _locked(file, "shared"):
        before = _state(path, file)
        try:
            pages = Pages(file)
            _read_journal(path, pages)
            yield pages
        except Exception as error:
            if _state(path, file) != before:  # it may come of reading two states as one
                raise ChangedMeanwhile from error
            raise
        if _state(path, file) != before:
            raise ChangedMeanwhile


@contextlib.contextmanager
def changing(path: Path) -> Iterator[Pages]:
    """Yield a file to be changed; it is, when the block ends without an error."""
    # Without a buffer, which on closing would try once more to write what had failed.
    with open(path, "rb+", buffering=0) as file, _locked(file, "alone"):
        pages = Pages(file)
        if _read_journal(path, pages):
            _apply(pages, file, path)
            pages = Pages(file)
        yield pages
        if not pages.changed and pages.kept == pages.length == os.fstat(file.fileno()).st_size:
            return
        try:
            with replacing(journal_of(path)) as temporary:
                _write_journal(pages, temporary)
            _apply(pages, file, path)
        except OSError as error:  # which may not know the name
            raise OSError(error.errno, error.strerror, str(path)) from error


def journal_of(path: Path) -> Path:
    """Return where the journal of a file lies."""
    return path.with_name(f".{path.name}.journal")


def _state(path: Path, file: IO[bytes]) -> tuple[int, ...]:
    """Return what differs after a change of the file, and while one is being applied."""
    states = [os.fstat(file.fileno())]
    with contextlib.suppress(FileNotFoundError):
        states.append(journal_of(path).stat())
    return tuple(number for state in states for number in (state.st_ino, state.st_mtime_ns, state.st_size))


def _write_journal(pages: Pages, path: Path) -> None:
    """Write the changes into a file of their own."""
    with open(path, "wb") as journal:
        journal.write(HEADER.pack(MARK, pages.kept, pages.length, len(pages.changed)))
        for number, page in sorted(pages.changed.items()):
            journal.write(NUMBER.pack(number))
            journal.write(page)


def _read_journal(path: Path, pages: Pages) -> bool:
    """Take up the changes that a journal holds, if there is one."""
    try:
        content = memoryview(journal_of(path).read_bytes())
    except FileNotFoundError:
        return False
    if content[: len(MARK)] != MARK:
        raise InputError(f"{journal_of(path)} is no journal of this version of spikelearn; move it away")
    _, pages.kept, pages.length, n = HEADER.unpack_from(content)
    for k in range(n):
        at = HEADER.size + k * (NUMBER.size + PAGE)
        (number,) = NUMBER.unpack_from(content, at)
        pages.changed[number] = bytearray(content[at + NUMBER.size : at + NUMBER.size + PAGE])
    return True


def _apply(pages: Pages, file: IO[bytes], path: Path) -> None:
    """Write the changes into the file, and remove the journal."""
    os.ftruncate(file.fileno(), pages.kept)
    for number, page in sorted(pages.changed.items()):
        part, at = memoryview(page)[: max(pages.length - number * PAGE, 0)], number * PAGE
        file.seek(at)
        while part:  # a write may stop in the middle
            part = part[file.write(part) :]
    os.ftruncate(file.fileno(), pages.length)
    os.fsync(file.fileno())
    journal_of(path).unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(file: IO[bytes], kind: str) -> Iterator[None]:
    """Keep changes and readers apart while the block lasts, which is moments.

    Others may hold a file for hours, as h5py does that of a notebook: they are waited for a while, no longer.
    """
    patience = time.monotonic() + PATIENCE
    while fcntl is not None:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if kind == "shared" else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < patience:
                time.sleep(0.01)
                continue
        except OSError:
            pass  # a file system without locks
        break
    yield
