"""Sphinx: the pages of docs/, the tutorials as a gallery, the interface from its docstrings."""

import os
import sys
from pathlib import Path

import spikelearn

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "spikelearn"
author = "The spikelearn developers"
copyright = "2026, the spikelearn developers"  # noqa: A001, the name is Sphinx's
version = release = spikelearn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "mathml",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "tutorials/*.rst", "tutorials/*.py"]
html_theme = "furo"
html_title = "spikelearn"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
default_role = "py:obj"  # `train` in a docstring is a link if there is such a thing

# Pages are written for a reader of the repository, too: links between them are to files.
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections say types, with shapes
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "plot_gallery": os.environ.get("DOCS_RUN", "1") == "1",
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 1,
    "abort_on_example_error": True,
    "image_scrapers": ("figures.scrape", "matplotlib"),
    "capture_repr": (),
    "copyfile_regex": "",
}
