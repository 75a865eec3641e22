"""Disk cache of text embeddings."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.hashes import text_hash
from lgsid.artefacts.locks import LOCK_FILE, try_lock
from lgsid.errors import LgsidError

logger = logging.getLogger(__name__)
LIMIT_BYTES = 4 * 1024**3
WAIT_S = 10.0  # for another process to write; then nothing is cached
NAME, HASH = "vectors", "sha256"


class EmbeddingCache:
    """Disk cache of vectors, one safetensors file per list of texts, named by the hash of what determines them.

    Files are written under a temporary name and renamed, by one process at a time. Past `limit_bytes`, the files read
    longest ago are removed. Each file carries a hash of its key and its vectors; a damaged file counts as absent.

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
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:
                vectors: Tensor = file.get_tensor(NAME)
                intact = (file.metadata() or {}).get(HASH) == vectors_hash(key, vectors)
            os.utime(path)
        except (OSError, SafetensorError, ValueError, TypeError):  # another process may have removed it meanwhile
            intact = False
        if not intact:
            logger.warning("%s: damaged; its texts are encoded again", path)
            return None
        return vectors

    def put(self, key: str, vectors: Tensor) -> None:
        """Cache `vectors`, shape (N, D). A disk that cannot be written to is a warning, not an error."""
        path = self.folder / f"{key}.safetensors"
        try:
            with try_lock(self.folder / LOCK_FILE, WAIT_S) as free:
                if not free:
                    return
                with atomic_path(path) as partial:
                    save_file({NAME: vectors.contiguous()}, partial, {HASH: vectors_hash(key, vectors)})
                self._shrink(path)
        except (LgsidError, OSError, SafetensorError) as error:
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


def vectors_hash(key: str, vectors: Tensor) -> str:
    """Return the hash of vectors, their shape and type, and the key that they are cached under."""
    return text_hash([key, str(vectors.dtype), str(tuple(vectors.shape)), tensor_bytes(vectors)])


def tensor_bytes(tensor: Tensor) -> bytes:
    """Return the raw bytes of a tensor of any type, for hashing."""
    return tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
