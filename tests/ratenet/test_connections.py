"""Locally connected layers: against SciPy's convolution, finite differences, and the dense matrix that they are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import correlate2d

from ratenet.helpers import batch, numerical_gradient, state_of, task
from spikelearn import cli, compare
from spikelearn.errors import InputError
from spikelearn.ratenet import ENTRIES, Adam, RateNetwork, architecture, entry, fit, rules
from spikelearn.ratenet.connections import Dense, Local
from spikelearn.ratenet.fit import memory
from spikelearn.ratenet.shared import mean_loss

KINDS = {
    "one channel": Local(image=(5, 6, 1), kernel=3, channels=2, stride=2),
    "channels": Local(image=(4, 4, 3), kernel=2, channels=2),
    "no overlap": Local(image=(5, 5, 2), kernel=2, channels=3, stride=2),
    "whole image": Local(image=(3, 3, 2), kernel=3, channels=2, stride=3),
    "even kernel": Local(image=(7, 5, 1), kernel=4, channels=1, stride=3),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

LOCAL = (Local(image=(4, 3, 1), kernel=3, channels=2, stride=2), Local(image=(2, 2, 2), kernel=2, channels=3))
SIZES = (12, 8, 12, 5, 3)
NEED_DENSE = {"am", "dbn", "ep", "hash", "meta"}
HEAR_PATCHES = sorted(set(ENTRIES) - NEED_DENSE)


def local_network(name, dtype="float64"):
    return replace(entry(name).network(SIZES), local=LOCAL, dtype=dtype)


def as_dense(kind, W):
    """The matrix (post, pre) with the same effect, from patches written out."""
    rows, columns, channels = kind.image
    out_rows, out_columns, _ = kind.out
    above = ((out_rows - 1) * kind.stride + kind.kernel - rows) // 2
    left = ((out_columns - 1) * kind.stride + kind.kernel - columns) // 2
    dense = np.zeros((kind.post, kind.pre))
    for post in range(kind.post):
        y, x = divmod(post // kind.channels, out_columns)
        weights = W[post].reshape(kind.kernel, kind.kernel, channels)
        for i in range(kind.kernel):
            for j in range(kind.kernel):
                row, column = y * kind.stride + i - above, x * kind.stride + j - left
                if 0 <= row < rows and 0 <= column < columns:
                    at = (row * columns + column) * channels
                    dense[post, at : at + channels] += weights[i, j]
    return dense


@each_kind
def test_it_is_the_dense_matrix_of_its_patches_there_and_back(kind):
    rng = np.random.default_rng(1)
    W, h, error = kind.draw(rng), rng.standard_normal((7, kind.pre)), rng.standard_normal((7, kind.post))
    dense = as_dense(kind, W)
    np.testing.assert_allclose(kind.send(W, h), h @ dense.T, atol=1e-12)
    np.testing.assert_allclose(kind.reverse.send(kind.turn(W), error), error @ dense, atol=1e-12)
    assert (kind.reverse.pre, kind.reverse.post) == (kind.post, kind.pre)
    assert kind.reverse.reverse == kind


@each_kind
def test_sums_over_examples_are_those_of_the_dense_matrix_where_there_are_weights(kind):
    rng = np.random.default_rng(2)
    h, error = rng.standard_normal((7, kind.pre)), rng.standard_normal((7, kind.post))
    found, back = np.empty(kind.shape), np.empty(kind.reverse.shape)
    kind.correlate(error, h, found)
    kind.reverse.correlate(h, error, back)
    np.testing.assert_array_equal(back, found)
    there = as_dense(kind, kind.synapses())
    assert kind.synapses().sum() == there.sum()
    np.testing.assert_allclose(as_dense(kind, found), (error.T @ h) * there, atol=1e-12)


@each_kind
def test_with_shared_weights_it_is_scipys_convolution(kind):
    rng = np.random.default_rng(3)
    rows, columns, channels = kind.image
    shared = rng.standard_normal((kind.channels, kind.kernel, kind.kernel, channels))
    W = np.tile(shared.reshape(kind.channels, -1), (kind.out[0] * kind.out[1], 1))
    image = rng.standard_normal(kind.image)
    found = kind.send(W, image.reshape(1, -1)).reshape(kind.out)
    need = [(size - 1) * kind.stride + kind.kernel - of for size, of in zip(kind.out, kind.image, strict=False)][:2]
    padded = np.pad(image, [(n // 2, n - n // 2) for n in need] + [(0, 0)])
    for c in range(kind.channels):
        whole = sum(correlate2d(padded[:, :, k], shared[c, :, :, k], mode="valid") for k in range(channels))
        np.testing.assert_allclose(found[:, :, c], whole[:: kind.stride, :: kind.stride], atol=1e-12)


def test_weights_have_glorots_variance():
    kind = Local(image=(20, 20, 4), kernel=3, channels=8)
    assert kind.shape == (3200, 36) and kind.fans == 9 * 12
    drawn = kind.draw(np.random.default_rng(0))
    assert drawn[kind.synapses() == 1].var() == pytest.approx(2 / kind.fans, rel=0.02)
    assert not drawn[kind.synapses() == 0].any()


def test_backpropagation_is_the_gradient():
    network = local_network("bp")
    state, shown = state_of(network, rules.Backprop()), batch(network)
    found = rules.Backprop().gradients(state, shown, np.random.default_rng(0)).flat.copy()
    exact = numerical_gradient(lambda: mean_loss(network, state.parameters, shown), state.parameters.flat)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", sorted(set(HEAR_PATCHES) - {"bp-binary", "bp-dropout", "wp", "es", "ga"}))
def test_gradients_are_those_of_the_network_written_out_densely(name):
    network = local_network(name)
    flat = replace(network, local=())
    state, rule = state_of(network, entry(name).rule), entry(name).rule
    dense = state_of(flat, rule)
    layers = zip(network.connections, state.parameters.W, dense.parameters.W, strict=True)
    for connection, W, written_out in layers:
        written_out[:] = as_dense(connection, W) if isinstance(connection, Local) else W
    for b, other in zip(state.parameters.b, dense.parameters.b, strict=True):
        other[:] = b
    dense.memory = feedback_written_out(name, state)
    shown = batch(network)
    found, expected = (rule.gradients(each, shown, np.random.default_rng(0)) for each in (state, dense))  # drawn alike
    for connection, W, other in zip(network.connections, found.W, expected.W, strict=True):
        if isinstance(connection, Local):
            other = other * as_dense(connection, np.ones(connection.shape))
            W = as_dense(connection, W)
        np.testing.assert_allclose(W, other, atol=1e-10)
    for b, other in zip(found.b, expected.b, strict=True):
        np.testing.assert_allclose(b, other, atol=1e-10)


def feedback_written_out(name, state):
    """What the rule remembers, for the network written out densely."""
    memory, above = state.memory, state.network.connections[1:]

    def dense(weights):
        pairs = zip(above, weights, strict=False)
        return [as_dense(each, Y).T if isinstance(each, Local) else Y for each, Y in pairs]

    if name in ("fa", "kp", "mirror", "burst", "microcircuit"):
        return dense(memory)
    if name == "sign":  # magnitudes, with signs of weights that are not there: none
        return dense(memory)
    if "dtp" in name:
        connections = [Dense(each.pre, each.post) for each in memory.parameters.connections]
        parameters = type(memory.parameters)(connections, memory.parameters.flat.dtype)
        for V, Y in zip(parameters.W, dense(memory.parameters.W), strict=True):
            V[:] = Y
        for c, other in zip(parameters.b, memory.parameters.b, strict=True):
            c[:] = other
        return replace(memory, parameters=parameters)
    return memory


@pytest.mark.parametrize("name", HEAR_PATCHES)
def test_rules_learn_with_local_layers(name):
    network, known = local_network(name, "float32"), entry(name).rule
    rule = replace(known, batch=20, optimiser=replace(known.optimiser, rate=0.02 if name != "wp" else 1e-3))
    *_, last = fit(network, rule, task(), seed=3, epochs=8)
    assert last.test_error < {"wp": 60, "bp-binary": 45}.get(name, 25)  # chance is 67
    assert len(last.angle) == len(last.alignment) == 3


@pytest.mark.parametrize("name", sorted(NEED_DENSE))
def test_rules_that_need_dense_layers_say_so(name):
    with pytest.raises(InputError, match="needs dense layers; the network has 2 local ones"):
        fit(local_network(name), entry(name).rule, task(), seed=1)


def test_weights_of_the_mirror_and_of_kolen_pollack_come_to_those_of_the_layer_above():
    for rule in (
        rules.WeightMirror(noise=1e-3, rate=0.02, batch=64, optimiser=Adam(rate=0)),
        rules.KolenPollack(decay=5e-3, batch=20, optimiser=Adam(rate=1e-2)),
    ):
        network = local_network("bp", "float32")
        epochs = list(fit(network, rule, task(), seed=1, epochs=20))
        assert max(epochs[-1].alignment) < 25


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kernel": 6}, r"Local\.kernel=6 is larger than the image, 5 x 5; allowed: 1 to 5"),
        ({"stride": 4}, r"Local\.stride=4 leaves out pixels between patches of 3 x 3; allowed: 1 to 3"),
        ({"channels": 0}, r"Local\.channels=0 must be an integer >= 1"),
        ({"image": (5, 5)}, r"Local\.image=\(5, 5\) must be rows, columns and channels"),
    ],
)
def test_what_does_not_fit_an_image_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        Local(**{"image": (5, 5, 1), "kernel": 3, "channels": 2, **given})


def test_sizes_that_do_not_fit_local_layers_are_refused():
    with pytest.raises(InputError, match=r"local\[1\] leads from 8 to 12 units, but sizes say \(8, 10\)"):
        RateNetwork(sizes=(12, 8, 10, 3), local=LOCAL)
    with pytest.raises(InputError, match=r"2 local layers, but sizes \(12, 8, 12\) have 1 hidden"):
        RateNetwork(sizes=(12, 8, 12), local=LOCAL)


def test_architectures_by_name_are_those_of_the_paper():
    local = architecture("mnist-local")
    assert [layer.out for layer in local.local] == [(14, 14, 32), (7, 7, 64)]
    assert local.sizes == (784, 6272, 3136, 1024, 10)
    assert architecture("cifar-local").sizes == (3072, 16 * 16 * 64, 8 * 8 * 128, 8 * 8 * 256, 1024, 10)
    assert architecture("mnist-dense").sizes == (784, 256, 256, 256, 256, 256, 10)
    with pytest.raises(InputError, match="unknown architecture 'mnist-lokal'; did you mean 'mnist-local'"):
        architecture("mnist-lokal")


@pytest.mark.parametrize("name", ENTRIES)
def test_memory_is_that_of_the_arrays(name):
    """Counted: all arrays of the state but feedback that is a view."""
    rule, network = entry(name).rule, entry(name).network(SIZES) if name in NEED_DENSE else local_network(name)
    state = state_of(network, rule)
    rule.learn(state, batch(network, n=20), np.random.default_rng(0))  # by then there are all parents
    sizes = {id(whole): whole.nbytes for whole in map(owner, arrays_in(vars(state)))}
    assert memory(network, rule) == sum(sizes.values())


def arrays_in(value):
    """All arrays of nested objects."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from arrays_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from arrays_in(each)
    elif hasattr(value, "__dict__") and not isinstance(value, RateNetwork):
        yield from arrays_in(vars(value))


def owner(array):
    """The array that owns the memory."""
    while array.base is not None and isinstance(array.base, np.ndarray):
        array = array.base
    return array


@pytest.fixture
def images(tmp_path):
    """A file of a few images of 28 x 28 pixels."""
    rng, path = np.random.default_rng(0), tmp_path / "few.npz"
    y = np.arange(160) % 10
    np.savez(path, x=np.clip(0.2 * rng.random((160, 784)) + 0.1 * y[:, None], 0, 1), y=y)
    return path


def test_an_architecture_is_compared_by_its_name(images, tmp_path, capsys):
    command = ["compare", "--data", str(images), "--architecture", "mnist-local", "--epochs", "1", "--seeds", "1"]
    out = str(tmp_path / "out")
    assert cli.main([*command, "--rules", "fa", "--jobs", "1", "--out", out]) == 0
    printed = capsys.readouterr()
    assert {line.split()[0] for line in printed.out.splitlines()[1:4]} == {"bp", "shallow", "fa"}
    assert printed.err.startswith("arrays of a process, in MiB: bp 64.0, ")  # weights, gradient and two moments
    made_from = json.loads((tmp_path / "out" / "results" / "fa-1.json").read_text())["task"]
    assert [layer["channels"] for layer in made_from["local"]] == [32, 64]
    for rule, message in (("am", "AlternatingMinimisation needs dense layers"), ("spiking", "its layers are dense")):
        assert cli.main([*command, "--rules", rule, "--out", out]) == 2
        assert message in capsys.readouterr().err
    assert cli.main([*command, "--sizes", "784,10", "--out", out]) == 2
    assert "--sizes and --architecture both say which layers" in capsys.readouterr().err


def test_where_no_rules_are_named_those_are_compared_that_can_learn_there(images):
    local = architecture("mnist-local")
    assert set(compare.NAMES) - set(compare.fitting(local.sizes, local.local, str(images))) == {*NEED_DENSE, "spiking"}


def test_what_does_not_fit_into_memory_is_refused_before_it_is_made():
    network = rules.DirectFeedback().network((12, 100_000_000_000, 3))
    with pytest.raises(InputError, match=r"DirectFeedback would keep \d+\.\d GiB of arrays for sizes \(12, 1"):
        fit(network, rules.DirectFeedback(), task(), seed=1)
