"""Read YAML that somebody else wrote: what means two things, refers to itself or grows without bound is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from lgsid.errors import LgsidError

MAX_DEPTH = 100
MAX_VALUES = 100_000
MAX_CHARACTERS = 10_000_000
TEXT, MERGE, VALUE, INTEGER, FLOAT, TIMESTAMP = (
    f"tag:yaml.org,2002:{name}" for name in ("str", "merge", "value", "int", "float", "timestamp")
)
WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F]+")
DECIMAL = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class StrictLoader(yaml.SafeLoader):
    """PyYAML's loader of plain values, which also bounds how deep they nest.

    It takes no text for a number or a date that only YAML 1.1 would: `12:30` (750), `010` (8), `2024-05-01`, `0b1`. And
    it reads `1e-3` as the number that it is.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a value and what is in it.

        Raises:
            yaml.YAMLError: if it nests deeper than `MAX_DEPTH`.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise refused(self.peek_event().start_mark, f"nested more than {MAX_DEPTH} deep")  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_number(self, node: yaml.ScalarNode) -> float:
        """Return a number with a decimal point.

        Raises:
            yaml.YAMLError: if it is `.nan`, which no option can be.
        """
        value = self.construct_yaml_float(node)
        if math.isnan(value):
            raise refused(node.start_mark, f"{node.value} is not a number; leave the key out for its usual value")
        return value


StrictLoader.add_constructor(FLOAT, StrictLoader.construct_number)
StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in (INTEGER, FLOAT, TIMESTAMP, VALUE)]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for tag, pattern in ((INTEGER, WHOLE), (FLOAT, DECIMAL)):
    StrictLoader.add_implicit_resolver(tag, re.compile(f"(?:{pattern.pattern})\\Z"), list("-+.0123456789"))


def load_argument(text: str) -> Any:
    """Read the value of an argument, as the parsers of commands do: YAML, but `{name}` is a text, such as a template.

    Raises:
        yaml.YAMLError: see `load_yaml`.
    """
    value = load_yaml(text)
    bare = isinstance(value, dict) and value and not any(part is not None for part in value.values())
    return text if bare and "\n" not in text.strip() else value


def parser_mode() -> str:
    """Return the mode in which the parsers of commands read YAML as it is read here."""
    from jsonargparse import set_loader

    set_loader("lgsid", load_argument, exceptions=(yaml.YAMLError,))
    return "lgsid"


def read_values(text: str, where: str) -> Any:
    """Read YAML, see `load_yaml`.

    Args:
        text: One document.
        where: The file or the flag, for messages.

    Raises:
        LgsidError: with the line, if it is refused.
    """
    try:
        return load_yaml(text)
    except yaml.YAMLError as error:
        raise LgsidError(f"{where}: not valid YAML: {yaml_problem(error)}") from error


def load_yaml(text: str) -> Any:
    """Read YAML.

    Raises:
        yaml.YAMLError: if it is not YAML, a key occurs twice or is no text, a value contains itself or cannot be read,
            or aliases stand for more than `MAX_VALUES` values.
    """
    if len(text) > MAX_CHARACTERS:
        raise yaml.YAMLError(f"longer than {MAX_CHARACTERS:,} characters, so it is no config")
    loader = StrictLoader(text)
    node = loader.get_single_node()
    if node is None:
        return None
    check_size(node)
    check_keys(node)
    try:
        return loader.construct_document(node)
    except ValueError as error:  # a date that does not exist, a number of thousands of digits
        raise refused(node.start_mark, f"a value cannot be read ({error}); put it in quotes") from error


def refused(mark: Any, problem: str) -> yaml.MarkedYAMLError:
    """Return the error about a place in a file."""
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def children(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield the keys and values, or the entries, of a node."""
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def check_size(node: yaml.Node) -> None:
    """Refuse a value that contains itself, or is too large once its aliases are written out."""
    sizes: dict[int, int | None] = {}  # None: its content is being counted

    def size(inner: yaml.Node) -> int:
        known = sizes.get(id(inner), -1)
        if known is None:
            raise refused(inner.start_mark, "a value contains itself through an alias")
        if known < 0:
            sizes[id(inner)] = None
            known = 1 + sum(size(child) for child in children(inner))
            sizes[id(inner)] = known
        if known > MAX_VALUES:
            raise refused(inner.start_mark, f"aliases stand for more than {MAX_VALUES:,} values")
        return known

    size(node)


def check_keys(node: yaml.Node) -> None:
    """Refuse keys that occur twice in a mapping, or are no texts."""
    done: set[int] = set()

    def visit(inner: yaml.Node) -> None:
        if id(inner) in done:
            return
        done.add(id(inner))
        lines: dict[str, int] = {}
        for key, _ in inner.value if isinstance(inner, yaml.MappingNode) else ():
            if key.tag not in (TEXT, MERGE):
                word = repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                raise refused(key.start_mark, f"the key {word} is no text; put it in quotes if it is meant as one")
            if key.value in lines:
                first = f"the key {key.value!r} occurs twice (first in line {lines[key.value]})"
                raise refused(key.start_mark, f"{first}; keep one")
            lines[key.value] = key.start_mark.line + 1
        for child in children(inner):
            visit(child)

    visit(node)


def yaml_problem(error: yaml.YAMLError) -> str:
    """Say in one line what is wrong with a YAML file, and in which line."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark is not None else str(problem)
