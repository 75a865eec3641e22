"""The `lgsid` command. Nothing imports this module."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lgsid
from lgsid.cli_benchmark import add_benchmark
from lgsid.errors import LgsidError
from lgsid.terminal import Parser, console, prepare_output, print_columns, tell

TRAINING = {
    "fit": "train any module: reward, aligner, tokenizer, recommender",
    "validate": "validate a trained module",
    "test": "test a trained module, or a baseline that needs no training",
    "predict": "write a module's predictions",
}


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line: exit code 0 if all went well, 2 and one line if the input was wrong."""
    arguments = list(sys.argv[1:] if args is None else args)
    try:
        dispatch(arguments)
    except LgsidError as error:
        print(f"lgsid: error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("lgsid: interrupted; what was complete is kept", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None


def dispatch(arguments: list[str]) -> None:
    """Hand training to LightningCLI and everything else to its verb."""
    if arguments and arguments[0] in TRAINING:
        prepare_output()
        from lgsid.pipeline.training_cli import train

        train(arguments)
        return
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    if not hasattr(options, "verb"):
        parser.print_help()
        return
    if rest and not getattr(options, "takes_overrides", False):
        raise LgsidError(f"unknown argument {rest[0]!r}; see `lgsid {' '.join(arguments[:1])} --help`")
    options.overrides = rest
    options.verb(options)


def build_parser() -> Parser:
    """Return the parser of all verbs that are not training."""
    parser = Parser("lgsid", description="Geography-aware semantic IDs for place recommendation.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"lgsid {lgsid.__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", parser_class=Parser)
    for name, text in TRAINING.items():
        verbs.add_parser(name, help=text, add_help=False)
    add_run(verbs)
    add_data(verbs)
    add_tokenize(verbs)
    add_card(verbs)
    add_recommend(verbs)
    add_benchmark(verbs)
    plugins = verbs.add_parser("plugins", help="list what configs can name, and which package offers it")
    plugins.add_argument("kind", nargs="?", help="only this kind, such as quantizers")
    plugins.set_defaults(verb=show_plugins)
    configs = verbs.add_parser("configs", help="list the configs that lgsid carries, or copy them")
    configs.add_argument("--copy", metavar="FOLDER", help="copy them to this folder, which must not exist")
    configs.set_defaults(verb=show_configs)
    return parser


def add_run(verbs: Any) -> None:
    """Add `lgsid run`."""
    run = verbs.add_parser("run", help="run a pipeline: all stages from check-ins to a report")
    run.add_argument("pipeline", help="YAML file, or the name of one that lgsid carries (pipelines/demo.yaml)")
    run.add_argument("--run-folder", help="where the stages go; runs/<name> by default")
    run.add_argument("--only", action="append", default=[], metavar="STAGE", help="run only this stage (repeatable)")
    run.add_argument("--force", action="append", default=[], metavar="STAGE", help="run it even if up to date")
    run.add_argument("--set", action="append", default=[], metavar="STAGE.KEY=VALUE", help="override an option")
    run.add_argument("--logger", help="config with trainer.logger, such as logger/wandb.yaml")
    run.add_argument("--dry-run", action="store_true", help="say what would run and why")
    run.set_defaults(verb=run_pipeline)


def add_data(verbs: Any) -> None:
    """Add `lgsid data prepare | describe`."""
    data = verbs.add_parser("data", help="read, check and split check-ins").add_subparsers(
        title="actions", metavar="ACTION", required=True, parser_class=Parser
    )
    prepare = data.add_parser("prepare", help="write items, interactions and the report of a dataset")
    prepare.add_argument("config", help="dataset config; options follow as --source.init_args.root=FOLDER")
    prepare.add_argument("--output", required=True, help="folder for the tables")
    prepare.set_defaults(verb=prepare_data, takes_overrides=True)
    describe = data.add_parser("describe", help="print what was read, dropped and why")
    describe.add_argument("config", help="dataset config; options follow as --source.init_args.root=FOLDER")
    describe.set_defaults(verb=describe_data, takes_overrides=True)


def add_tokenize(verbs: Any) -> None:
    """Add `lgsid tokenize`."""
    tokenize = verbs.add_parser("tokenize", help="give semantic IDs to items with a trained tokenizer")
    tokenize.add_argument("--checkpoint", required=True, help="model.ckpt of a tokenizer")
    tokenize.add_argument("--dataset", required=True, help="folder of a prepared dataset")
    tokenize.add_argument("--embeddings", help="vectors of its items, Parquet")
    tokenize.add_argument("--output", required=True, help="folder for sids.parquet, sids.index.json, card.json")
    tokenize.set_defaults(verb=tokenize_items)


def add_card(verbs: Any) -> None:
    """Add `lgsid card`."""
    card = verbs.add_parser("card", help="judge the quality of any semantic IDs, without training")
    card.add_argument("sids", help="sids.parquet, or the .index.json of LC-Rec, LETTER, MiniOneRec")
    card.add_argument("--items", help="their items: GeoParquet, Parquet, CSV or JSON, with or without coordinates")
    card.add_argument("--embeddings", help="vectors of the items, Parquet")
    card.add_argument("--json", action="store_true", help="print JSON")
    card.set_defaults(verb=show_card)


def add_recommend(verbs: Any) -> None:
    """Add `lgsid recommend`."""
    recommend = verbs.add_parser("recommend", help="recommend places to a user, or after a history")
    recommend.add_argument("--checkpoint", required=True, help="model.ckpt of a recommender")
    recommend.add_argument("--dataset", required=True, help="folder of the dataset it was trained on")
    who = recommend.add_mutually_exclusive_group()
    who.add_argument("--user", help="user id; the history is the user's check-ins")
    who.add_argument("--history", help="item ids, oldest first, separated by commas")
    recommend.add_argument("--at", help="local time of the query, 2012-10-05T19:00; the end of the log by default")
    recommend.add_argument("--near", metavar="LAT,LON", help="where the user is; the last place by default")
    recommend.add_argument("--radius-km", type=float, help="only places within this distance")
    recommend.add_argument("--new-only", action="store_true", help="only places the user has not been to")
    recommend.add_argument("-k", type=int, default=10, help="how many places (default: %(default)s)")
    recommend.add_argument("--json", action="store_true", help="print JSON")
    recommend.set_defaults(verb=recommend_places)


def run_pipeline(options: argparse.Namespace) -> None:
    """Run a pipeline and print its report."""
    prepare_output()
    from lgsid.artefacts.names import REPORT_TERMINAL_FILE
    from lgsid.pipeline.pipeline import Pipeline
    from lgsid.pipeline.runner import Runner

    overrides: dict[str, dict[str, Any]] = {}
    for text in options.set:
        stage, key, value = split_override(text)
        overrides.setdefault(stage, {})[key] = value
    pipeline = Pipeline.read(options.pipeline, options.run_folder, overrides, options.logger)
    runner = Runner(pipeline, options.force, options.only, tell=tell)
    if options.dry_run:
        for state in runner.plan():
            tell(f"{state.stage.name}: {'would run, ' + state.reason if state.reason else 'up to date'}")
        return
    runner.run()
    for name in pipeline.stages:
        path = pipeline.folder(name) / REPORT_TERMINAL_FILE
        if path.is_file():
            from rich.text import Text

            console().print(Text.from_ansi(path.read_text(encoding="utf-8")))


def split_override(text: str) -> tuple[str, str, Any]:
    """Split `stage.key=value`; the value is read as YAML."""
    import yaml

    target, equals, value = text.partition("=")
    stage, dot, key = target.partition(".")
    if not (equals and stage and dot and key):
        raise LgsidError(f"--set {text!r}: expected STAGE.KEY=VALUE, for example tiger.trainer.max_epochs=1")
    try:
        return stage, key, yaml.safe_load(value)
    except yaml.YAMLError:
        raise LgsidError(f"--set {text!r}: the value is not YAML; quote it") from None


def prepare_data(options: argparse.Namespace) -> None:
    """Write a dataset and describe it."""
    from lgsid.datasets.describe import describe_dataset

    builder = dataset_builder(options)
    dataset = builder.build()
    dataset.write(options.output)
    console().print(describe_dataset(dataset))
    tell(f"{options.output}: written")


def describe_data(options: argparse.Namespace) -> None:
    """Describe a dataset without writing it."""
    console().print(dataset_builder(options).describe())


def dataset_builder(options: argparse.Namespace) -> Any:
    """Return the builder of a dataset config."""
    prepare_output()
    from lgsid import plugins
    from lgsid.datasets import load_builder
    from lgsid.pipeline.config_files import find_config

    plugins.load()
    return load_builder(find_config(options.config), options.overrides)


def tokenize_items(options: argparse.Namespace) -> None:
    """Write semantic IDs and print their card."""
    prepare_output()
    from lgsid import plugins
    from lgsid.artefacts.files import read_json
    from lgsid.artefacts.names import CARD_FILE
    from lgsid.metrics import render_card
    from lgsid.tokenizers import tokenize

    plugins.load()
    tokenize(options.checkpoint, options.dataset, options.embeddings, options.output)
    console().print(render_card(read_json(Path(options.output) / CARD_FILE)))
    tell(f"{options.output}: written")


def show_card(options: argparse.Namespace) -> None:
    """Print the quality card of semantic IDs."""
    import json

    prepare_output()
    from lgsid.artefacts import Embeddings, SemanticIDs, read_items
    from lgsid.metrics import quality_card, render_card

    items = read_items(options.items) if options.items else None
    sids = SemanticIDs.read(options.sids, items)
    card = quality_card(sids, items, Embeddings.read(options.embeddings) if options.embeddings else None)
    if options.json:
        print(json.dumps(card, indent=2, allow_nan=False))
    else:
        console().print(render_card(card))


def recommend_places(options: argparse.Namespace) -> None:
    """Print recommendations."""
    import json

    prepare_output()
    from lgsid import plugins
    from lgsid.recommenders.live import recommend

    plugins.load()
    near = read_place(options.near) if options.near else None
    history = [part.strip() for part in options.history.split(",") if part.strip()] if options.history else None
    found = recommend(
        options.checkpoint,
        options.dataset,
        user=options.user,
        history=history,
        at=options.at,
        near=near,
        radius_km=options.radius_km,
        k=options.k,
        new_only=options.new_only,
    )
    if options.json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
    else:
        console().print(found)


def read_place(text: str) -> tuple[float, float]:
    """Read `LAT,LON`."""
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise LgsidError(f"--near {text!r}: expected LAT,LON in degrees, for example 40.7580,-73.9855") from None
    return lat, lon


def show_plugins(options: argparse.Namespace) -> None:
    """Print what configs can name."""
    from lgsid import plugins

    listed = plugins.available(options.kind)
    rows = [("kind", "name", "package", "version", "state")]
    print_columns(rows + [(p.kind, p.name, p.distribution, p.version, p.state) for p in listed])


def show_configs(options: argparse.Namespace) -> None:
    """List lgsid's own configs, or copy them."""
    import shutil

    from lgsid.pipeline.config_files import config_root, own_configs

    if options.copy is None:
        print("\n".join(own_configs()))
        return
    target = Path(options.copy)
    if target.exists():
        raise LgsidError(f"{target}: exists already; name a new folder")
    shutil.copytree(config_root(), target)
    tell(f"{target}: {len(own_configs())} configs copied")


if __name__ == "__main__":
    main()
