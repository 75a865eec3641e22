"""What a public dataset consists of and where its files are published. lgsid ships none of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

GITHUB_RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class PublicFile:
    """One file of a GitHub repository at a fixed commit, and how it is kept below the data root.

    A target that ends in `.gz` is compressed unless the published file is; where a target is not an archive but the
    published file is a zip, the target is the member of its name.

    Args:
        target: Where the file is kept, relative to the data root.
        repository: `owner/name`.
        commit: The commit that the file is taken from, 40 hexadecimal digits.
        path: The published file in the repository.
        sha256: Hash of the kept content, decompressed where the target is gzip.
    """

    target: str
    repository: str
    commit: str
    path: str
    sha256: str

    def url(self, mirror: str = GITHUB_RAW) -> str:
        """Return the address of the published file."""
        return "/".join([mirror.rstrip("/"), self.repository, self.commit, quote(self.path)])

    @property
    def is_gzip(self) -> bool:
        """Whether the file is kept as gzip."""
        return self.target.endswith(".gz")

    @property
    def member(self) -> str | None:
        """Name of the member to take out of the published zip archive; None where the file is published as it is."""
        packed = self.path.endswith(".zip") and not self.target.endswith(".zip")
        return Path(self.target.removesuffix(".gz")).name if packed else None

    @property
    def checksum(self) -> str:
        """The hash with what it is of."""
        return f"sha256{' decompressed' if self.is_gzip else ''} {self.sha256}"

    def steps(self, root: Path, mirror: str = GITHUB_RAW) -> str:
        """Say in one line how to get the file by hand."""
        unpack = f", take {self.member} out of it" if self.member else ""
        pack = ", compress it with gzip" if self.is_gzip and not self.path.endswith(".gz") else ""
        return f"download {self.url(mirror)}{unpack}{pack}, save it as {root / self.target}"


@dataclass(frozen=True)
class PublicDataset:
    """A public dataset: its files, whom to cite, and on what terms it is published.

    Args:
        name: The name for `lgsid data download`, and of its config.
        citation: Publications to cite.
        terms: Terms of use, as far as the publishers state any.
        files: All files that the dataset's config reads.
    """

    name: str
    citation: str
    terms: str
    files: tuple[PublicFile, ...]
