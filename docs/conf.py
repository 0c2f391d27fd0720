"""Sphinx's settings for the site that `make docs` builds (dev/guide.py)."""

from pathlib import Path

project = "Invoicing"
extensions = ["myst_parser"]
highlight_language = "text"
smartquotes = False
html_theme = "furo"
html_title = project
html_search_scorer = str(Path(__file__).with_name("search.js"))
html_show_copyright = False
html_show_sphinx = False
html_show_search_summary = True
html_copy_source = False
myst_heading_anchors = 4
myst_enable_extensions = ["html_image"]
suppress_warnings = ["misc.highlighting_failure"]  # code with `…` in it, and diagrams: shown without colours
