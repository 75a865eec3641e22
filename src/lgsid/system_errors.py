"""What the system refuses, in one line: a full disk, a folder that cannot be written to, a name that is too long."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lgsid.errors import LgsidError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # whatever file the error names, it is the one being written
ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room, or ask for more",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`)",
    errno.EMFILE: "raise the limit on open files (`ulimit -n`)",
    errno.ENFILE: "close other programs",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.EROFS: "choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "remove the link that leads to itself",
    errno.ENOTDIR: "choose another place",
    errno.EEXIST: "choose another place",
    errno.EISDIR: "choose another place",
}


class NotWritten(LgsidError, OSError):
    """A file or a folder that the system did not let us write, with what is kept."""


@contextmanager
def writing(path: str | Path, kept: str) -> Iterator[None]:
    """Make what the system refuses inside the block one line.

    Args:
        path: What is being written.
        kept: Says what is left where that fails.

    Raises:
        NotWritten: naming the path, the reason, what to do, and what is kept.
    """
    try:
        yield
    except (LgsidError, BrokenPipeError):
        raise
    except OSError as error:
        raise NotWritten(f"{path}: cannot be written ({reason(error, Path(path))}); {kept}") from error


def explained(error: OSError) -> str:
    """Return one line for an error of the system that nothing else has explained."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    return f"{where}{reason(error)}; what was complete is kept"


def reason(error: OSError, path: Path | None = None) -> str:
    """Say why, and what to do about it.

    Args:
        error: What the system said.
        path: What was to be written; where something is in its way, that is named.
    """
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        return str(error.args[0][0][-1])
    said = os.strerror(error.errno) if error.errno else " ".join(str(error).split())[:200] or type(error).__name__
    obstacle = None if path is None else in_the_way(path)
    if obstacle is not None:
        kind = "a link that leads nowhere" if obstacle.is_symlink() else "a file"
        said = f"{obstacle} is {kind}"
    advice = ADVICE.get(error.errno or 0)
    return f"{said}; {advice}" if advice else said


def in_the_way(path: Path) -> Path | None:
    """Return the part of a path that should be a folder and is none."""
    for parent in path.parents:
        if os.path.lexists(parent):
            return None if parent.is_dir() else parent
    return None
