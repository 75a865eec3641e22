"""`lgsid plugins`."""

from __future__ import annotations

from lgsid.pipeline.command import command
from lgsid.terminal import columns


@command()
def plugins(kind: str | None = None) -> str:
    """List what configs can name, and which package offers it.

    Args:
        kind: Only this kind, such as quantizers.
    """
    from lgsid.plugins import available

    rows = [(p.kind, p.name, p.distribution, p.version, p.state) for p in available(kind)]
    return columns([("kind", "name", "package", "version", "state"), *rows])
