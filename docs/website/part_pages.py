"""A page for each part that a config can name: what it is, its arguments, its config, and what it measured."""

from __future__ import annotations

import inspect
import re
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lgsid import plugins
from lgsid.artefacts.files import read_json
from lgsid.benchmark.suite import Suite, own_suites
from lgsid.config.config_files import config_root, own_configs, read_yaml
from lgsid.config.merging import CLASS, short_name
from lgsid.entry_points import OWN_DISTRIBUTION
from website.docstring import Docstring, cell, sources_in

INTRODUCTION = """\
A config names a part by `class_path`; `lgsid plugins` lists all that are installed. Each page is made from the
docstring of the class, from the config that lgsid carries for it, and from the result files of suites that ran with it.
"""
Part = plugins.Plugin


@dataclass(frozen=True)
class Row:
    """What a method of a suite measured.

    Args:
        suite: Title of the suite.
        dataset: Dataset and split.
        method: Title of the method.
        metric: Title of the primary metric.
        value: Its mean over seeds.
        classes: Names of the classes that made it.
    """

    suite: str
    dataset: str
    method: str
    metric: str
    value: str
    classes: frozenset[str]


class PartPages:
    """The pages.

    Args:
        root: The repository.
        target: Folder of the sources of the site.
    """

    def __init__(self, root: Path, target: Path) -> None:
        self.root, self.target = root, target
        own = (one for one in plugins.available() if one.distribution == OWN_DISTRIBUTION and one.kind != "commands")
        self.kinds: dict[str, list[Part]] = {}
        for one in own:
            self.kinds.setdefault(one.kind, []).append(one)

    @property
    def pages(self) -> dict[str, str]:
        """Name of a class -> its page."""
        return {one.name: f"parts/{kind}/{one.name}" for kind, found in self.kinds.items() for one in found}

    def write(self) -> None:
        """Write the index of all kinds, that of each kind, and the pages."""
        entries = "\n".join(f"{kind}/index" for kind in sorted(self.kinds))
        write(self.target / "parts" / "index.md", f"# Parts\n\n{INTRODUCTION}\n```{{toctree}}\n{entries}\n```\n")
        for kind, found in self.kinds.items():
            base = plugins.base_of(kind)
            names = "\n".join(one.name for one in found)
            rows = "\n".join(f"| [{one.name}]({one.name}.md) | {summary(one)} |" for one in found)
            head = f"# {kind.replace('_', ' ').capitalize()}\n\nBase class `{plugins.kinds()[kind].replace(':', '.')}`."
            table = f"| part | what it does |\n| --- | --- |\n{rows}"
            text = f"{head} {Docstring.of(base).text}\n\n{table}\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
            write(self.target / "parts" / kind / "index.md", text)
            for one in found:
                write(self.target / "parts" / kind / f"{one.name}.md", "\n\n".join(self.page(one)) + "\n")

    def page(self, one: Part) -> Iterator[str]:
        """Yield the paragraphs of a page."""
        value = plugins.resolve(one)
        said = Docstring.of(value)
        yield f"# {one.name}"
        yield said.text
        named = dict.fromkeys([*sources_in(inspect.getdoc(value) or ""), *self.sources(one.name)])
        facts = [
            ("kind", f"[{one.kind}](index.md)"),
            ("class", f"`{one.value.replace(':', '.')}`"),
            ("in a config", f"`class_path: {one.name}`"),
            ("sources", cell("; ".join(named)) or "none; it is ours, or common knowledge"),
        ]
        yield "| | |\n| --- | --- |\n" + "\n".join(f"| {word} | {text} |" for word, text in facts)
        rows = [f"| `{p.name}` | {default(p)} | {said.arguments.get(p.name, '')} |" for p in parameters(value)]
        if rows:
            yield "## Arguments"
            yield "| argument | default | |\n| --- | --- | --- |\n" + "\n".join(rows)
        carried = self.configs.get(one.name, [])
        if carried:
            yield "## Config"
            first, *others = carried
            yield f"`{first}`:"
            yield f"```yaml\n{(config_root() / first).read_text(encoding='utf-8').strip()}\n```"
            if others:
                yield f"Named in {', '.join(f'`{name}`' for name in others)}, too."
        measured = self.measured(one.name)
        if measured:
            yield "## Numbers"
            yield (
                "From result files of `lgsid benchmark run`: methods of suites that have it, on boards where not"
                " all methods do. Means over the seeds, item-level, test split; with intervals, and beside the"
                " others, in [the tables](../../results.md)."
            )
            cells = "\n".join(
                f"| {cell(r.suite)} | {r.dataset} | {cell(r.method)} | {r.metric} | {r.value} |" for r in measured
            )
            yield f"| suite | data | method | metric | mean |\n| --- | --- | --- | --- | ---: |\n{cells}"

    def sources(self, name: str) -> list[str]:
        """Return the papers that the page of the method names beside a class."""
        lines = [line for line in self.method_lines if f"`{name}`" in line]
        return [source for line in lines for source in sources_in(line)] if len(lines) < 5 else []

    @cached_property
    def method_lines(self) -> list[str]:
        """Rows of the tables of docs/method.md, which put equations and classes side by side."""
        text = (self.root / "docs" / "method.md").read_text(encoding="utf-8")
        return [line for line in text.splitlines() if line.startswith("|")]

    @cached_property
    def configs(self) -> dict[str, list[str]]:
        """Name of a class -> configs that name it themselves, the one that is called like it first."""
        found: dict[str, list[str]] = {}
        for name in own_configs():
            if not name.startswith("pipelines/"):
                for one in classes_in(read_yaml(config_root() / name)):
                    found.setdefault(one, []).append(name)
        return {one: sorted(names, key=lambda n: (not same(one, n), n)) for one, names in found.items()}

    def measured(self, name: str) -> list[Row]:
        """Return what methods with a class measured, on boards where some have it and some do not."""
        boards: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            boards.setdefault((row.suite, row.dataset), []).append(row)
        telling = [rows for rows in boards.values() if 0 < sum(name in row.classes for row in rows) < len(rows)]
        return [row for rows in telling for row in rows if name in row.classes]

    @cached_property
    def rows(self) -> list[Row]:
        """All methods of all suites that have results."""
        found = []
        for suite in (Suite.read(path) for path in own_suites()):
            for dataset in suite.datasets:
                folder = self.root / "benchmarks" / "results" / suite.name / dataset.key
                for name, method in suite.methods.items():
                    results = [read_json(path) for path in sorted(folder.glob(f"{name}.*.json"))]
                    values = [r["metrics"][suite.primary] for r in results if suite.primary in r["metrics"]]
                    if values:
                        column = suite.task.metric_column(suite.primary)
                        title = (
                            column.metric.title
                            if not column.part.key
                            else f"{column.metric.title}, {column.part.title}"
                        )
                        mean = f"{statistics.fmean(values):.{column.metric.digits}f}"
                        configs = {k: v.get("config") for k, v in results[0]["stages"].items()}
                        classes = frozenset({*classes_in(configs), name})
                        found.append(Row(suite.title, dataset.key, method.title, title, mean, classes))
        return found


def classes_in(content: Any) -> Iterator[str]:
    """Yield the short names of all classes in settings."""
    if isinstance(content, Mapping):
        if CLASS in content:
            yield short_name(content[CLASS])
        for value in content.values():
            yield from classes_in(value)
    elif isinstance(content, list):
        for value in content:
            yield from classes_in(value)


def same(name: str, config: str) -> bool:
    """Tell whether a config is called like a class."""
    return Path(config).stem.replace("_", "") == name.lower()


def summary(one: Part) -> str:
    """Return the first line of a docstring."""
    return cell(Docstring.of(plugins.resolve(one)).text.partition("\n\n")[0].replace("\\", ""))


def parameters(value: Any) -> list[inspect.Parameter]:
    """Return the arguments of a class."""
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    return [one for one in found if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]


def default(one: inspect.Parameter) -> str:
    """Return the default of an argument as a cell."""
    if one.default is one.empty:
        return "must be given"
    text = re.sub(r" at 0x\w+", "", repr(one.default))
    return "" if text.startswith("<") else f"`{text}`"


def write(path: Path, text: str) -> None:
    """Write a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
