"""A recording that nobody simulated, and what a page's HTML consists of."""

from html.parser import HTMLParser

import numpy as np

from spikelearn.recording import Phase, Plateaus, Recording, Spikes

NAMES = ("hidden[0].v_apical", "hidden[0].v_basal", "hidden[0].v_soma", "output.v_soma")


def recording(n_times=400, hidden=(2, 5, 66, 70), outputs=3, plateaus=None, **annotations):
    """Make one up: random potentials and spikes over 100 ms, a forward and a target phase."""
    rng = np.random.default_rng(0)
    n = len(hidden)
    sizes = {name: outputs if name.startswith("output") else n for name in NAMES}

    def train(n_spikes, n_neurons):
        return Spikes(rng.integers(n_neurons, size=n_spikes), np.sort(rng.random(n_spikes)) * 100)

    if plateaus is None:
        plateaus = Plateaus(np.full(n, 0.5), np.linspace(0.5, 0.9, n), np.full(n, 50.0), np.full(n, 100.0))
    return Recording(
        times=np.arange(1, n_times + 1) * (100 / n_times),
        potentials={name: rng.normal(size=(size, n_times)).astype(np.float32) for name, size in sizes.items()},
        neurons={"hidden[0]": np.array(hidden), "output": np.arange(outputs)},
        spikes={"input": train(200, 64), "hidden[0]": train(50, 80), "output": train(5, outputs)},
        phases=(Phase("forward", 0.0, 50.0), Phase("target", 50.0, 100.0)),
        plateaus={"hidden[0]": plateaus},
        annotations=annotations,
    )


class Html(HTMLParser):
    """The elements of a page, each with its attributes and the text directly in it."""

    VOID = ("meta", "link", "br", "hr", "img", "input", "source", "wbr", "base", "col", "embed")

    def __init__(self, text):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(text)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        if tag not in self.VOID:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        if self._open:
            self._open[-1][2] += data

    def all(self, *tags):
        """Return (attributes, text) of the elements so called."""
        return [(attributes, text) for tag, attributes, text in self.elements if tag in tags]

    def plots(self):
        """Return the attributes of the places of plots."""
        return [attributes for attributes, _ in self.all("div") if attributes.get("class") == "plot"]
