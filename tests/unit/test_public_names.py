"""`import lgsid` offers the public names, and imports nothing for it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lgsid


@pytest.mark.parametrize("name", sorted(lgsid.MODULE_OF))
def test_every_public_name_is_there(name):
    assert getattr(lgsid, name).__name__ == name


def test_importing_and_listing_names_imports_nothing_heavy():
    heavy = "torch", "lightning", "pandas", "numpy", "rich"
    code = f"import sys, lgsid; dir(lgsid); print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(lgsid.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    seen = {name.asname: node.module for node in imports for name in node.names}
    assert seen == lgsid.MODULE_OF


def test_names_are_completed_and_unknown_ones_refused():
    assert {"Dataset", "TIGER", "quality_card", "__version__"} <= set(dir(lgsid))
    assert "importlib" not in dir(lgsid)
    with pytest.raises(AttributeError, match="module 'lgsid' has no attribute 'Tiger'"):
        _ = lgsid.Tiger
