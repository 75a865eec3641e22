"""`lgsid data download | describe | prepare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsid.config.config_files import find_config, read_config
from lgsid.errors import LgsidError
from lgsid.pipeline.command import AsStage, command
from lgsid.terminal import tell

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lgsid.datasets import DatasetBuilder

CODE = ("lgsid.datasets.dataset_builder:DatasetBuilder", "lgsid.datasets.load_builder:load_builder")


def builder_of(config: str, options: Mapping[str, Any]) -> DatasetBuilder:
    """Return the builder that a dataset config describes, with dotted options over it.

    Raises:
        LgsidError: naming the file and what is wrong in it.
    """
    from argparse import ArgumentError

    from lgsid.datasets import load_builder
    from lgsid.pipeline.parser_errors import explain
    from lgsid.plugins import load_kind

    load_kind("data_sources")
    load_kind("splits")
    path = find_config(config)
    content = read_config(path)
    try:
        return load_builder(content, options, path.parent)
    except LgsidError as error:
        cause = error.__cause__
        text = (
            explain(str(cause), "lgsid.datasets.DatasetBuilder")
            if isinstance(cause, ArgumentError)
            else str(error).removeprefix("config: ")
        )
        raise LgsidError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def files_read(config: str, **options: Any) -> Sequence[Path]:
    """Return the files that the source of a dataset reads."""
    return builder_of(config, options).files()


def check_builder(config: str, **options: Any) -> None:
    """Refuse options that the dataset config does not have."""
    options.pop("output", None)
    builder_of(config, options)


@command(stage=AsStage(code=CODE, inputs=files_read, check=check_builder))
def prepare(config: str, *, output: str, **options: Any) -> RenderableType:
    """Write items, interactions and the report of a dataset.

    Args:
        config: Dataset config; its options follow as --source.init_args.root=FOLDER.
        output: Folder for the tables.
        **options: Dotted keys of the config.
    """
    from lgsid.datasets import describe_dataset

    dataset = builder_of(config, options).build()
    dataset.write(output)
    return describe_dataset(dataset)


@command()
def describe(config: str, **options: Any) -> RenderableType:
    """Print what was read, dropped and why, without writing a dataset.

    Args:
        config: Dataset config; its options follow as --source.init_args.root=FOLDER.
        **options: Dotted keys of the config.
    """
    return builder_of(config, options).describe()


@command()
def download(name: str, *, root: str | None = None) -> str:
    """Download a public dataset from where it is published.

    Args:
        name: Name of the dataset, such as foursquare_nyc.
        root: Data root for the files; LGSID_DATA, or ../shared/data by default.
    """
    from lgsid.datasets import download_dataset
    from lgsid.plugins import load_kind

    load_kind("data_sources")
    folder = download_dataset(name, root, report=tell)
    return f"{folder}: has all files; now run `lgsid data prepare data/{name}.yaml --output FOLDER`"
