"""Resolve the specification of a pre-trained model to its files."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

from lgsid.artefacts.hashes import file_hash, text_hash
from lgsid.errors import LgsidError

PACKAGE_PREFIX = "pkg:"


def resolve_model(spec: str) -> str:
    """Turn a model spec into what transformers loads: a folder or a hub id.

    Args:
        spec: `pkg:package/sub/folder` (a folder inside an installed Python package), a local folder, or a hub id.

    Raises:
        LgsidError: if the package is not installed, or the folder does not exist or holds no model.
    """
    if spec.startswith(PACKAGE_PREFIX):
        package, _, inner = spec[len(PACKAGE_PREFIX) :].partition("/")
        try:
            found = importlib.util.find_spec(package) if package.isidentifier() else None
        except ModuleNotFoundError:
            found = None
        if found is None or not found.submodule_search_locations:
            distribution = package.replace("_", "-")
            raise LgsidError(f"model {spec!r}: package {package!r} is not installed; try `pip install {distribution}`")
        folder = Path(found.submodule_search_locations[0]) / inner
    else:
        folder = Path(spec).expanduser()
        looks_like_hub_id = spec.count("/") <= 1 and not spec.startswith((".", "/", "~"))
        if not folder.is_dir() and looks_like_hub_id:
            return spec
    if not (folder / "config.json").is_file():
        raise LgsidError(f"model {spec!r}: {folder} is no model folder (it has no config.json)")
    return str(folder)


@lru_cache(maxsize=16)
def folder_hash(folder: str) -> str:
    """Return the hash of every file of a model folder that can change its vectors."""
    kinds = {".json", ".txt", ".model", ".safetensors", ".bin", ".jinja"}
    files = sorted(p for p in Path(folder).rglob("*") if p.is_file() and p.suffix in kinds)
    return text_hash(part for p in files for part in (p.relative_to(folder).as_posix(), file_hash(p)))
