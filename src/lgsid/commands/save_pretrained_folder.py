"""`lgsid pretrained save`: a folder in the form of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lgsid.pipeline.command import command


@command()
def save(
    checkpoint: str,
    folder: str,
    *,
    run: str | None = None,
    dataset: str | None = None,
    adapter: Literal["kept", "merged"] = "kept",
    license: str = "",
) -> str:
    """Save an encoder, a tokenizer or a recommender to a folder that can be uploaded as it is, with a model card.

    Single check-ins are not saved. Look at the terms of the data before you give the folder on.

    Args:
        checkpoint: model.ckpt of an aligner (for its encoder), a tokenizer or a recommender, or its run folder.
        folder: A folder that is not there, or empty; its name becomes that of the model.
        run: Folder with the result files for the card; that of the checkpoint by default.
        dataset: Folder of the dataset of the training: its places, without check-ins, then lie in the folder.
        adapter: What becomes of the adapter of an encoder: kept beside the network, or merged into its weights.
        license: Identifier of a license, as the hub has it (apache-2.0).
    """
    from lgsid import checkpoints
    from lgsid.hub import save_pretrained
    from lgsid.module import LgsidModule

    path = Path(checkpoint)
    module: LgsidModule = checkpoints.load(path)
    found = Path(run) if run is not None else path if path.is_dir() else path.parent
    save_pretrained(module, folder, found, dataset, adapter, license)
    names = ", ".join(sorted(path.name for path in Path(folder).iterdir()))
    return f"{folder}: written: {names}"
