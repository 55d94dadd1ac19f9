"""Does a test notice? Plant single faults in the core, the rules and the storage, and run the tests.

    python tests/campaign/mutants.py --n 60

A fault is one operator, comparison or number changed. It is named by the line before and after, and the draw goes by a
hash of the name, so that it stays the same when other lines change. Each fault is planted in a copy of the repository.
The cheapest tests come first: those of the file, interpreted, which needs no compiler. What lives meets dearer ones.
The first failure kills it, if the same test passes without the fault.

``mutants.json`` beside this script keeps what became of each: the test that killed it, or a list of the calls of pytest
that did not. A second start goes on from there. "same: ..." is written by hand, for a fault that changes no result.
"""

import argparse
import ast
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).with_suffix(".json")
FILES = ["core/*.py", "learning/*.py", "storage.py"]
COMPARISONS = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
COMPARISONS |= {ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"}
OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*"}
OPERATORS |= {ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<", ast.BitXor: "&"}
ALIVE = "lives"


class Mutant(NamedTuple):
    """A part of a file, from one place to another, and what stands there instead."""

    path: str
    start: int  # in bytes
    stop: int
    text: str

    def planted(self, content: bytes) -> bytes:
        """Return the file's content with the fault."""
        return content[: self.start] + self.text.encode() + content[self.stop :]

    def name(self, content: bytes) -> str:
        """Return the line before and after; of lines that are alike, it tells the number, too."""
        first, last = content.rfind(b"\n", 0, self.start) + 1, content.find(b"\n", self.stop)
        before = content[first:last]
        after = content[first : self.start] + self.text.encode() + content[self.stop : last]
        number = content[:first].splitlines().count(before)
        again = f" ({number + 1})" if number else ""
        return f"{self.path}: {before.decode().strip()} -> {after.decode().strip()}{again}"


class Call(NamedTuple):
    """A call of pytest: its arguments, whether kernels are interpreted, and after how many seconds it hangs."""

    arguments: tuple[str, ...]
    interpreted: bool = False
    seconds: float = 1800.0

    @property
    def name(self) -> str:
        """What it is known by."""
        return " ".join(self.arguments) + (", interpreted" if self.interpreted else "")


# Of a file of the core: tests that take seconds, interpreted. Of others those of the same name.
TRIAL = ["tests/core/test_event.py", "-k", "potentials"]
TWIN = ["tests/core/test_clock.py", "-k", "training_run_is_that_of_the_twin"]
RULES = ["tests/core/test_learn.py", "tests/core/test_rules.py"]
NEAR = {
    **dict.fromkeys(["continuous", "together", "exact", "notes", "thinning"], TRIAL),
    **dict.fromkeys(["apart", "probe", "steps", "layer", "echo", "trial"], TWIN),
    "euler": ["tests/core/test_room.py", *TWIN[:1], "-k", f"{TWIN[-1]} or room_for"],
    **dict.fromkeys(["curves", "windows"], ["tests/test_curves.py"]),
    "feedback": ["tests/test_feedback_kinds.py"],
    **dict.fromkeys(["dynamics", "registers", "vectors"], ["tests/core/test_lanes.py"]),
    **dict.fromkeys(["identity", "keeping", "parts", "registered"], ["tests/core/test_jit.py"]),
}
# Made for the compiler: interpreted, they are not there.
COMPILED = {"jit", "dynamics", "compiling", "keeping", "identity", "records", "parts", "lanes", "registers", "vectors"}
ENGINE = {
    **dict.fromkeys(["continuous", "windows", "together", "exact", "notes", "thinning"], "event"),
    **dict.fromkeys(["euler", "steps"], "clock"),
    "rates": "rates",
}
MORE = ["training", "simulate", "variants", "extremes", "failures", "progress", "timed", "kinds", "feedback_kinds"]


def tests_of(path: str) -> list[Call]:
    """Return calls of pytest that would notice, the cheapest first."""
    stem = Path(path).stem
    if stem == "storage":
        far = ["tests/test_runs.py", "tests/test_failures.py", "tests/test_cli.py", "tests/campaign"]
        return [Call(("tests/test_storage.py",)), *(Call((tests,)) for tests in far)]
    near = RULES if path.startswith("spikelearn/learning/") else NEAR.get(stem, [f"tests/core/test_{stem}.py"])
    calls = [Call(tuple(near), interpreted=stem not in COMPILED)] if (ROOT / near[0]).exists() else []
    digests = "tests/test_digests.py"
    calls += [Call((digests, "-k", ENGINE[stem]))] if stem in ENGINE else []
    return [*calls, Call((digests,)), Call(("tests/core",)), Call(tuple(f"tests/test_{name}.py" for name in MORE))]


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
        return Mutant(path, start, start + len(operator.encode()), text)

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
                found = Mutant(path, place(node, False), place(node, True), text)
            case ast.BoolOp(op=operator, values=[left, right, *_]):
                found = between_words(content, place(left, True), place(right, False), operator, path)
        if found is not None:
            yield found


def between_words(content: bytes, start: int, stop: int, operator: ast.boolop, path: str) -> Mutant | None:
    """Exchange ``and`` and ``or``."""
    old, new = ("and", "or") if isinstance(operator, ast.And) else ("or", "and")
    at = content[start:stop].decode().find(old)
    return None if at < 0 else Mutant(path, start + at, start + at + len(old), new)


def every_fault() -> dict[str, Mutant]:
    """Return all faults that can be planted, by name."""
    paths = sorted(path for pattern in FILES for path in (ROOT / "spikelearn").glob(pattern))
    return {mutant.name(path.read_bytes()): mutant for path in paths for mutant in mutants(str(path.relative_to(ROOT)))}


def draw(names: dict[str, Mutant], n: int, seed: int) -> list[str]:
    """Draw `n` of the names, those of less than `n` among them."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())[:n]


class Copy:
    """A copy of the repository, in which faults are planted, with the code that was compiled with and without them."""

    def __init__(self, folder: Path) -> None:
        self.path, self._caches = folder / "copy", folder / "caches"
        unwanted = ".git", ".venv", "runs", "__pycache__", "*.egg-info"
        shutil.copytree(ROOT, self.path, ignore=shutil.ignore_patterns(*unwanted))
        self._passed: set[Call] = set()
        _, said = self._run([sys.executable, "-c", "import spikelearn; print(spikelearn.__file__)"], {})
        if not said or not Path(said[-1]).is_relative_to(self.path):
            raise RuntimeError(f"not the copy would be tested: {said}")

    def meet(self, mutant: Mutant, name: str, call: Call) -> str:
        """Plant a fault, run tests, and return the first that failed, `ALIVE` if none did."""
        of_core = mutant.path.startswith("spikelearn/core/")  # all that is compiled then is compiled anew
        cache = self._caches / (hashlib.sha256(name.encode()).hexdigest()[:16] if of_core else "common")
        self._write(mutant, mutant.planted((ROOT / mutant.path).read_bytes()))
        try:
            status, said = self._pytest(call, cache)
        finally:
            self._write(mutant, (ROOT / mutant.path).read_bytes())
        if status == 0:
            return ALIVE
        if of_core:
            shutil.rmtree(cache, ignore_errors=True)
        if status is None:
            self._check_passes(call)  # it may be the machine that is slow
            return f"hangs in {call.name}"
        failed = [line.split(" ", 1)[1].split(" - ")[0] for line in said if line.startswith(("FAILED ", "ERROR "))]
        # A crash names no test.
        without = call._replace(arguments=(failed[0],) if failed else (*call.arguments, "--collect-only"))
        self._check_passes(without)
        return without.name if failed else f"status {status} of {call.name}"

    def _check_passes(self, call: Call) -> None:
        """Raise `RuntimeError` if a call fails without a fault, too."""
        if call not in self._passed:
            status, said = self._pytest(call, self._caches / "common")
            if status != 0:
                raise RuntimeError(f"{call.name} fails without a fault: {said[-1:]}")
            self._passed.add(call)

    def _write(self, mutant: Mutant, content: bytes) -> None:
        """Write a file of the copy, of the same age at any time: numba looks at that, and keeps what it compiled."""
        (self.path / mutant.path).write_bytes(content)
        shutil.copystat(ROOT / mutant.path, self.path / mutant.path)

    def _pytest(self, call: Call, cache: Path) -> tuple[int | None, list[str]]:
        """Return the status of a call, None if it hangs, and the lines it printed."""
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *call.arguments]
        settings = {"NUMBA_CACHE_DIR": str(cache), "NUMBA_DISABLE_JIT": str(int(call.interpreted))}
        return self._run(command, settings, call.seconds)

    def _run(self, command: list[str], settings: dict[str, str], seconds: float = 60.0) -> tuple[int | None, list[str]]:
        # The copy's package, not the one that is installed; no code of Python's own kept, which goes by a file's age.
        environment = os.environ | {"PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": "1"} | settings
        child = subprocess.Popen(
            command, cwd=self.path, env=environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            said, _ = child.communicate(timeout=seconds)
            return child.returncode, said.splitlines()
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # and what the tests have started
            child.communicate()
            return None, []


def summary(known: dict[str, str | list[str]]) -> str:
    """Return how many faults were noticed, how many change nothing, and how many no test has noticed yet."""
    open_ = sum(isinstance(fate, list) for fate in known.values())
    same = sum(isinstance(fate, str) and fate.startswith("same: ") for fate in known.values())
    noticed = len(known) - open_ - same
    return f"{noticed} of {len(known)} noticed, {same} change nothing, {open_} not noticed by the calls so far"


def main() -> None:
    """Plant the faults and write what became of them."""
    parser = argparse.ArgumentParser(description="Plant faults and see whether a test fails.", allow_abbrev=False)
    parser.add_argument("--n", type=int, default=60, help="faults (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: 1)")
    parser.add_argument("--calls", type=int, default=9, help="of pytest for each at most (default: all)")
    options = parser.parse_args()
    every = every_fault()
    chosen = draw(every, options.n, options.seed)
    before = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    known: dict[str, str | list[str]] = {name: before.get(name, []) for name in chosen}
    print(f"{len(every)} faults can be planted, {len(chosen)} are drawn; {sum(map(bool, known.values()))} are known")
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        for turn in range(options.calls):
            for name in chosen:
                lived, calls = known[name], tests_of(every[name].path)
                if not isinstance(lived, list) or turn >= len(calls) or calls[turn].name in lived:
                    continue
                began = time.monotonic()
                fate = copy.meet(every[name], name, calls[turn])
                known[name] = [*lived, calls[turn].name] if fate == ALIVE else fate
                KEPT.write_text(json.dumps({name: fate for name, fate in known.items() if fate}, indent=1) + "\n")
                print(f"{time.monotonic() - began:.0f} s, {name}: {fate}", flush=True)
    print(summary(known))


if __name__ == "__main__":
    main()
