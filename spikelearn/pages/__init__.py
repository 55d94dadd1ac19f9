"""Pages for the browser: arrays in, one HTML file out that needs no network. The only place that imports Bokeh."""

from spikelearn.errors import InputError

try:
    import bokeh  # noqa: F401  said here once, for all modules of the folder
except ImportError as error:
    raise InputError("bokeh is not installed; pip install 'spikelearn[page]'") from error
