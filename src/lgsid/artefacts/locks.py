"""Locks: one process at a time works in a folder, and the others can say which one.

A lock goes with its process, however that ends. It holds between processes of one machine, and on network file systems
that pass on file locks (NFS from version 4, with a lock daemon before). A note beside the lock names who holds it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from lgsid.errors import LgsidError

LOCK_FILE = ".lock"  # in the folder where one process at a time works
NOTE_SUFFIX = ".holder"


@contextlib.contextmanager
def try_lock(path: Path, wait_s: float = 0.0) -> Iterator[bool]:
    """Lock a file, and tell whether no other process holds it.

    Args:
        path: The file; it goes when the lock is given back, and may be left by a killed process.
        wait_s: How long to wait for another process, in seconds.

    Raises:
        LgsidError: if the file cannot be written.
    """
    lock = FileLock(path, timeout=wait_s)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        yield False
        return
    except (OSError, NotImplementedError) as error:  # the latter where the file system has no locks
        reason = getattr(error, "strerror", None) or error
        raise LgsidError(f"{path.parent}: cannot be written to ({reason})") from error
    note = note_of(path)
    try:
        write_note(note)
        yield True
    finally:
        for file in (note, path):  # while it is held: who opened the file before finds that it has no name any more
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def locked(path: Path, folder: Path) -> Iterator[None]:
    """Hold a lock while this process works in a folder.

    Args:
        path: The file to lock.
        folder: The folder, for the message.

    Raises:
        LgsidError: naming the process that holds it, or if it cannot be written.
    """
    with try_lock(path) as free:
        if not free:
            raise LgsidError(f"{folder}: {holder(path)} works here; wait for it or choose another folder")
        yield


def note_of(path: Path) -> Path:
    """Return the file that says who holds a lock. The locked file itself cannot be read everywhere."""
    return path.with_name(f"{path.name}{NOTE_SUFFIX}")


def write_note(note: Path) -> None:
    """Say who holds a lock, as far as the disk allows; the lock itself does not depend on it."""
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    now = datetime.now(tz=timezone.utc).isoformat(timespec="seconds")
    about = {"pid": os.getpid(), "host": socket.gethostname(), "command": " ".join(words), "since": now}
    with contextlib.suppress(OSError):
        note.write_text(json.dumps(about), encoding="utf-8")


def holder(path: Path) -> str:
    """Name the process that holds a lock: its number, and the machine if it is another one."""
    try:
        about = json.loads(note_of(path).read_text(encoding="utf-8"))
        machine = "" if about["host"] == socket.gethostname() else f" on {about['host']}"
        return f"process {int(about['pid'])}{machine} (since {about['since']}: {str(about['command'])[:80]})"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"
