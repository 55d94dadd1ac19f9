"""What each command takes.

Nothing heavy of the package is imported here: help, and what is mistyped, is answered at once. So names that other
modules know are written out; a test holds them to those.
"""

import argparse
from typing import NoReturn

from spikelearn.errors import InputError, check_name
from spikelearn.paths import expanded
from spikelearn.storage import RunFolder

NETWORKS = ("no-hidden", "one-hidden", "two-hidden", "plateau-best", "plateau-best-two-hidden")
VARIANTS = (
    "sparse", "sparse-unamplified", "symmetric", "symmetric-noisy", "rate-feedback", "jittered-plateaus",
    "strong-attenuation", "weak-attenuation", "backprop", "output-only",
)  # fmt: skip
RULES = (
    "bp", "shallow", "fa", "dfa", "dtp", "dtp-parallel", "sdtp", "sdtp-parallel", "ao-sdtp", "ao-sdtp-parallel", "sign",
    "mirror", "kp", "hsic", "am", "dbn", "ep", "microcircuit", "burst", "np", "wp", "es", "ga", "hash", "meta",
    "bp-binary", "bp-dropout", "spiking",
)  # fmt: skip
RULES_IN_TIME = (
    "bptt", "rtrl", "diagonal", "rflo", "uoro", "kf-rtrl", "dni", "eprop", "eprop-random", "readout", "readout-spiking",
    "tbptt-N", "sliding-N", "snap-N",
)  # fmt: skip
ARCHITECTURES = ("mnist-dense", "mnist-local", "cifar-dense", "cifar-local")
TASKS = ("add", "add-near", "delayed-xor", "adding", "copy", "rows", "mnist-1d", "pattern", "evidence")


class Parser(argparse.ArgumentParser):
    """Errors on one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise InputError(f"{message}; see {self.prog} --help")


def integer(text: str) -> int:
    """Read an integer."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer") from error


def path(text: str) -> str:
    """Read the name of a file or folder; shells leave the ``~`` of ``--out=~/runs`` as it is."""
    try:
        return str(expanded(text)) if text else text
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def check(options: argparse.Namespace) -> None:
    """Refuse a network or a run folder that is not there, before what is heavy is imported to work with it."""
    if options.command == "train":
        check_name("network", options.network, NETWORKS)
    if getattr(options, "folder", None) is not None:
        RunFolder.open(options.folder)


def train(parser: argparse.ArgumentParser) -> None:
    """Train a published network on images; results go to a run folder."""
    parser.add_argument("network", metavar="NETWORK", help=f"one of {', '.join(NETWORKS)}")
    parser.add_argument(
        "--data", help="a name that `spikelearn data` lists, a folder or a file (default: digits, or the run's)"
    )
    parser.add_argument("--scale", type=float, help="pixel of intensity 1 (default: 255 for uint8, 1 for floats)")
    parser.add_argument("--epochs", type=integer, help="passes over the training images (default: 10)")
    parser.add_argument("--seed", type=integer, help="fixes every random draw (default: 1)")
    parser.add_argument("--out", metavar="RUN", required=True, type=path, help="run folder to make")
    parser.add_argument("--hidden", metavar="N[,N]", help="sizes of the hidden layers")
    parser.add_argument("--reading", help="cited, released or text: which reading of the paper (default: released)")
    parser.add_argument("--variant", help=f"of the paper: {', '.join(VARIANTS)}")
    parser.add_argument("--engine", help="event (default), clock or rates")
    parser.add_argument("--examples", type=integer, metavar="N", help="train on the first N images")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change any number of config.json"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN, exactly")
    parser.add_argument("--overwrite", action="store_true", help="replace the run in RUN")


def sweep(parser: argparse.ArgumentParser) -> None:
    """Train many settings with many seeds: a run folder each, and one table. The same command goes on."""
    _place(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would run, with time and disk estimated")


def search(parser: argparse.ArgumentParser) -> None:
    """Look for the best setting with Optuna, on held-out training images. The same command goes on."""
    _place(parser)
    parser.add_argument("--trials", type=integer, metavar="N", required=True, help="of all starts together")
    parser.add_argument("--at-once", type=integer, metavar="N", help="asked for together (default: --jobs)")


def _place(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is run, and where."""
    parser.add_argument("file", metavar="FILE.toml", type=path, help="settings and seeds; see docs/sweeps.md")
    parser.add_argument("--out", metavar="DIR", type=path, help="runs and table (default: runs/ and the file's name)")
    places = parser.add_mutually_exclusive_group()
    places.add_argument("--jobs", type=integer, metavar="N", help="processes here (default: 1); no other results")
    places.add_argument("--dask", metavar="ADDRESS", help="of a scheduler: tcp://host:8786")
    places.add_argument("--slurm", action="store_true", help="each run a job; [slurm] in the file says of what kind")


def evaluate(parser: argparse.ArgumentParser) -> None:
    """Test a trained network."""
    parser.add_argument("folder", metavar="RUN", type=path)
    parser.add_argument("--data", help="images to test on (default: the run's)")
    parser.add_argument("--scale", type=float, help="pixel of intensity 1 (default: the run's, or that of --data)")
    parser.add_argument("--repeats", type=integer, default=1, help="show all images so many times (default: 1)")
    parser.add_argument("--seed", type=integer, help="default: the run's")
    parser.add_argument("--threads", type=integer, default=1, help="has no influence on the result (default: 1)")


def trace(parser: argparse.ArgumentParser) -> None:
    """Replay a trained network on a test image and draw its potentials, or save them."""
    parser.add_argument("folder", metavar="RUN", type=path)
    parser.add_argument("--data", help="images to choose from (default: the run's)")
    parser.add_argument("--scale", type=float, help="pixel of intensity 1 (default: the run's, or that of --data)")
    parser.add_argument("--image", type=integer, default=0, metavar="N", help="number of the test image (default: 0)")
    parser.add_argument("--layer", help="hidden0, hidden1, ..., output (default: the lowest with weights)")
    parser.add_argument("--neurons", default="0", metavar="N[,N]", help="of that layer (default: 0)")
    parser.add_argument("--duration", type=float, metavar="MS", help="a forward phase only, so long, without teaching")
    parser.add_argument("--engine", help="event or clock (default: the run's)")
    parser.add_argument("--seed", type=integer, help="default: the run's")
    parser.add_argument(
        "--out", default="trace.png", type=path, help="FILE.png, .pdf or .svg, or FILE.h5 (default: trace.png)"
    )


def page(parser: argparse.ArgumentParser) -> None:
    """Write a page for the browser: how a run learned, its weights, and what it does with some test images."""
    parser.add_argument("folder", metavar="RUN", type=path)
    parser.add_argument("--data", help="images to choose from (default: the run's)")
    parser.add_argument("--scale", type=float, help="pixel of intensity 1 (default: the run's, or that of --data)")
    parser.add_argument(
        "--image", type=integer, action="extend", nargs="+", metavar="N", help="numbers of test images (default: 0)"
    )
    parser.add_argument("--angles", action="store_true", help="measure the angle to backpropagation, too")
    parser.add_argument("--engine", help="event or clock, for these images (default: the run's)")
    parser.add_argument("--out", default="page.html", type=path, help="FILE.html (default: page.html)")


def info(parser: argparse.ArgumentParser) -> None:
    """Show a run, or the installation: what a bug report needs."""
    parser.add_argument("folder", metavar="RUN", nargs="?", type=path)


def data(parser: argparse.ArgumentParser) -> None:
    """Show which data sets are at hand, or fetch MNIST."""
    parser.add_argument("action", metavar="fetch", nargs="?")
    parser.add_argument("name", metavar="mnist", nargs="?")


def bench(parser: argparse.ArgumentParser) -> None:
    """Time training and testing of a network on this machine."""
    parser.add_argument("--engine", default="event", help="event (default), clock or rates")
    parser.add_argument("--sizes", default="784,500,10", help="layers, input first (default: 784,500,10)")
    parser.add_argument("--reading", default="released", help="cited, released or text (default: released)")
    parser.add_argument("--g-apical", type=float, default=0.0, help="apical conductance, 1/ms (default: 0)")
    parser.add_argument("--threads", type=integer, default=1, help="for testing; training has one (default: 1)")
    parser.add_argument("--examples", type=integer, default=3000, metavar="N", help="to train on (default: 3000)")
    parser.add_argument("--test-images", type=integer, default=1000, metavar="N", help="to test on (default: 1000)")
    parser.add_argument("--peers", action="store_true", help="time the same network in plain NumPy and in Brian2, too")


def compare(parser: argparse.ArgumentParser) -> None:
    """Train by many rules, and print one table: on images, or with --task on what needs memory."""
    parser.add_argument(
        "--rules", metavar="NAME[,NAME]",
        help=f"of {', '.join(RULES)} (default: all); with --task of {', '.join(RULES_IN_TIME)} (default: as "
        f"the task has it)",
    )  # fmt: skip
    parser.add_argument("--seeds", type=integer, default=5, help="train with seeds 1 to this (default: 5)")
    parser.add_argument("--jobs", type=integer, default=2, help="processes; no influence on the result (default: 2)")
    parser.add_argument(
        "--out", metavar="DIR", default="runs/compare", type=path, help="results; a second start goes on there"
    )
    images = parser.add_argument_group("on images")
    images.add_argument("--data", help="a name that `spikelearn data` lists, a folder or a file (default: digits)")
    images.add_argument("--scale", type=float, help="pixel of intensity 1 (default: 255 for uint8, 1 for floats)")
    images.add_argument("--sizes", metavar="N,N[,N]", help="layers, input first (default: two hidden layers of 256)")
    images.add_argument(
        "--architecture", metavar="NAME", help=f"in place of sizes: {', '.join(ARCHITECTURES)}; some see the image by "
        f"patches, which by default only those rules are compared on that can learn there",
    )  # fmt: skip
    images.add_argument("--engine", help="of the rule spiking: event (default), clock or rates")
    images.add_argument(
        "--epochs", type=integer, help="passes over the training images (default: 5, or 1000 minibatches)"
    )
    images.add_argument("--examples", type=integer, metavar="N", help="train on the first N images")
    tasks = parser.add_argument_group("on a task that needs memory")
    tasks.add_argument("--task", metavar="NAME", help=f"{', '.join(TASKS)}")
    tasks.add_argument("--steps", type=integer, metavar="N", help="of time (default: as the task has it)")
    tasks.add_argument("--units", type=integer, metavar="N", help="recurrent ones (default: as the task has it)")
