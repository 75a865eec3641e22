"""The hash of the tables of a prepared dataset, which its report holds."""

from __future__ import annotations

import json
from pathlib import Path

from lgsid.artefacts.hashes import current_hash, text_hash
from lgsid.artefacts.names import DATASET_FILE, INTERACTIONS_FILE, ITEMS_FILE
from lgsid.artefacts.stage_record import check_recorded
from lgsid.errors import LgsidError

TABLES = (ITEMS_FILE, INTERACTIONS_FILE)


def dataset_hash(folder: Path) -> str:
    """Return the hash of the two tables in the folder of a dataset, which a process reads once unless they change."""
    return text_hash([current_hash(folder / name) for name in TABLES])


def check_dataset_hash(path: Path) -> None:
    """Refuse a table of a dataset that is not what the report beside it says; all other files pass.

    Raises:
        LgsidError: naming the folder.
    """
    folder = path.parent
    if path.name not in TABLES or not all((folder / name).is_file() for name in (*TABLES, DATASET_FILE)):
        return
    for name in TABLES:
        check_recorded(folder / name)  # says which one
    try:
        report = json.loads((folder / DATASET_FILE).read_text(encoding="utf-8"))
    except ValueError:
        return  # who reads the report says so
    expected = report.get("data_hash") if isinstance(report, dict) else None
    if expected and dataset_hash(folder) != expected:
        raise LgsidError(
            f"{folder}: damaged: {' or '.join(TABLES)} differs from what {DATASET_FILE} says (data_hash); prepare the "
            "dataset again, or take it from a copy"
        )
