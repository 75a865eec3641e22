"""The run folder of a tiny pipeline: a toy city, an encoder, semantic IDs, two generators, a counter, a click model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from lgsid import checkpoints
from lgsid.alignment import GDPOAligner, SimilarityMargin
from lgsid.artefacts.files import write_json
from lgsid.datamodules import CTRData, ItemData, SequenceData
from lgsid.recommenders import TIGER, EvidenceNetwork, PlaceGenerator
from lgsid.recommenders.click import DIN
from lgsid.recommenders.counting import NewPlaceFloor
from lgsid.testing import quiet_trainer, toy_city
from lgsid.text import LoraSpec, PromptTemplate, TextEncoder
from lgsid.tokenizers import HierTokenizer
from lgsid.typing import DataShape

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
TRAINER = {"limit_val_batches": 0, "max_epochs": 1, "limit_train_batches": 1}
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
PROMPTS = PromptTemplate("{category}[, {name}]", "[{region_2}, ]cells {cell_3}, {cell_4}")


def write_config(folder: Path, model: str, data: str, **arguments: str) -> None:
    """Write what a training keeps of its config; the run has moved since."""
    paths = {name: f"runs/moved/{path}" for name, path in arguments.items()}
    config = {"model": {"class_path": model}, "data": {"class_path": data, "init_args": paths}}
    write_json(folder / "fit_config.yaml", config)  # JSON is YAML


def fitted(module: Any, data: Any, folder: Path) -> Any:
    """Train for one batch and keep the checkpoint."""
    torch.manual_seed(0)
    trainer = quiet_trainer(**TRAINER)
    trainer.fit(module, datamodule=data)
    folder.mkdir(exist_ok=True)
    trainer.save_checkpoint(folder / "model.ckpt")
    return module


def make_run(folder: Path, encoder: str) -> None:
    """Write the run folder.

    Args:
        folder: An empty folder.
        encoder: Folder of a tiny language model.
    """
    data = toy_city(folder=folder / "data")
    write_json(folder / "run.json", {"made_by": "lgsid run", "pipeline": "toy"})
    torch.manual_seed(0)
    aligner = GDPOAligner(TextEncoder(encoder, lora=LoraSpec(rank=2), autocast="float32"), SimilarityMargin())
    aligner.ensure_built(DataShape(len(data.items)))
    (folder / "align").mkdir()
    checkpoints.save(aligner, folder / "align" / "model.ckpt")
    vectors = aligner.embeddings(data.items, PROMPTS)
    vectors.write(folder / "align" / "embeddings.parquet")
    tokenizer = fitted(HierTokenizer((4, 4, 24)), ItemData(data, vectors), folder / "tokenize")
    tokenizer.tokenize(data, vectors).write(folder / "tokenize" / "sids.parquet")
    made = "align/embeddings.parquet"
    write_config(folder / "tokenize", "lgsid.tokenizers.HierTokenizer", "ItemData", dataset="data", embeddings=made)
    sids = folder / "tokenize" / "sids.parquet"
    sequences = SequenceData(str(folder / "data"), str(sids))
    for name, model in (
        ("generator", PlaceGenerator(T5, evidence=EvidenceNetwork(hidden=4), beam_width=8)),
        ("tiger", TIGER(T5, beam_width=8)),
        ("floor", NewPlaceFloor()),
    ):
        with_sids = {} if name == "floor" else {"sids": "tokenize/sids.parquet"}
        fitted(model, SequenceData(str(folder / "data")) if name == "floor" else sequences, folder / name)
        kind = f"lgsid.recommenders.{type(model).__name__}"
        write_config(folder / name, kind, "lgsid.datamodules.SequenceData", dataset="data", **with_sids)
    fitted(DIN(), CTRData(str(folder / "data"), str(sids), max_history=10), folder / "din")
    write_config(folder / "din", "DIN", "CTRData", dataset="data", sids="tokenize/sids.parquet")
