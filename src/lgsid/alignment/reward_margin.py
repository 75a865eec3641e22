"""Preference loss on a trained reward."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lgsid.alignment.preference_loss import PreferenceLoss
from lgsid.errors import LgsidError
from lgsid.functional.preference import pairwise_preference_loss

if TYPE_CHECKING:
    from lgsid.rewards import RewardModel

logger = logging.getLogger(__name__)


class RewardMargin(PreferenceLoss):
    """G-DPO as the paper has it: the implicit reward is the trained, frozen reward on the encoder's embeddings.

    `-log sigmoid(beta [R(E(i+)) - R(E(i-)) - R(E_ref(i+)) + R(E_ref(i-))])` (arXiv 2511.14221, METHOD 2). With an
    anchored reward (`AnchoredPair`) R also sees the anchor's embedding, so that it speaks of nearness between two
    places; with the literal one (`MismatchedPrompt`) it sees the candidate alone. The reward is read from its
    checkpoint and never trained or saved again. A drifting encoder can raise R without bringing near places together:
    judge the result by real distances.

    Args:
        reward: Checkpoint of a trained reward, `model.ckpt` of its run folder.
        beta: Scale of the margin.
    """

    def __init__(self, reward: str | None = None, beta: float = 1.0) -> None:
        super().__init__()
        self.reward = reward
        self.beta = beta
        self._model: tuple[RewardModel, ...] = ()  # in a tuple: no submodule, so it stays out of checkpoints

    def prepare(self, dim: int) -> None:
        """Read the reward.

        Raises:
            LgsidError: if there is none, or it was trained on embeddings of another width.
        """
        if not self.reward:
            raise LgsidError("RewardMargin: no reward given; set model.init_args.loss.init_args.reward to a model.ckpt")
        if not Path(self.reward).is_file():
            raise LgsidError(f"{self.reward}: no such file (expected the checkpoint of a reward)")
        model = load_reward(self.reward)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self._model = (model.eval(),)
        try:
            self.rewards(torch.zeros(1, dim), torch.zeros(1, 1, dim))
        except RuntimeError as error:
            raise LgsidError(f"{self.reward}: this reward does not take embeddings of width {dim}") from error

    def rewards(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the reward of each candidate for its anchor, shape (B, C)."""
        if not self._model:
            raise LgsidError("RewardMargin: the reward has not been read; call `prepare` first")
        return self._model[0].to(anchor.device).score(anchor, candidates)

    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the pairwise preference loss."""
        return pairwise_preference_loss(chosen, rejected, reference_chosen, reference_rejected, self.beta)


def load_reward(path: str) -> RewardModel:
    """Read a reward from its checkpoint, on the CPU."""
    from lgsid.rewards import RewardModel

    return RewardModel.load_from_checkpoint(path, map_location="cpu", weights_only=True)
