"""A table of numbers as text: a ``.csv`` file with an example a line, one column its class."""

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from spikelearn.datasets.classes import numbered, tell_single
from spikelearn.datasets.dataset import Dataset, for_testing
from spikelearn.errors import InputError, nearest, wording
from spikelearn.examples import Images
from spikelearn.paths import expanded
from spikelearn.scaling import Scaling

CLASS_NAMES = ("class", "label", "target")  # of the column of classes, in small or large letters
DELIMITERS = ",;\t"  # the one that is most often in the first line


def load_csv(path: str | Path, scale: float | None = None, label: str | None = None) -> Dataset:
    """Load a table of numbers.

    Parameters
    ----------
    path : str or Path
        Columns are separated by commas, semicolons or tabs. The first line is names if a word is in it before its last
        column, or one of `CLASS_NAMES`.
    scale : float, optional
        Number of intensity 1 in all columns. By default columns are scaled as by `Scaling`, fitted to the training
        part: numbers stay if all are within 0..1, else the smallest of a column becomes 0 and the largest 1.
    label : str, optional
        Name of the column of classes. By default it is the one called ``class``, ``label`` or ``target``; without such
        a one the last. Classes are numbered in the order of their names.

    Returns
    -------
    Dataset
        Training and test examples, as `split` divides them.

    Raises
    ------
    InputError
        A cell is no finite number, or something else of the table cannot be used; line and column are named.
    """
    path = expanded(path)
    if not path.is_file():
        raise InputError(f"{path} is no file; give the path of a table")
    x, labels = _read(path, label)
    y, classes = numbered(labels)
    for_test = for_testing(y, path.name)
    tell_single(path.name, y, classes)
    if scale is None:
        x, scale = Scaling.of(x[~for_test]).intensities(x), 1.0
    train, test = (
        Images(x=x[rows], y=y[rows], n_classes=len(classes), name=f"{path.name} {part}", scale=scale)
        for part, rows in (("train", ~for_test), ("test", for_test))
    )
    return Dataset(train=train, test=test, name=path.name)


def _read(path: Path, label: str | None) -> tuple[np.ndarray, list[str]]:
    """Return numbers, (n, columns) float64, and the class of each row as it stands there."""
    numbers, labels = array("d"), []
    try:
        rows = _rows(path)
        header, place, ahead = _columns(path, next(rows, (0, [])), label)
        for line, row in (*ahead, *rows):
            if len(row) != len(header):
                raise InputError(f"{path}, line {line}: {len(row)} columns, but {len(header)} in the first line")
            labels.append(row.pop(place).strip())
            if not labels[-1]:
                raise InputError(f"{path}, line {line}: no class in column {header[place]!r}; fill it in")
            numbers.extend(_numbers(path, line, row, header[:place] + header[place + 1 :]))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table ({wording(error)}); save it as CSV, in UTF-8") from error
    if not labels:
        raise InputError(f"{path} has no line of numbers")
    return np.frombuffer(numbers).reshape(len(labels), -1), labels


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each line that is not empty."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        first = file.readline()
        file.seek(0)
        reader = csv.reader(file, delimiter=max(DELIMITERS, key=first.count), skipinitialspace=True, strict=True)
        yield from ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))


def _columns(
    path: Path, first: tuple[int, list[str]], label: str | None
) -> tuple[list[str], int, list[tuple[int, list[str]]]]:
    """Return the names of the columns, the place of the classes, and the first line if it is one of numbers."""
    names = [cell.strip() for cell in first[1]]
    if len(names) < 2:
        raise InputError(f"{path} has {len(names)} columns; must have one of numbers and one of classes at least")
    known = [place for place, name in enumerate(names) if name.lower() in CLASS_NAMES]
    if not known and all(map(_is_number, names[:-1])):
        if label is not None:
            raise InputError(f"{path} has no names of columns, so none is {label!r}; write them in its first line")
        return [f"{k + 1}" for k in range(len(names))], len(names) - 1, [first]
    if "" in names:
        raise InputError(f"{path}: column {names.index('') + 1} has no name; leave it out, or give it one")
    if label is not None:
        if label not in names:
            raise InputError(f"{path} has no column {label!r}; {nearest(label, names)}")
        return names, names.index(label), []
    if len(known) > 1:
        both = " and ".join(repr(names[place]) for place in known)
        raise InputError(f"{path}: the classes may be in {both}; name one with load_csv(label=), or rename the other")
    return names, known[0] if known else len(names) - 1, []


def _numbers(path: Path, line: int, cells: Sequence[str], names: Sequence[str]) -> list[float]:
    """Return the numbers of a line; `InputError` names the first cell that is none."""
    try:
        found = [float(cell) for cell in cells]
        bad = next((k for k, number in enumerate(found) if not math.isfinite(number)), None)
    except ValueError:
        bad = next(k for k, cell in enumerate(cells) if not _is_number(cell))
    if bad is not None:
        raise InputError(
            f"{path}, line {line}, column {names[bad]!r}: {cells[bad].strip()!r} is no finite number; write one, or "
            f"leave the line or the column out"
        )
    return found


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
