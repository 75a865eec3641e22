"""A generator of places that knows where the user has been, and what speaks for each place where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from lgsid.functional.ranking import NEVER
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence_network import EvidenceNetwork
from lgsid.recommenders.generative.evidence_mass import EvidenceMass
from lgsid.recommenders.generative.generator_scorer import GeneratorStates
from lgsid.recommenders.generative.history_copy import N_SUMMARY, Copied, HistoryCopy, summary
from lgsid.recommenders.generative.history_tokens import HistoryTokens
from lgsid.recommenders.generative.mixture_scorer import ItemMass, MixtureScorer
from lgsid.recommenders.generative.node_logits import NodeLogits
from lgsid.recommenders.generative.place_tiger import PlaceTIGER
from lgsid.recommenders.generative.prefix_scorer import PrefixScorer
from lgsid.recommenders.generative.tree_search import TreeSearch
from lgsid.recommenders.generative.visits import Visits
from lgsid.typing import DataShape, SequenceBatch


class PlaceGenerator(PlaceTIGER):
    """TIGER, a pointer over the past, and evidence for places new to the user: one mixture of three.

    `p(item) = g p_copy(item) + (1 - g) (h p_new(item) + (1 - h) p_tiger(item))`. Each part is a distribution over
    items, so a prefix of semantic IDs has the same mixture of what the parts hold below it, and a beam search needs no
    approximation. `p_new` is the soft-max over `EvidenceNetwork`'s scores of the places where the user has not been;
    the network has a loss of its own, on the queries whose target is new. It scores a place by what is known of it, so
    that one without a single check-in can be generated.

    Args:
        t5: Overrides of the T5 configuration (`d_model`, `num_layers`, ...).
        copy: The pointer.
        evidence: The network that scores places new to the user.
        node_logits: What is added to TIGER's logits; nothing by default.
        history_tokens: One token per check-in (default), or one per code.
        encoder_history: Check-ins that the encoder sees; the pointer and the evidence see all that the data serve.
        user_buckets: Hash buckets of the user token.
        generator_weight: Weight of TIGER's own loss beside that of the mixture.
        beam_width: Prefixes followed at a time while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
        search: How items are looked for; by `BeamSearch` by default.
    """

    carries = (
        "of each place its position, attributes, semantic ID and check-ins by hour; of pairs of places what users share"
    )

    def __init__(
        self,
        t5: dict[str, Any] | None = None,
        copy: HistoryCopy | None = None,
        evidence: EvidenceNetwork | None = None,
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
        super().__init__(
            t5=t5,
            copy=copy or HistoryCopy(),
            node_logits=node_logits,
            history_tokens=history_tokens,
            encoder_history=encoder_history,
            user_buckets=user_buckets,
            generator_weight=generator_weight,
            beam_width=beam_width,
            warmup_share=warmup_share,
            optimizer=optimizer,
            search=search,
        )
        self.save_hyperparameters()
        self.evidence = evidence or EvidenceNetwork()

    def build(self, shape: DataShape) -> None:
        """Create the T5 model, the pointer, the evidence network and its gate."""
        super().build(shape)
        self.evidence.build(shape)
        width = self.token_table.embedding_dim + N_SUMMARY
        self.new_gate = nn.Sequential(nn.Linear(width, 32), nn.GELU(), nn.Linear(32, 1))

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the catalogue and count the evidence."""
        super().take_catalogue(source)
        self.evidence.count(source, self.catalogue)

    def counted(self) -> Iterator[nn.Module]:
        """Yield the catalogue, and the parts that add to the logits or count evidence."""
        yield from super().counted()
        yield from self.evidence.kinds()

    def log_weights(
        self, batch: SequenceBatch, visits: Visits, state: Tensor, copied: Copied
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the log-probabilities of pointing, of the evidence and of TIGER, shape (B,) each.

        Args:
            batch: B queries.
            visits: Their past check-ins by place.
            state: Shape (B, D), the encoder's state of the query token.
            copied: What the pointer says.
        """
        seen = summary(batch, visits, copied.log_attention.detach())
        new = self.new_gate(torch.cat([state.float(), seen], 1))[:, 0].float()
        return copied.log_gate, copied.log_rest + logsigmoid(new), copied.log_rest + logsigmoid(-new)

    def new_log_prob(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return the log-probability of given items by the evidence, `NEVER` where the user has been, shape (B,).

        Args:
            batch: B queries.
            items: Shape (B,), item rows.
        """
        found = torch.full(items.shape, NEVER, device=items.device)
        new = (batch.history != items[:, None]).all(1)
        if bool(new.any()):
            scores = self.evidence.scores(batch.take(new), self.catalogue)
            found[new] = scores.log_softmax(1).gather(1, items[new, None])[:, 0]
        return found

    def log_probs(self, batch: SequenceBatch, items: Tensor, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return log-probabilities of given items (B,): of the whole model, and of TIGER alone. Each (B,).

        Args:
            batch: B queries.
            items: Shape (B,), item rows.
            known: Their `new_log_prob`, if it is known already.
        """
        known = self.new_log_prob(batch, items) if known is None else known
        encoded = self.encode_queries(batch)
        state = encoded.query_state  # before the generator: the order in which gradients are added up depends on it
        visits = Visits.of(batch.history)
        generated = self.generator_log_prob(items, encoded, self.child_logits(batch, encoded, visits))
        copied = self.point(batch, visits, state)
        assert copied is not None
        pointed = copied.log_prob(batch.history, items)
        pointing, evidence, tiger = self.log_weights(batch, visits, state, copied)
        return torch.stack([pointing + pointed, evidence + known, tiger + generated]).logsumexp(0), generated

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the negative log-likelihood of the next places, with TIGER's own and that of the evidence."""
        new = (batch.history != batch.target[:, None]).all(1)
        known = torch.full(batch.target.shape, NEVER, device=batch.target.device)
        loss, known[new] = self.evidence.loss_and_log_prob(batch.take(new), self.catalogue)
        return loss + self.mixture_loss(*self.log_probs(batch, batch.target, known))

    def prefix_scorer(self, batch: SequenceBatch) -> PrefixScorer[GeneratorStates]:
        """Return a search's view of the mixture."""
        encoded, visits, trie = self.encode_queries(batch), Visits.of(batch.history), self.catalogue.trie
        copied = self.point(batch, visits, encoded.query_state)
        assert copied is not None
        pointing, evidence, tiger = self.log_weights(batch, visits, encoded.query_state, copied)
        parts: list[tuple[Tensor, ItemMass]] = [
            (pointing, copied.mass(batch.history, trie)),
            (evidence, EvidenceMass(self.evidence.scores(batch, self.catalogue), trie)),
        ]
        generator = self.generator_scorer(encoded, self.child_logits(batch, encoded, visits))
        return MixtureScorer(generator, tiger, parts, trie)
