"""Run by the kernel of each tutorial before its first block: commands of the shell see no terminal and must succeed."""

import os
import subprocess
import sys

from IPython import get_ipython

FORCED = ("FORCE_COLOR", "CLICOLOR_FORCE")  # that a kernel sets for its commands


def run(command: str) -> None:
    """Run a command of the shell.

    Raises:
        RuntimeError: if it fails.
    """
    plain = {name: value for name, value in os.environ.items() if name not in FORCED}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=plain)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode:
        raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")


get_ipython().system = run
