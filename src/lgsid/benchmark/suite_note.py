"""Where the suite of result files is written: noted beside them, so that nobody has to name it again."""

from __future__ import annotations

import os
from pathlib import Path

from lgsid.artefacts.files import read_json, write_json
from lgsid.benchmark.suite import Suite, own_suites, plugin_suites
from lgsid.errors import LgsidError

NOTE_FILE = "suite.json"
KEY = "file"


def note_suite(suite: Suite, results: Path) -> None:
    """Note the file of a suite, relative to the folder of its results; not of a suite that is found by name."""
    source = suite.source.resolve()
    if source in [path.resolve() for path in (*own_suites(), *plugin_suites())]:
        return
    note = results / suite.name / NOTE_FILE
    content = {KEY: Path(os.path.relpath(source, note.parent.resolve())).as_posix()}
    if not note.is_file() or read_json(note) != content:
        write_json(note, content)


def noted_suites(results: Path) -> list[Path]:
    """Return the files of the suites whose results a folder holds, beside those that lgsid carries.

    Raises:
        LgsidError: if a note is broken, or its suite is not there any more.
    """
    return [noted(note) for note in sorted(results.glob(f"*/{NOTE_FILE}"))]


def noted(note: Path) -> Path:
    """Return the file of the suite that a note names.

    Raises:
        LgsidError: if the note is broken, or the file is not there any more.
    """
    content = read_json(note)
    if not isinstance(content, dict) or not isinstance(content.get(KEY), str):
        raise LgsidError(f"{note}: not a note of `lgsid benchmark run`; delete it and run the suite again")
    path: Path = note.parent / content[KEY]
    if not path.is_file():
        raise LgsidError(
            f"{note}: suite {note.parent.name} was {path.resolve()}, which is not there; run it again from where it is"
            " now, or name its file"
        )
    return path
