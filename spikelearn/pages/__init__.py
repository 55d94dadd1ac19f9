"""Pages for the browser: arrays in, one HTML file out that needs no network. The only place that imports Bokeh."""

from spikelearn.extras import imported

imported("bokeh", "page")  # said here once, for all modules of the folder
