"""`lgsid strip`: a checkpoint that can be given away."""

from __future__ import annotations

from pathlib import Path

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command


@command()
def strip(checkpoint: str, *, output: str) -> str:
    """Write a checkpoint without check-ins, optimizer and trainer, to give away.

    It recommends and gives semantic IDs as the whole one does at the end of the log. A counting model can no longer be
    tested, since nothing tells what was known when.

    Args:
        checkpoint: model.ckpt of any model, or its run folder.
        output: File for the stripped one, which must not exist.
    """
    from lgsid import checkpoints
    from lgsid.module import LgsidModule

    target = Path(output)
    if target.exists():
        raise LgsidError(f"--output {target}: exists already; name a new file")
    module: LgsidModule = checkpoints.load(checkpoint)
    module.forget_check_ins()
    checkpoints.save(module, target)
    return f"{target}: written, without check-ins, optimizer and trainer"
