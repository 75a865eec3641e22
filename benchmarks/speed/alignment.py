"""What a step of the alignment costs, in encodes, against the text encoder alone, and what all pairs of a city take.

    python benchmarks/speed/alignment.py         # writes benchmarks/results/alignment_speed/alignment_speed.json

A synthetic city of 5,000 places, the default encoder with a low-rank adapter, one thread, CPU seconds. Each step of a
real training (drawing pairs, tokens, both terms of the loss, backward, clipping, optimizer) is followed by the bare
encoder on the same prompts, forward and backward, in batches of the same lengths: in turn, so that other work on the
machine changes both alike. `share_in_encoder` is the second over the first. An encode is one prompt, forward and
backward; a step costs `texts_per_step / share_in_encoder` of them. `all_pairs` counts transition pairs of the city, and
the CPU seconds that one epoch over as many takes at the measured rate: an extrapolation, not a run.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import platform
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch

from lgsid.alignment import (
    AlignmentLoss,
    AlternatingRejected,
    GDPOAligner,
    InBatchSoftmax,
    ListwiseRelevance,
    NearbyRejected,
    NearOtherCategoryPairs,
    PairSampler,
    SameCategoryFarPairs,
    SameCategoryRejected,
    SimilarityMargin,
    TransitionPairs,
)
from lgsid.alignment.gdpo_aligner import LENGTH_BUCKET
from lgsid.artefacts import Dataset
from lgsid.artefacts.files import write_json
from lgsid.datamodules import PreferenceData
from lgsid.datasets import DatasetBuilder, SyntheticCity, TemporalSplit
from lgsid.text import LoraSpec, TextEncoder
from lgsid.typing import PreferenceBatch

RESULT = Path(__file__).resolve().parents[1] / "results" / "alignment_speed" / "alignment_speed.json"
PLACES, USERS, CHECKINS = 5_000, 1_000, 80_000
WARM_UP = 2  # steps that are thrown away
KEYS_AND_VALUES = LoraSpec()
ALL_LINEAR = LoraSpec(rank=16, alpha=32, targets="all-linear")
MIXED = (TransitionPairs(), SameCategoryFarPairs(), NearOtherCategoryPairs())
NEXT = (TransitionPairs(rejected=AlternatingRejected([NearbyRejected(300), SameCategoryRejected(10)])),)
Case = tuple[LoraSpec, AlignmentLoss, tuple[PairSampler, ...], int, int]
CASES: Mapping[str, Case] = {  # adapter, loss, samplers, pairs in a batch, rejected places of each
    "pairwise, 32 pairs, keys and values": (KEYS_AND_VALUES, SimilarityMargin(), MIXED, 32, 1),
    "in-batch, 96 pairs, keys and values": (KEYS_AND_VALUES, InBatchSoftmax(), MIXED, 96, 1),
    "in-batch, 96 pairs, all linear layers": (ALL_LINEAR, InBatchSoftmax(), MIXED, 96, 1),
    "lists, 48 pairs, all linear layers (default)": (ALL_LINEAR, ListwiseRelevance(), NEXT, 48, 2),
}


class Stopwatch(L.Callback):
    """Measure every step, and after each the bare encoder on the same prompts."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self.start = time.process_time()

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: PreferenceBatch, batch_idx: int
    ) -> None:
        """Note the CPU seconds since the end of the last one, then those of the encoder alone."""
        assert isinstance(module, GDPOAligner)
        step = time.process_time() - self.start
        places = torch.cat([batch.anchor, batch.chosen, batch.rejected.flatten()]).unique()
        tokens = [module.tokens[row] for row in places.tolist()]
        start = time.process_time()
        module.encoder.embed_together(tokens, LENGTH_BUCKET).sum().backward()
        bare = time.process_time() - start
        module.zero_grad(set_to_none=True)
        self.steps.append({"texts": len(places), "step": step, "encoder": bare})
        self.start = time.process_time()


def city() -> Dataset:
    """Return the city."""
    source = SyntheticCity(n_places=PLACES, n_users=USERS, n_checkins=CHECKINS)
    return DatasetBuilder("city", source, TemporalSplit()).build()


def measure(dataset: Dataset, case: Case, steps: int) -> dict[str, Any]:
    """Train for some steps."""
    lora, loss, samplers, batch_size, n_rejected = case
    n_pairs = (steps + WARM_UP) * batch_size
    data = PreferenceData(
        dataset, samplers=list(samplers), n_pairs=n_pairs, n_rejected=n_rejected, batch_size=batch_size
    )
    torch.manual_seed(0)
    encoder, watch = TextEncoder(lora=lora), Stopwatch()
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=1,
        limit_val_batches=0,
        gradient_clip_val=1.0,
        callbacks=[watch],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
    )
    trainer.fit(GDPOAligner(encoder, loss), data)
    kept = watch.steps[WARM_UP:]
    step, texts, bare = (sum(one[key] for one in kept) for key in ("step", "texts", "encoder"))
    pairs = int(data.samplers[0].counts.sum())  # type: ignore[attr-defined]
    return {
        "precision": str(encoder.compute_dtype()).removeprefix("torch."),
        "texts_per_step": texts / len(kept),
        "share_in_encoder": bare / step,
        "share_of_steps": [round(one["encoder"] / one["step"], 3) for one in kept],
        "median_share": statistics.median(one["encoder"] / one["step"] for one in kept),
        "encodes_per_step": texts * step / bare / len(kept),
        "encodes_per_cpu_s": texts / bare,
        "all_pairs": {"pairs": pairs, "cpu_s": step / len(kept) * pairs / batch_size},
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10, help="steps that are measured in each case")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    dataset = city()
    cases = [{"case": name, **measure(dataset, case, steps)} for name, case in CASES.items()]
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    write_json(RESULT, {"versions": versions, "places": PLACES, "steps": steps, "cases": cases})


if __name__ == "__main__":
    main()
