"""The trained reward model as a part of the alignment: frozen, and read from its checkpoint."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.rewards import RewardHead, RewardModel
from lgsid.text import TextEncoder

SAME_VECTORS = ("weights_hash", "pooling", "normalize", "dim")


class TrainedReward:
    """The head of a trained reward model. It is no module, so it is neither trained nor saved again.

    Args:
        owner: Who asks for it, for messages.
        reward: Checkpoint of the reward model, `model.ckpt` of its run folder, or the model itself.
    """

    def __init__(self, owner: str, reward: str | Path | RewardModel | None) -> None:
        self.owner = owner
        self._given = reward
        self._head: RewardHead | None = None

    def without_models(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return constructor arguments without a reward model: a checkpoint keeps the path of one only."""
        return {name: value for name, value in arguments.items() if not isinstance(value, RewardModel)}

    def load(self, encoder: TextEncoder) -> None:
        """Read the head.

        Raises:
            LgsidError: if there is none, or it was trained on the vectors of another encoder.
        """
        if not self._given:
            raise LgsidError(f"{self.owner}: no reward given; set its init_args.reward to the model.ckpt of a reward")
        if isinstance(self._given, RewardModel):
            source, head = self.owner, deepcopy(self._given.head).eval()
        else:
            source, head = str(self._given), RewardHead.load(self._given)
        here = encoder.describe()
        for name in SAME_VECTORS:
            if name in head.encoder and head.encoder[name] != here[name]:
                raise LgsidError(
                    f"{source}: this reward was trained on an encoder with {name} {head.encoder[name]!r}, "
                    f"not {here[name]!r}; set the same for both"
                )
        self._head = head.requires_grad_(False)

    def score(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the reward of candidates (B, C, D) for anchors (B, D), shape (B, C).

        Raises:
            LgsidError: if it has not been read.
        """
        if self._head is None:
            raise LgsidError(f"{self.owner}: the reward has not been read; call `prepare` first")
        return self._head.to(anchor.device).score(anchor, candidates)
