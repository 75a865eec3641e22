"""Preference alignment of a generator of lists on its own beams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn
from typing_extensions import Self

from lgsid.errors import LgsidError
from lgsid.processes import gather_rows
from lgsid.recommenders.composed_recommender import ComposedRecommender, copy_of, fitted
from lgsid.recommenders.generative.onerec.list_losses import ListLoss
from lgsid.recommenders.generative.onerec.list_rewards import ListReward
from lgsid.recommenders.generative.onerec.onerec import OneRec
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.typing import DataShape, SequenceBatch


class ListAligner(ComposedRecommender):
    """Tune a fitted `OneRec` to rewards: one iteration of preference alignment (arXiv 2502.18965, section 3.3).

    The reference is the model that the stage starts from; it stays as it is. For each batch it decodes `n_lists` lists
    of every query by beam search, the rewards judge them, and `loss` moves the policy towards the better ones, beside
    the loss of what users did: `nll_weight L_nll + L_loss`. The result recommends with the policy. A next iteration
    starts from the checkpoint of this one, or after `iteration_steps` steps of the same stage, when the reference
    becomes the policy as it is then. Dropout is off, and the balance of the experts stays as it was trained, so that
    policy and reference are equal at the start.

    Validation in a fit logs, beside the usual metrics, the mean reward of the most probable list: `val/reward` of the
    policy, `val/reference_reward` of the reference.

    Args:
        start: The fitted model: its checkpoint or run folder, that of an earlier iteration, or the model itself.
        loss: What the rewards do.
        rewards: What makes a list good; their weighted sum counts.
        n_lists: Lists of each query (G).
        length: Places of a list; the `list_length` of the model if not given.
        beam_width: Prefixes that the search for each place of a list follows at a time.
        nll_weight: Weight of the loss of what users did.
        iteration_steps: Steps after which the reference becomes the policy; never if not given.
        optimizer: Optimizer for the policy.
    """

    reads = SequenceBatch

    def __init__(
        self,
        start: OneRec | ListAligner | str | Path | None = None,
        loss: ListLoss | None = None,
        rewards: Sequence[ListReward] | None = None,
        n_lists: int = 8,
        length: int | None = None,
        beam_width: int = 8,
        nll_weight: float = 1.0,
        iteration_steps: int | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=1e-4),
    ) -> None:
        super().__init__(optimizer)
        self.save_hyperparameters()
        if start is None:
            raise LgsidError("ListAligner: start is missing; give the model.ckpt of a fitted OneRec")
        if loss is None or not rewards:
            raise LgsidError("ListAligner: it needs a loss, and at least one of rewards")
        numbers = {"n_lists": n_lists, "length": length, "beam_width": beam_width, "iteration_steps": iteration_steps}
        for name, value in numbers.items():
            least = 2 if name == "n_lists" else 1
            if value is not None and value < least:
                raise LgsidError(f"ListAligner: {name} must be at least {least}, not {value}")
        model = fitted(start, Recommender)  # type: ignore[type-abstract]
        policy: Recommender = model.parts["policy"] if isinstance(model, ListAligner) else model
        if not isinstance(policy, OneRec):
            raise LgsidError(f"ListAligner: {type(policy).__name__} generates no lists; start from a OneRec")
        self.policy, self.reference = copy_of(policy), copy_of(policy)
        self.reference.requires_grad_(False)
        self.loss = loss
        self.rewards = nn.ModuleList(rewards)
        self.n_lists, self.beam_width = n_lists, beam_width
        self.length = length or policy.list_length
        self.nll_weight, self.iteration_steps = nll_weight, iteration_steps
        self.k_max = policy.k_max
        if policy.data_shape is not None:
            self.ensure_built(policy.data_shape)

    @property
    def parts(self) -> Mapping[str, Recommender]:
        """The policy and the reference."""
        return {"policy": self.policy, "reference": self.reference}

    def constructor_arguments(self) -> dict[str, Any]:
        """Return the arguments with the model in place of its file, so that a checkpoint describes it."""
        arguments = super().constructor_arguments()
        kept = {name: value for name, value in arguments.items() if name not in self.parts}
        return {**kept, "start": self.policy}

    @property
    def title(self) -> str:
        """Name of the model and of what has tuned it."""
        return f"{self.policy.title} + {type(self.loss).__name__}"

    @property
    def scores_are_log_probs(self) -> bool:  # type: ignore[override]
        """Whether the scores of the policy are log-probabilities over all items."""
        return self.policy.scores_are_log_probs

    def build(self, shape: DataShape) -> None:
        """Build the policy, if it was never fitted, and let the reference be its copy."""
        fresh = self.policy.data_shape is None
        super().build(shape)
        if fresh:
            self.renew_reference()
        self.reference.requires_grad_(False)

    def renew_reference(self) -> None:
        """Let the reference be the policy as it is now."""
        self.reference.load_state_dict(self.policy.state_dict())

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the module itself; policy and reference stay without dropout."""
        super().train(False)
        self.training = mode
        return self

    def on_fit_start(self) -> None:
        """Compare the data with those of the model, and prepare the rewards."""
        self.check_catalogue()
        for reward in self.each_reward():
            reward.prepare(self.catalogue)

    def each_reward(self) -> list[ListReward]:
        """Return the rewards."""
        return [reward for reward in self.rewards if isinstance(reward, ListReward)]

    def reward(self, lists: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the weighted sum of the rewards of lists (B, G, m), shape (B, G)."""
        return torch.stack([r.weight * r(lists, batch, self.catalogue) for r in self.each_reward()]).sum(0)

    def log_probs(self, model: OneRec, lists: Tensor, batch: SequenceBatch) -> Tensor:
        """Return the log-probabilities of lists (B, C, m) under a model, shape (B, C)."""
        n, each = lists.shape[:2]
        encoded = model.encode_queries(batch)
        rows = torch.arange(n, device=lists.device).repeat_interleave(each)
        return model.list_log_probs(lists.flatten(0, 1), encoded.take(rows)).sum(1).view(n, each)

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the loss of the rewards plus that of what users did."""
        if self.iteration_steps and self.global_step and self.global_step % self.iteration_steps == 0:
            self.renew_reference()
        with torch.no_grad():
            found = self.reference.lists(batch, self.length, self.n_lists, width=self.beam_width)
            reward = self.reward(found.items, batch)
            at = self.loss.chosen(reward, found.listed)  # (B, C)
            lists = found.items.gather(1, at[..., None].expand(-1, -1, found.items.shape[2]))
            reference = self.log_probs(self.reference, lists, batch)
        policy = self.log_probs(self.policy, lists, batch)
        whole = [gather_rows(rows) for rows in (policy, reference, reward.gather(1, at), found.listed.gather(1, at))]
        loss: Tensor = self.loss(*whole)
        likelihood = self.policy.list_loss(batch)
        own = {"train/loss_of_rewards": loss.detach(), "train/nll": likelihood.detach()}
        mean = gather_rows(reward[found.listed]).mean()
        self.log_dict({**own, "train/reward": mean}, prog_bar=True, batch_size=len(batch))
        return loss + self.nll_weight * likelihood

    def validation_step(self, batch: SequenceBatch, batch_idx: int) -> None:
        """Evaluate the policy's rankings, and the rewards of its lists."""
        super().validation_step(batch, batch_idx)
        if self.trainer.state.fn != TrainerFn.FITTING:  # the rewards are not needed any more
            return
        for name, model in (("reward", self.policy), ("reference_reward", self.reference)):
            found = model.lists(batch, self.length, self.n_lists, width=self.beam_width).items[:, :1]
            self.log(f"val/{name}", self.reward(found, batch).mean(), batch_size=len(batch))

    def rank(self, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the ranking of the policy."""
        return self.policy.rank(batch, k, allowed)
