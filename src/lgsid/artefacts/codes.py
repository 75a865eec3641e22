"""Read the codes of semantic IDs strictly: plain integers from 0 on, level by level."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from lgsid.artefacts.columns import bad_rows, rows_text
from lgsid.errors import LgsidError

IntArray = npt.NDArray[np.int64]
MAX_LEVELS = 64
MAX_CODES = 2**24  # of one level; every code has a row in the embedding tables of models
# A label that ends in a letter or an underscore, then the code without sign and leading zeros: <a_12>, <|sid_0_7|>, C3.
TOKEN = re.compile(r"[<\[|]*(?P<label>[A-Za-z](?:\w*[A-Za-z_])?)(?P<code>0|[1-9][0-9]*)[>\]|]*", re.ASCII)
GLUED = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|[^\s<>\[\]]+")
LC_REC_LABEL = re.compile(r"[a-z]{1,2}_")


def check_sizes(sizes: Any, where: str | Path) -> tuple[int, ...]:
    """Return codebook sizes as integers.

    Raises:
        LgsidError: if they are not a list of up to 64 integers from 1 to 2^24.
    """
    listed = list(sizes) if isinstance(sizes, Iterable) and not isinstance(sizes, (str, bytes, Mapping)) else []
    whole = [isinstance(size, (int, np.integer)) and not isinstance(size, (bool, np.bool_)) for size in listed]
    if not listed or not all(whole):
        raise LgsidError(f"{where}: codebook sizes {_shown(sizes)} are not a list of integers, one per level")
    if len(listed) > MAX_LEVELS:
        raise LgsidError(f"{where}: {len(listed):,} levels are more than the {MAX_LEVELS} that a semantic ID can have")
    wrong = [size for size in listed if not 1 <= size <= MAX_CODES]
    if wrong:
        raise LgsidError(f"{where}: a level has {wrong[0]:,} codes; it can have 1 to {MAX_CODES:,}")
    return tuple(int(size) for size in listed)


def sizes_of(codes: IntArray, where: str | Path) -> tuple[int, ...]:
    """Return the smallest codebook sizes that hold `codes`, of shape (N, L).

    Raises:
        LgsidError: if there are no codes, or more levels or codes than a semantic ID can have.
    """
    if not codes.size:
        raise LgsidError(f"{where}: no semantic IDs in it")
    if codes.max() >= MAX_CODES:
        row, level = (int(at) for at in np.argwhere(codes >= MAX_CODES)[0])
        raise LgsidError(
            f"{where}: data row {row + 1}: code {codes[row, level]} at level {level + 1} is not below {MAX_CODES:,}"
        )
    return check_sizes([max(1, int(size)) for size in codes.max(axis=0) + 1], where)


def level_columns(columns: Iterable[str], where: str | Path) -> list[str]:
    """Return the columns `level_1 .. level_L` in the order of levels.

    Raises:
        LgsidError: if they are not numbered 1..L, or more than 64.
    """
    names = [n for n in map(str, columns) if re.fullmatch(r"level_[0-9]+", n)]
    names.sort(key=lambda name: (len(name), name))
    if len(names) > MAX_LEVELS:
        raise LgsidError(f"{where}: {len(names):,} levels are more than the {MAX_LEVELS} that a semantic ID can have")
    if names != [f"level_{level + 1}" for level in range(len(names))]:
        raise LgsidError(f"{where}: the levels are not numbered 1..{len(names)}: {', '.join(names)}")
    return names


def code_columns(codes: IntArray) -> dict[str, pa.Array]:
    """Return codes (N, L) as the columns `level_1 .. level_L` of a table; `codes_of_columns` is the way back."""
    return {f"level_{level + 1}": pa.array(codes[:, level]) for level in range(codes.shape[1])}


def codes_of_columns(columns: Mapping[str, pa.ChunkedArray | pd.Series], where: str | Path) -> IntArray:
    """Return the codes of L columns of N integers, shape (N, L).

    Raises:
        LgsidError: if a column is of another type, or a code is missing, negative or too large.
    """
    return np.stack([_codes_of_column(name, column, where) for name, column in columns.items()], axis=1)


def _codes_of_column(name: str, column: pa.ChunkedArray | pd.Series, where: str | Path) -> IntArray:
    try:
        values = pa.chunked_array(pa.array(column)) if isinstance(column, pd.Series) else column
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise LgsidError(f"{where}: column {name}: codes must be integers ({str(error).splitlines()[0]})") from error
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not pa.types.is_integer(values.type) and values.null_count < len(values):
        raise LgsidError(f"{where}: column {name}: codes must be integers, these are {values.type}")
    if values.null_count:
        missing = rows_text(bad_rows(values.is_null().to_numpy()))
        raise LgsidError(f"{where}: column {name}: {missing}: a code is missing")
    codes = values.to_numpy()
    wrong = (codes < 0) | (codes >= MAX_CODES)
    if wrong.any():
        rows = rows_text(bad_rows(wrong))
        raise LgsidError(f"{where}: column {name}: {rows}: code {codes[wrong][0]} is not in 0..{MAX_CODES - 1:,}")
    return np.asarray(codes, dtype=np.int64)


def codes_of_index(index: Mapping[str, Any], where: str | Path) -> tuple[IntArray, list[int]]:
    """Return the codes of an index of N items, -1 where an item has fewer levels, shape (N, L).

    Args:
        index: Item -> list of tokens (`<a_12>`), one string of them, or list of integers. In a token, the code is the
            number at its end; what precedes it, the label, is the same for all items at one level.
        where: File, for the messages.

    Returns:
        The codes, and the levels (from 1) that some items lack.

    Raises:
        LgsidError: if a token is no label with a code, labels are of another level, or there are too many levels.
    """
    labels: list[str] = []
    rows = [_codes_of_item(key, value, labels, where) for key, value in index.items()]
    lettered = [bool(LC_REC_LABEL.fullmatch(label)) for label in labels]
    for level, label in enumerate(labels):
        if all(lettered) and len(set(labels)) > 1 and label != f"{level_letter(level)}_":
            raise LgsidError(f"{where}: level {level + 1} has tokens <{label}..>; expected <{level_letter(level)}_..>")
    lengths = np.array([len(row) for row in rows])
    codes = np.full((len(rows), int(lengths.max())), -1, dtype=np.int64)
    codes[np.arange(codes.shape[1]) < lengths[:, None]] = np.concatenate(rows)
    return codes, (np.flatnonzero((codes < 0).any(axis=0)) + 1).tolist()


def _codes_of_item(key: str, value: Any, labels: list[str], where: str | Path) -> list[int]:
    """Return the codes of one entry of an index; the labels of levels that it is the first to have are added."""
    tokens = GLUED.findall(value) if isinstance(value, str) else value
    if not isinstance(tokens, list) or not tokens or (isinstance(value, str) and not _covers(tokens, value)):
        raise LgsidError(
            f'{where}: item {key!r}: expected a list of tokens such as ["<a_12>", "<b_3>"], found {_shown(value)}'
        )
    if len(tokens) > MAX_LEVELS:
        raise LgsidError(
            f"{where}: item {key!r}: {len(tokens):,} levels are more than the {MAX_LEVELS} that a semantic ID can have"
        )
    codes = []
    for level, token in enumerate(tokens):
        label, code = _parse_token(token)
        if not 0 <= code < MAX_CODES:
            raise LgsidError(
                f"{where}: item {key!r}: level {level + 1}: token {_shown(token)} is no label with a code in "
                f"0..{MAX_CODES - 1:,}, such as <a_12>"
            )
        if level == len(labels):
            labels.append(label)
        if label != labels[level]:
            raise LgsidError(
                f"{where}: item {key!r}: level {level + 1}: token {_shown(token)} is not of this level, where other "
                f"items have {labels[level] or 'plain integers'!r}"
            )
        codes.append(code)
    return codes


def _parse_token(token: Any) -> tuple[str, int]:
    """Return label and code of a token; code -1 if it is none."""
    if isinstance(token, int) and not isinstance(token, bool):
        return "", token
    match = TOKEN.fullmatch(token) if isinstance(token, str) else None
    if match is None or len(match["code"]) > len(str(MAX_CODES)):
        return "", -1
    return match["label"], int(match["code"])


def _covers(tokens: Sequence[str], text: str) -> bool:
    return "".join(tokens) == re.sub(r"\s", "", text)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def level_letter(level: int) -> str:
    """Return the letter of a level in a token: a, b, ... z, aa, ab, ..."""
    letters = ""
    level += 1
    while level:
        level, rest = divmod(level - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters
