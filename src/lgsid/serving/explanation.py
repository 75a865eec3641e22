"""Why a place is where it is in a list: its rank, what it does not pass, and what speaks for it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lgsid.functional.ranking import UNRANKED
from lgsid.recommenders.live import NEAR_KM, LiveRecommender
from lgsid.recommenders.live_query import batch_of
from lgsid.recommenders.place_query import PlaceQuery, PreparedQuery
from lgsid.serving.schemas import Reason
from lgsid.serving.served_model import ServedModel, finite

WINDOW_H = 2  # hours before and after that of the query


def explain(model: ServedModel, live: LiveRecommender, query: PlaceQuery, row: int) -> dict[str, Any]:
    """Return the fields of `ExplainAnswer` that are of the query.

    A place that does not pass what the query asks for is ranked among those that do, so that one sees what it would be.

    Args:
        model: The model.
        live: What answers queries: the model, or the model with a ranking model behind it.
        query: The query.
        row: Row of the place.

    Raises:
        LgsidError: for what the query itself has wrong.
    """
    everything = live.prepare(replace(query, radius_km=None, new_only=False, filters=()))
    allowed, excluded = passed(live, query, everything, row)
    allowed = allowed.copy()
    allowed[row] = True
    asked = replace(everything, allowed=allowed)
    rank, score = ranked(live, asked, row)
    return {
        "at": asked.moment.local.isoformat(timespec="minutes"),
        "excluded_by": excluded,
        "rank": rank,
        "of": int(allowed.sum()),
        "listed": int(allowed.sum()) if live.model.full_ranks else live.model.k_max,
        "score": None if score is None else finite(score),
        "probability": math.exp(score) if score is not None and live.model.scores_are_log_probs else None,
        "km": finite(asked.km[row]),
        "reasons": reasons(model, live, asked, row),
    }


def passed(
    live: LiveRecommender, query: PlaceQuery, everything: PreparedQuery, row: int
) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], list[str]]:
    """Return which places pass a query, shape (N,), and what the place does not pass.

    Raises:
        LgsidError: if one of the constraints passes no place at all.
    """
    allowed = np.ones(len(live.dataset.items), dtype=bool)
    failing = []
    for part in parts(query):
        passes = live.prepare(part).allowed
        allowed &= passes
        if not passes[row]:
            failing.append(wording(part, everything, row))
    return allowed, failing


def parts(query: PlaceQuery) -> list[PlaceQuery]:
    """Return the query with each of its constraints alone."""
    bare = replace(query, radius_km=None, new_only=False, filters=())
    found = [] if query.radius_km is None else [replace(bare, radius_km=query.radius_km)]
    found += [replace(bare, new_only=True)] if query.new_only else []
    return found + [replace(bare, filters=(constraint,)) for constraint in query.filters]


def wording(part: PlaceQuery, everything: PreparedQuery, row: int) -> str:
    """Say which constraint a place does not pass."""
    if part.radius_km is not None:
        return f"within {part.radius_km:g} km: it is {everything.km[row]:.3g} km away"
    if part.new_only:
        return "new places only: the user has been there"
    return f"{part.filters[0]}"


@torch.no_grad()
def ranked(live: LiveRecommender, asked: PreparedQuery, row: int) -> tuple[int | None, float | None]:
    """Return rank and score of a place in the list that the model makes, none where it is not in it."""
    device = live.model.device
    batch = replace(
        batch_of([(asked.told, asked.moment)], live.log), target=torch.tensor([row]), is_new=torch.tensor([False])
    ).to(device)
    found, rank = live.model.evaluate(batch, torch.from_numpy(asked.allowed)[None].to(device))
    at = (found.items[0] == row).nonzero()[:, 0].tolist()
    score = float(found.scores[0, at[0]]) if at else None
    place = int(rank[0])
    return (None if place >= UNRANKED else place), score


def reasons(model: ServedModel, live: LiveRecommender, asked: PreparedQuery, row: int) -> list[Reason]:
    """Return what speaks for a place and against it, counted from the log: nothing here is a guess at the model's."""
    log, items, visits, moment = live.log, live.dataset.items, asked.visits, asked.moment
    found = []
    own = int((visits.item == row).sum())
    if own:
        last = moment.time_s - float(visits.time_s[visits.item == row].max())
        found.append(Reason(kind="visits", text=f"visited {own}x, last {ago(last)} ago", value=own))
    elif len(visits.item):
        found.append(Reason(kind="visits", text="the user has not been there", value=0))
    steps = int(live.steps(asked.told, moment)[row])
    if steps:
        last_place = asked.told.item[-1]
        here = str(model.texts["name"][last_place] or items.ids[last_place])
        found.append(Reason(kind="transitions", text=f"others went on there from {here} {steps}x", value=steps))
    if np.isfinite(asked.km[row]):
        km = float(asked.km[row])
        nearer = int((asked.km < km).sum())
        near = " (a walk of some minutes)" if km <= NEAR_KM else ""
        found.append(Reason(kind="distance", text=f"{km:.2f} km away{near}; {nearer} places are nearer", value=km))
    count = int(model.check_ins[row])
    better = int((model.check_ins > count).sum())
    found.append(
        Reason(kind="popularity", text=f"{count} check-ins in training; {better} places have more", value=count)
    )
    known = log.time_s < moment.time_s
    hours = log.hour[known & (log.item == row)]
    if len(hours):
        share, usual = near_hour(hours, moment.local.hour), near_hour(log.hour[known], moment.local.hour)
        when = f"{moment.local.hour:02d}:00"
        text = f"{share:.0%} of its check-ins are within {WINDOW_H} hours of {when}; {usual:.0%} of all are"
        found.append(Reason(kind="hour", text=text, value=share))
    category = str(model.texts["category"][row])
    if category and len(visits.item):
        share = float((model.texts["category"][visits.item] == category).mean())
        found.append(Reason(kind="category", text=f"{share:.0%} of the user's visits are to {category}", value=share))
    if model.codebook_sizes and len(visits.item):
        found += codes_in_common(model, asked, row)
    return found


def codes_in_common(model: ServedModel, asked: PreparedQuery, row: int) -> list[Reason]:
    """Return which other place of the user's past shares most leading codes, if any shares one."""
    others = asked.visits.item[asked.visits.item != row]
    if not len(others):
        return []
    shared = model.shared_codes(model.codes[row].tolist())[others]
    best = int(shared.max())
    if not best:
        return []
    rows, counts = np.unique(others[shared == best], return_counts=True)
    often = int(counts.argmax())
    name = str(model.texts["name"][rows[often]] or model.items.ids[rows[often]])
    of = len(model.codebook_sizes)
    text = f"shares {best} of {of} codes with {name}, visited {counts[often]}x"
    return [Reason(kind="codes", text=text, value=best)]


def near_hour(hours: np.ndarray[Any, np.dtype[np.float32]], hour: int) -> float:
    """Return the share of hours (M,) of the day within `WINDOW_H` hours of one, around midnight too."""
    apart = np.abs(np.floor(hours) - hour)
    return float((np.minimum(apart, 24 - apart) <= WINDOW_H).mean())


def ago(seconds: float) -> str:
    """Return a time that passed in words."""
    if seconds < 2 * 3600:
        return f"{max(0, round(seconds / 60))} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 2 * 86400 else f"{seconds / 86400:.0f} days"
