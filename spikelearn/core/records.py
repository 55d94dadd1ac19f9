"""Records in compiled code: a NamedTuple of arrays, numbers and further records is handed over as one pointer.

By value, a kernel would take every array of a network, some hundred, as a dozen arguments each: slow to call and to
compile. Compiled, a `record` class is a struct in memory that nothing changes: a field is read where it is used. A
tuple of records of one class is an array of structs, whatever its length. Interpreted, all of it is what it is in
Python.
"""

import functools
import hashlib
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import (
    NativeValue,
    lower_builtin,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import (
    getitem_array_tuple,
    getitem_arraynd_intp,
    load_item,
    make_array,
    populate_array,
    setitem_array,
    store_item,
)
from numba.np.numpy_support import from_dtype

WORD = 8  # bytes: a number, the address of an array or record, or one of the lengths of an array

_RECORDS: set[type] = set()


def record(cls: type) -> Any:
    """Declare a NamedTuple class whose instances kernels take as pointers."""
    _RECORDS.add(cls)
    return cls


def is_record(value: Any) -> bool:
    """Tell whether a value is a record."""
    return is_record_class(type(value))


def is_record_class(cls: type) -> bool:
    """Tell whether instances of a class are records."""
    return cls in _RECORDS


class FieldType(types.Array):
    """numba's type of a contiguous array of a record: an index is never asked whether it is negative.

    That question costs more than the access in loops whose bounds come from an array, and it stops vectorisation.
    """

    def __init__(self, dtype: types.Type, ndim: int) -> None:
        super().__init__(dtype, ndim, "C", name=f"field({dtype}, {ndim}d)")

    def copy(self, dtype=None, ndim=None, layout=None, readonly=None):  # noqa: D102
        if layout not in (None, "C"):
            return types.Array(dtype or self.dtype, self.ndim if ndim is None else ndim, layout)
        return FieldType(dtype or self.dtype, self.ndim if ndim is None else ndim)


class RecordType(types.Type):
    """numba's type of a pointer to a struct."""

    def __init__(self, cls_name: str, fields: tuple[tuple[str, types.Type], ...]) -> None:
        self.cls_name, self.fields = cls_name, fields
        offsets, size = [], 0
        for _, field in fields:
            offsets.append(size)
            size += WORD * _words(field)
        self.offsets, self.size = tuple(offsets), size
        # Two records of a class are of one type if their fields are; all of them by name would fill pages.
        digest = hashlib.sha256(", ".join(f"{name}: {field}" for name, field in fields).encode())
        super().__init__(name=f"{cls_name}<{digest.hexdigest()[:12]}>")


class RecordsType(types.Type):
    """numba's type of a tuple of records of one class: a pointer to its length and the address of the first."""

    def __init__(self, item: RecordType) -> None:
        self.item = item
        super().__init__(name=f"Records({item})")


def _words(field: types.Type) -> int:
    """Return how many words of a struct a field takes."""
    if isinstance(field, types.Array):
        return 1 + field.ndim
    return 2 if isinstance(field, RecordsType) else field.size // WORD if isinstance(field, RecordType) else 1


class Records(tuple[Any, ...]):
    """A tuple of records that is packed once for all calls: an array stays where it is, and no record changes."""

    @functools.cached_property
    def packed(self) -> tuple[RecordsType, np.ndarray, list[Any]]:
        """Type, structs, and what must stay alive with them."""
        return _pack_all(self)


def _pack_all(records: tuple[Any, ...]) -> tuple[RecordsType, np.ndarray, list[Any]]:
    items = [_pack(item) for item in records]
    structs = np.array([item[1] for item in items], np.uint64)
    return _records_type(items[0][0]), structs, [kept for item in items for kept in item[2]]


def type_of(value: Any) -> RecordType:
    """Return numba's type of a record."""
    return _pack(value)[0]


class Packed:
    """A record with its struct."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.type, words, self._keep = _pack(value)
        self._words = np.array(words, np.uint64)
        self.address = self._words.ctypes.data


def _pack(value: Any) -> tuple[RecordType, list[int], list[Any]]:
    """Return type and struct of a record, and what must stay alive with it."""
    field_types: list[Any] = []
    words: list[int] = []
    keep: list[Any] = [value]
    for field in value:
        if isinstance(field, np.ndarray):
            if not field.flags.c_contiguous:
                raise TypeError(f"an array of a {type(value).__name__} is not contiguous")
            field_types.append(_array_type(field.dtype, field.ndim))
            words += [field.ctypes.data, *field.shape]
        elif is_record(field):
            field_type, more, kept = _pack(field)
            field_types.append(field_type)
            words += more
            keep += kept
        elif isinstance(field, tuple):
            item_type, structs, kept = field.packed if isinstance(field, Records) else _pack_all(field)
            field_types.append(item_type)
            words += [len(field), structs.ctypes.data]
            keep += [structs, kept]
        else:
            kind: Any = type(field)
            field_types.append(_number_type(kind))
            number = np.float64(field) if isinstance(field_types[-1], types.Float) else np.int64(field)
            words.append(int(number.view(np.uint64)))
    cls: Any = type(value)
    return _record_type(cls, tuple(field_types)), words, keep


@functools.cache
def _array_type(dtype: Any, ndim: int) -> FieldType:
    return FieldType(from_dtype(dtype), ndim)


@functools.cache
def _number_type(cls: Any) -> types.Type:
    return {float: types.float64, int: types.intp, bool: types.boolean}.get(cls) or from_dtype(np.dtype(cls))


@functools.cache
def _records_type(item: "RecordType") -> "RecordsType":
    return RecordsType(item)


@functools.cache
def _record_type(cls: Any, field_types: Any) -> "RecordType":
    return RecordType(cls.__name__, tuple(zip(cls._fields, field_types, strict=True)))


# -- compiled ---------------------------------------------------------------------------------------------------------


@typeof_impl.register(Packed)
def _type_of_packed(value, context):
    return value.type


@register_model(RecordType)
@register_model(RecordsType)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager, record_type):
        super().__init__(manager, record_type, ir.IntType(8).as_pointer())


register_model(FieldType)(models.ArrayModel)


@unbox(RecordType)
def _unbox_record(record_type, packed, c):
    address = c.pyapi.object_getattr_string(packed, "address")
    pointer = c.pyapi.long_as_voidptr(address)
    c.pyapi.decref(address)
    return NativeValue(pointer)


def _read(context, builder, struct, offset, llvm_type):
    """Read a word of a struct, which nothing changes."""
    place = builder.gep(struct, [ir.Constant(ir.IntType(64), offset)], inbounds=True)
    value = builder.load(builder.bitcast(place, llvm_type.as_pointer()))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


@infer_getattr
class _RecordFields(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, record_type, attr):
        return dict(record_type.fields).get(attr)


@lower_getattr_generic(RecordType)
def _field(context, builder, record_type, struct, attr):
    names = [name for name, _ in record_type.fields]
    field, offset = record_type.fields[names.index(attr)][1], record_type.offsets[names.index(attr)]
    if isinstance(field, RecordType | RecordsType):
        return builder.gep(struct, [ir.Constant(ir.IntType(64), offset)], inbounds=True)
    if isinstance(field, types.Array):
        return _array(context, builder, field, struct, offset)
    if isinstance(field, types.Float):
        number = _read(context, builder, struct, offset, ir.DoubleType())
        return context.cast(builder, number, types.float64, field)
    number = _read(context, builder, struct, offset, ir.IntType(64))
    return context.cast(builder, number, types.int64, field)


def _array(context, builder, array_type, struct, offset):
    """Make an array of an address and lengths; it owns nothing."""
    word = context.get_value_type(types.intp)
    array = make_array(array_type)(context, builder)
    data = _read(context, builder, struct, offset, array.data.type)
    shape = [_read(context, builder, struct, offset + WORD * (k + 1), word) for k in range(array_type.ndim)]
    strides, step = [], context.get_constant(types.intp, array_type.dtype.bitwidth // 8)
    itemsize = step
    for length in reversed(shape):
        strides.insert(0, step)
        step = builder.mul(step, length)
    populate_array(
        array,
        data=data,
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, strides),
        itemsize=itemsize,
        meminfo=None,
    )
    return array._getvalue()


@infer_global(operator.getitem)
class _RecordAt(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], RecordsType) and isinstance(args[1], types.Integer):
            return signature(args[0].item, args[0], types.intp)


@lower_builtin(operator.getitem, RecordsType, types.Integer)
def _record_at(context, builder, sig, args):
    records_type, (struct, k) = sig.args[0], args
    first = _read(context, builder, struct, WORD, ir.IntType(8).as_pointer())
    offset = builder.mul(k, ir.Constant(k.type, records_type.item.size))
    return builder.gep(first, [offset], inbounds=True)


@infer_global(len)
class _RecordsLength(AbstractTemplate):
    def generic(self, args, kws):
        if isinstance(args[0], RecordsType):
            return signature(types.intp, args[0])


@lower_builtin(len, RecordsType)
def _records_length(context, builder, sig, args):
    return _read(context, builder, args[0], 0, ir.IntType(64))


# -- elements of arrays -----------------------------------------------------------------------------------------------


def _element(context, builder, array_type, array, index_type, index):
    """Address of a number, or None if the index is not one integer for each dimension."""
    kinds = index_type.types if isinstance(index_type, types.BaseTuple) else (index_type,)
    if len(kinds) != array_type.ndim or not all(isinstance(kind, types.Integer) for kind in kinds):
        return None
    parts = cgutils.unpack_tuple(builder, index) if isinstance(index_type, types.BaseTuple) else [index]
    array = make_array(array_type)(context, builder, array)
    place = ir.Constant(ir.IntType(64), 0)
    for length, part, kind in zip(cgutils.unpack_tuple(builder, array.shape), parts, kinds, strict=True):
        place = builder.add(builder.mul(place, length), context.cast(builder, part, kind, types.intp))
    return builder.gep(array.data, [place], inbounds=True)


def _get(fallback):
    def generate(context, builder, sig, args):
        place = _element(context, builder, sig.args[0], args[0], sig.args[1], args[1])
        if place is None:
            return fallback(context, builder, sig, args)
        return load_item(context, builder, sig.args[0], place)

    return generate


lower_builtin(operator.getitem, FieldType, types.Integer)(_get(getitem_arraynd_intp))
lower_builtin(operator.getitem, FieldType, types.BaseTuple)(_get(getitem_array_tuple))


def _set(context, builder, sig, args):
    place = _element(context, builder, sig.args[0], args[0], sig.args[1], args[1])
    if place is None or isinstance(sig.args[2], types.Array):
        return setitem_array(context, builder, sig, args)
    value = context.cast(builder, args[2], sig.args[2], sig.args[0].dtype)
    store_item(context, builder, sig.args[0], value, place)
    return context.get_dummy_value()


lower_builtin(operator.setitem, FieldType, types.Integer, types.Any)(_set)
lower_builtin(operator.setitem, FieldType, types.BaseTuple, types.Any)(_set)
