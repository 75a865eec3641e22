"""Run by the kernel of each tutorial before its first block: a command of the shell that fails is an error."""

from IPython import get_ipython

shell = get_ipython()
run_quietly = shell.system


def run(command: str) -> None:
    """Run a command of the shell.

    Raises:
        RuntimeError: if it fails.
    """
    run_quietly(command)
    code = shell.user_ns.get("_exit_code", 0)
    if code:
        raise RuntimeError(f"{command}: exit code {code}")


shell.system = run
