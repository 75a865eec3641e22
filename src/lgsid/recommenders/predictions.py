"""Predictions of recommenders as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.tables import write_parquet
from lgsid.typing import CTRBatch, SequenceBatch


def ranked_columns(batch: SequenceBatch, items: Tensor, scores: Tensor) -> dict[str, Tensor]:
    """Return one line for each recommended item.

    Args:
        batch: B queries.
        items: Shape (B, k), item rows best first, -1 is padding.
        scores: Shape (B, k).

    Returns:
        Columns row, user, rank, item and score on the CPU, one line for each of the items that are not padding.
    """
    kept = items >= 0
    rank = torch.arange(1, items.shape[1] + 1, device=items.device)
    given = {"row": batch.row[:, None], "user": batch.user[:, None], "rank": rank, "item": items, "score": scores}
    return {name: values.expand(items.shape)[kept].cpu() for name, values in given.items()}


def click_columns(batch: CTRBatch, scores: Tensor) -> dict[str, Tensor]:
    """Return one line for each candidate: columns row, user, item, label and score on the CPU, scores (B, C)."""
    given = {"row": batch.row[:, None], "user": batch.user[:, None], "item": batch.candidate, "label": batch.label}
    return {name: values.expand(scores.shape).flatten().cpu() for name, values in (given | {"score": scores}).items()}


def write_predictions(path: Path, dataset: Dataset, parts: Sequence[Mapping[str, Tensor]]) -> None:
    """Write columns as Parquet, in the order of log rows, with the ids of users and items in place of their numbers.

    Args:
        path: File to write.
        dataset: It knows the ids.
        parts: Columns of `ranked_columns` or `click_columns`, batch by batch.
    """
    columns = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
    order = np.argsort(columns["row"], kind="stable")
    ids = {"user": ("user_id", dataset.user_ids), "item": ("item_id", dataset.items.ids)}
    table = {}
    for name, values in columns.items():
        shown, known = ids.get(name, (name, None))
        table[shown] = values[order] if known is None else known[values[order]]
    write_parquet(pa.table(table), path)
