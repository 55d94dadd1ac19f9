"""Randomness as a function: Threefry-4x32, a counter-based generator.

A draw depends on a key (one for each purpose, made from the user's seed) and a counter (which example, which step,
which neurons) and on nothing else. So threads, chunk sizes, interruptions and onlookers cannot change it.

Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. SC'11. Twelve rounds pass BigCrush
there; 13 is the smallest number above it with published known answers.
"""

import numpy as np
from numba import types

from spikelearn.core.jit import inlined, kernel
from spikelearn.core.parts import compiled_as

WORD = 2.0**-32
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.int64(0x3FF0000000000000)  # the bits of 1.0
_ROOT_HALF = np.int64(0x3FE6A09E00000000)  # about 0.707
_ONE_SINGLE = np.int32(0x3F800000)
_ROOT_HALF_SINGLE = np.int32(0x3F350000)
_PARITY = np.uint32(0x1BD11BDA)


@inlined
def _mix(a, b, left):
    """Add, rotate left by `left` bits, exclusive or: the elementary operation, on 32-bit words."""
    a = np.uint32((np.uint64(a) + np.uint64(b)) & _LOW)
    b = np.uint32(((np.uint64(b) << np.uint64(left)) & _LOW) | (np.uint64(b) >> np.uint64(32 - left)))
    return a, np.uint32(a ^ b)


@inlined
def _inject(x, key, count):
    """Add four words of the key schedule, and the number of this injection to the last."""
    x0 = np.uint32((np.uint64(x[0]) + np.uint64(key[0])) & _LOW)
    x1 = np.uint32((np.uint64(x[1]) + np.uint64(key[1])) & _LOW)
    x2 = np.uint32((np.uint64(x[2]) + np.uint64(key[2])) & _LOW)
    x3 = np.uint32((np.uint64(x[3]) + np.uint64(key[3]) + np.uint64(count)) & _LOW)
    return x0, x1, x2, x3


@inlined
def _two_rounds(x, rotations):
    x0, x1 = _mix(x[0], x[1], rotations[0])
    x2, x3 = _mix(x[2], x[3], rotations[1])
    x0, x3 = _mix(x0, x3, rotations[2])
    x2, x1 = _mix(x2, x1, rotations[3])
    return x0, x1, x2, x3


@inlined
def threefry(key, counter):
    """Encrypt a counter of four 32-bit words under a key of four: four words, uniform on all 2**32 values."""
    k0, k1, k2, k3 = key
    k4 = np.uint32(_PARITY ^ k0 ^ k1 ^ k2 ^ k3)
    x = _inject(counter, key, 0)
    x = _two_rounds(x, (10, 26, 11, 21))
    x = _two_rounds(x, (13, 27, 23, 5))
    x = _inject(x, (k1, k2, k3, k4), 1)
    x = _two_rounds(x, (6, 20, 17, 11))
    x = _two_rounds(x, (25, 10, 18, 20))
    x = _inject(x, (k2, k3, k4, k0), 2)
    x = _two_rounds(x, (10, 26, 11, 21))
    x = _two_rounds(x, (13, 27, 23, 5))
    x = _inject(x, (k3, k4, k0, k1), 3)
    x0, x1 = _mix(x[0], x[1], 6)
    x2, x3 = _mix(x[2], x[3], 20)
    return x0, x1, x2, x3


@kernel
def fill_words(key, batch, stream, example, out, row):
    """Write words ``64 * batch ...`` of a stream into ``out[row]``.

    The counter is (batch and group, stream, example low, example high); output word ``16 * w + g`` is word `w` of
    group `g`, so that the loop over groups vectorises.

    Parameters
    ----------
    key : (4,) uint32 array
    batch, stream, example : int
    out : (n, 64) uint32 array
        Row `row` is overwritten.
    """
    words = (key[0], key[1], key[2], key[3])
    c1 = np.uint32(stream)
    c2 = np.uint32(example & 0xFFFFFFFF)
    c3 = np.uint32(example >> 32)
    for group in range(16):
        x0, x1, x2, x3 = threefry(words, (np.uint32(16 * batch + group), c1, c2, c3))
        out[row, group] = x0
        out[row, 16 + group] = x1
        out[row, 32 + group] = x2
        out[row, 48 + group] = x3


@inlined
def uniform(word):
    """Turn a word into a uniform number in the open interval (0, 1)."""
    return (np.float64(word) + 0.5) * WORD


def logarithms(values):
    """Take the logarithms of floating-point numbers, in place, to rounding.

    They are spelt out, because a loop that calls the library's does not vectorise, and libraries round differently: a
    number is ``2**e * m`` with m between 0.7 and 1.42, and ``log(m) = 2 artanh(f)`` with ``f = (m - 1) / (m + 1)``.
    """
    (_logarithms_single if values.dtype == np.float32 else _logarithms_double)(values)


@compiled_as(logarithms)
def _compiled_logarithms(values):
    logs = _logarithms_single if values.dtype == types.float32 else _logarithms_double
    return lambda values: logs(values)


@inlined
def _logarithms_double(values):
    bits = values.view(np.int64)
    for k in range(values.shape[0]):
        shifted = bits[k] + (_ONE - _ROOT_HALF)
        exponent = (shifted >> 52) - 1023
        bits[k] = (shifted & 0xFFFFFFFFFFFFF) + _ROOT_HALF
        f = (values[k] - 1.0) / (values[k] + 1.0)
        square = f * f
        tail = 0.0
        for term in range(10, 0, -1):
            tail = square * (tail + 1.0 / (2 * term + 1))
        values[k] = exponent * np.log(2.0) + 2.0 * (f + f * tail)


@inlined
def _logarithms_single(values):
    bits, one, two = values.view(np.int32), np.float32(1.0), np.float32(2.0)
    c1, c2, c3, c4 = np.float32(1 / 3), np.float32(1 / 5), np.float32(1 / 7), np.float32(1 / 9)
    for k in range(values.shape[0]):
        shifted = np.int32(bits[k] + (_ONE_SINGLE - _ROOT_HALF_SINGLE))
        exponent = np.float32((shifted >> np.int32(23)) - np.int32(127))
        bits[k] = np.int32((shifted & np.int32(0x7FFFFF)) + _ROOT_HALF_SINGLE)
        f = (values[k] - one) / (values[k] + one)
        square = f * f
        tail = square * (c1 + square * (c2 + square * (c3 + square * c4)))
        values[k] = exponent * np.float32(np.log(2.0)) + two * (f + f * tail)


@kernel
def fill_exponentials(words, row, out):
    """Turn a row of words into exponential draws of mean 1: ``out[k] = -log(uniform(words[row, k]))``."""
    for k in range(out.shape[0]):
        out[k] = uniform(words[row, k])
    logarithms(out)
    for k in range(out.shape[0]):
        out[k] = -out[k]


@inlined
def fill_logits(words, row, out):
    """Turn a row of words into logits of uniform draws: ``out[k] = log(u / (1 - u))``."""
    half = out.dtype.type(0.5)
    for k in range(out.shape[0]):
        word = words[row, k]
        out[k] = (out.dtype.type(word) + half) / (out.dtype.type(np.uint32(~word)) + half)
    logarithms(out)


@kernel
def fill_normals(words, row, out):
    """Turn a row of 64 words into 64 standard normal draws (Box & Muller): words `k` and ``32 + k`` make two."""
    for k in range(32):
        radius = np.sqrt(-2.0 * np.log(uniform(words[row, k])))
        angle = 2.0 * np.pi * uniform(words[row, 32 + k])
        out[k] = radius * np.cos(angle)
        out[32 + k] = radius * np.sin(angle)


@inlined
def inverse_gaussian(mean, shape, w0, w1, w2):
    """Turn three words into a draw from the inverse Gaussian (Wald) distribution.

    Michael, Schucany & Haas (1976): solve for the two roots of a chi-square draw, choose one with the right odds.
    """
    normal = np.sqrt(-2.0 * np.log(uniform(w0))) * np.cos(2.0 * np.pi * uniform(w1))
    y = mean * normal * normal / (2.0 * shape)
    # The smaller root, written without the cancellation of 1 + y - sqrt(y * (y + 2)).
    root = mean / (1.0 + y + np.sqrt(y * (y + 2.0)))
    return root if uniform(w2) <= mean / (mean + root) else mean * mean / root


@kernel
def draw_extra(key, first_example, mean, shape, out):
    """Draw the extra lengths of phases into `out`, (examples, phases), in the unit of `mean`."""
    words = (key[0], key[1], key[2], key[3])
    for k in range(out.shape[0]):
        example = first_example + k
        low, high = np.uint32(example & 0xFFFFFFFF), np.uint32(example >> 32)
        for phase in range(out.shape[1]):
            w0, w1, w2, _ = threefry(words, (np.uint32(phase), np.uint32(0), low, high))
            out[k, phase] = inverse_gaussian(mean, shape, w0, w1, w2)


PURPOSES = (
    "weights", "order", "phases", "training", "evaluation", "feedback", "plateaus", "rule", "frames", "augment"
)  # fmt: skip


def _sequence(seed: int, purpose: str, *more: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(PURPOSES.index(purpose), *more))


def make_keys(seed: int, purpose: str, n: int) -> np.ndarray:
    """Return `n` keys for one of the `PURPOSES`, which are independent of each other; (n, 4) uint32."""
    return _sequence(seed, purpose).generate_state(4 * n).reshape(n, 4)


def make_generator(seed: int, purpose: str, *more: int) -> np.random.Generator:
    """Return a NumPy generator for draws outside compiled code, one for each purpose and further numbers."""
    return np.random.Generator(np.random.Philox(_sequence(seed, purpose, *more)))
