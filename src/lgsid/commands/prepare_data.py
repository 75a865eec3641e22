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

CODE = ("lgsid.datasets.dataset_builder:DatasetBuilder", "lgsid.datasets.builder_from_config:builder_from_config")


def builder_of(config: str | Path, options: Mapping[str, Any] | Sequence[str] = ()) -> DatasetBuilder:
    """Return the builder that a dataset config file describes, with options that take precedence over it.

    Args:
        config: The file, or the name of a config that lgsid carries.
        options: Dotted keys and their values, or command-line arguments.

    Raises:
        LgsidError: naming the file and what is wrong in it.
    """
    from argparse import ArgumentError

    from lgsid.datasets import builder_from_config
    from lgsid.pipeline.parser_errors import explain
    from lgsid.plugins import load_kind

    load_kind("data_sources")
    load_kind("splits")
    path = find_config(config)
    content = read_config(path)
    try:
        return builder_from_config(content, options, path.parent)
    except LgsidError as error:
        cause = error.__cause__
        text = explain(str(cause), "lgsid.datasets.DatasetBuilder") if isinstance(cause, ArgumentError) else str(error)
        raise LgsidError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def files_read(config: str, **options: Any) -> Sequence[Path]:
    """Return the files that the source of a dataset reads."""
    return builder_of(config, options).files()


def check_builder(config: str, **options: Any) -> None:
    """Refuse options that the dataset config does not have."""
    options.pop("output", None)
    builder_of(config, options)


@command(stage=AsStage(code=CODE, inputs=files_read, check=check_builder), reads_configs=True)
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


@command(reads_configs=True)
def describe(config: str, **options: Any) -> RenderableType:
    """Print what was read, dropped and why, without writing a dataset.

    Args:
        config: Dataset config; its options follow as --source.init_args.root=FOLDER.
        **options: Dotted keys of the config.
    """
    return builder_of(config, options).describe()


@command()
def download(name: str, *, root: str | None = None, steps: bool = False, mirror: str | None = None) -> str:
    """Download the files of a public dataset from their publishers' repositories.

    Args:
        name: Name of the dataset, such as foursquare_nyc.
        root: Data root for the files; LGSID_DATA, or ../shared/data by default.
        steps: Print how to get the files by hand, without downloading.
        mirror: Address of a mirror in place of https://raw.githubusercontent.com.
    """
    from lgsid.datasets import download_dataset, download_steps
    from lgsid.datasets.download import where_to_look
    from lgsid.datasets.public_dataset import GITHUB_RAW
    from lgsid.plugins import load_kind

    load_kind("data_sources")
    mirror = mirror or GITHUB_RAW
    if steps:
        return "\n".join(download_steps(name, root, mirror=mirror))
    folder = download_dataset(name, root, mirror=mirror, report=tell)
    return f"All files are there. {where_to_look(folder)} Next: lgsid data prepare data/{name}.yaml --output FOLDER"
