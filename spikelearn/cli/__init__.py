"""The command line. No science here: it parses, calls, prints.

Exit status: 0 done; 1 a training failed, or a file could not be written; 2 something given cannot be used, and nothing
was written; 130 stopped by Ctrl-C, with a checkpoint to go on from.
"""

import argparse
import errno
import importlib
import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from typing import Any, NoReturn

# Commands draw into files; what a notebook has set for its windows may not be there.
os.environ["MPLBACKEND"] = "agg"

import spikelearn
from spikelearn.cli import options as taken
from spikelearn.errors import InputError, InputWarning, NotFiniteError, NotSettledError, nearest
from spikelearn.handlers import answered

STOPPED = 130
UNREAD = 141  # as though by SIGPIPE, which ends other programs
# Each has a file of its name here, which is imported when it is to be run: `run(options)` does it, prints what a person
# reads unless `options.json`, and returns what a program does.
COMMANDS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "train": taken.train,
    "evaluate": taken.evaluate,
    "trace": taken.trace,
    "info": taken.info,
    "data": taken.data,
    "bench": taken.bench,
    "compare": taken.compare,
    "sweep": taken.sweep,
    "search": taken.search,
    "page": taken.page,
}
EXAMPLES = """examples:
  spikelearn train one-hidden --data mnist --epochs 60 --seed 1 --out runs/one
  spikelearn train one-hidden --out runs/one --resume --epochs 80
  spikelearn evaluate runs/one --repeats 20
  spikelearn trace runs/one --image 7 --neurons 0,3 --out trace.png
  spikelearn compare --rules fa,dtp,spiking --data digits --seeds 2
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 must not end a training
    with warnings.catch_warnings():
        warnings.simplefilter("always", InputWarning)
        warnings.showwarning = _show_warning  # of its arguments, all but one are the code's
        output = _Output(sys.stdout)
        # SIGTERM of clusters and SIGHUP of closed terminals interrupt as Ctrl-C does, so that nothing is lost.
        with answered(signal.default_int_handler, (signal.SIG_DFL,)), redirect_stdout(output):
            status = _main(arguments)
        return status or int(output.lost)


class _Output:
    """Standard output; where it cannot be written, as on a full disk, that is said once, and work goes on."""

    def __init__(self, stream: Any) -> None:
        self._stream, self.lost = stream, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        """Write text, or lose it."""
        return self._or_lose(self._stream.write, text)

    def flush(self) -> None:
        """Let what was written arrive, or lose it."""
        self._or_lose(self._stream.flush)

    def _or_lose(self, action: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return action(*arguments)
        except BrokenPipeError:  # nobody reads any more
            raise
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            text = f"standard output cannot be written ({error.strerror}); what is printed is lost, files are not"
            if not self.lost:
                print(f"spikelearn: note: {text}", file=sys.stderr)
            self.lost = True
            return len(arguments[0]) if arguments else None


def _open_streams() -> None:
    """Open standard streams that are closed, to nowhere: what goes there must not land in the file opened next."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _show_warning(message: Warning | str, *details: Any, **more: Any) -> None:
    print("spikelearn: note:", " ".join(str(message).splitlines()), file=sys.stderr)


def _main(arguments: Sequence[str] | None) -> int:
    try:
        options = _parse(sys.argv[1:] if arguments is None else list(arguments))
        taken.check(options)
        for name in options.modules:
            _import(name)
        result = importlib.import_module(f"spikelearn.cli.{options.command}").run(options)
        if options.json:
            print(json.dumps(result))
        sys.stdout.flush()
        return 1 if result.get("failed") else 0
    except BrokenPipeError:  # who read the output, `head` say, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's end would complain
        return UNREAD
    except InputError as error:
        print("spikelearn: error:", " ".join(str(error).splitlines()), file=sys.stderr)
        return 2
    except (NotFiniteError, NotSettledError) as error:
        print(f"spikelearn: training failed: {error}. The last checkpoint is kept.", file=sys.stderr)
        return 1
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = ". Free some space and start again; train goes on with --resume" if full else ""
        print(f"spikelearn: failed: {error}{remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"spikelearn: {str(stop) or 'stopped'}", file=sys.stderr)
        if _compiling():  # which cannot be stopped: Python's orderly end would meet it in the middle of C
            sys.stdout.flush()
            os._exit(STOPPED)
        return STOPPED


def _import(name: str) -> None:
    """Import a module of the user's, from the present folder or where Python looks."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        importlib.import_module(name)
    except Exception as error:  # it can do anything
        raise InputError(f"--import {name}: {type(error).__name__}: {error}") from error


def _compiling() -> bool:
    compiling = sys.modules.get("spikelearn.core.compiling")
    return compiling is not None and compiling.compiling()


class Version(argparse.Action):
    """Print the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: Any) -> NoReturn:
        """Print it and end."""
        print(f"spikelearn {spikelearn.__version__}")
        parser.exit()


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = taken.Parser(
        prog="spikelearn",
        description="Train, test and look into spiking networks that learn without backpropagation.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, declare in COMMANDS.items():
        added = commands.add_parser(name, help=declare.__doc__, description=declare.__doc__, allow_abbrev=False)
        added.add_argument("--json", action="store_true", help="print the result as one JSON object")
        added.add_argument(
            "--import", action="append", default=[], dest="modules", metavar="MODULE",
            help="import a module first, in which classes of your own are registered",
        )  # fmt: skip
        declare(added)
    _complete(parser)
    _check_names(parser, commands.choices, arguments)
    return parser.parse_args(arguments)


def _complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that completes a line, where argcomplete is installed; else do nothing."""
    if "_ARGCOMPLETE" in os.environ:
        with suppress(ImportError):
            importlib.import_module("argcomplete").autocomplete(parser)


def _check_names(
    parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser], arguments: Sequence[str]
) -> None:
    """Refuse a mistyped command or option, before argparse asks for what seems to be missing because of it."""
    if not arguments:
        raise InputError(f"no command; {nearest('', commands)}; see {parser.prog} --help")
    at = next((i for i, text in enumerate(arguments) if not text.startswith("-")), len(arguments))
    _check_options(parser, arguments[:at], " before the command")
    for name in arguments[at : at + 1]:
        if name not in commands:
            raise InputError(f"unknown command {name!r}; {nearest(name, commands)}")
        _check_options(commands[name], arguments[at + 1 :], f" of {name}")


def _check_options(parser: argparse.ArgumentParser, arguments: Sequence[str], where: str) -> None:
    known = [option for action in parser._actions for option in action.option_strings]
    for text in arguments:
        name = text.partition("=")[0]
        looks_so = text.startswith("-") and text[1:].lstrip("-")[:1].isalpha()  # -5 is a number
        if looks_so and name not in known:
            raise InputError(f"unknown option {name!r}{where}; {nearest(name, known)}")
