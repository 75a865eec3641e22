"""TIGER with parts that know places: logits of nodes, and a pointer over the past."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.processes import gather_rows
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.generative.beam_decoder import EncodedQueries
from lgsid.recommenders.generative.generative_recommender import ChildLogits
from lgsid.recommenders.generative.generator_scorer import GeneratorStates
from lgsid.recommenders.generative.history_copy import Copied, HistoryCopy
from lgsid.recommenders.generative.history_tokens import HistoryTokens, SummedTokens
from lgsid.recommenders.generative.mixture_scorer import MixtureScorer
from lgsid.recommenders.generative.node_logits import NodeLogits
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer
from lgsid.recommenders.generative.tiger import TIGER
from lgsid.recommenders.generative.tree_search import TreeSearch
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children
from lgsid.typing import DataShape, SequenceBatch


class PlaceTIGER(TIGER):
    """TIGER whose nodes know the places below them, with a pointer over the user's past. Neither is in TIGER's paper.

    `p(item) = g p_copy(item) + (1 - g) p_tiger(item)` with the pointer, and to the logits of the children of a prefix
    is added what the parts of `node_logits` say of the places below each: where they lie, what they are like. So a
    place is told from others by more than free parameters of its codes, and is scored from its first day.

    Args:
        t5: Overrides of the T5 configuration (`d_model`, `num_layers`, ...).
        copy: Pointer over the history, mixed with the generator; none by default.
        node_logits: What is added to the generator's logits; nothing by default.
        history_tokens: One token per check-in (default), or one per code as in TIGER's paper.
        encoder_history: Check-ins that the encoder sees; `copy` sees all that the data serve.
        user_buckets: Hash buckets of the user token.
        generator_weight: Weight of the generator's own loss beside that of the mixture with `copy`.
        beam_width: Prefixes followed at a time while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
        search: How items are looked for; by `BeamSearch` by default.
    """

    def __init__(
        self,
        t5: dict[str, Any] | None = None,
        copy: HistoryCopy | None = None,
        node_logits: Sequence[NodeLogits] = (),
        history_tokens: HistoryTokens | None = None,
        encoder_history: int = 24,
        user_buckets: int = 2000,
        generator_weight: float = 0.1,
        beam_width: int = 32,
        warmup_share: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=3e-3),
        search: TreeSearch | None = None,
    ) -> None:
        tokens = history_tokens or SummedTokens()
        super().__init__(t5, tokens, encoder_history, user_buckets, beam_width, warmup_share, optimizer, search)
        self.save_hyperparameters()
        self.copy = copy
        self.node_logits = nn.ModuleList(node_logits)
        self.generator_weight = generator_weight

    def parts(self) -> Iterator[NodeLogits]:
        """Yield the parts of `node_logits`."""
        yield from self.node_logits  # type: ignore[misc]

    def build(self, shape: DataShape) -> None:
        """Create the T5 model and the parts."""
        super().build(shape)
        width = self.token_table.embedding_dim
        if self.copy is not None:
            self.copy.build(width, len(self.level_sizes))
        for part in self.parts():
            part.build(shape, width)

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the catalogue, and what the parts know of the places."""
        super().take_catalogue(source)
        for part in self.parts():
            part.take(source)

    def counted(self) -> Iterator[nn.Module]:
        """Yield the catalogue, and the parts that add to the logits."""
        yield from super().counted()
        yield from self.node_logits

    def child_logits(
        self, batch: SequenceBatch, encoded: EncodedQueries, visits: Visits | None = None
    ) -> ChildLogits | None:
        """Return the sum of what the parts say of children, None without parts.

        Args:
            batch: B queries.
            encoded: The same, encoded.
            visits: Their past check-ins by place, if they are known already.
        """
        if not len(self.node_logits):
            return None
        visits = Visits.of(batch.history) if visits is None else visits
        parts = [part(batch, visits, encoded.query_state, self.catalogue) for part in self.parts()]

        def logits(depth: int, children: Children) -> Tensor:
            total: Tensor = sum(part(depth, children) for part in parts)
            return total

        return logits

    def point(self, batch: SequenceBatch, visits: Visits, state: Tensor) -> Copied | None:
        """Return where the pointer points from the state (B, D) of the query token, None without one."""
        if self.copy is None:
            return None
        places = self.catalogue.position_km[batch.history.clamp_min(0)]
        km = (places - places[:, -1:]).norm(dim=-1)
        codes = self.code_tokens(batch.history)
        return self.copy(batch, visits, state, codes, self.t5.shared.weight, km)  # type: ignore[no-any-return]

    def log_probs(self, batch: SequenceBatch, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of given items (B,): of the whole model, and of the generator alone. Each (B,)."""
        encoded = self.encode_queries(batch)
        state = encoded.query_state  # before the generator: the order in which gradients are added up depends on it
        visits = Visits.of(batch.history)
        generated = self.generator_log_prob(items, encoded, self.child_logits(batch, encoded, visits))
        copied = self.point(batch, visits, state)
        if copied is None:
            return generated, generated
        pointed = copied.log_prob(batch.history, items)
        return torch.logaddexp(copied.log_gate + pointed, copied.log_rest + generated), generated

    def item_log_prob(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the log-probability of given items (B,), pointer and generator mixed, shape (B,)."""
        return self.log_probs(batch, items)[0]

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the negative log-likelihood of the next places; with `copy` also that of the generator alone."""
        return self.mixture_loss(*self.log_probs(batch, batch.target))

    def mixture_loss(self, whole: Tensor, generated: Tensor) -> Tensor:
        """Return the loss of log-probabilities (B,) of the targets, by the whole model and by the generator alone."""
        loss = -gather_rows(whole).mean()
        self.log("train/nll", loss.detach(), prog_bar=True, batch_size=len(whole))
        if self.copy is not None and self.generator_weight:
            loss = loss - self.generator_weight * gather_rows(generated).mean()
        return loss

    def prefix_scorer(self, batch: SequenceBatch) -> PrefixScorer[GeneratorStates]:
        """Return the generator's side of a search, mixed with the pointer."""
        encoded = self.encode_queries(batch)
        visits = Visits.of(batch.history)
        generator = self.generator_scorer(encoded, self.child_logits(batch, encoded, visits))
        copied = self.point(batch, visits, encoded.query_state)
        if copied is None:
            return generator
        trie = self.catalogue.trie
        return MixtureScorer(generator, copied.log_rest, [(copied.log_gate, copied.mass(batch.history, trie))], trie)
