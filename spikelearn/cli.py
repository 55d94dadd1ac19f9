"""The command line: train, evaluate, trace, info, data, bench, compare. No science here: it parses, calls, prints.

Exit status: 0 done; 1 training failed, or a file could not be written; 2 something given cannot be used, and nothing
was written; 130 stopped by Ctrl-C, after a checkpoint.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm

from spikelearn import bench, compare, datasets, runs, storage, training, watching
from spikelearn.engines import Clock, Engine, Event, Rates
from spikelearn.errors import InputError, NotFiniteError, NotSettledError, nearest
from spikelearn.models import guerguiev2017
from spikelearn.peers import PEERS
from spikelearn.plotting import save_learning_curve
from spikelearn.ratenet import table
from spikelearn.simulate import simulate

ENGINES: dict[str, type[Clock] | type[Event] | type[Rates]] = {"clock": Clock, "event": Event, "rates": Rates}
STOPPED = 130


class _Parser(argparse.ArgumentParser):
    """Errors on one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    try:
        options = _parse(sys.argv[1:] if arguments is None else list(arguments))
        result = options.run(options)
    except InputError as error:
        print("spikelearn: error:", " ".join(str(error).splitlines()), file=sys.stderr)
        return 2
    except (NotFiniteError, NotSettledError) as error:
        print(f"spikelearn: training failed: {error}. The last checkpoint is kept.", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, say
        print(f"spikelearn: failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("spikelearn: stopped", file=sys.stderr)
        return STOPPED
    if options.json:
        print(json.dumps(result))
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="spikelearn", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"spikelearn {storage.version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], Any], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.add_argument("--json", action="store_true", help="print the result as one JSON object")
        added.set_defaults(run=run)
        return added

    new = command("train", _train, "Train a published network on images; results go to a run folder.")
    new.add_argument("network", metavar="NETWORK", help=f"one of {', '.join(guerguiev2017.NETWORKS)}")
    new.add_argument("--data", help="digits, mnist, a folder of IDX files or FILE.npz (default: digits)")
    new.add_argument("--epochs", type=_integer, help="passes over the training images (default: 10)")
    new.add_argument("--seed", type=_integer, help="fixes every random draw (default: 1)")
    new.add_argument("--out", metavar="RUN", required=True, help="run folder to make")
    new.add_argument("--hidden", metavar="N[,N]", help="sizes of the hidden layers")
    new.add_argument("--reading", help="released or text: which reading of the paper (default: released)")
    new.add_argument("--variant", help=f"of the paper: {', '.join(guerguiev2017.VARIANTS)}")
    new.add_argument("--engine", help="clock (default), event or rates")
    new.add_argument("--examples", type=_integer, metavar="N", help="train on the first N images")
    new.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change any number of config.json")
    new.add_argument("--resume", action="store_true", help="go on with the run in RUN, exactly")
    new.add_argument("--overwrite", action="store_true", help="replace the run in RUN")

    test = command("evaluate", _evaluate, "Test a trained network.")
    test.add_argument("folder", metavar="RUN")
    test.add_argument("--data", help="images to test on (default: the run's)")
    test.add_argument("--repeats", type=_integer, default=1, help="show all images so many times (default: 1)")
    test.add_argument("--seed", type=_integer, help="default: the run's")
    test.add_argument("--threads", type=_integer, default=1, help="has no influence on the result (default: 1)")

    trace = command("trace", _trace, "Replay a trained network on a test image and draw its potentials, or save them.")
    trace.add_argument("folder", metavar="RUN")
    trace.add_argument("--image", type=_integer, default=0, metavar="N", help="number of the test image (default: 0)")
    trace.add_argument("--layer", help="hidden0, hidden1, ..., output (default: the lowest with weights)")
    trace.add_argument("--neurons", default="0", metavar="N[,N]", help="of that layer (default: 0)")
    trace.add_argument("--duration", type=float, metavar="MS", help="a forward phase only, so long, without teaching")
    trace.add_argument("--engine", help="clock or event (default: the run's)")
    trace.add_argument("--seed", type=_integer, help="default: the run's")
    trace.add_argument("--out", default="trace.png", help="FILE.png, .pdf or .svg, or FILE.h5 (default: trace.png)")

    info = command("info", _info, "Show a run, or the installation and the networks known.")
    info.add_argument("folder", metavar="RUN", nargs="?")

    data = command("data", _data, "Show which images are at hand, or fetch MNIST.")
    data.add_argument("action", metavar="fetch", nargs="?")
    data.add_argument("name", metavar="mnist", nargs="?")

    times = command("bench", _bench, "Time training and testing of a network on this machine.")
    times.add_argument("--engine", default="clock", help="clock (default), event or rates")
    times.add_argument("--sizes", default="784,500,10", help="layers, input first (default: 784,500,10)")
    times.add_argument("--reading", default="released", help="released or text (default: released)")
    times.add_argument("--g-apical", type=float, default=0.0, help="apical conductance, 1/ms (default: 0)")
    times.add_argument("--threads", type=_integer, default=1, help="for testing; training has one (default: 1)")
    times.add_argument("--examples", type=_integer, default=3000, metavar="N", help="to train on (default: 3000)")
    times.add_argument("--test-images", type=_integer, default=1000, metavar="N", help="to test on (default: 1000)")
    times.add_argument("--peers", action="store_true", help="time the same network in plain NumPy and in Brian2, too")

    side = command("compare", _compare, "Train rate networks by many rules, and the spiking network; one table.")
    side.add_argument("--rules", metavar="NAME[,NAME]", help=f"of {', '.join(compare.NAMES)} (default: all)")
    side.add_argument("--data", default="digits", help="digits, mnist, a folder or FILE.npz (default: digits)")
    side.add_argument("--sizes", metavar="N,N[,N]", help="layers, input first (default: two hidden layers of 256)")
    side.add_argument("--epochs", type=_integer, default=5, help="passes over the training images (default: 5)")
    side.add_argument("--seeds", type=_integer, default=5, help="train with seeds 1 to this (default: 5)")
    side.add_argument("--examples", type=_integer, metavar="N", help="train on the first N images")
    side.add_argument("--jobs", type=_integer, default=2, help="processes; no influence on the result (default: 2)")
    side.add_argument("--out", metavar="DIR", default="runs/compare", help="results; a second start goes on there")

    _check_names(parser, commands.choices, arguments)
    return parser.parse_args(arguments)


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


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer") from error


# -- train ------------------------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> dict[str, Any]:
    if not options.out:
        raise InputError("--out is empty; name a folder for the run")
    if options.resume:
        run = _resumed(options)
    else:
        config, data = _config(options)
        run = runs.Run.start(options.out, config, data, options.overwrite)
    config, n = run.config, len(run.data.train)
    if not options.json:
        sizes = "-".join(map(str, config.model.network.sizes))
        print(f"{config.name} {sizes} ({config.reading}) on {config.data}: {n} images, {config.epochs} epochs")
    try:
        metrics = run.train(_progress(run, options.json))
    except KeyboardInterrupt:
        done = run.training.trials
        print(f"\nstopped after {done} examples; go on with --resume --out {options.out}", file=sys.stderr)
        raise
    picture = run.folder.path / "learning_curve.png"
    save_learning_curve(picture, metrics, f"{config.name} on {config.data}, seed {config.seed}")
    result = {"folder": str(run.folder.path), "picture": str(picture), **metrics[-1]}
    if not options.json:
        print(f"test error {result['test_error']:.2f} % after {config.epochs} epochs")
        print(f"run folder {result['folder']}\nlearning curve {result['picture']}")
    return result


def _config(options: argparse.Namespace) -> tuple[runs.Config, datasets.Dataset]:
    """Put the configuration of a new run together, and load its images."""
    network = options.network
    if network not in guerguiev2017.NETWORKS:
        raise InputError(f"unknown network {network!r}; {nearest(network, guerguiev2017.NETWORKS)}")
    reading = "released" if options.reading is None else options.reading
    source = "digits" if options.data is None else options.data
    data = datasets.load(source)
    sizes = {} if options.hidden is None else {"hidden": _sizes("--hidden", options.hidden)}
    model = guerguiev2017.NETWORKS[network](
        reading, n_input=data.train.n_pixels, n_output=data.train.n_classes, **sizes
    )
    if options.variant is not None:
        model = guerguiev2017.variant(model, options.variant)
    config = runs.Config(
        name=network,
        reading=reading,
        model=model,
        engine=_engine("clock" if options.engine is None else options.engine),
        data=_absolute(source),
        examples=options.examples,
        epochs=10 if options.epochs is None else options.epochs,
        seed=1 if options.seed is None else options.seed,
    )
    changed = storage.override(config, options.set)
    for key, option in {"name": "NETWORK", "reading": "--reading", "data": "--data"}.items():
        if getattr(changed, key) != getattr(config, key):  # the model and the images are made already
            raise InputError(f"--set cannot change {key}={getattr(config, key)}; choose it with {option}")
    return changed, data


def _resumed(options: argparse.Namespace) -> runs.Run:
    """Reopen a run; what would make it another run is refused."""
    config, _ = runs.load_run(options.out)
    engine = next(name for name, kind in ENGINES.items() if type(config.engine) is kind)
    if options.network != config.name:
        raise InputError(f"{options.out} holds a run of {config.name}, not of {options.network}")
    own = config.model.network.sizes[1:-1]
    fixed: dict[str, tuple[Any, Callable[[Any], Any], Any]] = {
        "--data": (options.data, _absolute, config.data),
        "--engine": (options.engine, str, engine),
        "--seed": (options.seed, int, config.seed),
        "--reading": (options.reading, str, config.reading),
        "--examples": (options.examples, int, config.examples),
        "--hidden": (options.hidden, lambda text: _sizes("--hidden", text), own),
    }
    for option, (given, read, held) in fixed.items():
        if given is not None and read(given) != held:
            raise InputError(f"{option} {given} differs from the run's {held}; --resume changes --epochs only")
    for assignment in options.set:
        if storage.override(config, [assignment]) != config:
            raise InputError(f"--set {assignment} differs from the run's configuration; --resume changes --epochs only")
    if options.variant is not None and guerguiev2017.variant(config.model, options.variant) != config.model:
        raise InputError(f"--variant {options.variant} differs from the run's configuration")
    if options.overwrite:
        raise InputError("--overwrite does not go with --resume, which goes on with the same run")
    return runs.Run.resume(options.out, options.epochs)


def _engine(name: str) -> Engine:
    if name not in ENGINES:
        raise InputError(f"unknown engine {name!r}; {nearest(name, ENGINES)}")
    return ENGINES[name]()


def _absolute(source: str) -> str:
    """Make a path absolute, so that the run can be resumed from anywhere."""
    return source if source in datasets.NAMES else str(Path(source).expanduser().resolve())


def _sizes(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"{option} {text!r} must be integers joined by commas, such as 500 or 500,100") from error


def _progress(run: runs.Run, quiet: bool) -> Callable[[training.Chunk], None]:
    """Return a callback that draws a bar over all examples, on a terminal only."""
    n = len(run.data.train)
    bar = tqdm(
        total=run.config.epochs * n,
        initial=run.training.trials,
        unit="ex",
        disable=True if quiet else None,  # None: on a terminal only
        smoothing=0.05,
        file=sys.stderr,
    )

    def show(chunk: training.Chunk) -> None:
        bar.set_description(f"epoch {chunk.epoch + 1}/{run.config.epochs}", refresh=False)
        bar.set_postfix_str(f"error {chunk.error:.0f} %", refresh=False)
        bar.update(chunk.stop - chunk.start)
        if run.training.trials == run.config.epochs * n:
            bar.close()

    return show


# -- compare ----------------------------------------------------------------------------------------------------------


def _compare(options: argparse.Namespace) -> dict[str, Any]:
    comparison = compare.Comparison(
        rules=compare.NAMES if options.rules is None else tuple(options.rules.split(",")),
        data=_absolute(options.data) if Path(options.data).expanduser().exists() else options.data,
        sizes=() if options.sizes is None else _sizes("--sizes", options.sizes),
        epochs=options.epochs,
        seeds=options.seeds,
        examples=options.examples,
    )
    # On a terminal only.
    with tqdm(unit="run", disable=True if options.json else None, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        results = compare.compare(comparison, options.out, jobs=options.jobs, progress=show)
    rows = table.rows(results)
    if not options.json:
        print(table.text(rows))
        print(f"table and picture in {options.out}")
    return {"folder": options.out, "rows": rows}


# -- evaluate, trace, info, data -------------------------------------------------------------------------------------


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    config, weights = runs.load_run(options.folder)
    source = options.data or config.data
    images = datasets.load(source).test
    seed = config.seed if options.seed is None else options.seed
    predictions = training.evaluate(
        config.model.network,
        weights,
        images,
        seed=seed,
        repeats=options.repeats,
        engine=config.engine,
        threads=options.threads,
    )
    errors = training.error_percent(predictions, images.y)
    spread = float(errors.std(ddof=1)) if len(errors) > 1 else None
    result = {
        "folder": str(options.folder),
        "data": source,
        "images": len(images),
        "seed": seed,
        "repeats": options.repeats,
        "test_error": float(errors.mean()),
        "test_error_sd": spread,
        "test_errors": errors.tolist(),
    }
    if not options.json:
        deviation = "" if spread is None else f" +- {spread:.2f} (SD over {options.repeats} repeats of one network)"
        print(f"test error {result['test_error']:.2f} %{deviation} on {len(images)} images of {source}")
    return result


PICTURES = (".png", ".pdf", ".svg")


def _trace(options: argparse.Namespace) -> dict[str, Any]:
    config, weights = runs.load_run(options.folder)
    network, out = config.model.network, Path(options.out)
    if out.suffix not in (*PICTURES, ".h5"):
        raise InputError(f"--out {options.out}: write a picture ({', '.join(PICTURES)}) or a recording (.h5)")
    images = datasets.load(config.data).test
    if not 0 <= options.image < len(images):
        raise InputError(f"--image {options.image}: {config.data} has test images 0 to {len(images) - 1}")
    layer = watching.layer_name(options.layer or watching.layer_names(network)[1], network)
    neurons = list(_sizes("--neurons", options.neurons))
    recording = simulate(
        network,
        weights,
        images.intensities(slice(options.image, options.image + 1))[0],
        label=int(images.y[options.image]) if options.duration is None else None,
        duration=options.duration,
        record=[layer, "spikes"],
        neurons={layer: neurons},
        seed=config.seed if options.seed is None else options.seed,
        example=options.image,
        engine=config.engine if options.engine is None else _engine(options.engine),
    )
    try:
        if out.suffix == ".h5":
            recording.save(out)
        else:
            recording.plot(layer, neurons).savefig(out, dpi=150)
    except FileNotFoundError as error:
        raise InputError(f"--out {options.out}: there is no folder {out.parent}") from error
    result = {
        "folder": str(options.folder),
        "image": options.image,
        "label": int(images.y[options.image]),
        "out": str(out),
        "spikes": {name: len(spikes.time) for name, spikes in recording.spikes.items()},
        "plateaus": {
            name: {"forward": p.forward.tolist(), "target": None if p.target is None else p.target.tolist()}
            for name, p in recording.plateaus.items()
        },
    }
    if not options.json:
        print(f"image {options.image}, a {result['label']}: neurons {options.neurons} of {layer} in {out}")
    return result


def _info(options: argparse.Namespace) -> dict[str, Any]:
    if options.folder is None:
        result: dict[str, Any] = {
            "spikelearn": storage.version(),
            "networks": {name: build().network.sizes for name, build in guerguiev2017.NETWORKS.items()},
            "readings": list(guerguiev2017.READINGS),
            "variants": list(guerguiev2017.VARIANTS),
            "engines": list(ENGINES),
            "data": _found(),
        }
    else:
        folder = storage.RunFolder.open(options.folder)
        config = storage.from_dict(runs.Config, folder.config(), where=str(folder.path / "config.json"))
        _, attributes = storage.load_checkpoint(folder.checkpoint_path)
        metrics = folder.metrics()
        result = {
            "folder": str(options.folder),
            "config": storage.to_dict(config),
            "environment": folder.environment(),
            "examples": attributes["trials"],
            "last_epoch": metrics[-1] if metrics else None,
        }
    if not options.json:
        print(json.dumps(result, indent=2))
    return result


def _bench(options: argparse.Namespace) -> dict[str, Any]:
    # On a terminal, the stage it is at: Brian2's first run waits for a compiler, most of a minute.
    quiet = True if options.json else None
    with tqdm(bar_format="{desc} [{elapsed}]", disable=quiet, leave=False, file=sys.stderr) as bar:
        result = bench.bench(
            _sizes("--sizes", options.sizes),
            engine=_engine(options.engine),
            reading=options.reading,
            threads=options.threads,
            g_apical=options.g_apical,
            examples=options.examples,
            test_images=options.test_images,
            peers=PEERS if options.peers else (),
            progress=bar.set_description_str,
        )
    if not options.json:
        _print_times(result)
    return result


def _print_times(result: dict[str, Any]) -> None:
    """Print what was timed, and a table with a row for the engine and for each peer."""
    computer, sizes = result["machine"], "-".join(map(str, result["sizes"]))
    print(
        f"{sizes} ({result['reading']}), g_apical {result['g_apical']:g}/ms, images: {result['images']}, "
        f"threads for testing: {result['threads']}; {computer['cpu']}, {computer['cpu_count']} cores"
    )
    work = next(key for key in ("steps_per_s", "events_per_s", "steady_states_per_s") if key in result)
    print(
        f"training: {result['train_examples_per_s']:.0f} examples/s, {result['train_speed']:.0f} times real time, "
        f"{result[work]:.3g} {work.removesuffix('_per_s')}/s; testing: {result['test_images_per_s']:.0f} images/s"
    )
    print(f"{'':28} {'ms/example':>10} {'ratio':>7} {'ms/image':>10} {'ratio':>7} {'compile s':>10} {'memory MB':>10}")
    for row in (result, *result["peers"]):
        if "skipped" in row:
            print(f"{row['engine']} was skipped: {' '.join(row['skipped'].split())}")
            continue
        detail = row["settings"].get("target") or row["settings"]["dtype"]
        memory = "" if row["peak_memory_mb"] is None else f"{row['peak_memory_mb']:.0f}"
        print(
            f"{row['engine'] + ' ' + detail + ('' if row['learns'] else ', no learning'):28} "
            f"{row['train_ms']:10.3g} {row['train_ms'] / result['train_ms']:7.3g} "
            f"{row['test_ms']:10.3g} {row['test_ms'] / result['test_ms']:7.3g} {row['compile_s']:10.3g} {memory:>10}"
        )


def _data(options: argparse.Namespace) -> dict[str, Any]:
    if options.action is not None:
        if options.action != "fetch":
            raise InputError(f"unknown action {options.action!r}; the one known is: spikelearn data fetch mnist")
        if options.name != "mnist":
            what = "no name to fetch" if options.name is None else f"cannot fetch {options.name!r}"
            raise InputError(f"{what}; the one known is: spikelearn data fetch mnist")
        folder = datasets.fetch_mnist(progress=not options.json)
        if not options.json:
            print(f"mnist is in {folder}")
        return {"mnist": str(folder)}
    found = _found()
    if not options.json:
        for name, places in found.items():
            for place in places:
                print(f"{name}: {place}")
    return found


def _found() -> dict[str, list[str]]:
    """Return every data set's states, place by place in the order of the search."""
    found: dict[str, list[str]] = {}
    for name, place in datasets.search_report():
        found.setdefault(name, []).append(place)
    return found
