"""What the click models cost at long histories: a training step, and the part that reads the history, against DIN.

    python benchmarks/speed/long_histories.py    # writes benchmarks/results/long_histories/long_histories.json

Random histories among 5,000 places, one thread, CPU seconds. At each length, all models take the same batch in turn,
several times, so that other work on the machine changes all alike; a ratio is the median of a model's time over DIN's
of the same turn. `step` is forward and backward of a whole `ClickModel`, embedding tables included, `extractor` is
forward and backward of the interest extractor alone, on embedded events. Searches find 50 events.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from machine import machine
from torch.nn.functional import binary_cross_entropy_with_logits

from lgsid.artefacts.files import write_json
from lgsid.recommenders import (
    ClickInputs,
    ClickModel,
    HardSearch,
    HashSearch,
    InterestEvolution,
    InterestExtractor,
    SoftSearch,
    TargetAttention,
    TwoStageAttention,
)
from lgsid.typing import CTRBatch, DataShape

RESULT = Path(__file__).resolve().parents[1] / "results" / "long_histories" / "long_histories.json"
LENGTHS = (50, 500, 2_000)
QUERIES, CANDIDATES, PLACES, CATEGORIES, CODES = 32, 5, 5_000, 100, (64, 64, 64)
REFERENCE = "DIN"
MODELS: Mapping[str, Callable[[], InterestExtractor]] = {
    REFERENCE: TargetAttention,
    "DIEN": InterestEvolution,
    "SIM, hard search": HardSearch,
    "SIM, soft search": SoftSearch,
    "TWIN": TwoStageAttention,
    "ETA": HashSearch,
}


def model(extractor: InterestExtractor) -> ClickModel:
    """Return a click model of the default size, its catalogue random."""
    torch.manual_seed(0)
    made = ClickModel(extractor)
    made.build(DataShape(PLACES, 1_000, (5, 50), CATEGORIES, n_brands=20, codebook_sizes=CODES))
    catalogue = made.catalogue
    catalogue.lat_deg.uniform_(40.5, 40.9)
    catalogue.lon_deg.uniform_(-74.2, -73.7)
    catalogue.category.random_(CATEGORIES)
    for level, size in enumerate(CODES):
        catalogue.codes[:, level].random_(size)
    return made


def batch(length: int) -> CTRBatch:
    """Return queries with histories of one length."""
    torch.manual_seed(length)
    size = (QUERIES, length)
    candidate = torch.randint(PLACES, (QUERIES, CANDIDATES))
    return CTRBatch(
        row=torch.arange(QUERIES),
        user=torch.arange(QUERIES),
        history=torch.randint(PLACES, size),
        history_age_s=(torch.rand(size, dtype=torch.float64) * 3e7).sort(dim=1, descending=True).values,
        history_hour=24 * torch.rand(size),
        history_weekday=torch.randint(7, size),
        hour=24 * torch.rand(QUERIES),
        weekday=torch.randint(7, (QUERIES,)),
        target=candidate[:, 0],
        is_new=torch.ones(QUERIES, dtype=torch.bool),
        candidate=candidate,
        label=torch.zeros(QUERIES, CANDIDATES).index_fill_(1, torch.tensor([0]), 1.0),
        near=torch.zeros(QUERIES, CANDIDATES, dtype=torch.bool),
    )


def step(trained: ClickModel, given: CTRBatch) -> None:
    """Run forward and backward of the whole model."""
    logits, losses = trained.training_logits(given)
    sum(losses.values(), binary_cross_entropy_with_logits(logits, given.label)).backward()


def read(extractor: InterestExtractor, inputs: ClickInputs) -> None:
    """Run forward and backward of the extractor."""
    interest = extractor(inputs)
    sum(interest.losses.values(), interest.vector.sum()).backward()


def seen(trained: ClickModel, given: CTRBatch) -> ClickInputs:
    """Return what the extractor of a model is given."""
    caught: list[ClickInputs] = []
    hook = trained.extractor.register_forward_pre_hook(lambda _, arguments: caught.append(arguments[0]))
    trained.training_logits(given)
    hook.remove()
    return caught[0]


def alone(inputs: ClickInputs) -> ClickInputs:
    """Return the same with embeddings that come from nowhere, and nothing computed yet."""
    event, candidate = (x.detach().requires_grad_() for x in (inputs.event, inputs.candidate))
    return replace(inputs, event=event, candidate=candidate)


def cpu_s(call: Callable[[], None]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def measure(models: Mapping[str, ClickModel], length: int, turns: int) -> dict[str, Any]:
    """Let all models take the same batch in turn; the first turn is thrown away."""
    given = batch(length)
    inputs = {name: seen(one, given) for name, one in models.items()}
    taken = []
    for _ in range(turns + 1):
        turn = {}
        for name, one in models.items():
            fresh, extractor = alone(inputs[name]), one.extractor
            turn[name] = {"step": cpu_s(lambda m=one: step(m, given))}  # type: ignore[misc]
            turn[name]["extractor"] = cpu_s(lambda e=extractor, i=fresh: read(e, i))  # type: ignore[misc]
            one.zero_grad(set_to_none=True)
        taken.append(turn)
    return {
        name: {
            part: {
                "cpu_ms_per_query": statistics.median(turn[name][part] for turn in taken[1:]) / QUERIES * 1e3,
                "to_reference": statistics.median(turn[name][part] / turn[REFERENCE][part] for turn in taken[1:]),
            }
            for part in ("step", "extractor")
        }
        for name in models
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=9, help="turns that are measured at each length")
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    models = {name: model(make()) for name, make in MODELS.items()}
    lengths = [{"events": length, "models": measure(models, length, turns)} for length in LENGTHS]
    write_json(
        RESULT,
        {
            "machine": machine(1),
            "queries": QUERIES,
            "candidates": CANDIDATES,
            "places": PLACES,
            "turns": turns,
            "reference": REFERENCE,
            "lengths": lengths,
        },
    )


if __name__ == "__main__":
    main()
