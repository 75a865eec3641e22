"""Disk cache of text embeddings."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lgsid.artefacts.files import atomic_path

logger = logging.getLogger(__name__)
LIMIT_BYTES = 4 * 1024**3


class EmbeddingCache:
    """Disk cache of vectors, one safetensors file per list of texts, named by the hash of what determines them.

    Files are written under a temporary name and renamed. Past `limit_bytes`, the files read longest ago are removed.
    A damaged file counts as absent.

    Args:
        folder: Root folder of the cache; by default the environment variable `LGSID_CACHE`, else `~/.cache/lgsid`.
        limit_bytes: Maximum total size of the cached files.
    """

    def __init__(self, folder: str | Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        root = Path(folder or os.environ.get("LGSID_CACHE") or Path.home() / ".cache" / "lgsid").expanduser()
        self.folder = root / "embeddings"
        self.limit_bytes = limit_bytes

    def get(self, key: str) -> Tensor | None:
        """Return the vectors cached under `key`, shape (N, D), or None."""
        path = self.folder / f"{key}.safetensors"
        try:
            vectors = load_file(path)["vectors"]
            path.touch()
        except (OSError, SafetensorError, KeyError):
            return None
        return vectors

    def put(self, key: str, vectors: Tensor) -> None:
        """Cache `vectors`, shape (N, D). A disk that cannot be written to is a warning, not an error."""
        path = self.folder / f"{key}.safetensors"
        try:
            with atomic_path(path) as partial:
                save_file({"vectors": vectors.contiguous()}, partial)
            self._shrink(path)
        except (OSError, SafetensorError) as error:
            logger.warning("cannot cache embeddings in %s (%s)", self.folder, error)

    def _shrink(self, newest: Path) -> None:
        files = [(p.stat().st_mtime, p.stat().st_size, p) for p in self.folder.glob("*.safetensors")]
        excess = sum(size for _, size, _ in files) - self.limit_bytes
        for _, size, path in sorted(files):
            if excess <= 0:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                excess -= size


def tensor_bytes(tensor: Tensor) -> bytes:
    """Return the raw bytes of a tensor of any type, for hashing."""
    return tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
