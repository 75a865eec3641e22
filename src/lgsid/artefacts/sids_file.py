"""Where semantic IDs lie: in a file, in the folder of a generation, or in a root with a current generation."""

from __future__ import annotations

import re
from pathlib import Path

from lgsid.artefacts.names import CURRENT_FILE, MANIFEST_FILE, OPEN_FILE, SIDS_FILE
from lgsid.errors import LgsidError

GENERATION = re.compile(r"[0-9]{6,}")
GENERATION_KEY = "generation"  # of the metadata of semantic IDs: which generation they are


def generation_name(number: int) -> str:
    """Return the name of a generation, which is that of its folder."""
    return f"{number:06d}"


def generation_folder(root: Path, number: int) -> Path:
    """Return the folder of a generation, whether it is there or not."""
    return root / generation_name(number)


def is_generation(folder: Path) -> bool:
    """Tell whether a folder is a complete generation; one without a manifest is what a kill left."""
    return GENERATION.fullmatch(folder.name) is not None and (folder / MANIFEST_FILE).is_file()


def current_number(root: Path) -> int | None:
    """Return the number of the current generation of a root, `None` if it has no pointer to one.

    Raises:
        LgsidError: if the pointer is damaged, or names no complete generation.
    """
    pointer = root / CURRENT_FILE
    if not pointer.is_file():
        return None
    text = pointer.read_bytes()[:64].decode("ascii", errors="replace").strip()
    if not GENERATION.fullmatch(text) or not is_generation(generation_folder(root, int(text))):
        raise LgsidError(
            f"{pointer}: damaged, it names no complete generation; `lgsid sids rollback {root} --to NUMBER` sets it"
        )
    return int(text)


def sids_file(path: str | Path) -> Path:
    """Return the file of semantic IDs that a path means: itself, that of a generation, or that of the current one.

    Args:
        path: A file, a folder with `sids.parquet`, or a root of generations.

    Raises:
        LgsidError: if a folder holds no semantic IDs, or those of a generation that was not written to its end.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    number = current_number(path)
    folder = path if number is None else generation_folder(path, number)
    if GENERATION.fullmatch(folder.name) and (folder.parent / CURRENT_FILE).is_file() and not is_generation(folder):
        raise LgsidError(f"{folder}: not a complete generation, it has no {MANIFEST_FILE}")
    file = folder / SIDS_FILE
    if not file.is_file():
        raise LgsidError(f"{path}: a folder without {SIDS_FILE}; give a file of semantic IDs, or a root of generations")
    return file


def open_ids(folder: Path) -> list[str]:
    """Return the ids of the places that are open in a generation, in the order of rows.

    Args:
        folder: The folder of the generation.

    Raises:
        LgsidError: if the list is missing or damaged.
    """
    file = folder / OPEN_FILE
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LgsidError(f"{file}: the list of open places cannot be read; it belongs to the generation") from error
