"""Does a test notice? Plant single faults in the core, the rules and the storage, and run the tests.

    python tests/campaign/mutants.py --n 60 --seed 1 --jobs 1

A fault is one operator, comparison or number changed, drawn at random from all there are. Each is planted in a copy of
the repository; the tests that are nearest run first, and the first failure kills it. What is known is kept in
``mutants.json`` beside this script, so that a second start goes on.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).with_suffix(".json")
FILES = ["core/*.py", "learning/*.py", "storage.py"]
COMPARISONS = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
COMPARISONS |= {ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"}
OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*"}
OPERATORS |= {ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<", ast.BitXor: "&"}


class Mutant(NamedTuple):
    """A part of a file, from one place to another, and what stands there instead."""

    path: str
    line: int
    start: int  # in bytes
    stop: int
    text: str

    @property
    def name(self) -> str:
        """What it is known by: it holds as long as the file is what it was."""
        return f"{self.path}:{self.line}:{self.start}:{self.text}"


def mutants(path: str) -> Iterator[Mutant]:
    """Yield all faults that can be planted in a file."""
    content = (ROOT / path).read_bytes()
    lines = [0]
    for line in content.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    tree = ast.parse(content)

    def place(node: ast.expr, end: bool) -> int:
        line, column = (node.end_lineno, node.end_col_offset) if end else (node.lineno, node.col_offset)
        return lines[line - 1] + column

    def between(left: ast.expr, right: ast.expr, text: str) -> Mutant | None:
        start, stop = place(left, True), place(right, False)
        inside = content[start:stop].decode()
        operator = inside.strip(" ()\n")
        if not operator or any(c.isalnum() and operator not in ("in", "is", "not in", "is not") for c in operator):
            return None
        start += inside.index(operator)
        return Mutant(path, left.end_lineno or 0, start, start + len(operator.encode()), text)

    annotations = {
        id(inner)
        for node in ast.walk(tree)
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if part is not None
        for inner in ast.walk(part)
    }
    for node in ast.walk(tree):
        if id(node) in annotations:
            continue
        found = None
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in COMPARISONS:
                found = between(left, right, COMPARISONS[type(operator)])
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
                found = between(left, right, OPERATORS[type(operator)])
            case ast.Constant(value=value) if type(value) in (int, float):
                text = repr(value + 1) if type(value) is int else repr(1.5 * value if value else 1.0)
                found = Mutant(path, node.lineno, place(node, False), place(node, True), text)
            case ast.BoolOp(op=operator, values=[left, right, *_]):
                found = between_words(content, place(left, True), place(right, False), operator, path, node.lineno)
        if found is not None:
            yield found


def between_words(content: bytes, start: int, stop: int, operator: ast.boolop, path: str, line: int) -> Mutant | None:
    """Exchange ``and`` and ``or``."""
    old, new = ("and", "or") if isinstance(operator, ast.And) else ("or", "and")
    at = content[start:stop].decode().find(old)
    return None if at < 0 else Mutant(path, line, start + at, start + at + len(old), new)


def tests_of(path: str) -> list[list[str]]:
    """Return calls of pytest that would notice, the nearest first."""
    stem = Path(path).stem
    if stem == "storage":
        return [["tests/test_storage.py"], ["tests/test_runs.py", "tests/test_failures.py", "tests/test_cli.py"]]
    near = [f"tests/core/test_{stem}.py"] if (ROOT / f"tests/core/test_{stem}.py").exists() else []
    calls = [["tests/test_digests.py"], ["tests/core"], ["tests/test_training.py", "tests/test_simulate.py"]]
    calls += [["tests/test_variants.py", "tests/test_extremes.py", "tests/test_failures.py", "tests/test_progress.py"]]
    return [near, *calls] if near else calls


def call(tests: list[str], copy: Path, seconds: float | None) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy of the repository; `subprocess.TimeoutExpired` after so many seconds."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests]
    # The copy's package, not the one that is installed.
    environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(copy / "cache")}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds)


def try_one(mutant: Mutant, copy: Path, usual: dict[tuple[str, ...], float]) -> str:
    """Plant a fault in a copy of the repository and return what noticed it, or "lives".

    Tests that take ten times as long as without the fault, compiling included, hang. How long they take without it is
    measured when it is needed, and kept in `usual`.
    """
    path, content = copy / mutant.path, (ROOT / mutant.path).read_bytes()
    for tests in tests_of(mutant.path):
        if (key := tuple(tests)) not in usual:
            began = time.monotonic()
            if call(tests, copy, None).returncode:
                raise RuntimeError(f"{' '.join(tests)}: fails without a fault")
            usual[key] = time.monotonic() - began
        path.write_bytes(content[: mutant.start] + mutant.text.encode() + content[mutant.stop :])
        try:
            done = call(tests, copy, 10 * usual[key] + 60)
        except subprocess.TimeoutExpired:
            return f"hangs in {tests[0]}"
        finally:
            path.write_bytes(content)
        if done.returncode:
            said = done.stdout.splitlines()
            failed = [line.split(" - ")[0] for line in said if line.startswith(("FAILED", "ERROR"))]
            return " ".join(failed[:1]) or f"status {done.returncode} of {tests[0]}"
    return "lives"


def main() -> None:
    """Plant the faults and write what became of them."""
    parser = argparse.ArgumentParser(description="Plant faults and see whether a test fails.", allow_abbrev=False)
    parser.add_argument("--n", type=int, default=60, help="faults (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="copies at work (default: 1)")
    options = parser.parse_args()
    paths = sorted(str(p.relative_to(ROOT)) for pattern in FILES for p in (ROOT / "spikelearn").glob(pattern))
    every = [mutant for path in paths for mutant in mutants(path)]
    chosen = random.Random(options.seed).sample(every, options.n)
    known = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    waiting = [mutant for mutant in chosen if mutant.name not in known]
    print(f"{len(every)} faults can be planted in {len(paths)} files; {len(chosen)} drawn, {len(waiting)} to be tried")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        copies: list[Path] = []
        usual: dict[tuple[str, ...], float] = {}
        for job in range(options.jobs):
            copy = Path(folder) / str(job)
            shutil.copytree(
                ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__", "*.egg-info")
            )
            copies.append(copy)

        def work(mutant: Mutant) -> None:
            copy = copies.pop()
            fate = try_one(mutant, copy, usual)
            copies.append(copy)
            known[mutant.name] = fate
            kept = {each.name: known[each.name] for each in chosen if each.name in known}
            KEPT.write_text(json.dumps(kept, indent=1) + "\n")
            print(f"{mutant.name}: {fate}", flush=True)

        list(pool.map(work, waiting))
    living = [mutant for mutant in chosen if known[mutant.name] == "lives"]
    print(f"{len(chosen) - len(living)} of {len(chosen)} noticed ({100 * (1 - len(living) / len(chosen)):.0f} %)")


if __name__ == "__main__":
    main()
