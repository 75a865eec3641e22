"""What every generative recommender is: it generates the semantic ID of the next place, code by code."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.functional.segments import segment_log_softmax
from lgsid.geo import GeoEncoder
from lgsid.processes import gather_rows
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.generative.beam_decoder import BeamDecoder, EncodedQueries, RecomputingDecoder
from lgsid.recommenders.generative.beam_search import BeamSearch
from lgsid.recommenders.generative.generator_scorer import GeneratorScorer, GeneratorStates
from lgsid.recommenders.generative.history_tokens import HistoryTokens, SummedTokens
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer
from lgsid.recommenders.generative.tree_search import TreeSearch
from lgsid.recommenders.item_trie import Children
from lgsid.recommenders.recommender import Ranked, Recommender
from lgsid.recommenders.refreshable import Refreshable
from lgsid.recommenders.warmed_up import warmed_up
from lgsid.typing import DataShape, SequenceBatch

N_AGES = 20  # buckets of log2(1 + hours)
BEGIN = 0  # token that begins a semantic ID
HASH_FACTOR = 2654435761  # Knuth's multiplicative hash
TRAINED_USERS = "trained_users"  # key of a checkpoint

ChildLogits = Callable[[int, Children], Tensor]
"""What a model adds to the logits (C,) of children, from the depth of their parents 0..L and the children."""


class GenerativeRecommender(Recommender, Refreshable):
    """Generate semantic IDs over the tree of those that exist, with a network that a subclass brings.

    The vocabulary is one table: the begin token, the codes of all levels, hash buckets of users. The input is the last
    check-ins as codes with their time, and a token of the query: hashed user, hour, weekday and, if asked for, where
    the user's last place is. Each level is normalized over the codes that exist below the prefix, so that the
    probabilities of all items sum to one. Items that share a semantic ID share its probability by their training
    check-ins. Without semantic IDs in the data every item is its own code.

    A subclass implements `build_network`, `token_table` and `decode`, and `encode` if it has an encoder. A cache for
    the beam search is a `beam_decoder`; whatever adds to the logits is `child_logits`; another loss is `training_step`.

    Args:
        history_tokens: How past check-ins become tokens; one token per check-in by default.
        history_length: Check-ins that become tokens, the most recent ones.
        user_buckets: Hash buckets of the user token.
        beam_width: Prefixes followed at a time while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
        search: How items are looked for; by `BeamSearch` by default.
        query_position: Encodes the position of the user's last place for the query token; without it, it is not told.
    """

    def __init__(
        self,
        history_tokens: HistoryTokens | None,
        history_length: int,
        user_buckets: int,
        beam_width: int,
        warmup_share: float,
        optimizer: OptimizerCallable,
        search: TreeSearch | None = None,
        query_position: GeoEncoder | None = None,
    ) -> None:
        super().__init__(optimizer)
        self.history_tokens = history_tokens or SummedTokens()
        self.history_length = history_length
        self.user_buckets = user_buckets
        if beam_width < 1:
            raise LgsidError(f"{type(self).__name__}: beam_width must be at least 1, not {beam_width}")
        self.beam_width = self.k_max = beam_width
        self.warmup_share = warmup_share
        self.search = search or BeamSearch()
        self.query_position = query_position
        self.register_buffer("trained_users", None, persistent=False)

    trained_users: Tensor | None  # (U,) int64 number in the training of each user of the data, if they are others

    scores_are_log_probs = True

    @abstractmethod
    def build_network(self, n_tokens: int) -> None:
        """Create the layers, among them `token_table` with `n_tokens` rows."""

    @property
    @abstractmethod
    def token_table(self) -> nn.Embedding:
        """Vectors of the tokens, shape (V, D); its rows of codes are also the output layer."""

    def encode(self, tokens: Tensor, real: Tensor) -> Tensor:
        """Return what the decoder reads of the queries: without an encoder, their tokens.

        Args:
            tokens: Shape (B, S, D), history and query, the query token last.
            real: Shape (B, S) bool, False at padding.

        Returns:
            Shape (B, S, D).
        """
        return tokens

    @abstractmethod
    def decode(self, encoded: EncodedQueries, prefix: Tensor) -> Tensor:
        """Return the states from which the codes after each prefix are predicted.

        Args:
            encoded: B queries.
            prefix: Shape (B, l) int64 tokens, `BEGIN` first.

        Returns:
            Shape (B, l, D); position i must not see the tokens behind it.
        """

    def beam_decoder(self, encoded: EncodedQueries) -> BeamDecoder:
        """Return what follows the beams of a search; it decodes whole prefixes anew unless a subclass has a cache."""
        return RecomputingDecoder(self.decode, encoded)

    def build(self, shape: DataShape) -> None:
        """Create the network over one vocabulary and the embeddings of time."""
        super().build(shape)
        sizes = shape.codebook_sizes or (shape.n_items,)
        self.level_sizes = list(sizes)
        self.level_offset = [1 + sum(sizes[:level]) for level in range(len(sizes))]
        self.user_offset = 1 + sum(sizes)
        self.build_network(self.user_offset + self.user_buckets + 1)  # the last is for users never seen
        width = self.token_table.embedding_dim
        self.hour = nn.Embedding(24, width)
        self.weekday = nn.Embedding(7, width)
        self.age = nn.Embedding(N_AGES, width)
        if self.query_position is not None:
            self.from_position = nn.Linear(self.query_position.dim, width, bias=False)

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the catalogue, and fit the encoding of positions to it."""
        super().take_catalogue(source)
        if self.query_position is not None:
            self.query_position.fit(self.catalogue.lat_deg, self.catalogue.lon_deg)

    def counted(self) -> Iterator[nn.Module]:
        """Yield the catalogue.

        Raises:
            LgsidError: if items are their own codes.
        """
        if not self.catalogue.codes.shape[1]:
            raise LgsidError(
                f"{self.title}: without semantic IDs it learned a code for each place and has none for new ones;"
                " fit it on the new data"
            )
        yield self.catalogue

    def trained_as(self, user: Tensor) -> Tensor:
        """Return the numbers that users had in the training, -1 where unknown."""
        if self.trained_users is None:
            return user
        return torch.where(user >= 0, self.trained_users[user.clamp_min(0)], -1)

    def take_users(self, numbers: Tensor) -> None:
        """Keep the numbers that users had in the training; the checkpoint carries them."""
        self.trained_users = numbers.to(self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the numbers that users had in the training, if they are others now."""
        super().on_save_checkpoint(checkpoint)
        if self.trained_users is not None:
            checkpoint[TRAINED_USERS] = self.trained_users.cpu()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the numbers that users had in the training."""
        super().on_load_checkpoint(checkpoint)
        self.trained_users = checkpoint.get(TRAINED_USERS)

    def configure_optimizers(self) -> Any:
        """Return the optimizer with a linear warm-up and a linear decay to zero."""
        return warmed_up(super().configure_optimizers(), self.trainer.estimated_stepping_batches, self.warmup_share)

    def code_tokens(self, items: Tensor) -> Tensor:
        """Return the tokens of the codes of `items` (...), -1 is padding and reads as item 0; returns (..., L)."""
        return self.catalogue.item_codes[items.clamp_min(0)] + items.new_tensor(self.level_offset)

    def read_history(self, batch: SequenceBatch, part: slice, tokens: HistoryTokens) -> tuple[Tensor, Tensor]:
        """Return the tokens of a part of the history, (B, S, D), and which are real, (B, S) bool."""
        history = batch.history[:, part]
        known = history >= 0
        age = torch.log2(1 + (batch.history_age_s[:, part] / 3600).clamp_min(0)).long().clamp(max=N_AGES - 1)
        hour = batch.history_hour[:, part].long() % 24
        event = self.hour(hour) + self.weekday(batch.history_weekday[:, part]) + self.age(age)
        read: tuple[Tensor, Tensor] = tokens(self.token_table(self.code_tokens(history)), event, known)
        return read

    def query_token(self, batch: SequenceBatch) -> Tensor:
        """Return the token of each query: user, hour, weekday, position of the last place if it is known. (B, D)."""
        number = self.trained_as(batch.user)
        bucket = (number * HASH_FACTOR) % (1 << 32) % self.user_buckets
        user = self.user_offset + torch.where(number >= 0, bucket, self.user_buckets)
        token: Tensor = self.token_table(user) + self.hour(batch.hour.long() % 24) + self.weekday(batch.weekday)
        if self.query_position is None:
            return token
        last = batch.history[:, -1]
        place = last.clamp_min(0)
        where = self.query_position(self.catalogue.lat_deg[place], self.catalogue.lon_deg[place])
        added: Tensor = self.from_position(where) * (last >= 0)[:, None]
        return token + added

    def encode_queries(self, batch: SequenceBatch) -> EncodedQueries:
        """Return what the decoder reads of B queries."""
        recent = slice(max(0, batch.history.shape[1] - self.history_length), None)
        tokens, real = self.read_history(batch, recent, self.history_tokens)
        tokens = torch.cat([tokens, self.query_token(batch)[:, None]], 1)
        real = torch.cat([real, torch.ones_like(real[:, :1])], 1)
        return EncodedQueries(self.encode(tokens, real), real)

    def child_logits(self, batch: SequenceBatch, encoded: EncodedQueries) -> ChildLogits | None:
        """Return what is added to the logits of the children of prefixes of B queries; nothing by default."""
        return None

    def child_log_probs(
        self, depth: int, children: Children, hidden: Tensor, added: ChildLogits | None = None
    ) -> Tensor:
        """Return the generator's log-probability of each child given its parent.

        Args:
            depth: Depth of the parents, 0..L.
            children: C children of M parents.
            hidden: Shape (M, D), the decoder's states at the parents; at depth L they are not read.
            added: What is added to the logits, from `child_logits`.

        Returns:
            Shape (C,), float32; sums to one over the children of a parent.
        """
        trie = self.catalogue.trie
        if depth < trie.n_levels:
            size, offset = self.level_sizes[depth], self.level_offset[depth]
            weight = self.token_table.weight[offset : offset + size]
            scores = (hidden * self.token_table.embedding_dim**-0.5) @ weight.T  # (M, K)
            logits = scores.reshape(-1).float().index_select(0, children.parent * size + children.code)
        elif trie.n_nodes[depth] == trie.n_items:
            return hidden.new_zeros(len(children.node), dtype=torch.float32)  # one item per semantic ID
        else:
            logits = torch.log1p(self.catalogue.count[children.code].float())
        if added is not None:
            logits = logits + added(depth, children)
        return segment_log_softmax(logits, children.parent, len(hidden))

    def path_log_prob(self, items: Tensor, hidden: Tensor, added: ChildLogits | None = None) -> Tensor:
        """Return the log-probability of the codes of given items, and of the items among those that share them.

        Args:
            items: Shape (M,), item rows.
            hidden: Shape (M, L, D), the states from which each code is predicted.
            added: What is added to the logits, from `child_logits`, if the items are those of M queries.

        Returns:
            Shape (M,).
        """
        trie = self.catalogue.trie
        path, rows = trie.path[items], torch.arange(len(items), device=items.device)
        total = torch.zeros(len(items), device=items.device)
        for depth in range(trie.n_levels + 1):
            children = trie.children(depth, path[:, depth], rows)
            at = min(depth, trie.n_levels - 1)
            log_probs = self.child_log_probs(depth, children, hidden[:, at], added)
            total = total + log_probs[children.node == path[children.query, depth + 1]]
        return total

    def generator_log_prob(self, items: Tensor, encoded: EncodedQueries, added: ChildLogits | None = None) -> Tensor:
        """Return the log-probability of generating given items by teacher forcing, shape (B,)."""
        begin = torch.full_like(items, BEGIN)[:, None]
        hidden = self.decode(encoded, torch.cat([begin, self.code_tokens(items)[:, :-1]], 1))  # (B, L, D)
        return self.path_log_prob(items, hidden, added)

    def item_log_prob(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the model's log-probability of given items (B,) by teacher forcing, shape (B,)."""
        encoded = self.encode_queries(batch)
        return self.generator_log_prob(items, encoded, self.child_logits(batch, encoded))

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the negative log-likelihood of the next places."""
        loss = -gather_rows(self.item_log_prob(batch, batch.target)).mean()
        self.log("train/nll", loss.detach(), prog_bar=True, batch_size=len(batch))
        return loss

    def generator_scorer(
        self, encoded: EncodedQueries, added: ChildLogits | None = None
    ) -> PrefixScorer[GeneratorStates]:
        """Return the generator's side of a search for B encoded queries."""

        def child_log_probs(depth: int, children: Children, hidden: Tensor) -> Tensor:
            return self.child_log_probs(depth, children, hidden, added)

        begin = torch.full((len(encoded),), BEGIN, dtype=torch.long, device=encoded.states.device)
        decoder, trie = self.beam_decoder(encoded), self.catalogue.trie
        return GeneratorScorer(decoder, child_log_probs, self.level_offset, begin, trie)

    def prefix_scorer(self, batch: SequenceBatch) -> PrefixScorer[GeneratorStates]:
        """Return the model's side of a search for B queries."""
        encoded = self.encode_queries(batch)
        return self.generator_scorer(encoded, self.child_logits(batch, encoded))

    @torch.no_grad()
    def rank(self, batch: SequenceBatch, k: int, allowed: Tensor | None = None) -> Ranked:
        """Return the k most probable items that exist and are allowed, as far as the search finds them."""
        was_training = self.training
        self.eval()
        width = max(self.beam_width, k)
        scorer = self.prefix_scorer(batch)
        items, scores = self.search.find(self.catalogue.trie, scorer, len(batch), width, k, allowed)
        self.train(was_training)
        return Ranked(items, scores)
