"""Commands in forked processes: quick to start, since torch is loaded already, and safe to kill."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TIME_LIMIT = 600.0
DIED = 70  # exit code of a child where an exception came through


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Args:
        code: Exit code; negative is the number of a signal, `None` that it was stopped after `TIME_LIMIT` seconds.
        err: What it wrote to standard error.
    """

    code: int | None
    err: str

    @property
    def line(self) -> str:
        """The last line of standard error, the one that says what is wrong."""
        return (self.err.strip().splitlines() or [""])[-1]

    @property
    def is_refused(self) -> bool:
        """Tell whether it ended as on bad input: exit code 2, its error in one line."""
        return self.code == 2 and self.err.count("lgsid: error:") == 1 and self.line.startswith("lgsid: error:")

    def __str__(self) -> str:
        """Say it in one line."""
        return f"exit {self.code}: {self.line}"


class Running:
    """A command of `lgsid` in a process of its own.

    Args:
        words: The words of its command line.
        folder: Its working directory.
        file_size: Bytes that a file may have, more is an `OSError`; unlimited if `None`.
    """

    def __init__(self, words: Sequence[str], folder: Path, file_size: int | None = None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.began = time.monotonic()
        self.pipe, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            become(words, folder, write, file_size)
        os.close(write)
        os.set_blocking(self.pipe, False)
        self.err = b""
        self.code: int | None = None
        self.is_over = False

    def poll(self) -> bool:
        """Read what it said, and tell whether it ended."""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.pipe, 1 << 16):
                self.err += piece
        if not self.is_over:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.is_over, self.code = True, os.waitstatus_to_exitcode(status)
                self.poll()
        return self.is_over

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so long, and tell whether it ended."""
        until = time.monotonic() + seconds
        while not self.poll() and time.monotonic() < until:
            time.sleep(0.002)
        return self.is_over

    def kill(self) -> bool:
        """Kill it as a crash of the machine would, and tell whether it was still at work."""
        was_at_work = not self.poll()
        if was_at_work:
            os.kill(self.pid, signal.SIGKILL)
            self.wait(10)
        return was_at_work

    def end(self) -> Ended:
        """Wait for its end."""
        if not self.wait(TIME_LIMIT):
            self.kill()
            self.code = None
        os.close(self.pipe)
        return Ended(self.code, self.err.decode(errors="replace"))


def run(words: Sequence[str], folder: Path, file_size: int | None = None) -> Ended:
    """Run a command to its end."""
    return Running(words, folder, file_size).end()


def become(words: Sequence[str], folder: Path, err: int, file_size: int | None) -> None:
    """Turn a forked child into the command. Does not return."""
    code = DIED
    try:
        os.chdir(folder)
        os.environ["LGSID_CACHE"] = str(folder / "cache")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number, target in ((0, nothing), (1, nothing), (2, err)):
            os.dup2(target, number)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - the one of pytest is not for the child
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, resource.RLIM_INFINITY))
        from lgsid.cli import main

        try:
            main(words)
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(code)
