"""What all inputs read or are made of: one small dataset and everything that the stages make of it. Made once."""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import tempfile
from pathlib import Path

from fuzz.child import Seen, in_child


@functools.cache
def preload() -> None:
    """Import what commands import, so that a forked child need not. Nothing here starts a thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("WANDB_MODE", "offline")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import lgsid.benchmark.leaderboard
    import lgsid.benchmark.page
    import lgsid.benchmark.scheduler
    import lgsid.cli
    import lgsid.commands.benchmark
    import lgsid.datasets
    import lgsid.metrics
    import lgsid.pipeline.runner
    import lgsid.pipeline.training_cli
    import lgsid.recommenders.live
    import lgsid.testing
    import lgsid.tokenizers.apply  # noqa: F401

    gc.collect()
    gc.freeze()  # a child's collector then leaves the pages alone that it shares with its parent


@functools.cache
def shared_folder() -> Path:
    """Return a folder with `city` (a dataset), `sids.parquet`, `sids.index.json`, `embeddings.parquet`, `tables`,
    `encoder` (a tiny language model), and the run folders `tokenizer` and `popularity`."""
    folder = Path(tempfile.mkdtemp(prefix="lgsid-shared-")).resolve()
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    seen = in_child(lambda: make_shared(folder), limit_s=600)
    if seen.died:
        raise RuntimeError(f"the shared inputs could not be made: {seen.died}")
    return folder


def make_shared(folder: Path) -> Seen:
    """Make the shared inputs."""
    import numpy as np

    from lgsid.artefacts import Embeddings, Items, SemanticIDs
    from lgsid.artefacts.files import write_json
    from lgsid.cli import main
    from lgsid.metrics import quality_card
    from lgsid.recommenders.live import recommend
    from lgsid.testing import tiny_encoder, toy_city
    from lgsid.testing.toy_city import toy_tables

    os.environ["LGSID_CACHE"] = str(folder / "cache")
    devnull = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(devnull, number)
    items = toy_city(folder=folder / "city").items
    row = np.arange(len(items))
    sids = SemanticIDs(items.ids, np.stack([row % 5, row // 5 % 4, row // 20], 1), (5, 4, 7))
    sids.write(folder / "sids.parquet")
    sids.write_index_json(folder / "sids.index.json")
    vectors = np.random.default_rng(0).normal(size=(len(items), 8)).astype(np.float32)
    Embeddings(items.ids, vectors, {"encoder": "random"}).write(folder / "embeddings.parquet")
    toy_tables(folder / "tables")
    tiny_encoder("bert", folder / "encoder")
    os.chdir(folder)
    city = "--data.dataset=city"
    main(["fit", "--config=tokenizer/random.yaml", city, "--run-folder=tokenizer", "--model.codebook_sizes=[4,4,8]"])
    main(["fit", "--config=recommender/popularity.yaml", city, "--run-folder=popularity"])
    main(["baselines", "--dataset=city", "--output=baselines"])
    live = recommend("popularity/model.ckpt", "city", history=["p00000"], k=3)
    write_json("answer.json", live.to_dict())
    table, ids = Items.read("city/items.parquet"), SemanticIDs.read("sids.parquet")
    write_json("card.json", quality_card(ids, table, Embeddings.read("embeddings.parquet")))
    of_index = SemanticIDs(sids.item_ids, sids.codes, (5, 4, 3))  # an index tells the sizes that occur
    write_json("card_without_vectors.json", quality_card(of_index, table))
    return Seen(code=0)
