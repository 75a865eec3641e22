"""How the server ends: by a signal, or because one of its processes died."""

from __future__ import annotations

import os
import signal
from multiprocessing import active_children
from threading import Event, Thread
from types import FrameType

LOOK_S = 1.0
HTTP_NAME = "LitServer-"  # of LitServe's processes that take requests


class Stopping:
    """Ends the server in order on SIGTERM and Ctrl-C, and when its HTTP process has died.

    LitServe knows Ctrl-C only, and looks after its workers only. A second signal does not disturb the ending.
    """

    def __init__(self) -> None:
        self.http_died = False
        self._own = os.getpid()
        self._ending = Event()

    def start(self) -> None:
        """Take the signals of this process, and begin to watch."""
        signal.signal(signal.SIGTERM, self._stop)
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell sets it for what runs behind it
            signal.signal(signal.SIGINT, self._stop)
        Thread(target=self._watch, daemon=True).start()

    def end(self) -> None:
        """Stop watching."""
        self._ending.set()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._own:  # the HTTP process, which uvicorn has ended by then
            raise SystemExit(0)
        if not self._ending.is_set():
            self._ending.set()
            raise KeyboardInterrupt

    def _watch(self) -> None:
        seen = False
        while not self._ending.wait(LOOK_S):
            alive = any(child.name.startswith(HTTP_NAME) for child in active_children())
            if seen and not alive:
                self.http_died = True
                os.kill(self._own, signal.SIGTERM)
                return
            seen = seen or alive
