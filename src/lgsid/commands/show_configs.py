"""`lgsid configs`."""

from __future__ import annotations

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command


@command()
def configs(*, copy: str | None = None) -> str:
    """List the configs that lgsid and installed plugins carry, or copy those of lgsid.

    Args:
        copy: Copy those of lgsid to this folder, which must not exist.
    """
    import shutil
    from pathlib import Path

    from lgsid.config.config_files import config_root, own_configs, plugin_configs
    from lgsid.system_errors import writing

    if copy is None:
        offered = [f"{name}  ({owner})" for name, owner in plugin_configs().items()]
        return "\n".join([*own_configs(), *offered])
    target = Path(copy)
    if target.exists():
        raise LgsidError(f"{target}: exists already; name a new folder")
    with writing(target, "remove what was copied, then copy again"):
        shutil.copytree(config_root(), target)
    return f"{target}: {len(own_configs())} configs copied"
