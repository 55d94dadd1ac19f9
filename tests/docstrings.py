"""Checks of the docstrings of the public API: numpydoc's rules, shapes, units, errors, sources, plain words."""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

from docutils.core import publish_string
from docutils.utils import SystemMessage
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import ERROR_MSGS, validate

import spikelearn

ROOT = Path(spikelearn.__file__).parent
MODELS = Path(importlib.import_module("spikelearn.models").__file__ or "").parent
CORE = "spikelearn.core"  # private helpers and kernels have one line each

TASTE = {"GL01", "ES01", "SA01", "EX01"}  # the first line; an extended summary, See Also and Examples: where they help
CHECKS = set(ERROR_MSGS) - TASTE
INHERITED = {"PR01": "Parameters", "RT01": "Returns", "YD01": "Yields"}  # what the contract may say for all

SHAPE = re.compile(r"\((?:[^()]*,[^()]*|\.\.\.)?\)|any shape|of the shape of")
UNITS = {  # of what is called so
    r"tau_\w+|dt|duration|settle|window|minimum|extra_\w+|cutoff|frame|every|lengths?|interval|slot|at_most|grain"
    r"|earliest|sampling|times?|time_\w+|start|stop|seconds": r"\bms\b|seconds?|steps?|examples",
    r"rate|rates|rate_max|rates?_\w+|\w+_hz": r"spikes/ms|Hz|without unit|[Ll]earning rate",
    r"g_\w+": r"1/ms",
    r"v|v_\w+|potentials?|apical_bias|e_excite|e_inhibit|threshold": r"relative to rest|without unit",
    r"angles?|degrees": r"[Dd]egrees",
    r"intensit(y|ies)": r"0\.\.1|\[0, 1\]",
}
SOURCE = re.compile(
    r"[Ee]quations? \(?\d|[Tt]able \d|[Ff]igure \d|Methods|\b(19|20)\d\d\b|[Nn]ot in the paper|[Nn]o source"
)
MODEL_MODULES = re.compile(
    r"spikelearn\.(neurons|curves|feedback|phases|plateaus|averaging|schedule|weights|network|learning\.\w+|models\.\w+"
    r"|ratenet\.rules\.\w+|temporal\.rules\.\w+|temporal\.tasks\.\w+)"
)
BAD_WORDS = re.compile(
    r"\b(nobody|no one|whoever|no business|hears?|heard|knows?|(?:is|are) told|feeds nobody|wish(?:es)?|wants to"
    r"|who watches|none could|one likes|meets)\b"
)


@dataclasses.dataclass(frozen=True)
class Documented:
    """An object with a docstring, and the methods of its contract, which may say for all what parameters are."""

    path: str
    what: typing.Any
    contract: tuple[typing.Any, ...] = ()


# -- what is public ---------------------------------------------------------------------------------------------------


def public_modules() -> Iterator[ModuleType]:
    """Import all modules that name by ``__all__`` what is for users."""
    for folder, package in ((ROOT, "spikelearn"), (MODELS, "spikelearn.models")):
        for path in sorted(folder.rglob("*.py")):
            names = (target for node in ast.parse(path.read_text()).body for target in getattr(node, "targets", ()))
            if any(getattr(name, "id", "") == "__all__" for name in names):
                inside = path.relative_to(folder).with_suffix("").parts
                yield importlib.import_module(".".join([package, *inside]).removesuffix(".__init__"))


def public() -> dict[str, Documented]:
    """Return all that is public: what ``__all__`` names, the contracts of classes, their methods and properties."""
    todo = [getattr(module, name) for module in public_modules() for name in module.__all__]
    found: dict[str, Documented] = {}
    while todo:
        each = todo.pop()
        if not isinstance(each, type | FunctionType) or not _ours(each) or _path(each) in found:
            continue
        above = _above(each) if isinstance(each, type) else []
        found[_path(each)] = Documented(_path(each), each, tuple(above))
        todo += [base for base in above if not base.__name__.startswith("_")]
        if isinstance(each, type):
            for name, member in _members(each):
                contract = tuple(vars(cls)[name] for cls in above if name in vars(cls))
                found[f"{_path(each)}.{name}"] = Documented(f"{_path(each)}.{name}", member, contract)
    return dict(sorted(found.items()))


def _ours(each: typing.Any) -> bool:
    return each.__module__.startswith("spikelearn") and not each.__module__.startswith(CORE)


def _path(each: typing.Any) -> str:
    return f"{each.__module__}.{each.__qualname__}"


def _above(cls: type) -> list[type]:
    """Return the classes that a class derives from, and the protocols that it keeps."""
    bases = [base for base in cls.__mro__[1:] if _ours(base)]
    return bases + [protocol for protocol in _protocols() if protocol not in bases and _keeps(cls, protocol)]


@functools.cache
def _protocols() -> list[type]:
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("spikelearn")]
    named = {each for module in modules for each in vars(module).values() if isinstance(each, type) and _ours(each)}
    return sorted((each for each in named if vars(each).get("_is_protocol")), key=_path)


def _keeps(cls: type, protocol: type) -> bool:
    """Has a class all that a protocol asks for? One of a single method must be at hand where the class is written."""
    asked = {name for name in vars(protocol) if not name.startswith("_")}
    known = len(asked) > 1 or any(each is protocol for each in vars(sys.modules[cls.__module__]).values())
    return known and cls is not protocol and asked <= {*dir(cls), *getattr(cls, "__dataclass_fields__", ())}


def _members(cls: type) -> Iterator[tuple[str, typing.Any]]:
    """Yield the public methods and properties that a class defines, itself or by private classes it derives from."""
    for base in reversed(cls.__mro__):
        if base is cls or (base.__name__.startswith("_") and _ours(base)):
            for name, member in vars(base).items():
                if isinstance(member, classmethod | staticmethod):
                    member = member.__func__
                if not name.startswith("_") and isinstance(member, FunctionType | property):
                    yield name, member


# -- what is asked of it ----------------------------------------------------------------------------------------------


def problems(item: Documented) -> list[str]:
    """Return what is wrong with a docstring, a line for each."""
    if not item.what.__doc__:
        return ["GL08: no docstring"]
    return [
        *_numpydoc(item),
        *_returns(item),
        *_entries(item),
        *_errors(item),
        *_source(item.what),
        *text_problems(item.what.__doc__),
    ]


def _numpydoc(item: Documented) -> Iterator[str]:
    for code, message in validate(get_doc_object(item.what))["errors"]:
        protocol = code == "PR01" and getattr(item.what, "_is_protocol", False)  # of which there are no objects
        if code in CHECKS - {"RT01"} and not protocol and not _inherited(item, code):
            yield f"{code}: {message}"


def _inherited(item: Documented, code: str) -> bool:
    """Does what a class derives from, or the contract of a method, say what is missing?"""
    if code not in INHERITED:
        return False
    said = {
        name
        for each in (item.what, *item.contract)
        for entry in get_doc_object(each)[INHERITED[code]]
        for name in entry.name.split(", ")
    }
    return bool(item.contract) and set(_parameters(item.what)) <= said if code == "PR01" else bool(said)


def _returns(item: Documented) -> Iterator[str]:
    """Say where a return value has no section; numpydoc looks at bodies, which contracts do not have."""
    if isinstance(item.what, FunctionType):
        back = inspect.signature(item.what).return_annotation
        document = get_doc_object(item.what)
        something = back not in (None, "None", inspect.Signature.empty, typing.NoReturn)
        said = document["Returns"] or document["Yields"] or _inherited(item, "RT01") or _inherited(item, "YD01")
        if something and not said:
            yield f"RT01: returns {back}, but says not what"


def _parameters(what: typing.Any) -> dict[str, str]:
    """Return the annotation of each parameter, as text."""
    try:
        signature = inspect.signature(what)
    except (TypeError, ValueError):
        return {}
    kinds = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = {name: each for name, each in signature.parameters.items() if each.kind not in kinds}
    return {name: str(each.annotation) for name, each in named.items() if name not in ("self", "cls")}


def _entries(item: Documented) -> Iterator[str]:
    """Say where an array has no shape, and a physical quantity no unit."""
    what = item.what
    if isinstance(what, property):
        back = str(inspect.signature(what.fget).return_annotation)
        yield from _entry(item.path.rpartition(".")[2], back, "", what.__doc__ or "")
        return
    document, annotations = get_doc_object(what), _parameters(what)
    for entry in document["Parameters"]:
        for name in entry.name.split(", "):
            yield from _entry(name, annotations.get(name.strip("*"), ""), entry.type, " ".join(entry.desc))
    if isinstance(what, FunctionType):
        back = str(inspect.signature(what).return_annotation)
        for entry in (*document["Returns"], *document["Yields"]):
            alone = back if len(document["Returns"]) == 1 else ""
            yield from _entry(entry.name, alone, entry.type, " ".join(entry.desc))


def _entry(name: str, annotation: str, type_: str, text: str) -> Iterator[str]:
    array = re.search(r"\barrays?\b", type_) or re.search(r"ndarray|ArrayLike", annotation)
    if array and not SHAPE.search(f"{type_} {text}" if not re.search("array", type_) else type_):
        yield f"shape: {name or 'what is returned'} is an array without a shape"
    for names, units in UNITS.items():
        number = re.search(r"float|array", f"{type_} {annotation}")
        if number and re.fullmatch(names, name) and not re.search(units, f"{type_} {text}"):
            yield f"unit: {name} has none of {units}"


def _errors(item: Documented) -> Iterator[str]:
    """Say which errors a function, or the making of an object, raises by itself without a word of it."""
    made = [vars(item.what).get(name) for name in ("__init__", "__post_init__")] if isinstance(item.what, type) else []
    functions = [each for each in (item.what, *made) if isinstance(each, FunctionType) and each.__module__ != "typing"]
    said = " ".join(each.__doc__ or "" for each in (item.what, *item.contract))
    for name in sorted({name for function in functions for name in raised(function)}):
        if name not in said:
            yield f"errors: raises {name}, which the docstring does not name"


def raised(function: FunctionType) -> set[str]:
    """Return the names of the exceptions that a function raises; those called ``check_...`` raise `InputError`."""
    found = set()
    source = inspect.unwrap(function)
    if source.__code__.co_filename.startswith("<"):  # made by dataclass
        return found
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(source)))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            found.add(ast.unparse(node.exc.func))
        if isinstance(node, ast.Call) and re.fullmatch(r"([\w.]+\.)?_?check_\w+", ast.unparse(node.func)):
            found.add("InputError")
    return found


def _source(what: typing.Any) -> Iterator[str]:
    """Say of which class of the model neither it nor, if it is the only one there, its module names the source."""
    if not isinstance(what, type) or getattr(what, "_is_protocol", False):
        return
    if not MODEL_MODULES.fullmatch(what.__module__):
        return
    module = inspect.getmodule(what)
    classes = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == what.__module__]
    alone = sum(dataclasses.is_dataclass(each) for each in classes) <= 1
    if not SOURCE.search(f"{what.__doc__} {module.__doc__ if alone else ''}"):
        yield "source: neither equation, table, figure nor year; or say that it is not in the paper"


def text_problems(text: str) -> Iterator[str]:
    """Say where a text has words that it should not have, or mathematics that does not render."""
    for word in BAD_WORDS.findall(text):
        yield f"plain words: {word!r}"
    if re.search(r"\\\\[a-zA-Z]", text) or re.search(r"[\a\b\f\r\t\v]", text):
        yield "mathematics: doubled backslashes, or one that was lost; write it in a raw docstring"
    blocks = re.findall(r"^( *)\.\. math::(.*(?:\n(?:\1 +.*| *))*)", text, re.MULTILINE)
    formulas = [block for _, block in blocks] + re.findall(r":math:`([^`]*)`", text)
    for formula in formulas:
        if error := _rendered(" ".join(formula.split())):
            yield f"mathematics: {error}"
    rest = re.sub(r"``.*?``|:math:`[^`]*`", "", functools.reduce(lambda t, b: t.replace(b[1], ""), blocks, text))
    if found := re.findall(r"\\[a-zA-Z]+", rest):
        yield f"mathematics: {found[0]} stands outside of a formula"


def _rendered(formula: str) -> str:
    """Return why a formula cannot be rendered; nothing if it can."""
    for opening, closing in ((r"\{", r"\}"), (r"\\left\b", r"\\right\b")):  # which docutils leaves to browsers
        if len(re.findall(rf"(?<!\\){opening}", formula)) != len(re.findall(rf"(?<!\\){closing}", formula)):
            return f"an opening without its end in {formula}"
    settings = {"math_output": "MathML", "halt_level": 2, "report_level": 5, "warning_stream": False}
    try:
        publish_string(f".. math:: {formula}", writer="html5", settings_overrides=settings)
    except SystemMessage as error:
        return str(error)
    return ""
