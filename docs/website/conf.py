"""Settings of Sphinx."""

from pathlib import Path

import lgsid

project = "lgsid"
release = version = lgsid.__version__
copyright = "the authors of lgsid, Apache-2.0"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"lgsid {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
html_extra_path = ["files"] if (Path(__file__).parent / "files").is_dir() else []
exclude_patterns = ["files"]
highlight_language = "none"
default_role = "code"
suppress_warnings = ["misc.highlighting_failure"]  # blocks of a notebook that are YAML or of the shell, not Python
toc_object_entries = False

myst_heading_anchors = 4
myst_enable_extensions = []
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "remove"
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "inherited-members": False, "show-inheritance": False}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
