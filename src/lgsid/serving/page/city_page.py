"""What the page shows of a city: its places, the models that are served, and sets of semantic IDs to color it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.recommenders.live_query import Moment
from lgsid.serving.page.place_table import place_table


def city_page(
    dataset: Dataset,
    models: Mapping[str, SemanticIDs | None],
    generations: Mapping[str, str],
    closed: Mapping[str, Sequence[str]],
    files: Mapping[str, SemanticIDs],
) -> dict[str, Any]:
    """Return what the page needs to know, as plain values.

    Args:
        dataset: The city. Of its check-ins the page gets the time of the last one, and one id of a user as an example.
        models: Name of each model that is served -> its semantic IDs, None for a model without.
        generations: Name of a model -> generation of its semantic IDs.
        closed: Name of a model -> ids of the places that it does not propose, since they are retired.
        files: Further sets of semantic IDs by name; one that a model has gives that its name.

    Returns:
        `title`, `end` (local time of the last check-in), `example_user`, `models` (each with `name`, `generation`,
        `sids`, the name of its set, and `closed`, rows of places), and what `place_table` has.
    """
    sets: dict[str, SemanticIDs] = dict(files)
    listed = []
    for model, sids in models.items():
        name = None
        if sids is not None:
            own = f"{model} (served)" if model in sets else model
            name = next((known for known, other in sets.items() if same_codes(sids, other, dataset.items)), own)
            sets.setdefault(name, sids)
        rows = np.flatnonzero(np.isin(dataset.items.ids.astype(str), np.array(closed.get(model, ()), dtype=str)))
        listed.append({"name": model, "generation": generations.get(model, ""), "sids": name, "closed": rows.tolist()})
    users = dataset.user_ids
    return {
        "title": str(dataset.report.get("name", "") or "city").replace("_", " "),
        "end": Moment.of(None, CheckInLog.of(dataset)).local.isoformat(timespec="minutes"),
        "example_user": str(users[0]) if len(users) else "",
        "models": listed,
        **place_table(dataset.items, sets),
    }


def same_codes(a: SemanticIDs, b: SemanticIDs, items: Items) -> bool:
    """Return whether two sets give all items the same codes."""
    if not (set(items.ids) <= set(a.item_ids) and set(items.ids) <= set(b.item_ids)):
        return False
    return a.n_levels == b.n_levels and np.array_equal(a.for_items(items), b.for_items(items))
