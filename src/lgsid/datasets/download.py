"""Download the files of a public dataset from where its publishers keep them."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import io
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from lgsid.artefacts.files import atomic_path
from lgsid.artefacts.locks import LOCK_FILE, locked
from lgsid.datasets.data_source import ROOT_VARIABLE, DataSource, data_root
from lgsid.datasets.public_dataset import GITHUB_RAW, PublicDataset, PublicFile
from lgsid.errors import LgsidError
from lgsid.plugins import suggestion

TIMEOUT_S = 60.0
USER_AGENT = "lgsid"  # some servers refuse requests without one
Report = Callable[[str], None]


def public_datasets() -> dict[str, PublicDataset]:
    """Return the public datasets of all imported sources, by name."""
    found: dict[str, PublicDataset] = {}
    waiting: list[type] = [DataSource]
    while waiting:
        source = waiting.pop()
        waiting += source.__subclasses__()
        public = getattr(source, "public_dataset", None)
        if public is not None:
            found[public.name] = public
    return dict(sorted(found.items()))


def download_dataset(
    name: str, root: str | Path | None = None, *, mirror: str = GITHUB_RAW, report: Report = lambda line: None
) -> Path:
    """Download the files of a public dataset that are not there yet.

    Citation and terms are reported first. Each file is checked against the hash of the published content, and gets its
    name when it is complete, so an interrupted download goes on with the next missing file.

    Args:
        name: Name of the dataset, such as "foursquare_nyc".
        root: Data root that the files go to; None for `LGSID_DATA`, else `../shared/data`.
        mirror: Address that stands for `https://raw.githubusercontent.com`.
        report: Called with each line for the user: terms, progress, and how to get a failed file by hand.

    Returns:
        The data root.

    Raises:
        LgsidError: if there is no such dataset, another process downloads to the same root, or a file could not be
            downloaded; the other files are kept.
    """
    public = _find(name)
    folder = data_root(str(root) if root is not None else None)
    for line in (f"Cite: {public.citation}", f"Terms: {public.terms}"):
        report(line)
    failed, new = 0, not folder.exists()
    with locked(folder / LOCK_FILE, folder):
        for number, file in enumerate(public.files, start=1):
            where = f"[{number}/{len(public.files)}] {folder / file.target}"
            try:
                report(f"{where}: {_fetch(file, folder, mirror)}")
            except LgsidError as error:
                failed += 1
                report(f"{where}: {error}; by hand: {file.steps(folder, mirror)}")
    if failed:
        if new:
            with contextlib.suppress(OSError):
                folder.rmdir()  # made for the lock, and removed only if nothing else is in it
        raise LgsidError(
            f"{name}: {failed} of {len(public.files)} files could not be downloaded to {folder}; "
            "the lines above say why, and how to get them by hand; run it again to go on"
        )
    return folder


def download_steps(name: str, root: str | Path | None = None, *, mirror: str = GITHUB_RAW) -> list[str]:
    """Say how to get a public dataset by hand: citation, terms, and one line for each file with its hash.

    Raises:
        LgsidError: if there is no such dataset.
    """
    public = _find(name)
    folder = data_root(str(root) if root is not None else None)
    files = [f"{file.steps(folder, mirror)} ({file.checksum})" for file in public.files]
    return [f"Cite: {public.citation}", f"Terms: {public.terms}", *files]


def where_to_look(root: Path) -> str:
    """Say how later commands find the data root."""
    if root == data_root(None):
        return f"lgsid looks for public datasets in {root}."
    return f"Let lgsid find them: export {ROOT_VARIABLE}={root.resolve()}"


def _find(name: str) -> PublicDataset:
    known = public_datasets()
    if name not in known:
        raise LgsidError(f"no public dataset {name!r}; {suggestion(name, known)}")
    return known[name]


def _fetch(file: PublicFile, root: Path, mirror: str) -> str:
    """Make one file, unless it is there; return what was done.

    Raises:
        LgsidError: if it cannot be reached or is not what was published.
    """
    target = root / file.target
    if target.is_file():
        if _hash_of(file, target.read_bytes()) == file.sha256:
            return "is there"
        raise LgsidError("is there, but is not the published file; move it away, then run it again")
    published = _read_url(file.url(mirror))
    kept = _unpacked(file, published)
    found = _hash_of(file, kept)
    if found != file.sha256:
        raise LgsidError(f"the download is not the published file (sha256 {found[:16]}, expected {file.sha256[:16]})")
    try:
        with atomic_path(target) as partial:
            partial.write_bytes(kept)
    except OSError as error:
        raise LgsidError(f"cannot be written ({error.strerror or error})") from error
    return f"downloaded, {len(kept) / 1e6:.1f} MB"


def _read_url(url: str) -> bytes:
    """Return what is at an address.

    Raises:
        LgsidError: if it cannot be reached, or breaks off.
    """
    request = urllib.request.Request(url, headers={"User-Agent": USER_AGENT})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            content: bytes = response.read()
    except urllib.error.HTTPError as error:
        raise LgsidError(f"{url} answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise LgsidError(f"{url} cannot be reached ({error.reason})") from error
    except (http.client.HTTPException, OSError) as error:
        raise LgsidError(f"{url} broke off ({error or type(error).__name__})") from error
    return content


def _unpacked(file: PublicFile, published: bytes) -> bytes:
    """Return the bytes to keep: the member of an archive, compressed where the target is gzip.

    The gzip header carries no time and no name, so that the same content gives the same file.
    """
    content = published
    if file.member is not None:
        try:
            with zipfile.ZipFile(io.BytesIO(published)) as archive:
                inside = [name for name in archive.namelist() if Path(name).name == file.member]
                if len(inside) != 1:
                    raise LgsidError(f"the archive has no file {file.member}")
                content = archive.read(inside[0])
        except (zipfile.BadZipFile, zlib.error) as error:
            raise LgsidError(f"the download is not a readable zip archive ({error})") from error
    if file.is_gzip and not file.path.endswith(".gz"):
        return gzip.compress(content, mtime=0)
    return content


def _hash_of(file: PublicFile, kept: bytes) -> str:
    """Return the sha256 of the content of a file, empty if it cannot be decompressed."""
    try:
        content = gzip.decompress(kept) if file.is_gzip else kept
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return ""
    return hashlib.sha256(content).hexdigest()
