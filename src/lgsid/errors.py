"""The one exception that the command line turns into a single line and exit code 2."""


class LgsidError(Exception):
    """Say what was wrong, where, and what to do, in one line a user can act on."""
