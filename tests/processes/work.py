"""What several processes do, and one process does for comparison: fits and tests of every kind, in a few seconds.

`python -m processes.work FOLDER` is one of the processes; LOCAL_RANK says which.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pyarrow.parquet as pq
import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from lgsid.alignment import FarPairs, GDPOAligner, InBatchSoftmax, ListwiseRelevance
from lgsid.artefacts import Dataset, Embeddings, SemanticIDs
from lgsid.datamodules import CTRData, ItemData, PreferenceData, RewardData, SequenceData
from lgsid.processes import is_first, n_processes, process_number, sum_of
from lgsid.quantizers import LearnedRQVAE, RQKMeans
from lgsid.recommenders import (
    DIN,
    TIGER,
    ClickModel,
    HistoryCopy,
    InterestEvolution,
    NewPlaceRanker,
    OneRec,
    PlaceGenerator,
    PlaceTIGER,
    Popularity,
)
from lgsid.rewards import AnchoredPair, RewardModel
from lgsid.sharded_encoder_strategy import ShardedEncoderStrategy
from lgsid.text import LoraSpec, TextEncoder
from lgsid.tokenizers import HierTokenizer, ResidualTokenizer

T5 = {
    "d_model": 16,
    "d_kv": 8,
    "d_ff": 16,
    "num_heads": 2,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "dropout_rate": 0.0,
}
SHARDED = "sharded_"  # before the name of a kind: with the frozen weights of its encoder in pieces
IN_PIECES = ("aligner", "reward", "lora_reward")
SGD = partial(torch.optim.SGD, lr=0.02)
ODD = 37  # queries of a batch: no multiple of the number of processes


def trainer(folder: Path, devices: int, **options: Any) -> L.Trainer:
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    usual = {"accelerator": "cpu", "max_epochs": 2, "num_sanity_val_steps": 0, "default_root_dir": folder}
    several = {"devices": devices, "strategy": "ddp" if devices > 1 else "auto"}
    return L.Trainer(**usual | several | quiet | options)


class Work:
    """All fits and tests on the data of a folder.

    Args:
        folder: Has `data`, `sids.parquet`, `vectors.parquet` and `encoder`.
        devices: Number of processes.
        results: Where the first process writes.
    """

    def __init__(self, folder: Path, devices: int, results: Path) -> None:
        self.folder, self.devices, self.results = folder, devices, results
        self.data, self.sids = Dataset.read(folder / "data"), folder / "sids.parquet"
        results.mkdir(parents=True, exist_ok=True)

    def sequences(self, **options: Any) -> SequenceData:
        return SequenceData(self.data, self.sids, batch_size=ODD, eval_batch_size=16, max_history=20, **options)

    def clicks(self) -> CTRData:
        return CTRData(self.data, self.sids, batch_size=ODD, eval_batch_size=16, max_history=20)

    def pairs(self) -> PreferenceData:
        return PreferenceData(self.data, samplers=[FarPairs()], n_pairs=20, batch_size=7)

    def lists(self) -> RewardData:
        return RewardData(self.data, n_candidates=5, batch_size=7, held_out_share=0.5)

    def items(self) -> ItemData:
        return ItemData(self.data, Embeddings.read(self.folder / "vectors.parquet"), batch_size=25)

    def encoder(self, rank: int | None) -> TextEncoder:
        lora = None if rank is None else LoraSpec(rank=rank, dropout=0.0)
        return TextEncoder(str(self.folder / "encoder"), lora=lora, autocast="float32")

    def kinds(self) -> dict[str, tuple[Any, Any]]:
        """Return how each model and its data are made."""
        rqvae = partial(LearnedRQVAE, latent_dim=4, hidden_dims=(8,))
        small = {"t5": T5, "beam_width": 8, "optimizer": SGD}
        return {
            "tiger": (lambda: TIGER(**small), self.sequences),
            "place_tiger": (lambda: PlaceTIGER(copy=HistoryCopy(dropout=0.0), **small), self.sequences),
            "onerec": (lambda: OneRec(n_experts=4, list_length=3, **small), self.sequences),
            "din": (lambda: DIN(dropout=0.0, optimizer=SGD), self.clicks),
            "popularity": (Popularity, self.sequences),
            "aligner": (lambda: self.aligner(InBatchSoftmax()), self.pairs),
            "listwise": (lambda: self.aligner(ListwiseRelevance()), self.pairs),
            "reward": (lambda: self.reward(None), self.lists),
            "lora_reward": (lambda: self.reward(2), self.lists),
            "hier": (lambda: HierTokenizer([6, 4, 4]), self.items),
            "kmeans": (lambda: ResidualTokenizer([6, 6, 4], RQKMeans()), self.items),
            "rqvae": (lambda: ResidualTokenizer([6, 6, 4], rqvae(), optimizer=SGD), self.items),
        }

    def reward(self, rank: int | None) -> RewardModel:
        return RewardModel(self.encoder(rank), AnchoredPair(dropout=0.0), dropout=0.0, optimizer=SGD)

    def aligner(self, loss: Any) -> GDPOAligner:
        return GDPOAligner(self.encoder(2), loss, similarity_weight=1.0, optimizer=SGD)

    def fit_and_test(self, name: str, predicts: bool = True) -> None:
        """Fit, test and predict; the first process writes weights, metrics and files."""
        make_model, make_data = self.kinds()[name.removeprefix(SHARDED)]
        L.seed_everything(3, workers=False, verbose=False)
        model, data = make_model(), make_data()
        run = trainer(self.results, self.devices)
        if name.startswith(SHARDED):
            run = trainer(self.results, self.devices, strategy=ShardedEncoderStrategy())
        run.fit(model, data)
        kept: dict[str, Any] = {"fit": numbers(run)}
        if name.startswith(SHARDED):
            kept["held"] = {"here": held(model.encoder), "in all": sum(p.numel() for p in model.encoder.parameters())}
        weights = {key: value.clone() for key, value in model.state_dict().items()}
        torch.save(weights, self.results / f"{name}.{process_number()}.weights")
        run.validate(model, data, verbose=False)
        kept["validate"] = numbers(run)
        run.test(model, data, verbose=False)
        kept["test"] = numbers(run)
        folder = self.results / name
        model.prepare_export()
        if is_first():
            model.export(folder)
        if predicts:
            found = run.predict(model, data)
            parts = [part for loop in found for part in (loop if isinstance(loop, list) else [loop])]
            whole = model.all_predictions(parts)
            if is_first():
                model.export_predictions(folder, whole)
        if is_first():
            torch.save(kept, self.results / f"{name}.metrics")

    def fit_only(self) -> None:
        """Fit models that draw negatives: some process has no new place in some step, no weight is left out."""
        small = {"t5": T5, "beam_width": 8}
        for name, model, data in (
            ("place_generator", PlaceGenerator(**small), self.sequences()),
            ("ranker", NewPlaceRanker(), SequenceData(self.data, self.sids, batch_size=4, max_history=20)),
            ("dien", ClickModel(InterestEvolution()), self.clicks()),
        ):
            L.seed_everything(3, workers=False, verbose=False)
            run = trainer(self.results, self.devices, max_epochs=1, limit_val_batches=0)
            run.fit(model, data)
            torch.save((model.state_dict(), torch.rand(4)), self.results / f"{name}.{process_number()}.weights")

    def uneven(self) -> None:
        """Encode with weights in pieces where some process has fewer passes than another, forward and backward."""
        encoder = self.encoder(2)
        with torch.no_grad():  # an adapter that does something
            for weight in encoder.parameters():
                if weight.requires_grad:
                    weight.copy_(torch.sin(torch.arange(weight.numel())).reshape(weight.shape))
        if self.devices > 1:
            encoder.shard(init_device_mesh("cpu", (self.devices,)))
        texts = [f"place {number} " * (1 + number % 3) for number in range(5)]
        found: dict[str, Any] = {}
        for n in (1, 3, 5):
            vectors = encoder.embed_together(encoder.tokenize(texts[:n]), bucket=1)
            (vectors * torch.cos(torch.arange(vectors.numel())).reshape(vectors.shape)).sum().backward()
            found[f"vectors {n}"] = vectors.detach()
        own = encoder.encode(texts[: 1 + 2 * process_number()], use_cache=False)  # shares of their own
        found["own"] = own[:1]
        grads = {name: weight.grad for name, weight in encoder.named_parameters() if weight.requires_grad}
        found |= {name: sum_of(grad) / self.devices for name, grad in grads.items() if grad is not None}
        torch.save(found, self.results / f"uneven.{process_number()}")

    def served(self) -> None:
        """Write which rows each process is served."""
        rows: dict[str, list[Any]] = {}
        for name, data in (("sequences", self.sequences()), ("clicks", self.clicks())):
            data.setup()
            for split in ("train", "val", "test", "predict"):
                loader = getattr(data, f"{split}_dataloader")()
                batches = [batch.row.tolist() for batch in loader]
                assert len(batches) == len(loader)
                rows[f"{name}/{split}"] = batches
        lists = self.lists()
        lists.setup()
        for split, loaders in (("val", lists.val_dataloader()), ("test", lists.test_dataloader())):
            for number, loader in enumerate(loaders):
                batches = [batch.anchor.tolist() for batch in loader]
                assert len(batches) == len(loader)
                rows[f"lists/{split}{number}"] = batches
        torch.save(rows, self.results / f"served.{process_number()}")


def held(module: torch.nn.Module) -> int:
    """Return how many numbers of its weights this process holds."""
    weights = [weight.to_local() if isinstance(weight, DTensor) else weight for weight in module.parameters()]
    return sum(weight.untyped_storage().nbytes() // weight.element_size() for weight in weights)


def numbers(run: L.Trainer) -> dict[str, float]:
    return {name: float(value) for name, value in run.callback_metrics.items()}


def prepare(folder: Path) -> None:
    """Write the data that all processes read."""
    from lgsid.testing import tiny_encoder, toy_city

    data = toy_city(n_items=60, folder=folder / "data")
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    Embeddings(data.items.ids, vectors).write(folder / "vectors.parquet")
    codes = np.random.default_rng(1).integers(0, 5, size=(60, 3))
    SemanticIDs(data.items.ids, codes, (5, 5, 5), {}).write(folder / "sids.parquet")
    tiny_encoder("bert", folder / "encoder")


def table(path: Path) -> dict[str, list[Any]]:
    return pq.read_table(path).to_pydict()


def main(folder: str, devices: str, *names: str) -> None:
    torch.set_num_threads(1)
    work = Work(Path(folder), int(devices), Path(folder) / f"by{devices}")
    for name in names or [*work.kinds(), *(SHARDED + name for name in IN_PIECES)]:
        work.fit_and_test(name)
    if int(devices) > 1:
        assert n_processes() == int(devices)
        work.uneven()
        work.served()
        if not names:
            work.fit_only()


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)
