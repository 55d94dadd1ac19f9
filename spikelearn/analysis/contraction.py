r"""Is feedback an approximate inverse of the way up? The condition of Theorem 1.

Guerguiev, Lillicrap & Richards 2017, Theorem 1 and figure 5, supplement 1. The target of the hidden layer leaves the
output the residual :math:`(I - U) e` of its error :math:`e`, with :math:`U = J_\beta J_\gamma`
(`spikelearn.analysis.jacobians`). So it lowers the loss of the output for any small error if

.. math:: \mu = \lambda_{max}\left((I - U)^T (I - U)\right) < 1

This is sufficient, not necessary: a single direction that is never an error makes :math:`\mu > 1`.
"""

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.errors import InputError


def contraction(u: ArrayLike) -> np.ndarray:
    """Return the largest eigenvalue of (I - U)^T (I - U): below 1, the condition of Theorem 1 holds.

    Parameters
    ----------
    u : (..., outputs, outputs) float array
        One matrix or a stack of them. Average products first, then call this: the mean of eigenvalues is another
        number.

    Returns
    -------
    (...) float64 array
        0 where U is the identity, 1 where feedback has no effect.

    Raises
    ------
    InputError
        `u` is not square, or holds numbers that are not finite.
    """
    u = _square(u)
    residual = np.eye(u.shape[-1]) - u
    # Symmetric, so its eigenvalues are real and eigvalsh returns them so, in ascending order.
    return np.linalg.eigvalsh(residual.swapaxes(-1, -2) @ residual)[..., -1]


def mean_diagonal(u: ArrayLike) -> np.ndarray:
    """Return the mean of the diagonal of U: how much of an output's error comes back to that output.

    Parameters
    ----------
    u : (..., outputs, outputs) float array
        One matrix or a stack of them.

    Returns
    -------
    (...) float64 array
        1 where U is the identity, 0 where feedback has no effect.

    Raises
    ------
    InputError
        `u` is not square, or holds numbers that are not finite.
    """
    return np.diagonal(_square(u), axis1=-2, axis2=-1).mean(axis=-1)


def _square(u: ArrayLike) -> np.ndarray:
    u = np.asarray(u, np.float64)
    if u.ndim < 2 or u.shape[-1] != u.shape[-2] or u.size == 0:
        raise InputError(f"u of shape {u.shape} must be square, (..., outputs, outputs); pass J_beta J_gamma")
    if not np.isfinite(u).all():
        raise InputError("u holds numbers that are not finite; look for them in potentials and weights")
    return u
