"""Curves: what a neuron makes of a potential, its rate as a share of the highest one, or its plateau potential.

A curve is a NamedTuple of constants and kernels registered for its type: value, slope and inverse. Each layer has two,
records of one type for the whole network: a chain of all kinds of curves that there are in it, and the number of the
one that is meant. A network of one kind is compiled without a choice.
"""

import functools
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikelearn.core.identity import content
from spikelearn.core.jit import inlined
from spikelearn.core.lanes import LANES, LanesType, pick, put
from spikelearn.core.parts import compiled_as
from spikelearn.core.random import uniform
from spikelearn.core.records import RecordType, record
from spikelearn.core.registered import Registered, register, registered

VALUE, SLOPE, INVERSE, THRESHOLDS = range(4)

_KINDS: dict[str, tuple[Registered, ...]] = {}  # by the name of a class of records, the curves that it chooses from
_CLASSES: dict[str, type] = {}


def register_curve(
    numbers: type,
    value: Callable[..., float],
    slope: Callable[..., float],
    inverse: Callable[..., float],
    *,
    lanes: bool = False,
    thresholds: Callable[..., None] | None = None,
) -> None:
    """Make these the kernels of curves whose constants are a NamedTuple of type `numbers`.

    Kernels are functions compiled with `spikelearn.core.jit.kernel`; plain functions are compiled so.

    Parameters
    ----------
    numbers : type
        A NamedTuple class; its fields are numbers.
    value : function
        ``value(curve, v)`` returns the curve at a potential, within 0 to 1; it never falls.
    slope : function
        ``slope(curve, v)`` returns its derivative.
    inverse : function
        ``inverse(curve, share)`` returns the potential above which the curve exceeds `share`, within (0, 1); infinity
        if it does nowhere. The event engine finds spikes by it.
    lanes : bool
        Are `value` and `slope` written for lanes, too, with the functions of `spikelearn.core.lanes`? Otherwise they
        are called for one neuron after the other.
    thresholds : function, optional
        ``thresholds(curve, words, row, out)`` fills `out` with what `inverse` is at uniform draws made from a row of
        words. By default `inverse` is called for each.
    """
    record(numbers)
    register(numbers, value, slope, inverse, thresholds, asks=lanes)


def choices(curves: Sequence[Any]) -> list[Any]:
    """Return, for the constants of all curves of a network, records of one type, of each the chain that leads to it."""
    found = {type(curve): curve for curve in curves}
    kinds = [found[cls] for cls in sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))]
    return [_choice(kinds, list(map(type, kinds)).index(type(curve)), curve) for curve in curves]


def _choice(kinds: list[Any], kind: int, curve: Any) -> Any:
    """Return the record that says that of these kinds a curve is number `kind`; what is not meant, is there as well."""
    here = curve if kind == 0 else kinds[0]
    classes = tuple(map(type, kinds))
    cls: Any = _class_for(classes, tuple(map(registered, classes)))
    return cls(kind, here) if len(kinds) == 1 else cls(kind, here, _choice(kinds[1:], kind - 1, curve))


@functools.cache
def _class_for(kinds: tuple[type, ...], code: tuple[Registered, ...]) -> type:
    """Return the class of records that choose from these kinds: its name says what their code is made of."""
    parts = [part for kind, own in zip(kinds, code, strict=True) for part in (kind, *own.code, own.asks)]
    name = f"Curve_{content(*parts).digest}"
    if name not in _CLASSES:
        make: Any = namedtuple
        _CLASSES[name] = record(make(name, ("kind", "here", "rest")[: 2 + (len(kinds) > 1)], module=__name__))
        _KINDS[name] = code
    return _CLASSES[name]


# -- for kernels ------------------------------------------------------------------------------------------------------


def value(curve, v):
    """Return a curve at a potential, or at lanes of potentials."""
    return _interpreted(VALUE, curve, v)


def slope(curve, v):
    """Return the slope of a curve at a potential, or at lanes of potentials."""
    return _interpreted(SLOPE, curve, v)


def fill_thresholds(curve, words, row, out):
    """Turn a row of words into the potentials at which a curve exceeds uniform draws."""
    if curve.kind > 0:
        fill_thresholds(curve.rest, words, row, out)
        return
    code, _ = _KINDS[type(curve).__name__][0]
    if code[THRESHOLDS] is not None:
        code[THRESHOLDS](curve.here, words, row, out)
        return
    for k in range(out.shape[0]):
        out[k] = code[INVERSE](curve.here, uniform(words[row, k]))


def _interpreted(part, curve, v):
    if curve.kind > 0:
        return _interpreted(part, curve.rest, v)
    code, lanes = _KINDS[type(curve).__name__][0]
    return over(code[part], curve.here, v, lanes)


def over(function: Any, numbers: Any, v: Any, lanes: bool) -> Any:
    """Call a kernel, interpreted, for a number or for each of an array; `lanes` tells that it takes arrays."""
    function = getattr(function, "py_func", function)
    if lanes or np.ndim(v) == 0:
        return function(numbers, v)
    return np.vectorize(lambda each: function(numbers, each), otypes=[np.float64])(v).astype(v.dtype)


@compiled_as(value)
def _compiled_value(curve, v):
    return _call(VALUE, value, curve, v)


@compiled_as(slope)
def _compiled_slope(curve, v):
    return _call(SLOPE, slope, curve, v)


def _call(part, again, curve, v):
    """Return a call of a kernel of the curve that is meant, of whichever kind in the chain; `again` is for the rest."""
    code, lanes = _KINDS[curve.cls_name][0]
    function = code[part]

    def at_once(curve, v):
        return function(curve.here, v)

    def one_by_one(curve, v):
        found = v
        for lane in range(LANES):
            found = put(found, lane, function(curve.here, np.float64(pick(v, lane))))
        return found

    here = inlined(one_by_one if isinstance(v, LanesType) and not lanes else at_once)
    if not _has_rest(curve):
        return lambda curve, v: here(curve, v)

    def chosen(curve, v):
        if curve.kind == 0:
            return here(curve, v)
        return again(curve.rest, v)

    return chosen


@compiled_as(fill_thresholds)
def _compiled_thresholds(curve, words, row, out):
    code, _ = _KINDS[curve.cls_name][0]
    inverse, thresholds = code[INVERSE], code[THRESHOLDS]

    def at_once(curve, words, row, out):
        thresholds(curve.here, words, row, out)

    def one_by_one(curve, words, row, out):
        for k in range(out.shape[0]):
            out[k] = inverse(curve.here, uniform(words[row, k]))

    here = inlined(one_by_one if thresholds is None else at_once)
    if not _has_rest(curve):
        return lambda curve, words, row, out: here(curve, words, row, out)

    def chosen(curve, words, row, out):
        if curve.kind == 0:
            here(curve, words, row, out)
        else:
            fill_thresholds(curve.rest, words, row, out)

    return chosen


def _has_rest(curve: RecordType) -> bool:
    return any(name == "rest" for name, _ in curve.fields)
