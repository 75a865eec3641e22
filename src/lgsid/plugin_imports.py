"""Import what a package offers without being taken down by it, and name the package that takes long or ends us."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from lgsid.escaping import one_line

WAITS_S = (3, 10, 30, 60)  # between the lines that say what is being imported; the last repeats
LIMIT_S = 60  # for one import in `checked`
LEAVE_OUT = "`LGSID_PLUGINS=` (empty) leaves all plugins out, `LGSID_PLUGINS=a,b` all but a and b"

# Watches an import from outside, so that neither a loop in C nor a crash keeps it from telling. It ends when it is
# given a byte, or, with a line, when the process that it watches has ended without giving it one.
WATCH = """
import os, sys, threading, time
origin, hint, waits, watched = sys.argv[1], sys.argv[2], list(map(int, sys.argv[3].split())), os.getppid()
def ended():
    print(f"lgsid: ended while importing {origin}; {hint}", file=sys.stderr, flush=True)
    os._exit(0)
def tell():
    seconds = 0
    while True:
        wait = waits.pop(0) if len(waits) > 1 else waits[0]
        time.sleep(wait)
        seconds += wait
        if os.getppid() != watched: ended()
        print(f"lgsid: still importing {origin} ({seconds} s); {hint}", file=sys.stderr, flush=True)
threading.Thread(target=tell, daemon=True).start()
if not os.read(0, 1): ended()
os._exit(0)
"""

# Resolves plugins one after the other; a signal that nothing can keep up ends it where one of them takes too long.
CHECK = """
import json, signal, sys
from lgsid import plugins
for number, fields in enumerate(json.load(sys.stdin)):
    plugin = plugins.Plugin(**fields)
    try:
        plugins.base_of(plugin.kind)
    except plugins.LgsidError:
        pass
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(sys.argv[1]))
    try:
        plugins.resolve(plugin)
        answer = ""
    except plugins.LgsidError as error:
        answer = str(error)
    signal.alarm(0)
    print("\\n" + json.dumps([number, answer]), flush=True)
"""


@contextlib.contextmanager
def supervised(origin: str) -> Iterator[None]:
    """Import a package of others inside this block.

    What it does to the process is undone: working folder, standard output, the handler of Ctrl-C. What would end the
    process becomes an exception: `os._exit` a `SystemExit`. If it takes seconds, or ends the process in spite of that,
    a line on standard error names it. Other exceptions pass through.

    Args:
        origin: Name and version of the distribution, for the line.

    Raises:
        KeyboardInterrupt: if the user pressed Ctrl-C; one that the package raises is a `RuntimeError`.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        stack.enter_context(same_folder())
        stack.enter_context(no_exit())
        stack.enter_context(watched(origin))
        interrupted = stack.enter_context(own_interrupts())
        try:
            yield
        except KeyboardInterrupt:
            if interrupted():
                raise KeyboardInterrupt(f"it was importing {origin}; {LEAVE_OUT}") from None
            raise RuntimeError("it raises KeyboardInterrupt") from None


@contextlib.contextmanager
def same_folder() -> Iterator[None]:
    """Come back to the working folder at the end of the block."""
    try:
        folder = Path.cwd()
    except OSError:  # it was removed
        yield
        return
    try:
        yield
    finally:
        os.chdir(folder)


@contextlib.contextmanager
def no_exit() -> Iterator[None]:
    """Make `os._exit` an exception inside the block, but for child processes that a package forks."""
    leave, process = os._exit, os.getpid()

    def refuse(status: int) -> None:
        if os.getpid() != process:
            leave(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave


@contextlib.contextmanager
def watched(origin: str) -> Iterator[None]:
    """Say on standard error what is being imported if the block takes seconds, or if the process ends inside it."""
    command = [sys.executable, "-I", "-S", "-c", WATCH, one_line(origin), LEAVE_OUT, " ".join(map(str, WAITS_S))]
    try:
        watch = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    except OSError:  # no room for another process: then without
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):
            watch.communicate(b"\n")


@contextlib.contextmanager
def own_interrupts() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether the user has pressed Ctrl-C inside the block; put handlers of signals back after it."""
    pressed = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        pressed.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # signals do not come here
        yield lambda: False
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if callable(before[signal.SIGINT]):  # not in the background, where it is ignored
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield pressed.is_set
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def checked(plugins: Sequence[dict[str, Any]]) -> list[str]:
    """Import plugins in a process of their own, which they may hang or end.

    Each may take `LIMIT_S` seconds.

    Args:
        plugins: The fields of each.

    Returns:
        What is wrong with each, empty if nothing is.
    """
    answers: list[str] = []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    while len(answers) < len(plugins):
        rest = plugins[len(answers) :]
        done = subprocess.run(
            [sys.executable, "-c", CHECK, str(LIMIT_S)],
            input=json.dumps(rest),
            env=environment,
            text=True,
            errors="replace",
            capture_output=True,
            check=False,
        )
        found = [answer for line in done.stdout.splitlines() if (answer := answer_in(line)) is not None]
        answers += found
        if len(found) < len(rest):
            answers.append(how_it_ended(done.returncode))
    return answers


def answer_in(line: str) -> str | None:
    """Return what a line of the checking process says of a plugin; `None` for a line that a plugin printed."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value[1] if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str) else None


def how_it_ended(code: int) -> str:
    """Say how an import ended the process."""
    if code == -signal.SIGALRM:
        return f"its import takes more than {LIMIT_S} s"
    if code < 0:
        return f"its import ends the process with {signal.Signals(-code).name}"
    return f"its import ends the process with exit code {code}"
