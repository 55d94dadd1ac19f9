r"""Jacobians of the way up, from hidden to output rates, and of the way down, from output rates to plateau potentials.

Guerguiev, Lillicrap & Richards 2017, Theorem 1 and figure 5, supplement 1. With the way up
:math:`\beta(x) = r_{max}\,\sigma(k_d W^1 x)` and the way down :math:`\gamma(x) = \sigma(Y x)`,

.. math::
    J_\beta &= r_{max}\,\mathrm{diag}\,\sigma'(\bar V^{1f})\; k_d W^1 \\
    J_\gamma &= \mathrm{diag}\,\sigma'(Y\, r_{max}\,\sigma(\bar V^{1f}))\; Y \\
    U &= J_\beta J_\gamma

What `U` says is in `spikelearn.analysis.contraction`. The caption of the figure has it as the product of mean
Jacobians, its numbers were made with the mean of products; both are here.

Rates are in spikes/ms throughout, as in the package. That is not a matter of taste: what goes up is a rate, what comes
down a plateau potential, which has no unit, and the theorem adds the two. In Hz, where weights are a thousandth, the
same formulas give a `U` a thousandth as large, of which nothing can be concluded.

The theorem takes filtered spike trains for rates, which holds for a kernel of unit area. Where spikes are forgotten
after 10 ms (area 0.51) the two ways are weaker by that factor each; the published figure leaves this out, and so does
this file. Multiply `w` and `y` by the area to put it in.
"""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import check_product, numbers, same_length
from spikelearn.errors import InputError, check_range
from spikelearn.logistic import Logistic

MAX_RATE = 10.0  # spikes/ms: no neuron comes near; a larger number is one in Hz


class Curve(Protocol):
    """Contract of a neuron's curve, as far as the Jacobians need it: `spikelearn.Sigmoid` keeps it."""

    def value(self, v: ArrayLike) -> np.ndarray:
        """Return the curve at potentials.

        Parameters
        ----------
        v : array_like of any shape
            Potentials, relative to rest.

        Returns
        -------
        array of the shape of `v`
            Values within 0 to 1.
        """

    def slope(self, v: ArrayLike) -> np.ndarray:
        """Return the derivative of the curve at potentials.

        Parameters
        ----------
        v : array_like of any shape
            Potentials, relative to rest.

        Returns
        -------
        array of the shape of `v`
            Derivatives with respect to the potential.
        """


LOGISTIC = Logistic()


def output_jacobian(
    v_output: ArrayLike, w: ArrayLike, *, dendrite_gain: float, rate_max: float, curve: Curve = LOGISTIC
) -> np.ndarray:
    """Return J_beta: how output rates follow hidden rates, at each example.

    Parameters
    ----------
    v_output : (examples, outputs) float array
        Mean somatic potentials of the outputs in the forward phase, relative to rest.
    w : (outputs, hidden) float array
        Forward weights of the output layer.
    dendrite_gain : float
        Steady-state somatic over dendritic potential, k_d (equation 27), in (0, 1]; `network.dendrite_gains[-1]`.
    rate_max : float
        Highest firing rate, spikes/ms.
    curve : Curve
        The f-I curve of the outputs; `network.output.curve`.

    Returns
    -------
    (examples, outputs, hidden) float64 array
        Without unit: rate per rate. 40 kB an example at 500 hidden and 10 output neurons.

    Raises
    ------
    InputError
        Shapes do not fit, or `rate_max` can only be in Hz.
    """
    v, w = numbers("v_output", v_output, "examples", "outputs"), numbers("w", w, "outputs", "hidden")
    _check_outputs(v, "w", w.shape[0])
    check_range("dendrite_gain", dendrite_gain, above=0, at_most=1)
    _check_rate(rate_max)
    return (rate_max * curve.slope(v))[:, :, None] * (dendrite_gain * w)


def feedback_jacobian(
    v_output: ArrayLike,
    y: ArrayLike,
    c: ArrayLike = 0.0,
    *,
    rate_max: float,
    curve: Curve = LOGISTIC,
    plateau: Curve = LOGISTIC,
) -> np.ndarray:
    """Return J_gamma: how plateau potentials follow output rates, at each example.

    Parameters
    ----------
    v_output : (examples, outputs) float array
        Mean somatic potentials of the outputs in the forward phase, relative to rest.
    y : (hidden, outputs) float array
        Feedback weights.
    c : (hidden,) float array or float
        Biases of the apical dendrites, relative to rest.
    rate_max : float
        Highest firing rate, spikes/ms.
    curve, plateau : Curve
        The f-I curve of the outputs, and that of the hidden neurons' plateau potentials.

    Returns
    -------
    (examples, hidden, outputs) float64 array
        Plateau potential, in (0, 1), per rate: ms.

    Raises
    ------
    InputError
        Shapes do not fit, or `rate_max` can only be in Hz.
    """
    v, y = numbers("v_output", v_output, "examples", "outputs"), numbers("y", y, "hidden", "outputs")
    _check_outputs(v, "y", y.shape[1])
    _check_rate(rate_max)
    return plateau.slope(rate_max * curve.value(v) @ y.T + np.asarray(c, np.float64))[:, :, None] * y


def products(j_beta: ArrayLike, j_gamma: ArrayLike) -> np.ndarray:
    """Return the round trip J_beta J_gamma of each example; their mean is U as measured.

    Parameters
    ----------
    j_beta : (examples, outputs, hidden) float array
        Jacobians of the way up (`output_jacobian`).
    j_gamma : (examples, hidden, outputs) float array
        Jacobians of the way down (`feedback_jacobian`).

    Returns
    -------
    (examples, outputs, outputs) float64 array
        Products of the two matrices, with rates in spikes/ms.

    Raises
    ------
    InputError
        The Jacobians are not those of the same examples and network.
    """
    j_beta, j_gamma = _pair(j_beta, j_gamma)
    return j_beta @ j_gamma


def product_of_means(j_beta: ArrayLike, j_gamma: ArrayLike) -> np.ndarray:
    """Return U as the caption of the figure has it: mean J_beta times mean J_gamma.

    Parameters
    ----------
    j_beta : (examples, outputs, hidden) float array
        Jacobians of the way up (`output_jacobian`).
    j_gamma : (examples, hidden, outputs) float array
        Jacobians of the way down (`feedback_jacobian`).

    Returns
    -------
    (outputs, outputs) float64 array
        Product of the two means, with rates in spikes/ms.

    Raises
    ------
    InputError
        The Jacobians are not those of the same examples and network.
    """
    j_beta, j_gamma = _pair(j_beta, j_gamma)
    return j_beta.mean(axis=0) @ j_gamma.mean(axis=0)


def weight_product(w: ArrayLike, y: ArrayLike, *, dendrite_gain: float) -> np.ndarray:
    """Return U of the weights alone, k_d W Y: no sigmoids, no example.

    Parameters
    ----------
    w : (outputs, hidden) float array
        Forward weights of the output layer.
    y : (hidden, outputs) float array
        Feedback weights.
    dendrite_gain : float
        Steady-state somatic over dendritic potential, k_d (equation 27), in (0, 1].

    Returns
    -------
    (outputs, outputs) float64 array
        Product ``dendrite_gain * w @ y``, with rates in spikes/ms.

    Raises
    ------
    InputError
        Shapes do not fit, or `dendrite_gain` is out of its range.
    """
    w, y = numbers("w", w, "outputs", "hidden"), numbers("y", y, "hidden", "outputs")
    check_product("w", w, "y", y, "hidden neurons")
    check_range("dendrite_gain", dendrite_gain, above=0, at_most=1)
    return dendrite_gain * w @ y


def _check_rate(rate_max: float) -> None:
    check_range("rate_max", rate_max, above=0, at_most=MAX_RATE, unit="spikes/ms (write 200 * Hz)")


def _check_outputs(v: np.ndarray, name: str, n: int) -> None:
    if v.shape[1] != n:
        raise InputError(
            f"v_output has {v.shape[1]} outputs, {name} has {n}; w must be (outputs, hidden), y (hidden, outputs)"
        )


def _pair(j_beta: ArrayLike, j_gamma: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    up = numbers("j_beta", j_beta, "examples", "outputs", "hidden")
    down = numbers("j_gamma", j_gamma, "examples", "hidden", "outputs")
    same_length("examples", j_beta=up, j_gamma=down)
    check_product("j_beta", up, "j_gamma", down, "hidden neurons")
    if up.shape[1] != down.shape[2]:
        raise InputError(f"j_beta has {up.shape[1]} outputs, j_gamma {down.shape[2]}; give those of the same network")
    return up, down
