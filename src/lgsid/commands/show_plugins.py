"""`lgsid plugins`."""

from __future__ import annotations

from lgsid.pipeline.command import command
from lgsid.terminal import columns


@command()
def plugins(kind: str | None = None, *, check: bool = False) -> str:
    """List what configs can name, and which package offers it.

    Args:
        kind: Only this kind, such as quantizers.
        check: Import each, in a process of its own, and tell which can be imported and what is wrong with the others.
    """
    from lgsid import plugins

    found = plugins.available(kind)
    found = plugins.check(found) if check else found
    rows = [(p.kind, p.name, p.distribution, p.version, p.state) for p in found]
    rows += [("-", "-", name, "", f"broken: {reason}") for name, reason in plugins.unreadable().items()]
    return columns([("kind", "name", "package", "version", "state"), *rows])
