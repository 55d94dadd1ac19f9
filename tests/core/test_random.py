"""The generator: published known answers, and draws that do not depend on each other."""

import numpy as np
import pytest
import reference
from conftest import of_both_types, samples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spikelearn.core.random import (
    PURPOSES,
    draw_extra,
    fill_exponentials,
    fill_logits,
    fill_words,
    inverse_gaussian,
    logarithms,
    make_generator,
    make_keys,
    threefry,
    uniform,
)

SEED = 11
ENDS = 0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1  # words, and where the exponent of a uniform number changes
word32 = st.integers(0, 2**32 - 1)

# Random123, kat_vectors, "threefry4x32 13": counter, key and answer, four words each.
KNOWN_ANSWERS = """
00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 531c7e4f 39491ee5 2c855a92 3d6abf9a
ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff c4189358 1c9cc83a d5881c67 6a0a89e0
243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 082efa98 ec4e6c89 4aa71d8f 734738c2 431fc6a8 ae6debf1
"""
known_answers = pytest.mark.parametrize("line", KNOWN_ANSWERS.split("\n")[1:-1], ids=["zeros", "ones", "pi"])


def words_of(numbers):
    return tuple(np.uint32(number) for number in numbers)


@known_answers
def test_threefry_gives_the_published_answers(line):
    numbers = [int(word, 16) for word in line.split()]
    counter, key, answer = numbers[:4], numbers[4:8], numbers[8:]
    assert [int(word) for word in threefry(words_of(key), words_of(counter))] == answer
    assert reference.threefry(key, counter) == answer


def words(key, batch=0, stream=0, example=0):
    """Return the 64 words of a batch."""
    out = np.zeros((2, 64), np.uint32)
    fill_words(np.asarray(key, np.uint32), batch, stream, example, out, 1)
    assert not out[0].any()
    return out[1].astype(np.int64)


@given(st.lists(word32, min_size=4, max_size=4), st.integers(0, 2), st.integers(0, 2**31), st.integers(0, 2**62))
def test_words_are_those_of_the_twin(key, batch, stream, example):
    wanted = reference.first_words(64 * (batch + 1), key, stream, example)[-64:]
    np.testing.assert_array_equal(words(key, batch, stream, example), wanted)


def table(n_rows, n_columns, **fixed):
    """Return uniforms (rows, columns x 64): rows vary the argument given as `rows`, columns that given as `columns`."""
    rows, columns = fixed.pop("rows"), fixed.pop("columns")
    key = make_keys(SEED, "training", 1)[0]
    return np.array(
        [
            np.concatenate([uniform_of(words(key, **{rows: r, columns: c}, **fixed)) for c in range(n_columns)])
            for r in range(n_rows)
        ]
    )


def uniform_of(word):
    return (word + 0.5) / 2**32


def assert_uncorrelated(draws, n_sd=5):
    """Correlations between rows are those of independent numbers: SD ``1 / sqrt(n)``."""
    n = draws.shape[1]
    for shown in (draws, np.abs(draws - 0.5), (draws * 2**16) % 1):  # also of squares, so to say, and of low bits
        correlation = np.corrcoef(shown)[np.triu_indices(len(shown), 1)]
        assert np.abs(correlation).max() < n_sd / np.sqrt(n)
        # Independent correlations also have that variance, neither more nor less.
        assert correlation.var() * n == pytest.approx(1, abs=5 * np.sqrt(2 / len(correlation)))


N = samples(400, 25)  # calls of `fill_words` for a row


def test_draws_of_different_neurons_are_independent():
    """The 64 words of a batch belong to 64 candidates, or steps: columns are batches."""
    assert_uncorrelated(table(1, 4 * N, rows="stream", columns="batch").reshape(4 * N, 64).T)


def test_draws_of_different_groups_are_independent():
    assert_uncorrelated(table(20, N, rows="stream", columns="batch"))


def test_draws_of_different_steps_are_independent():
    assert_uncorrelated(table(20, N, rows="batch", columns="example"))


def test_draws_of_different_examples_are_independent():
    assert_uncorrelated(table(20, N, rows="example", columns="batch"))


def test_draws_of_different_examples_beyond_32_bits_are_independent():
    key = make_keys(SEED, "training", 1)[0]
    examples = [1, 2**32 + 1, 2**33 + 1, 2**62 + 1]
    rows = [np.concatenate([uniform_of(words(key, batch, 0, e)) for batch in range(N)]) for e in examples]
    correlation = np.corrcoef(rows)[np.triu_indices(4, 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(64 * N)


def test_draws_of_different_purposes_seeds_and_keys_are_independent():
    keys = [key for purpose in PURPOSES for seed in (0, 1, 2) for key in make_keys(seed, purpose, 2)]
    assert_uncorrelated(np.array([np.concatenate([uniform_of(words(k, batch)) for batch in range(N)]) for k in keys]))


def test_words_are_uniform():
    draws = table(1, 8 * N, rows="stream", columns="batch").ravel()
    assert stats.kstest(draws, "uniform").pvalue > 1e-3
    for bits in (draws, (draws * 2**24) % 1):  # the highest eight and the lowest eight
        assert stats.chisquare(np.bincount((bits * 256).astype(int), minlength=256)).pvalue > 1e-3


def test_bits_are_balanced_and_independent():
    key = make_keys(SEED, "training", 1)[0]
    drawn = np.concatenate([words(key, batch) for batch in range(8 * N)])
    bits = (drawn[:, None] >> np.arange(32)) & 1
    sd = 0.5 / np.sqrt(len(bits))
    assert np.abs(bits.mean(0) - 0.5).max() < 5 * sd
    assert np.abs(np.corrcoef(bits.T)[np.triu_indices(32, 1)]).max() < 5 * 2 * sd


@pytest.mark.parametrize("bit", [0, 31, 32, 63, 127])
@pytest.mark.parametrize("what", ["key", "counter"])
def test_flipping_one_bit_flips_half_of_the_bits(what, bit):
    rng = np.random.default_rng(SEED)
    flipped = []
    for _ in range(100):
        numbers = rng.integers(2**32, size=8).tolist()
        other = list(numbers)
        other[bit // 32 + (4 if what == "counter" else 0)] ^= 1 << bit % 32
        one, two = ([int(w) for w in threefry(words_of(ns[:4]), words_of(ns[4:]))] for ns in (numbers, other))
        flipped.append(sum((a ^ b).bit_count() for a, b in zip(one, two, strict=True)))
    assert np.mean(flipped) == pytest.approx(64, abs=5 * np.sqrt(32 / 100))


def test_a_uniform_number_is_never_zero_or_one():
    assert uniform(np.uint32(0)) == 2.0**-33
    assert uniform(np.uint32(2**32 - 1)) == 1 - 2.0**-33


@given(st.floats(0.1, 20), st.floats(0.1, 20), word32, word32, word32)
def test_an_inverse_gaussian_draw_is_that_of_the_published_formula(mean, shape, w0, w1, w2):
    found = inverse_gaussian(mean, shape, *(np.uint32(w) for w in (w0, w1, w2)))
    assert found > 0
    # The published formula loses digits by cancellation where the draw is far below the mean: y / 2 in 1 / y.
    y = 60 * mean / shape
    assert found == pytest.approx(reference.inverse_gaussian(mean, shape, w0, w1, w2), rel=1e-15 * (10 + y) ** 2)


@pytest.mark.parametrize("mean, shape", [(2.0, 1.0), (0.5, 3.0), (8.0, 2.0), (1.0, 100.0)])
def test_phases_are_inverse_gaussian(mean, shape):
    extra = np.empty((samples(40_000, 2_000), 2))
    draw_extra(make_keys(SEED, "phases", 1)[0], 0, mean, shape, extra)
    for phase in range(2):
        assert stats.kstest(extra[:, phase], stats.invgauss(mean / shape, scale=shape).cdf).pvalue > 1e-3
    assert abs(stats.spearmanr(extra).statistic) < 5 / np.sqrt(len(extra))
    assert abs(stats.spearmanr(extra[1:, 0], extra[:-1, 0]).statistic) < 5 / np.sqrt(len(extra))


@pytest.mark.parametrize("first", [0, 2**32 - 3])
def test_phases_of_an_example_do_not_depend_on_the_chunk(first):
    key, together = make_keys(SEED, "phases", 1)[0], np.empty((6, 2))
    draw_extra(key, first, 2.0, 1.0, together)
    for k in range(6):
        alone = np.empty((1, 2))
        draw_extra(key, first + k, 2.0, 1.0, alone)
        np.testing.assert_array_equal(alone[0], together[k])
    assert len(np.unique(together)) == 12


def test_phases_are_those_of_the_twin():
    key, extra = make_keys(SEED, "phases", 1)[0], np.empty((20, 2))
    draw_extra(key, 5, 2.0, 1.0, extra)
    for k, row in enumerate(extra, start=5):
        for phase in range(2):
            drawn = reference.threefry(key.tolist(), (phase, 0, k, 0))[:3]
            assert row[phase] == pytest.approx(reference.inverse_gaussian(2.0, 1.0, *drawn), rel=1e-9)


def test_keys_differ_by_seed_purpose_and_place():
    keys = np.concatenate([make_keys(seed, purpose, 5) for purpose in PURPOSES for seed in range(20)])
    assert keys.dtype == np.uint32 and keys.shape[1] == 4
    assert len(np.unique(keys, axis=0)) == len(keys)
    assert len(np.unique(keys)) == keys.size  # nor do they share words, as overlapping stretches would
    np.testing.assert_array_equal(make_keys(7, "order", 3), make_keys(7, "order", 3))


def test_an_unknown_purpose_is_refused():
    with pytest.raises(ValueError):
        make_keys(1, "coffee", 1)


def test_generators_differ_by_seed_purpose_and_further_numbers():
    made = [(s, p, *more) for s in (0, 1) for p in PURPOSES for more in ((), (0,), (1,), (0, 1))]
    draws = [tuple(make_generator(*m).integers(2**62, size=4)) for m in made]
    assert len(set(draws)) == len(made)
    assert tuple(make_generator(*made[3]).integers(2**62, size=4)) == draws[3]


def test_exponential_draws_are_minus_the_logarithm_of_uniform_ones():
    words = np.random.default_rng(0).integers(0, 2**32, (2, 64), dtype=np.uint32)
    words[1, :6] = ENDS
    out = np.zeros(64)
    for row in range(2):
        fill_exponentials(words, row, out)
        np.testing.assert_allclose(out, -np.log((words[row] + 0.5) / 2.0**32), rtol=1e-14)
        assert (out > 0).all()


PRECISION = {real: 2 * np.finfo(real).eps for real in (np.float32, np.float64)}  # the library errs by as much


@of_both_types
def test_logarithms_are_those_of_numpy(real):
    """Of numbers of all sizes, on both sides of a power of two, and of those close to 1, where the logarithm is 0."""
    rng, info = np.random.default_rng(0), np.finfo(real)
    powers = 2.0 ** rng.integers(info.minexp, info.maxexp, (2000, 1))
    values = np.concatenate(
        [
            (powers * rng.uniform(1 - 1e-3, 1 + 1e-3, (2000, 1))).ravel(),
            np.exp(rng.uniform(np.log(float(info.tiny)), np.log(float(info.max)), samples(20_000, 500))),
            1 + rng.uniform(-1e-3, 1e-3, 1000),
            [1.0, info.tiny, info.max, np.sqrt(0.5), np.sqrt(2.0)],
        ]
    ).astype(real)
    values = values[(values >= info.tiny) & np.isfinite(values)]
    out = values.copy()
    logarithms(out)
    np.testing.assert_allclose(out, np.log(values.astype(np.longdouble)).astype(float), rtol=PRECISION[real])
    assert out[values == 1].tolist() == [0.0]


@of_both_types
def test_logits_are_those_of_uniform_draws(real):
    """Of the draws of all words, the ends too: none of them is 0 or 1, whatever the type."""
    words = np.random.default_rng(0).integers(0, 2**32, (2, 64), dtype=np.uint32)
    words[1, :6] = ENDS
    draws = (words.astype(np.longdouble) + 0.5) / 2.0**32
    for row in range(2):
        out = np.zeros(64, real)
        fill_logits(words, row, out)
        wanted = np.log(draws[row] / (1 - draws[row])).astype(float)
        # Draws close to 1/2 have logits close to 0, and a rounding error of their ratio, which is close to 1.
        np.testing.assert_allclose(out, wanted, rtol=PRECISION[real], atol=2 * np.finfo(real).eps)
        assert np.isfinite(out).all()
