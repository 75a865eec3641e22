"""Ways to damage an input at random, all from one seeded generator."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 10**9, -(10**9), 2**63, 10**30, 0.5, -0.5, 1e308, 1e-320, float("inf"), float("nan"),
    "", " ", "x", "0", "1", "-1", "null", "true", "nan", "inf", "1e5", "$data", "$", "$$", "${HOME}", "../x", "/", "~", ".",
    "a" * 300, "\x00", "\n", "\x1b[31m", "é", "日本", "!!x", "*a", "&a", "%", "{", "[", "]", ":", "-", "#", "'", '"', "`id`",
    [], {}, [None], [[]], [{}], {"": None}, {"a": 1}, [1, 2, 3], [-1], [0], ["a", "b"], {"class_path": "os.system"},
    {"class_path": "x"}, {"class_path": None}, {"init_args": {}}, {"class_path": "lgsid.tokenizers.HierTokenizer"},
    {"class_path": "builtins.eval", "init_args": {"source": "1"}}, "lambda: 1", "os.system", "lgsid", "torch.nn.Linear",
)  # fmt: skip


def changed_bytes(raw: bytes, rng: Random) -> bytes:
    """Flip, drop, insert, repeat or cut bytes."""
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        at = rng.randrange(len(data)) if data else 0
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[at] = rng.randrange(256)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = bytes(rng.choice(b'\x00\n\r,;"\t \xff0-.') for _ in range(rng.randrange(1, 4)))
        elif kind == 4:
            data[at:at] = data[at : at + rng.randrange(1, 40)]
        else:
            del data[at:]
    return bytes(data)


def changed_lines(raw: bytes, rng: Random) -> bytes:
    """Drop, repeat, swap, join or split lines, or drop, repeat or swap values inside one."""
    lines = raw.splitlines(keepends=True)
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(7)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(other, lines[at])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        lines[at] = lines[at].rstrip(b"\n")
    else:
        values = lines[at].rstrip(b"\n").split(b",")
        place, second = rng.randrange(len(values)), rng.randrange(len(values))
        if kind == 4:
            del values[place]
        elif kind == 5:
            values.insert(second, values[place])
        else:
            values[place], values[second] = values[second], values[place]
        lines[at] = b",".join(values) + b"\n"
    return b"".join(lines)


def changed_tree(tree: Any, rng: Random, values: tuple[Any, ...] = HOSTILE) -> tuple[Any, str]:
    """Return nested mappings and lists with one change, and what it was: a key dropped, renamed, doubled or replaced."""
    made = copy.deepcopy(tree)
    holder, key = rng.choice(list(places_in(made)))
    where = f"{key}"
    kind = rng.randrange(5)
    if kind == 0 and isinstance(holder, dict):
        del holder[key]
        return made, f"without {where}"
    if kind == 1 and isinstance(holder, dict):
        name = rng.choice(
            (f"{key}x", f"{key[:-1]}", f"{key}.{key}", "", key.upper(), f" {key}", "extends", "__class__")
        )
        holder[name] = holder.pop(key)
        return made, f"{where} as {name}"
    if kind == 2:
        holder[key] = rng.choice(([holder[key]], {key: holder[key]}, str(holder[key])))
        return made, f"{where} retyped"
    value = copy.deepcopy(rng.choice(values))
    holder[key] = value
    return made, f"{where} = {value!r}"[:120]


def places_in(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping or list inside a tree with each of its keys or positions."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield tree, key
        yield from places_in(value)
