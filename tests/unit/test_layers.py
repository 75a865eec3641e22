"""A module imports only from its own layer and those below it, and nothing imports the command line."""

import ast
from pathlib import Path

import pytest

import lgsid

SOURCE = Path(lgsid.__file__).parent
LAYERS = (
    ("errors", "system_errors", "escaping", "console", "terminal", "deprecation"),
    (
        "lazy_names",
        "entry_points",
        "plugin_imports",
        "plugins",
        "plugin_folders",
        "trust",
        "construction",
        "processes",
        "sharded_encoder_strategy",
        "typing",
        "artefacts",
        "checkpoint_file",
        "module",
        "checkpoints",
        "functional",
    ),
    ("config",),
    ("geo", "text", "quantizers", "neighbors", "stores", "metrics"),
    ("tokenizers", "rewards", "datasets"),
    ("alignment", "recommenders"),
    ("generations",),
    ("datamodules",),
    ("plots",),
    ("scale",),
    ("report",),
    ("logs",),
    ("pipeline",),
    ("testing",),
    ("serving",),
    ("plugin_packages",),
    ("commands", "benchmark", "hub"),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
MODULES = sorted(p for p in SOURCE.rglob("*.py") if p != SOURCE / "__init__.py")


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "lgsid" and len(part) > 1} - {"__version__", "__file__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_down(path):
    own = part_of(path)
    for other in imported_parts(path):
        assert RANK[other] <= RANK[own], f"{own} must not import {other}"


def test_every_part_has_a_layer():
    assert {part_of(path) for path in MODULES} == set(RANK)


def test_no_nondescript_names():
    for path in MODULES:
        assert not {"utils", "helpers", "common", "components", "misc"} & set(path.with_suffix("").parts)


def test_files_are_short():
    for path in MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
