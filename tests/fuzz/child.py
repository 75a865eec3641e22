"""Run one command in a forked child, so that a crash, an exit or a loop of one input is the end of that input only."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LIMIT_S = 120.0  # of the clock, which counts the load of the machine, too
CPU_LIMIT_S = 20
MEMORY_LIMIT = 6 << 30  # bytes of address space over what the process has when it is forked


@dataclass
class Seen:
    """What a child did.

    Args:
        code: Its exit code, `None` if an exception came through.
        stdout: What it printed.
        stderr: What it said.
        problem: What is wrong with the result, empty if nothing is.
        new: Files that were not there before, relative to the folder.
        escaped: Files outside the folder that were not there before.
        digest: Hash of the input and of the command.
        died: Why it gave no report, empty if it did.
    """

    code: int | None = None
    stdout: str = ""
    stderr: str = ""
    problem: str = ""
    new: tuple[str, ...] = ()
    escaped: tuple[str, ...] = ()
    digest: str = ""
    died: str = ""


def in_child(work: Callable[[], Any], limit_s: float = LIMIT_S) -> Seen:
    """Run `work` in a forked child and return what it reports."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        report = b""
        try:
            _limit()
            report = json.dumps(asdict(work())).encode()
        except BaseException:
            report = json.dumps({"died": traceback.format_exc()[-3000:]}).encode()
        finally:
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(report)
            os._exit(0)
    os.close(writer)
    raw, late = _read(reader, limit_s)
    if late:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Seen(died="hang")
    if not raw:
        return Seen(died=f"the process ended with {os.waitstatus_to_exitcode(status)}")
    return Seen(**json.loads(raw))


def _read(reader: int, limit_s: float) -> tuple[bytes, bool]:
    """Return what comes through the pipe, and whether the time was up before its end."""
    blocks, end = [], time.monotonic() + limit_s
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while (left := end - time.monotonic()) > 0:
            if select.select([pipe], [], [], left)[0]:
                block = pipe.read(1 << 16)
                if not block:
                    return b"".join(blocks), False
                blocks.append(block)
    return b"".join(blocks), True


def _limit() -> None:
    """Let the child use so much memory and so many CPU seconds only."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY_LIMIT, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + CPU_LIMIT_S, resource.RLIM_INFINITY))


def run_command(
    folder: Path, watched: Path, make: Callable[[Path], None], command: tuple[str, ...], check: Any
) -> Seen:
    """Make an input, run `lgsid` on it, look at the result.

    Args:
        folder: Becomes the working directory.
        watched: Folder around it in which nothing else may change.
        make: Makes the input.
        command: Words after `lgsid`.
        check: Looks at the result if the exit code is 0.
    """
    os.chdir(folder)
    make(folder)
    before, around = files_in(folder), files_in(watched)
    seen = Seen(digest=digest_of(folder, before, command))
    streams = watched / "stdout", watched / "stderr"
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout, sys.stderr = (os.fdopen(os.dup(n), "w", encoding="utf-8", errors="backslashreplace") for n in (1, 2))
    from lgsid.cli import main

    try:
        main(list(command))
        seen.code = 0
    except SystemExit as leave:
        seen.code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush(), sys.stderr.flush()
    seen.stdout, seen.stderr = (path.read_text(encoding="utf-8", errors="replace") for path in streams)
    seen.new = tuple(sorted(files_in(folder) - before))
    inside = f"{folder.relative_to(watched)}/"
    seen.escaped = tuple(sorted(p for p in files_in(watched) - around if not p.startswith((inside, "std"))))
    if seen.code == 0:
        try:
            seen.problem = check(folder, seen.stdout) or ""
        except Exception:
            seen.problem = f"the result cannot be looked at: {traceback.format_exc()[-1500:]}"
    return seen


def files_in(folder: Path) -> set[str]:
    """Return all files under a folder and empty folders, relative to it; links are not followed."""
    found: set[str] = set()
    for here, folders, files in os.walk(folder):
        found |= {os.path.relpath(os.path.join(here, name), folder) for name in files}  # noqa: PTH118 - names may be bytes
        if not folders and not files:
            found.add(os.path.relpath(here, folder) + "/")
    return found


def digest_of(folder: Path, files: set[str], command: tuple[str, ...]) -> str:
    """Return the hash of the files of an input and of its command."""
    digest = hashlib.sha256(json.dumps(command).encode())
    for name in sorted(files):
        path = folder / name
        digest.update(os.fsencode(name))
        digest.update(path.read_bytes() if path.is_file() and not path.is_symlink() else b"")
    return digest.hexdigest()
