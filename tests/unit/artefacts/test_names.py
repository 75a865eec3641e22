"""Names of files are spelt once, and so are titles and explanations of metrics."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lgsid
from lgsid.artefacts import names
from lgsid.benchmark.tasks import TASKS

SOURCE = Path(lgsid.__file__).parent
NAMES = {key: value for key, value in vars(names).items() if key.endswith("_FILE")}


def literals(path: Path) -> set[str]:
    """Texts in the code of a module, without docstrings, which are longer than a name and never equal one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def modules(*without: str) -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if str(path.relative_to(SOURCE)) not in without]


def test_no_module_spells_the_name_of_a_file():
    spelt = {
        f"{path.relative_to(SOURCE)}: {text}"
        for path in modules("artefacts/names.py")
        for text in literals(path) & set(NAMES.values())
    }
    assert not spelt


def test_names_are_distinct():
    assert len(set(NAMES.values())) == len(NAMES)
    assert names.of_part(names.PER_QUERY_FILE, "TIGER") == "per_query_TIGER.parquet"
    assert names.of_part(names.PER_QUERY_FILE, "") == "per_query.parquet"


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_titles_and_explanations_are_written_once(task):
    texts = {text for metric in task.metrics for text in (metric.title, metric.help) if "@" in text or len(text) > 20}
    assert texts
    declared = {str(path.relative_to(SOURCE)) for path in (SOURCE / "metrics").glob("*_declarations.py")}
    written = {f"{path.relative_to(SOURCE)}: {text}" for path in modules(*declared) for text in literals(path) & texts}
    assert not written
