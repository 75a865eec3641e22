"""`lgsid configs`."""

from __future__ import annotations

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command


@command()
def configs(*, copy: str | None = None) -> str:
    """List the configs that lgsid carries, or copy them.

    Args:
        copy: Copy them to this folder, which must not exist.
    """
    import shutil
    from pathlib import Path

    from lgsid.config.config_files import config_root, own_configs
    from lgsid.system_errors import writing

    if copy is None:
        return "\n".join(own_configs())
    target = Path(copy)
    if target.exists():
        raise LgsidError(f"{target}: exists already; name a new folder")
    with writing(target, "remove what was copied, then copy again"):
        shutil.copytree(config_root(), target)
    return f"{target}: {len(own_configs())} configs copied"
