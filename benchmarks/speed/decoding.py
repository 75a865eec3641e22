"""Constrained decoding against transformers' `generate` on the same weights, what it is made of, and what a beam loses.

    python benchmarks/speed/decoding.py          # writes benchmarks/results/decoding/decoding.json

One thread, CPU seconds, contestants in turn, so that other work on the machine changes both alike; ratios are medians
over the pairs. Theirs is a beam search with a `prefix_allowed_tokens_fn` over a tree of dictionaries. Both get the same
encoder states. That both find the same is checked with `renormalize_logits`, which theirs does not have to pay for when
it is measured. `filters` compares a search with a mask to one without; `gather` the children of all prefixes of a step
to an unconstrained top-k over the vocabulary of the step; `trie` counts semantic IDs per second. `lost` is the share of
the true first ten that beams find, and the CPU time of the exact search over that of the beam.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
import transformers
from machine import machine
from torch import Tensor
from transformers import T5Config, T5ForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from lgsid.artefacts import SemanticIDs
from lgsid.artefacts.files import write_json
from lgsid.datamodules import SequenceData
from lgsid.datasets import DatasetBuilder, SyntheticCity, TemporalSplit
from lgsid.recommenders import TIGER, BeamSearch, BestFirstSearch, HistoryCopy, NodeGeography, PlaceTIGER, SummedTokens
from lgsid.recommenders.generative.beam_decoder import EncodedQueries
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.typing import DataShape, SequenceBatch

RESULT = Path(__file__).resolve().parents[1] / "results" / "decoding" / "decoding.json"
BATCH, HISTORY, USERS, LEVELS = 32, 24, 1000, 4
T5 = {"d_model": 128, "d_kv": 32, "d_ff": 512, "num_heads": 4, "num_layers": 4, "num_decoder_layers": 4}
CASES = ((10_000, 256, 10), (100_000, 256, 50), (100_000, 20, 50))  # items, codes of each of four levels, beam
BEAMS = (10, 32, 50)
Found = tuple[Tensor, Tensor]


def cpu(function: Callable[[], Any]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def paired(one: Callable[[], Any], other: Callable[[], Any], pairs: int) -> dict[str, float]:
    """Measure two contestants in turn; the ratio is that of the second over the first, the median of the pairs."""
    one(), other()
    seconds = [(cpu(one), cpu(other)) for _ in range(pairs)]
    ratios = [theirs / ours for ours, theirs in seconds]
    medians = [statistics.median(side) for side in zip(*seconds, strict=True)]
    spread = {"low": min(ratios), "high": max(ratios)}
    return {"ratio": statistics.median(ratios), **spread, "first": medians[0], "second": medians[1]}


def semantic_ids(n: int, codes: int) -> Tensor:
    """Return n different random semantic IDs, (n, LEVELS)."""
    rng = np.random.default_rng(n + codes)
    drawn = np.unique(rng.integers(codes**LEVELS, size=3 * n + codes**LEVELS // 100))
    chosen = torch.from_numpy(rng.permutation(drawn)[:n])
    return torch.stack([chosen // codes**at % codes for at in range(LEVELS - 1, -1, -1)], 1)


def untrained(ids: Tensor, codes: int, beam: int) -> TIGER:
    """Return a generator with random weights for items with these semantic IDs."""
    torch.manual_seed(0)
    model = TIGER(t5=T5, history_tokens=SummedTokens(), encoder_history=HISTORY, user_buckets=USERS, beam_width=beam)
    model.ensure_built(DataShape(n_items=len(ids), n_users=USERS, codebook_sizes=(codes,) * LEVELS))
    model.catalogue.codes.copy_(ids)
    return model.eval()


def queries(n_items: int) -> SequenceBatch:
    """Return random queries."""
    draw = torch.Generator().manual_seed(0)
    shape = (BATCH, HISTORY)
    return SequenceBatch(
        row=torch.arange(BATCH),
        user=torch.randint(USERS, (BATCH,), generator=draw),
        history=torch.randint(n_items, shape, generator=draw),
        history_age_s=torch.rand(shape, generator=draw).double() * 1e6,
        history_hour=torch.rand(shape, generator=draw) * 24,
        history_weekday=torch.randint(7, shape, generator=draw),
        hour=torch.rand(BATCH, generator=draw) * 24,
        weekday=torch.randint(7, (BATCH,), generator=draw),
        target=torch.full((BATCH,), -1),
        is_new=torch.zeros(BATCH, dtype=torch.bool),
    )


class Theirs:
    """Transformers' beam search on the weights of a model, over its semantic IDs as a tree of dictionaries."""

    def __init__(self, model: TIGER, ids: Tensor, beam: int) -> None:
        options = {**model.t5_options, "vocab_size": model.token_table.num_embeddings, "pad_token_id": 0}
        config = T5Config(decoder_start_token_id=0, eos_token_id=None, **options)
        self.t5 = T5ForConditionalGeneration(config).eval()
        self.t5.load_state_dict({**model.t5.state_dict(), "lm_head.weight": model.token_table.weight})
        self.beam, self.tree, self.item = beam, {}, {}
        for item, row in enumerate((ids + torch.tensor(model.level_offset)).tolist()):
            node: dict[int, Any] = self.tree
            for token in row:
                node = node.setdefault(token, {})
            self.item[tuple(row)] = item

    def allowed(self, query: int, tokens: Tensor) -> list[int]:
        """Return the tokens that may follow."""
        node = self.tree
        for token in tokens.tolist()[1:]:
            node = node[token]
        return list(node)

    def find(self, encoded: EncodedQueries, **options: Any) -> Any:
        """Return what `generate` finds."""
        return self.t5.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=encoded.states),
            attention_mask=encoded.real.long(),
            prefix_allowed_tokens_fn=self.allowed,
            num_beams=self.beam,
            num_return_sequences=self.beam,
            max_new_tokens=LEVELS,
            min_new_tokens=LEVELS,
            length_penalty=0.0,
            do_sample=False,
            return_dict_in_generate=True,
            **options,
        )

    def items(self, encoded: EncodedQueries) -> Found:
        """Return items and scores, normalized over what the tree allows as ours are."""
        found = self.find(encoded, renormalize_logits=True, output_scores=True)
        items = [self.item[tuple(row)] for row in found.sequences[:, 1:].tolist()]
        return torch.tensor(items).view(-1, self.beam), found.sequences_scores.view(-1, self.beam)


@torch.no_grad()
def compare(n: int, codes: int, beam: int, pairs: int) -> dict[str, Any]:
    """Measure one case against transformers, and with filters."""
    ids = semantic_ids(n, codes)
    model = untrained(ids, codes, beam)
    trie = model.catalogue.trie
    encoded, theirs, search = model.encode_queries(queries(n)), Theirs(model, ids, beam), BeamSearch()

    def ours(allowed: Tensor | None = None) -> Found:
        return search.find(trie, model.generator_scorer(encoded), BATCH, beam, beam, allowed)

    (found, scores), (expected, their_scores) = ours(), theirs.items(encoded)
    masks = {"one of all queries": torch.rand(n) < 0.1, "one a query": torch.rand(BATCH, n) < 0.1}
    return {
        "items": n,
        "codes": codes,
        "beam": beam,
        "same": float((found == expected).float().mean()),
        "largest_difference": float((scores - their_scores).abs().max()),
        "speed": paired(ours, lambda: theirs.find(encoded), pairs),
        "filters": {name: paired(ours, lambda mask=mask: ours(mask), 3 * pairs) for name, mask in masks.items()},
        "gather": gather(trie, codes, beam, 3 * pairs),
    }


def gather(trie: ItemTrie, codes: int, beam: int, pairs: int) -> list[dict[str, Any]]:
    """Measure, by depth, the children of random prefixes against an unconstrained top-k over the vocabulary."""
    found = []
    for depth in range(1, LEVELS):
        nodes = torch.randint(trie.n_nodes[depth], (BATCH * beam,))
        query = torch.arange(BATCH).repeat_interleave(beam)
        scores = torch.randn(BATCH, beam * codes * LEVELS)

        def children(depth: int = depth, nodes: Tensor = nodes, query: Tensor = query) -> Any:
            return trie.children(depth, nodes, query)

        def unconstrained(scores: Tensor = scores) -> Any:
            return scores.topk(2 * beam)

        found.append({"depth": depth, "children": len(children()), **paired(children, unconstrained, pairs)})
    return found


def trie_speed(n: int, repeats: int) -> dict[str, float]:
    """Measure how many semantic IDs a second become a tree."""
    ids = torch.randint(256, (n, LEVELS))
    ItemTrie(ids)
    rates = [n / cpu(lambda: ItemTrie(ids)) for _ in range(repeats)]
    return {"ids": n, "per_s": statistics.median(rates), "best_per_s": max(rates)}


def trained() -> tuple[TIGER, SequenceBatch]:
    """Train PlaceTIGER on a city whose codes are cells of the map, and return it with queries."""
    city = SyntheticCity(n_places=5000, n_users=500, n_checkins=20_000)
    dataset = DatasetBuilder("city", city, TemporalSplit()).build()
    north, east = (np.argsort(np.argsort(x)) * 16 // len(x) for x in (dataset.items.lat_deg, dataset.items.lon_deg))
    place = np.random.default_rng(0).permutation(len(north))
    codes = np.stack([north * 16 + east, place // 256, place % 256], 1).astype(np.int64)
    sids = SemanticIDs(dataset.items.frame["item_id"].to_numpy(dtype=object), codes, (256, 256, 256))
    data = SequenceData(dataset, sids, batch_size=256)
    torch.manual_seed(0)
    model = PlaceTIGER(copy=HistoryCopy(), node_logits=[NodeGeography()])
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    L.Trainer(max_epochs=2, limit_val_batches=0, enable_model_summary=False, **options).fit(model, data)
    return model.eval(), data.batch(data.queries("test")[:256])


@torch.no_grad()
def lost(name: str, model: TIGER, batch: SequenceBatch, k: int = 10) -> dict[str, Any]:
    """Measure what beams find of the true first k, and what the exact search costs."""
    trie = model.catalogue.trie

    def found(search: Any, width: int) -> Tensor:
        return search.find(trie, model.prefix_scorer(batch), len(batch), width, k)[0]

    true = found(BestFirstSearch(), 32)
    shares = {}
    for beam in BEAMS:
        listed = found(BeamSearch(), beam)
        shares[str(beam)] = float((true[:, :, None] == listed[:, None]).any(2).float().mean())
    cost = paired(lambda: found(BeamSearch(), 32), lambda: found(BestFirstSearch(), 32), 3)
    return {"model": name, "items": trie.n_items, "found": shares, "exact_over_beam_32": cost["ratio"]}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3, help="repetitions; ratios are medians over them")
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    losses = []
    for codes in (256, 12):
        ids = semantic_ids(10_000, codes)
        losses.append(lost(f"untrained, 4 levels of {codes} codes", untrained(ids, codes, 32), queries(len(ids))))
    losses.append(lost("trained on a synthetic city", *trained()))
    result = {
        "machine": {**machine(1), "transformers": transformers.__version__, "load": os.getloadavg()[0]},
        "batch": BATCH,
        "t5": T5,
        "cases": [compare(*case, pairs) for case in CASES],
        "trie": trie_speed(2_000_000, pairs),
        "lost": losses,
    }
    write_json(RESULT, result)


if __name__ == "__main__":
    main()
