"""A generator of places: where the user has been by pointing, where not by evidence and semantic IDs."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from lgsid.functional.ranking import NEVER
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.evidence_network import EvidenceNetwork
from lgsid.recommenders.generative.evidence_mass import EvidenceMass
from lgsid.recommenders.generative.generative_recommender import ChildLogits
from lgsid.recommenders.generative.history_copy import HistoryCopy
from lgsid.recommenders.generative.history_tokens import HistoryTokens
from lgsid.recommenders.generative.tiger import TIGER
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import Children
from lgsid.typing import DataShape, SequenceBatch


class PlaceGenerator(TIGER):
    """TIGER with a pointer for places of the past, and evidence for places new to the user.

    `p(item) = g p_copy(item)` where the user has been, `(1 - g) p_new(item)` elsewhere. The supports do not meet, so
    the likelihood falls into three parts that are trained apart: the gate, the pointer on revisits, the generator on
    new places. `p_new` walks down the tree of semantic IDs: the logit of a node is the evidence for the items below it
    (`EvidenceMass`) plus what TIGER's decoder says of its code. The evidence network has a loss of its own. It scores a
    place by what is known of it, so that a place without a single check-in can be generated.

    Args:
        t5: Overrides of the T5 configuration (`d_model`, `num_layers`, ...).
        copy: The pointer.
        evidence: The network that scores places new to the user.
        history_tokens: One token per check-in (default), or one per code.
        encoder_history: Check-ins that the encoder sees; the pointer and the evidence see all that the data serve.
        user_buckets: Hash buckets of the user token.
        beam_width: Prefixes kept while decoding; the lists of an evaluation are as long.
        warmup_share: Share of the training steps in which the learning rate rises; it then falls to zero.
        optimizer: Optimizer for the weights.
    """

    carries = (
        "of each place its position, attributes, semantic ID and check-ins by hour; of pairs of places what users share"
    )
    copy: HistoryCopy

    def __init__(
        self,
        t5: dict[str, Any] | None = None,
        copy: HistoryCopy | None = None,
        evidence: EvidenceNetwork | None = None,
        history_tokens: HistoryTokens | None = None,
        encoder_history: int = 24,
        user_buckets: int = 2000,
        beam_width: int = 32,
        warmup_share: float = 0.1,
        optimizer: OptimizerCallable = lambda p: torch.optim.AdamW(p, lr=3e-3),
    ) -> None:
        super().__init__(
            t5=t5,
            copy=copy or HistoryCopy(),
            history_tokens=history_tokens,
            encoder_history=encoder_history,
            user_buckets=user_buckets,
            beam_width=beam_width,
            warmup_share=warmup_share,
            optimizer=optimizer,
        )
        self.save_hyperparameters()
        self.evidence = evidence or EvidenceNetwork()

    def build(self, shape: DataShape) -> None:
        """Create the T5 model, the pointer and the evidence network."""
        super().build(shape)
        self.evidence.build(shape)

    def take_catalogue(self, source: CheckInSource) -> None:
        """Fill the catalogue and count the evidence."""
        super().take_catalogue(source)
        self.evidence.count(source, self.catalogue)

    def child_logits(self, batch: SequenceBatch, visits: Visits | None = None) -> ChildLogits:
        """Return the evidence for the items below prefixes."""
        return EvidenceMass(self.evidence.scores(batch, self.catalogue), self.catalogue.trie).log_mass

    def sharing_logits(self, children: Children) -> Tensor:
        """Return zeros for items that share a semantic ID: their evidence tells them apart."""
        return torch.zeros_like(children.code, dtype=torch.float32)

    def training_step(self, batch: SequenceBatch, batch_idx: int) -> Tensor:
        """Return the negative log-likelihood of the next places, plus the loss of the evidence network."""
        encoded = self.encode_queries(batch)
        copied = self.point(batch, Visits.of(batch.history), encoded.query_state)
        assert copied is not None
        at_target = batch.history == batch.target[:, None]
        new = ~at_target.any(1)
        pointed = copied.log_attention.masked_fill(~at_target, NEVER).logsumexp(1)
        loss = -(copied.log_gate + pointed)[~new].sum()
        if new.any():
            among = batch.take(new)
            with torch.no_grad():  # the evidence network learns from its own loss
                added = self.child_logits(among)
            generated = self.generator_log_prob(among.target, encoded.take(new), added)
            loss = loss - (copied.log_rest[new] + generated).sum()
            self.log("train/new_nll", -generated.detach().mean(), batch_size=len(among))
        loss = loss / len(batch)
        self.log("train/nll", loss.detach(), prog_bar=True, batch_size=len(batch))
        return loss + self.evidence.loss(among, self.catalogue) if new.any() else loss
