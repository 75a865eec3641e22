"""Folders that a run writes: which ones it may replace, how one replaces another, and locks.

A folder is only ever replaced or removed if it carries the marker of a run, or holds nothing. So a run can never delete
what it did not make, whatever its folder and its stages are called.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lgsid.artefacts.files import write_json
from lgsid.artefacts.hashes import text_hash
from lgsid.artefacts.locks import LOCK_FILE, NOTE_SUFFIX, locked, try_lock
from lgsid.artefacts.names import PROVENANCE_FILE, RUN_FILE, STAGE_FILE
from lgsid.artefacts.stage_record import MADE_BY
from lgsid.errors import LgsidError

USUAL_SEED = 2026
RECORD_KEYS = {"config", "inputs", "code"}  # of a stage record that older versions wrote, without `made_by`
PROVENANCE_KEYS = {"stage", "pipeline", "lgsid"}  # of a stage's provenance, which tells where the record is damaged
SIDE_SUFFIXES = ("", ".partial", ".old")


def default_run_folder(name: str, seed: int, overrides: Mapping[str, Any]) -> Path:
    """Return the folder of a run that names none: `runs/<name>`, and one of its own for every variant.

    Another seed than the usual one adds `-seed<seed>`, and options that override the file add a hash of them, so that a
    variant does not replace the results of the run that it is compared with.

    Args:
        name: Name of the pipeline.
        seed: Its seed.
        overrides: Stage -> key -> value, over what the file sets.
    """
    parts = [name]
    if seed != USUAL_SEED:
        parts.append(f"seed{seed}")
    if overrides:
        parts.append(text_hash([json.dumps(overrides, sort_keys=True, default=str)])[:8])
    return Path("runs") / "-".join(parts)


def check_folders(run_folder: Path, results: Iterable[Path], configs: Iterable[Path]) -> None:
    """Refuse to run where files of others would be touched. Nothing is changed here.

    Args:
        run_folder: The folder of the run.
        results: The folder of each stage's result.
        configs: The files that describe the run.

    Raises:
        LgsidError: if the run folder or the folder of a result holds files that no run made, or holds a config.
    """
    results, configs = list(results), list(configs)
    for folder in results:
        check_result_folder(folder)
        for path in configs:
            if path.resolve().is_relative_to(folder.resolve()):
                raise LgsidError(f"{path}: lies in {folder}, which the run replaces; move it out of there")
    if run_folder.exists() and not run_folder.is_dir():
        raise LgsidError(f"{run_folder}: is a file; choose another --run-folder")
    if not is_run_folder(run_folder):
        raise LgsidError(
            f"{run_folder}: is not empty and is not the folder of a run, so nothing was touched; choose another "
            "--run-folder, a new one for instance"
        )


def check_result_folder(final: Path) -> None:
    """Refuse a folder of a result, or one beside it that a run needs, if it is not a run's own.

    Raises:
        LgsidError: naming the folder.
    """
    for suffix in SIDE_SUFFIXES:
        folder = final.with_name(f"{final.name}{suffix}")
        if not is_replaceable(folder):
            raise LgsidError(
                f"{folder}: was not made by a run of lgsid, so nothing was touched; move it away or choose another "
                "--run-folder"
            )


def is_run_folder(folder: Path) -> bool:
    """Tell whether a folder is free for a run, or holds one already."""
    if not folder.exists() or is_owned(folder, RUN_FILE, LOCK_FILE, f"{LOCK_FILE}{NOTE_SUFFIX}"):
        return True
    return any(holds_result(path.parent) for path in folder.glob(f"*/{STAGE_FILE}"))  # the marker is damaged, or older


def is_replaceable(folder: Path) -> bool:
    """Tell whether a run may replace or remove a folder: it made it, or there is nothing in it.

    A link to a folder of a run counts as that folder for reading; `remove` and `new_partial` refuse links.
    """
    if not folder.exists():
        return not folder.is_symlink()
    return folder.is_dir() and (is_owned(folder, STAGE_FILE) or holds_result(folder))


def holds_result(folder: Path) -> bool:
    """Tell whether a folder is that of a stage, by its record, or by its provenance if the record is damaged."""
    return is_marked(folder / STAGE_FILE) or set(content_of(folder / PROVENANCE_FILE)) >= PROVENANCE_KEYS


def is_owned(folder: Path, marker: str, *ignored: str) -> bool:
    """Tell whether a folder carries a marker, or is empty but for a marker whose writing broke off.

    Another process may be about to make or to remove the folder. It writes the marker first and removes it last.
    """
    if is_marked(folder / marker):
        return True
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return True
    except OSError as error:
        raise LgsidError(f"{folder}: cannot be read ({error.strerror})") from error
    return all(name in ignored or name.startswith(f".{marker}.") for name in names) or is_marked(folder / marker)


def is_marked(path: Path) -> bool:
    """Tell whether a JSON file is the record of a run or of a stage."""
    content = content_of(path)
    return MADE_BY.items() <= content.items() or set(content) >= RECORD_KEYS


def content_of(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file, empty if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def mark_run(folder: Path, about: Mapping[str, Any]) -> None:
    """Mark a folder as that of a run."""
    write_json(folder / RUN_FILE, {**about, **MADE_BY})


def new_partial(final: Path) -> Path:
    """Make the folder where a stage works until its result is complete, marked as a run's own.

    Raises:
        LgsidError: if the result could not take its place later, since the folder there is not a run's own.
    """
    check_result_folder(final)
    if final.is_symlink():
        raise LgsidError(f"{final}: is a symbolic link, which a run does not replace; remove the link")
    partial = final.with_name(f"{final.name}.partial")
    remove(partial)
    partial.mkdir(parents=True)
    write_json(partial / STAGE_FILE, MADE_BY)
    return partial


def replace_folder(new: Path, final: Path) -> None:
    """Put a complete folder in the place of another. A kill between the two renames is mended by `recover`.

    Raises:
        LgsidError: if the other is not a run's own.
    """
    check_result_folder(final)
    old = final.with_name(f"{final.name}.old")
    remove(old)
    if final.exists():
        final.rename(old)
    new.rename(final)
    remove(old)


def copy_result(source: Path, final: Path) -> bool:
    """Copy a complete result of another run, its record last.

    Returns:
        Whether it was copied; not while another process works in that run.
    """
    with try_lock(source.parent / LOCK_FILE) as free:
        if not free:
            return False
        partial = new_partial(final)
        shutil.copytree(source, partial, dirs_exist_ok=True, ignore=lambda _, names: {STAGE_FILE} & set(names))
        shutil.copy2(source / STAGE_FILE, partial / STAGE_FILE)
        replace_folder(partial, final)
    return True


def recover(final: Path) -> None:
    """Undo what a killed run left half done: half results go, a result that lost its name gets it back.

    Raises:
        LgsidError: if a folder is not a run's own.
    """
    check_result_folder(final)
    old = final.with_name(f"{final.name}.old")
    if old.is_dir() and not final.exists():
        old.rename(final)
    remove(old)
    remove(final.with_name(f"{final.name}.partial"))


def remove(folder: Path) -> None:
    """Remove a folder of a run, the marker last, so that a kill leaves it marked or empty.

    Raises:
        LgsidError: if it is not a run's own, or cannot be removed.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_symlink() or not is_replaceable(folder):
        raise LgsidError(f"{folder}: was not made by a run of lgsid; move it away")
    try:
        for path in [path for path in folder.iterdir() if path.name != STAGE_FILE]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        (folder / STAGE_FILE).unlink(missing_ok=True)
        folder.rmdir()
    except OSError as error:
        raise LgsidError(f"{folder}: cannot be removed ({error.strerror}: {error.filename})") from error


def lock_of(folder: Path) -> Path:
    """Return the file to lock while a command writes to a folder; that of the run if it is the folder of a stage."""
    if not (folder / STAGE_FILE).exists():
        return folder / LOCK_FILE
    run_folder = folder.resolve().parent
    return run_folder / LOCK_FILE if (run_folder / RUN_FILE).exists() else result_lock(folder)


def result_lock(folder: Path) -> Path:
    """Return the file to lock while a suite works on the result of a stage, which is replaced as a whole."""
    folder = folder.resolve()
    return folder.with_name(f".{folder.name}.lock")


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Hold a folder while a command writes to it; where nothing is written, the folder is not made either.

    Raises:
        LgsidError: naming the process that works there, or if the folder cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise LgsidError(f"{folder}: is a file; choose another folder")
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        with locked(lock_of(folder), folder):
            yield
    finally:
        with suppress(OSError):
            for path in new:
                path.rmdir()
