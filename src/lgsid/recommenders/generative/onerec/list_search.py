"""Beam search for lists of places, each place found by a search over the tree of semantic IDs."""

from __future__ import annotations

import torch
from torch import Tensor

from lgsid.functional.ranking import top_k
from lgsid.recommenders.generative.beam_decoder import EncodedQueries
from lgsid.recommenders.generative.continued_decoder import ContinuedDecoder
from lgsid.recommenders.generative.onerec.list_generator import ListGenerator
from lgsid.recommenders.generative.onerec.place_lists import PlaceLists


def find_lists(
    model: ListGenerator, encoded: EncodedQueries, length: int, n_lists: int, width: int, allowed: Tensor | None = None
) -> PlaceLists:
    """Find probable lists of different places: a beam over lists, of which each is continued by a search for a place.

    A list of j places is continued by the best `n_lists` + j places that the search of the model finds, without those
    that it holds: at least `n_lists` are left. Exact if `n_lists` is at least the number of lists and the search is
    exact; probabilities are not normalized anew over what a list may still hold.

    Args:
        model: The generator.
        encoded: B queries.
        length: Most places of a list (m); a list ends where no place is left.
        n_lists: Lists of a query that are followed and returned (W).
        width: Prefixes of each list that the search for its next place follows at a time.
        allowed: Shape (N,) or (B, N) bool, the places that lists may hold.

    Returns:
        Lists of B queries.
    """
    n_queries, device = len(encoded), encoded.states.device
    query = torch.arange(n_queries, device=device)  # (M,) of each list, ascending
    items = query.new_empty(n_queries, 1, 0)
    steps = torch.zeros(n_queries, 1, 0, device=device)
    log_prob = torch.zeros(n_queries, 1, device=device)
    decoder = model.beam_decoder(encoded)
    states = decoder.start(model.begin_tokens(n_queries, device))
    for place in range(length):
        wanted = n_lists + place
        scorer = model.list_scorer(ContinuedDecoder(decoder, states), len(query))
        mask = allowed if allowed is None or allowed.ndim == 1 else allowed[query]
        found, score = model.search.find(
            model.catalogue.trie, scorer, len(query), max(width, wanted), wanted, mask
        )  # (M, C) each
        held = (found[:, :, None] == items.flatten(0, 1)[:, None]).any(2)
        over = items[..., -1:].flatten() < 0 if place else torch.zeros_like(query, dtype=torch.bool)
        score = score.masked_fill(held | (found < 0) | over[:, None], -torch.inf)
        ended = score.isneginf().all(1)
        found = found.masked_fill(ended[:, None], -1)
        step = torch.where(ended[:, None], 0.0, score)
        total = log_prob.flatten()[:, None] + step
        total[:, 1:] = total[:, 1:].masked_fill(ended[:, None], -torch.inf)  # a list that has ended stays, once
        n_before = items.shape[1]
        best, log_prob = top_k(total.view(n_queries, -1), n_lists)  # (B, W)
        chosen = best.clamp_min(0)
        parent = chosen // wanted + torch.arange(n_queries, device=device)[:, None] * n_before  # (B, W) lists
        new = found.view(n_queries, -1).gather(1, chosen).masked_fill(best < 0, -1)
        gain = step.view(n_queries, -1).gather(1, chosen).masked_fill(new < 0, 0.0)
        items = torch.cat([items.flatten(0, 1)[parent], new[..., None]], 2)
        steps = torch.cat([steps.flatten(0, 1)[parent], gain[..., None]], 2)
        query = torch.arange(n_queries, device=device).repeat_interleave(n_lists)
        if place + 1 < length:
            states = states.take(parent.flatten())
            codes = model.code_tokens(new.flatten())
            for level in range(codes.shape[1]):
                states = decoder.advance(states, codes[:, level])
            states = decoder.advance(states, model.begin_tokens(len(query), device))
    return PlaceLists(items, steps, log_prob)
