"""Base class of what keeps vectors of places for retrieval."""

from __future__ import annotations

import importlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from jsonargparse import ArgumentError, ArgumentParser

from lgsid.artefacts import SemanticIDs
from lgsid.construction import Describable
from lgsid.errors import LgsidError, cause_of
from lgsid.stores.place_vectors import Found, PlaceVectors
from lgsid.system_errors import writing
from lgsid.trust import limit_imports


class VectorStore(Describable, ABC):
    """Write vectors and semantic IDs of places to the files of a system for retrieval, and search there by cosine.

    The files are those of the system, so that a service reads them without lgsid. An approximate index may miss some of
    the nearest, and must say so.
    """

    files: ClassVar[tuple[str, ...]]
    """Names of the files and folders that `write` leaves; none of them may be there before."""

    @abstractmethod
    def write(self, places: PlaceVectors, folder: Path) -> None:
        """Write places to a folder that is there, and has none of `files`.

        Args:
            places: Vectors of N places.
            folder: The folder.

        Raises:
            LgsidError: if a library is missing.
        """

    @abstractmethod
    def search(self, folder: Path, queries: npt.NDArray[np.float32], k: int) -> Found:
        """Return the k nearest places of each query by cosine, nearest first; the same every time.

        Args:
            folder: Where `write` left its files.
            queries: Shape (Q, D), of any length but zero.
            k: How many; where there are fewer, all come back.

        Raises:
            LgsidError: if a library is missing.
        """

    @abstractmethod
    def semantic_ids(self, folder: Path) -> SemanticIDs | None:
        """Return the semantic IDs of the places in the order of their vectors, or none if it was given none."""

    def export(self, places: PlaceVectors, folder: str | Path) -> None:
        """Write places to a folder, all files or none.

        Args:
            places: Vectors of N places.
            folder: Made if it does not exist.

        Raises:
            LgsidError: if one of the files is there already, or a library is missing.
        """
        folder = Path(folder)
        for name in self.files:
            if (folder / name).exists():
                raise LgsidError(f"{folder / name}: exists already; name a new folder")
        partial = folder / f".{type(self).__name__}.{os.getpid()}.partial"
        with writing(folder, "nothing of it was written"):
            partial.mkdir(parents=True)
            try:
                self.write(places, partial)
                for name in self.files:
                    (partial / name).rename(folder / name)
            finally:
                shutil.rmtree(partial, ignore_errors=True)


def store_of(config: str | Mapping[str, Any]) -> VectorStore:
    """Return the store that a config names.

    Args:
        config: Name of the class, or `class_path` and `init_args`.

    Raises:
        LgsidError: if no installed package has it, or it does not take the arguments.
    """
    limit_imports()
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--store", type=VectorStore)
    described = {"class_path": config} if isinstance(config, str) else dict(config)
    try:
        made: VectorStore = parser.instantiate(parser.parse_object({"store": described})).store
    except (ArgumentError, ValueError, TypeError) as error:
        cause = cause_of(error)
        raise LgsidError(" ".join(str(cause if isinstance(cause, LgsidError) else error).split())) from error
    return made


def library(module: str, distribution: str, extra: str, user: str) -> Any:
    """Import a library that only one part needs.

    Args:
        module: What is imported.
        distribution: What is installed.
        extra: Extra of lgsid that installs it.
        user: Name of the class that needs it.

    Raises:
        LgsidError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LgsidError(f'{user}: needs {distribution}; run `pip install "lgsid[{extra}]"`') from error
