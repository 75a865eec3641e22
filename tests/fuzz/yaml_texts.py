"""YAML that is none, or that a reader must not follow."""

from __future__ import annotations

from collections.abc import Iterator

LEVELS = 40


def bombs() -> Iterator[tuple[str, str]]:
    """Yield texts whose reading could take for ever, run something, or mean two things at once."""
    yield "aliases", "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, LEVELS))
    yield (
        "alias-maps",
        "a0: &a0 {k: x}\n" + "".join(f"a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}}}\n" for n in range(1, LEVELS)),
    )
    yield (
        "merges",
        "a0: &a0 {k: x}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, LEVELS)),
    )
    yield "self-alias", "a: &a [*a]\n"
    yield "self-alias-map", "a: &a {b: *a}\n"
    yield "deep-lists", "a: " + "[" * 20000
    yield "deep-lists-closed", "a: " + "[" * 3000 + "]" * 3000
    yield "deep-maps", "a: " + "{b: " * 20000
    yield "deep-indent", "".join(" " * n + f"k{n}:\n" for n in range(3000))
    yield "python-object", "a: !!python/object/apply:os.system ['touch executed']\n"
    yield "python-name", "a: !!python/name:os.system\n"
    yield "python-module", "a: !!python/module:os\n"
    yield "python-new", "a: !!python/object/new:subprocess.Popen [['touch', 'executed']]\n"
    yield "unknown-tag", "a: !secret x\n"
    yield "unknown-alias", "a: *b\n"
    yield "anchor-only", "&a\n"
    yield "two-documents", "a: 1\n---\nb: 2\n"
    yield "tabs", "a:\n\tb: 1\n"
    yield "list", "- a\n- b\n"
    yield "text", "just words\n"
    yield "number", "42\n"
    yield "empty", ""
    yield "null", "null\n"
    yield "comment", "# nothing\n"
    yield "nul", "a: \x00\n"
    yield "bell", "a: \x07\n"
    yield "unclosed-quote", 'a: "b\n'
    yield "unclosed-list", "a: [1, 2\n"
    yield "bad-indent", "a: 1\n  b: 2\n"
    yield "colon", "a: b: c\n"
    yield "complex-key", "? [a, b]\n: 1\n"
    yield "map-key", "? {a: b}\n: 1\n"
    yield "null-key", "null: 1\n"
    yield "number-key", "1: 1\n"
    yield "flag-key", "on: 1\n"
    yield "date-key", "2024-01-01: 1\n"
    yield "bad-date", "a: 2024-13-45\n"
    yield "huge-number", "a: " + "9" * 5000 + "\n"
    yield "sexagesimal", "a: 190:20:30\n"
    yield "binary", "a: !!binary x\n"
    yield "set", "a: !!set {x, y}\n"
    yield "percent", "%YAML 9.9\n---\na: 1\n"
    yield "html", "<html>404</html>\n"
    yield "json-lines", '{"a": 1}\n{"b": 2}\n'


def twice(text: str) -> Iterator[tuple[str, str]]:
    """Yield a YAML text with one of its lines of the form `key: value` written twice, for each of them."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if ":" in line and line.rstrip()[-1] not in ":-" and not line.lstrip().startswith("- "):
            yield (
                f"{number}-{line.strip().partition(':')[0]}",
                "".join([*lines[: number + 1], line, *lines[number + 1 :]]),
            )
