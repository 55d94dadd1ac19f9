"""Figure 6C: test images in the plane, by what they are and by what they make both hidden layers do.

python figures/embedding.py [RUNS] [--out FILE]
"""

from frame import layer_name, main, new_figure, panels
from matplotlib.figure import Figure

from spikelearn.plotting.embedding import embedding_scatter


def draw(report: dict) -> tuple[Figure, str]:
    """Return the figure and its caption."""
    layers = report["layers"]
    figure = new_figure(4.5 * len(layers), 4.8)
    grid = figure.subplots(1, len(layers))
    for panel, (layer, found) in zip(grid, layers.items(), strict=True):
        embedding_scatter(panel, found["points"], report["label"])
        panel.set_title(layer_name(layer), fontsize="medium")
    panels(figure, grid)
    numbers = "; ".join(
        f"{layer_name(layer)}: {found['neighbour_error']:.1f} % and {found['silhouette']:.2f}"
        for layer, found in layers.items()
    )
    return figure, (
        f"How digits lie in each layer. {len(report['label']):,} test images, network with two hidden layers "
        f"after training, seed 1: pixels, and spike counts of both hidden layers from 30 ms on, by t-SNE "
        f"(perplexity {report['perplexity']:g}, from 50 principal components). Colours and numbers: digits. Without "
        f"embedding, by layer: share of images whose nearest neighbour is another digit, and mean "
        f"silhouette: {numbers}."
    )


if __name__ == "__main__":
    main("embedding", __doc__, draw)
