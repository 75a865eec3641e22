"""Preference loss on a trained reward."""

from __future__ import annotations

from torch import Tensor

from lgsid.alignment.preference_loss import PreferenceLoss
from lgsid.errors import LgsidError
from lgsid.functional.preference import pairwise_preference_loss
from lgsid.rewards import RewardHead
from lgsid.text import TextEncoder

SAME_VECTORS = ("weights_hash", "pooling", "normalize", "dim")


class RewardMargin(PreferenceLoss):
    """G-DPO as the paper has it: the implicit reward is the trained, frozen reward on the encoder's embeddings.

    `-log sigmoid(beta [R(E(i+)) - R(E(i-)) - R(E_ref(i+)) + R(E_ref(i-))])` (arXiv 2511.14221, METHOD 2). With an
    anchored reward (`AnchoredPair`) R also sees the anchor's embedding, so that it speaks of nearness between two
    places; with the literal one (`MismatchedPrompt`) it sees the candidate alone. Only the reward's head is read from
    its checkpoint; it is never trained or saved again. A drifting encoder can raise R without bringing near places
    together: judge the result by real distances.

    Args:
        reward: Checkpoint of a trained reward, `model.ckpt` of its run folder.
        beta: Scale of the margin.
    """

    def __init__(self, reward: str | None = None, beta: float = 1.0) -> None:
        super().__init__()
        self.reward = reward
        self.beta = beta
        self._head: tuple[RewardHead, ...] = ()  # in a tuple: no submodule, so it stays out of checkpoints

    def prepare(self, encoder: TextEncoder) -> None:
        """Read the head of the reward.

        Raises:
            LgsidError: if there is none, or it was trained on the vectors of another encoder.
        """
        if not self.reward:
            raise LgsidError("RewardMargin: no reward given; set model.init_args.loss.init_args.reward to a model.ckpt")
        head = RewardHead.load(self.reward)
        here = encoder.describe()
        for name in SAME_VECTORS:
            if name in head.encoder and head.encoder[name] != here[name]:
                raise LgsidError(
                    f"{self.reward}: this reward was trained on an encoder with {name} {head.encoder[name]!r}, "
                    f"not {here[name]!r}; set the same for both"
                )
        self._head = (head.requires_grad_(False),)

    def rewards(self, anchor: Tensor, candidates: Tensor) -> Tensor:
        """Return the reward of each candidate for its anchor, shape (B, C)."""
        if not self._head:
            raise LgsidError("RewardMargin: the reward has not been read; call `prepare` first")
        return self._head[0].to(anchor.device).score(anchor, candidates)

    def combine(self, chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor) -> Tensor:
        """Return the pairwise preference loss."""
        return pairwise_preference_loss(chosen, rejected, reference_chosen, reference_rejected, self.beta)
