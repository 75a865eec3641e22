"""One process of a `ProcessTeam`: `python -m lgsid.pipeline.team_member ERROR_FILE record trusted fit ...`."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from lgsid.errors import LgsidError
from lgsid.system_errors import explained
from lgsid.terminal import close_output, prepare_output
from lgsid.trust import trusting

POLL_S = 0.5


def main(error_file: str, record: str, trust: str, *words: str) -> int:
    """Train, and leave what went wrong in a file; return the exit code.

    Args:
        error_file: The file.
        record: "record" to write a provenance and tell what was done.
        trust: "trusted" if configs may name anything.
        *words: The words of the command line, the subcommand first.
    """
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    prepare_output()
    logging.getLogger("lgsid.plugins").setLevel(logging.ERROR)  # the process that started this one has told
    from lgsid.pipeline.training_cli import train

    try:
        with trusting(trust == "trusted"):
            train(words, record=record == "record", hold=False)
        return 0
    except LgsidError as error:
        text, code = str(error), 2
    except KeyboardInterrupt:
        text, code = "", 130
    except OSError as error:
        text, code = explained(error), 2
    except Exception:
        text, code = traceback.format_exc(), 1
    Path(error_file).write_text(text, encoding="utf-8")
    return code


def end_with(parent: int) -> None:
    """End this process when the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os._exit(1)


if __name__ == "__main__":
    exit_code = main(*sys.argv[1:])
    close_output()
    os._exit(exit_code)  # a process that failed does not wait for the others
