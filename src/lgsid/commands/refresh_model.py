"""`lgsid refresh`: a trained recommender for places, users and check-ins that have come since."""

from __future__ import annotations

from pathlib import Path

from lgsid.pipeline.command import AsStage, command

CODE = ("lgsid.recommenders.refreshed:refreshed", "lgsid.datamodules.sequence_data:SequenceData")


@command(stage=AsStage(code=CODE))
def refresh(
    checkpoint: str,
    *,
    before: str,
    dataset: str,
    output: str,
    sids: str | None = None,
    embeddings: str | None = None,
) -> str:
    """Let a trained recommender know places, users and check-ins that have come since, without training.

    What it counts is counted anew, its weights stay. A new place can be recommended from its first day.

    Args:
        checkpoint: model.ckpt of a generative recommender or a NewPlaceRanker, or its run folder.
        before: Folder of the dataset that it was trained on, or refreshed for last.
        dataset: Folder of the dataset as it is now.
        output: Folder for the new model.ckpt, which must not be there.
        sids: Semantic IDs of the places as they are now, which known places keep: a root of lgsid sids, or a file.
        embeddings: Vectors of the places as they are now, by the same encoder, if the model reads vectors.
    """
    from lgsid import checkpoints
    from lgsid.artefacts import Dataset
    from lgsid.artefacts.names import CHECKPOINT_FILE
    from lgsid.datamodules import SequenceData
    from lgsid.errors import LgsidError
    from lgsid.recommenders import Recommender
    from lgsid.recommenders.refreshed import refreshed

    target = Path(output) / CHECKPOINT_FILE
    if target.exists():
        raise LgsidError(f"{target}: exists already; name a new folder")
    model = checkpoints.load(checkpoint, Recommender)  # type: ignore[type-abstract]
    now = SequenceData(dataset, sids, embeddings)
    now.setup()
    found = refreshed(model, Dataset.read(before), now)
    checkpoints.save(found.model, target)
    return str(found)
