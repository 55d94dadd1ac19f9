"""
From scikit-learn
=================

`SegregatedDendriteClassifier` is the network as scikit-learn knows classifiers:
`fit`, `predict`, `score`, in pipelines and searches, on tables of any numbers.
"""

# %%
# Five lines
# ----------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import cross_val_score, train_test_split

import spikelearn as sl

x_train, x_test, y_train, y_test = train_test_split(
    *load_digits(return_X_y=True), random_state=0
)
classifier = sl.SegregatedDendriteClassifier(
    engine=sl.Clock(), epochs=6, random_state=0
).fit(x_train, y_train)
print(f"{classifier.score(x_test, y_test):.3f} right")

# %%
# All of scikit-learn applies to what it predicts.

figure, ax = plt.subplots(figsize=(4.5, 4), layout="constrained")
_ = ConfusionMatrixDisplay.from_predictions(
    y_test, classifier.predict(x_test), ax=ax, cmap="Blues", colorbar=False
)

# %%
# A table
# -------
#
# Columns may be of any size and unit. What is outside 0 to 1 is scaled by the
# smallest and largest number of the training set. An input is then a column, which
# spikes the more, the larger the number.

wine = load_wine()
print(wine.feature_names[:4], wine.data[0, :4])
small = sl.SegregatedDendriteClassifier(
    30, engine=sl.Clock(), epochs=40, random_state=0
)
scores = cross_val_score(small, wine.data, wine.target, cv=3)
majority = np.bincount(wine.target).max() / len(wine.target)
print(f"right {scores.mean():.2f}; the largest class alone {majority:.2f}")

# %%
# Into the network
# ----------------
#
# The fitted network and its weights are those of the rest of the package: simulate a
# trial, measure, go on.

recording = sl.simulate(
    classifier.network_,
    classifier.weights_,
    classifier.scaling_.intensities(x_test)[0],
    label=int(y_test[0]),
)
figure = recording.raster()

# %%
# More is on the page :doc:`/scikit_learn`: searches, saving, going on.
