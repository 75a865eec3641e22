"""Read the columns of other people's tables: ids, numbers, and the messages that name their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lgsid.errors import LgsidError

Mask = npt.NDArray[np.bool_]
MISSING_TEXTS = frozenset({"", "nan", "na", "n/a", "null", "none", "<na>"})
WHOLE_FLOATS = 2.0**53  # whole numbers below it are exact as float64
CONTROL = "[\\p{Cc}\\x{2028}\\x{2029}]"  # control characters and the two line separators of Unicode, for RE2
AROUND = r"^\s|\s$"


def check_columns(path: str | Path, frame: pd.DataFrame, columns: Sequence[str], hint: str = "") -> None:
    """Raise if a table is empty, names a column twice, or lacks one of `columns`."""
    if twice := repeated_names(map(str, frame.columns)):
        raise LgsidError(f"{path}: column {twice[0]!r} occurs more than once; rename one of them")
    missing = [str(name) for name in columns if name not in frame.columns]
    if missing:
        raise LgsidError(
            f"{path}: missing column {', '.join(missing)}; the file has {', '.join(map(str, frame.columns))}{hint}"
        )
    if frame.empty:
        raise LgsidError(f"{path}: the file has no rows")


def repeated_names(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def rows_text(rows: npt.NDArray[np.int64] | Sequence[int]) -> str:
    """Format up to three 1-based data rows: "data row 7", "data rows 7, 9, 12 and 40 more"."""
    shown = ", ".join(str(int(r)) for r in list(rows)[:3])
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"data row{'s' if len(rows) > 1 else ''} {shown}{more}"


def bad_rows(mask: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the 1-based numbers of the rows where `mask` holds."""
    return np.flatnonzero(np.asarray(mask, dtype=bool)).astype(np.int64) + 1


def plain_values(values: pd.Series) -> pd.Series:
    """Return the values of a categorical column as they are, others unchanged."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.astype(values.cat.categories.dtype)
    return values


def to_texts(values: pd.Series, where: str) -> pd.Series:
    """Turn a column into texts, missing values into empty ones; 12.0 in a column of whole numbers is "12".

    Args:
        values: The column.
        where: File and column, for the message.

    Raises:
        LgsidError: if a value is a list or the like, bytes that are no UTF-8, or no valid Unicode; names its data row.
    """
    values = plain_values(values)
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    if not isinstance(values.dtype, pd.StringDtype):
        values = values.astype(object).where(values.notna(), "")
        wrong = values.map(pd.api.types.is_list_like).to_numpy(dtype=bool)
        if wrong.any():
            example = str(values[wrong].iloc[0])[:40]
            raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: {example!r} is neither a text nor a number")
        wrong = values.map(_is_broken_text).to_numpy(dtype=bool)
        if wrong.any():
            raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: not a text of valid Unicode; save it as UTF-8")
        values = values.map(lambda value: value.decode("utf-8") if isinstance(value, bytes) else str(value)).astype(str)
    return values.fillna("")


def to_stripped_texts(values: pd.Series, where: str) -> pd.Series:
    """Return values as texts without surrounding whitespace, missing ones empty. See `to_texts`."""
    return to_texts(values, where).str.strip()


def to_numbers(values: pd.Series, where: str) -> pd.Series:
    """Convert texts to float64, missing ones to NaN.

    Args:
        values: Texts or numbers.
        where: File and column, for the message.

    Raises:
        LgsidError: if a value is neither a number nor missing; names its data row.
    """
    values = plain_values(values)
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_complex_dtype(values):
        raise LgsidError(f"{where}: values of type {values.dtype} are not numbers")
    if pd.api.types.is_numeric_dtype(values):
        return pd.Series(values.to_numpy(np.float64, na_value=np.nan), index=values.index)
    texts = to_stripped_texts(values, where)
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    wrong = numbers.isna() & ~texts.str.lower().isin(MISSING_TEXTS)
    if wrong.any():
        example = texts[wrong].iloc[0]
        hint = "; write decimals with a point" if pd.notna(pd.to_numeric(example.replace(",", "."), "coerce")) else ""
        raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: {example!r} is not a number{hint}")
    return numbers


def to_integers(values: pd.Series, where: str) -> pd.Series:
    """Convert texts or numbers to int64.

    Raises:
        LgsidError: if a value is missing or no whole number; names its data row.
    """
    numbers = to_numbers(values, where)
    wrong = ~(np.trunc(numbers) == numbers) | (numbers.abs() >= WHOLE_FLOATS)
    if wrong.any():
        raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: {str(values[wrong].iloc[0])!r} is not a whole number")
    return numbers.astype(np.int64)


def to_ids(values: pd.Series, where: str) -> pd.Series:
    """Turn a column of ids into texts without surrounding whitespace; missing ones are empty.

    Integers and texts are ids. 12.0 is 12 in a column of whole numbers: pandas makes floats of integers with gaps.

    Args:
        values: The column.
        where: File and column, for the message.

    Raises:
        LgsidError: if the ids are of another type, of several types, fractions, or whole numbers too large for a float.
    """
    values = plain_values(values)
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind == "floating":
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        wrong = ~np.isnan(numbers) & ((np.trunc(numbers) != numbers) | (np.abs(numbers) >= WHOLE_FLOATS))
        if wrong.any():
            example = float(numbers[wrong][0])
            why = "is not a whole number" if abs(example) < WHOLE_FLOATS else "has lost digits as a float"
            raise LgsidError(f"{where}: {rows_text(bad_rows(wrong))}: id {example!r} {why}; store ids as texts")
        values = pd.Series(numbers, index=values.index).astype("Int64")
    elif kind not in {"string", "integer", "empty"}:
        raise LgsidError(f"{where}: ids must be texts or integers, these are {kind}; store them as texts")
    return to_stripped_texts(values, where)


def to_arrow_texts(values: Any) -> pa.Array | None:
    """Return texts as an Arrow array, None if one is not a text, or not valid Unicode."""
    try:
        found = pa.array(values, pa.string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def find_bad_ids(values: Any) -> tuple[Mask, str] | None:
    """Find ids that are empty, have whitespace around them or control characters in them, or are no texts.

    Control characters could act on a terminal, and do not survive every file format.

    Args:
        values: Shape (N,), the ids.

    Returns:
        A mask of shape (N,) and what is wrong with the ids that it marks; None if all are sound.
    """
    texts = to_arrow_texts(values)
    if texts is None:
        return np.array([not _is_text(value) for value in values], dtype=bool), "is not a text of valid Unicode"
    for wrong, why in (
        (pc.fill_null(pc.equal(texts, ""), True), "is empty"),
        (pc.match_substring_regex(texts, CONTROL), "holds a control character; remove it"),
        (pc.match_substring_regex(texts, AROUND), "has whitespace around it; remove it"),
    ):
        mask = np.asarray(wrong.to_numpy(zero_copy_only=False), dtype=bool)
        if mask.any():
            return mask, why
    return None


def check_ids(values: Any, where: str, column: str = "item_id") -> None:
    """Raise if an id is empty, has whitespace around it or control characters in it, or is no text.

    Args:
        values: Shape (N,), the ids.
        where: What holds them, for the message.
        column: Name of the column, for the message.
    """
    if found := find_bad_ids(values):
        mask, why = found
        example = np.asarray(values, dtype=object)[mask][0]
        shown = column if why == "is empty" else f"{column} {example!r}"
        raise LgsidError(f"{where}: {rows_text(bad_rows(mask))}: {shown} {why}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not _is_broken_text(value)


def _is_broken_text(value: Any) -> bool:
    """Whether a value is bytes that are no UTF-8, or a text that UTF-8 cannot hold: half of a surrogate pair."""
    try:
        if isinstance(value, (bytes, str)):
            value.decode("utf-8") if isinstance(value, bytes) else value.encode("utf-8")
    except UnicodeError:
        return True
    return False
