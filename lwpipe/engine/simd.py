# mypy: ignore-errors
"""Vectors of sixteen numbers for numba: what lets a plain loop keep its sums in registers.

numba cannot say that two arrays do not overlap, so LLVM stores a sum after every addend where it
could hold it in a register. These intrinsics give numba a type `Lanes`, an LLVM vector of sixteen
float32 or float64, and operations on it that LLVM lowers to whatever the machine has: one AVX-512
register, two of AVX2, four of NEON. Arrays are one-dimensional and contiguous; offsets count
elements and are not checked.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 16

_INT32 = ir.IntType(32)


class Lanes(types.Type):
    """The numba type of sixteen numbers of one dtype."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        element = ir.FloatType() if lanes.dtype == types.float32 else ir.DoubleType()
        super().__init__(manager, lanes, ir.VectorType(element, LANES))


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [offset], inbounds=True)


def _vector_pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    vector = context.get_value_type(Lanes(array_type.dtype))
    pointer = _pointer(context, builder, array_type, array, offset)
    return builder.bitcast(pointer, vector.as_pointer())


def _spread(builder: Any, vector: Any, number: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(_INT32, 0))
    zeros = ir.Constant(ir.VectorType(_INT32, LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, zeros)


def _constant(vector: Any, number: float) -> Any:
    return ir.Constant(vector, [ir.Constant(vector.element, number)] * LANES)


def _call(builder: Any, name: str, *operands: Any) -> Any:
    vector = operands[0].type
    bits = 32 if isinstance(vector.element, ir.FloatType) else 64
    kind = ir.FunctionType(vector, [vector] * len(operands))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f{bits}")
    return builder.call(function, operands)


@intrinsic
def at(typing: Any, array: Any, offset: Any) -> Any:
    """Return array[offset], without a look at the sign of the offset."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *values))

    return array.dtype(array, types.intp), emit


@intrinsic
def put(typing: Any, array: Any, offset: Any, number: Any) -> Any:
    """Set array[offset] = number, without a look at the sign of the offset."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], _pointer(context, builder, signature.args[0], *values[:2]))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), emit


@intrinsic
def load(typing: Any, array: Any, offset: Any) -> Any:
    """Return array[offset : offset + 16] as Lanes."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = _vector_pointer(context, builder, signature.args[0], *values)
        return builder.load(pointer, align=4)

    return Lanes(array.dtype)(array, types.intp), emit


@intrinsic
def store(typing: Any, array: Any, offset: Any, lanes: Any) -> Any:
    """Write Lanes to array[offset : offset + 16]."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = _vector_pointer(context, builder, signature.args[0], *values[:2])
        builder.store(values[2], pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), emit


@intrinsic
def zeros(typing: Any, array: Any) -> Any:
    """Return sixteen zeros of the dtype of `array`."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return ir.Constant(context.get_value_type(signature.return_type), None)

    return Lanes(array.dtype)(array), emit


@intrinsic
def fma(typing: Any, number: Any, lanes: Any, total: Any) -> Any:
    """Return number * lanes + total."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number, lanes, total = values
        return _call(builder, "fmuladd", _spread(builder, lanes.type, number), lanes, total)

    return lanes(lanes.dtype, lanes, total), emit


@intrinsic
def add(typing: Any, a: Any, b: Any) -> Any:
    """Return a + b."""
    return a(a, b), lambda context, builder, signature, values: builder.fadd(*values)


@intrinsic
def subtract(typing: Any, a: Any, b: Any) -> Any:
    """Return a - b."""
    return a(a, b), lambda context, builder, signature, values: builder.fsub(*values)


@intrinsic
def multiply(typing: Any, a: Any, b: Any) -> Any:
    """Return a * b."""
    return a(a, b), lambda context, builder, signature, values: builder.fmul(*values)


@intrinsic
def scale(typing: Any, number: Any, lanes: Any) -> Any:
    """Return number * lanes."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.fmul(_spread(builder, values[1].type, values[0]), values[1])

    return lanes(lanes.dtype, lanes), emit


@intrinsic
def where_positive(typing: Any, condition: Any, a: Any, b: Any) -> Any:
    """Return a where condition > 0, else b."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        condition, a, b = values
        positive = builder.fcmp_ordered(">", condition, _constant(a.type, 0.0))
        return builder.select(positive, a, b)

    return a(condition, a, b), emit


@intrinsic
def ones(typing: Any, lanes: Any) -> Any:
    """Return sixteen ones."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _constant(values[0].type, 1.0)

    return lanes(lanes), emit


@intrinsic
def reciprocal(typing: Any, lanes: Any) -> Any:
    """Return 1 / lanes."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.fdiv(_constant(values[0].type, 1.0), values[0])

    return lanes(lanes), emit


@intrinsic
def exponential(typing: Any, lanes: Any) -> Any:
    """Return exp(lanes) to rounding; arguments beyond the range of the dtype are clipped to it.

    exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2. The Taylor series of exp(r) up to
    degree 7 (float32) or 13 (float64) is exact to rounding there; 2^n is put together from bits.
    """

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        (x,) = values
        vector = x.type
        single = isinstance(vector.element, ir.FloatType)
        degree, limit, bias, mantissa = (7, 87.0, 127, 23) if single else (13, 708.0, 1023, 52)
        # ln 2 in two pieces, the first exact in few bits, so that n ln 2 loses nothing.
        high = 0.693359375 if single else 0.6931471803691238
        low = -2.121944400546906e-4 if single else 1.908214929270588e-10
        x = _call(builder, "maxnum", x, _constant(vector, -limit))
        x = _call(builder, "minnum", x, _constant(vector, limit))
        n = _call(builder, "rint", builder.fmul(x, _constant(vector, 1.4426950408889634)))
        r = _call(builder, "fmuladd", n, _constant(vector, -high), x)
        r = _call(builder, "fmuladd", n, _constant(vector, -low), r)
        factorial = 1.0
        for k in range(2, degree + 1):
            factorial *= k
        series = _constant(vector, 1.0 / factorial)
        for k in range(degree, 0, -1):
            factorial /= k
            series = _call(builder, "fmuladd", series, r, _constant(vector, 1.0 / factorial))
        integer = ir.IntType(32 if single else 64)
        integers = ir.VectorType(integer, LANES)

        def whole(number: int) -> Any:
            return ir.Constant(integers, [ir.Constant(integer, number)] * LANES)

        power = builder.add(builder.fptosi(n, integers), whole(bias))
        power = builder.bitcast(builder.shl(power, whole(mantissa)), vector)
        return builder.fmul(series, power)

    return lanes(lanes), emit
