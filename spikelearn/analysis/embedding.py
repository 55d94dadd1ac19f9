"""How well does a layer separate the classes? t-SNE to look at it, and two numbers that need no picture.

Guerguiev, Lillicrap & Richards 2017, figure 6C, shows t-SNE of the activity of each layer; it does not give the
settings. t-SNE keeps neighbourhoods: distances between clusters, their sizes and their order mean nothing. So the
numbers are computed on the activity itself.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spikelearn.analysis.inputs import labels, numbers
from spikelearn.errors import InputError, check_range

PCA_COMPONENTS = 50  # van der Maaten & Hinton 2008 reduce to 30; scikit-learn suggests 50


class Separation(NamedTuple):
    """How well classes are separated in the activity of a layer.

    Parameters
    ----------
    silhouette : float
        Mean over examples of (distance to the nearest other class - to the own) / the larger of the two; -1 to 1,
        0 where classes overlap. Sensitive to shape: a class in two clusters scores low.
    neighbour_error : float
        Percent of examples whose nearest neighbour is of another class. Indifferent to shape.
    """

    silhouette: float
    neighbour_error: float


def embed(activity: ArrayLike, seed: int, perplexity: float = 30.0) -> np.ndarray:
    """Embed the activity of a layer in the plane, by t-SNE.

    Activity of more than 50 neurons is first projected on its 50 principal components: faster, and it removes noise
    that is independent between neurons, such as that of spike counts. The plane starts from the first two, so that
    it says something about large distances; even so, look at several seeds.

    Parameters
    ----------
    activity : (examples, neurons) float array
        Mean rates or potentials, one row an image. Some 10,000 images take a minute.
    seed : int
        The same seed gives the same picture on the same machine.
    perplexity : float
        How many neighbours an example has, roughly; above 0 and below the number of examples.

    Returns
    -------
    (examples, 2) float64 array
        Places in the plane, without unit.

    Raises
    ------
    InputError
        Too few examples for this perplexity, or activity that is the same for all of them.
    """
    from sklearn.decomposition import PCA  # slow to import, as are the others below
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    activity = numbers("activity", activity, "examples", "neurons")
    check_range("seed", seed, at_least=0, integer=True)
    check_range("perplexity", perplexity, above=0)
    if perplexity >= len(activity):
        raise InputError(
            f"perplexity={perplexity:g} must be less than the number of examples, {len(activity)}; "
            f"lower it or take more examples"
        )
    if (np.ptp(activity, axis=0) == 0).all():
        raise InputError("activity is the same in all examples; there is nothing to embed")
    n_components = min(PCA_COMPONENTS, *activity.shape)
    if n_components < activity.shape[1]:
        activity = PCA(n_components, random_state=seed).fit_transform(activity)
    start = "pca" if n_components > 1 else "random"
    with threadpool_limits(1):  # sums in the same order on any machine; and threads that wait for each other are slow
        found = TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(activity)
    return found.astype(np.float64)


def separation(activity: ArrayLike, label: ArrayLike) -> Separation:
    """Measure how well the activity of a layer separates the classes.

    Distances are Euclidean and grow with the number of neurons and their rates. Both scores are relative, so layers of
    different size can be compared; but noise of spiking lowers them the more, the fewer spikes were counted.

    Parameters
    ----------
    activity : (examples, neurons) float array
        Of the layer itself, not its embedding.
    label : (examples,) int array
        Class of each example; at least two different ones, and fewer than there are examples.

    Returns
    -------
    Separation
        Silhouette and error of the nearest neighbour.

    Raises
    ------
    InputError
        Shapes do not fit, there is a single class, or as many classes as examples.
    """
    from sklearn.metrics import silhouette_score
    from sklearn.neighbors import NearestNeighbors

    activity = numbers("activity", activity, "examples", "neurons")
    label = labels("label", label, len(activity))
    n_classes = len(np.unique(label))
    if not 2 <= n_classes < len(label):
        raise InputError(
            f"label has {n_classes} different classes in {len(label)} examples; "
            f"needs at least 2, and more examples than classes"
        )
    nearest = NearestNeighbors(n_neighbors=1).fit(activity).kneighbors(return_distance=False)[:, 0]
    return Separation(float(silhouette_score(activity, label)), float(100 * (label[nearest] != label).mean()))
