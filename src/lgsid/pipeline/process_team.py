"""Start the processes of one training on this machine, and watch them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher, _SubprocessScriptLauncher

from lgsid.errors import LgsidError
from lgsid.trust import trusted

MEMBER = "lgsid.pipeline.team_member"
NUMBERS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")  # what launchers tell a process
POLL_S = 0.1
GRACE_S = 10.0  # for the others to end by themselves, where one has failed
BAD_INPUT = 2  # exit code of a member whose message is one line for the user


class ProcessTeam:
    """The processes of one training, test or prediction on this machine.

    Each runs the same words of the command line, with its number in the environment as `torchrun` would tell it, and
    the trainer of each finds the others. The first writes and talks to the terminal. When one fails or is killed the
    others are stopped; none outlives the process that started it.

    Args:
        words: The words of the command line, the subcommand first.
        size: Number of processes on this machine.
        record: Whether the first writes a provenance and tells what it did.
    """

    def __init__(self, words: Sequence[str], size: int, record: bool) -> None:
        self.words, self.size, self.record = list(words), size, record
        self.members: list[subprocess.Popen[bytes]] = []

    def run(self) -> None:
        """Run until all are done.

        Raises:
            LgsidError: if one fails: its message, or by which signal it was killed.
            RuntimeError: with the traceback of a fault in the program.
        """
        with TemporaryDirectory(prefix="lgsid-") as folder:
            try:
                self.start(Path(folder))
                while any(code is None for code in self.codes()) and not any(self.codes()):
                    time.sleep(POLL_S)
                killed = next((n for n, code in enumerate(self.codes()) if code is not None and code < 0), None)
                if any(self.codes()):
                    self.wait(GRACE_S)
            except KeyboardInterrupt:
                self.wait(GRACE_S)  # they were told, too
                raise
            finally:
                self.stop()
            if any(self.codes()):
                raise self.failure(Path(folder), killed)

    def start(self, folder: Path) -> None:
        """Start the members; what those behind the first print goes to files in a folder."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NODE_RANK": "0", **os.environ}
        flags = ["record" if self.record else "stage", "trusted" if trusted.get() else "untrusted"]
        for number in range(self.size):
            command = [sys.executable, "-m", MEMBER, str(folder / f"error{number}"), *flags, *self.words]
            environment = {**shared, "LOCAL_RANK": str(number)}
            if number == 0:
                self.members.append(subprocess.Popen(command, env=environment))
                continue
            with (folder / f"output{number}").open("wb") as output:
                self.members.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output))

    def codes(self) -> list[int | None]:
        """Return the exit code of each member, minus a signal, `None` while it runs."""
        return [member.poll() for member in self.members]

    def wait(self, seconds: float) -> None:
        """Wait until all have ended, or for some seconds."""
        end = time.monotonic() + seconds
        while any(code is None for code in self.codes()) and time.monotonic() < end:
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End whoever still runs."""
        left = [member for member in self.members if member.poll() is None]
        for member in left:
            member.kill()
        for member in left:
            member.wait()

    def failure(self, folder: Path, killed: int | None) -> Exception:
        """Say why the members failed: first a kill, then a message for the user, then a fault of the program.

        Args:
            folder: Where the members left their messages.
            killed: Number of the one that was killed from outside, if any was.
        """
        codes = [member.returncode for member in self.members]
        if killed is not None:
            name = signal.Signals(-codes[killed]).name
            return LgsidError(
                f"process {killed + 1} of {self.size} was killed ({name}; by the system, if memory was short), and the"
                " others were stopped; start the same command again"
            )
        errors = [path.read_text(encoding="utf-8") if path.is_file() else "" for path in self.message_files(folder)]
        for code, text in zip(codes, errors, strict=True):
            if code == BAD_INPUT and text:
                return LgsidError(text)
        number = next(n for n, code in enumerate(codes) if code > 0)
        output = folder / f"output{number}"
        told = errors[number] or (output.read_text(encoding="utf-8", errors="replace") if output.is_file() else "")
        return RuntimeError(f"process {number + 1} of {self.size} ended with exit code {codes[number]}\n{told}")

    def message_files(self, folder: Path) -> list[Path]:
        """Return where each member leaves what went wrong."""
        return [folder / f"error{number}" for number in range(self.size)]


def team_size(trainer: Namespace) -> int:
    """Return how many processes a trainer asks for on this machine that nobody has started yet; 1 if it asks for none.

    Args:
        trainer: Its arguments, as parsed.

    Raises:
        LgsidError: if it would start them in a way in which they cannot write a run folder.
    """
    strategy = trainer.get("strategy", "auto")
    options = {name: trainer.get(name) for name in ("accelerator", "devices", "num_nodes")}
    options = {name: value for name, value in options.items() if value is not None}
    options |= dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    try:
        probe = Trainer(**options, strategy=strategy if isinstance(strategy, str) else "ddp")
    except (ValueError, ImportError, TypeError, RuntimeError, MisconfigurationException):
        return 1  # what is wrong with it is told when it is made in earnest
    launcher = probe.strategy.launcher
    if isinstance(launcher, _MultiProcessingLauncher):
        raise LgsidError(f"trainer.strategy: {strategy} copies this process, which has the run folder; use ddp")
    if not isinstance(launcher, _SubprocessScriptLauncher) or launcher.cluster_environment.creates_processes_externally:
        return 1
    return int(probe.num_devices)


def started_number() -> int:
    """Return a number above 0 if this process was started beside a first one (`torchrun`, `srun`, `ProcessTeam`)."""
    return max(int(os.environ.get(name) or 0) for name in NUMBERS)


def is_one_of_several() -> bool:
    """Tell whether a launcher started this process together with others."""
    return started_number() > 0 or int(os.environ.get("WORLD_SIZE") or 1) > 1
