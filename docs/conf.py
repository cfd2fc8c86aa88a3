"""How the documentation is built: ``python -m sphinx -W docs docs/_build``.

Needs the extra ``docs``.  Pages with cells, and pages with examples (``>>>``), are run
at every build; an error in one, a warning, or a link within the pages that leads
nowhere ends it.  ``python -m sphinx -b linkcheck docs docs/_build`` asks the web after
all other links.
"""

import doctest
from pathlib import Path

from sphinx.errors import ExtensionError

from deuterium import __version__

project = "deuterium"
author = copyright = "The deuterium developers"
version = release = __version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "myst-nb", ".rst": "restructuredtext"}
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120  # seconds of one cell

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say the types, in words
numpydoc_show_class_members = False

html_theme = "furo"
html_title = "deuterium"
html_static_path = ["images"]
html_favicon = "images/favicon.svg"
html_copy_source = False
suppress_warnings = [
    "misc.highlighting_failure",  # trees and proofs are no Python
    "myst.xref_missing",  # pages outside this folder; tests/docs checks those links
]


def run_examples(app):
    """Run the examples of all pages that are not made of cells."""
    if app.config.nb_execution_mode == "off":
        return
    for page in sorted(Path(app.srcdir).rglob("*.md")):
        if ">>>" in (text := page.read_text("utf-8")) and "{code-cell}" not in text:
            found = doctest.testfile(str(page), module_relative=False)
            if found.failed:
                raise ExtensionError(f"{page}: {found.failed} examples are wrong")


def say_levels(app, page, template, context, doctree):
    """Give the headings of the contents a level, which Sphinx leaves out."""
    tree = context.get("furo_navigation_tree", "")
    levelled = tree.replace('role="heading"', 'role="heading" aria-level="2"')
    context["furo_navigation_tree"] = levelled


def setup(app):
    """Have the examples run before anything is written, and pages read aloud well."""
    app.connect("builder-inited", run_examples)
    app.connect("html-page-context", say_levels, priority=900)  # after the theme's own
