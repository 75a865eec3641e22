"""Find the files that installed plugins bring: configs and suites lie in their packages, as lgsid's own lie in its."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from lgsid import plugins
from lgsid.entry_points import OWN_DISTRIBUTION, normalized
from lgsid.errors import LgsidError


def plugin_folders(name: str) -> Mapping[str, Path]:
    """Return the folder of one name in the package of each enabled plugin that has it; nothing is imported.

    Args:
        name: Name of the folder inside the top-level package that an entry point leads to, `configs` or `suites`.

    Returns:
        Name of the distribution -> its folder, in the order of names; those of lgsid itself are not among them.
    """
    chosen = plugins.chosen_distributions()
    found: dict[str, Path] = {}
    for plugin in plugins.installed():
        own = normalized(plugin.distribution) == OWN_DISTRIBUTION
        if own or not plugins.is_enabled(plugin.distribution, chosen) or plugins.doubt(plugin.value):
            continue
        spec = importlib.util.find_spec(plugin.module.partition(".")[0])
        for location in (spec.submodule_search_locations if spec else None) or ():
            if Path(location, name).is_dir():
                found.setdefault(plugin.distribution, Path(location, name))
    return dict(sorted(found.items()))


def plugin_file(folder: str, name: str | Path) -> Path | None:
    """Return the file that a plugin has in its folder, `None` if no plugin has it.

    Args:
        folder: `configs` or `suites`.
        name: Path inside the folder, such as `tokenizer/opq.yaml`.

    Raises:
        LgsidError: if several plugins have it.
    """
    owners = {owner: root / name for owner, root in plugin_folders(folder).items() if (root / name).is_file()}
    if len(owners) > 1:
        raise LgsidError(f"{name}: is offered by {' and by '.join(owners)}; give its whole path")
    return next(iter(owners.values()), None)
