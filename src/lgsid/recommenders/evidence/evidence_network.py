"""A small network that weighs all evidence for a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.ranking import NEVER
from lgsid.processes import gather_rows
from lgsid.recommenders.catalogue import Catalogue
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.evidence.brand_evidence import BrandEvidence
from lgsid.recommenders.evidence.category_evidence import CategoryEvidence
from lgsid.recommenders.evidence.co_visit_evidence import CoVisitEvidence
from lgsid.recommenders.evidence.distance_evidence import DistanceEvidence
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.popularity_evidence import PopularityEvidence
from lgsid.recommenders.evidence.query_view import N_CONTEXT, QueryView
from lgsid.recommenders.evidence.snapshots import Snapshots
from lgsid.recommenders.evidence.transition_evidence import TransitionEvidence
from lgsid.typing import DataShape, SequenceBatch

CELLS = 1 << 16  # queries times items that are scored at once: what fits into the cache of a core
SAMPLE = 256  # training queries that tell mean and deviation of the columns


USUAL = (
    DistanceEvidence,
    PopularityEvidence,
    CategoryEvidence,
    BrandEvidence,
    TransitionEvidence,
    CoVisitEvidence,
)
"""What every dataset has: no vectors."""


class EvidenceNetwork(Describable, nn.Module):
    """Score places new to the user: two layers over the columns of all evidence and the context of the query.

    A score depends on what is known of a place, never on parameters of its own, so that a place is scored from its
    first day. Trained by sampled soft-max: the new place that was visited against others new to the user.

    What a place without a training check-in is worth is learned from such places as they stand: they are among those
    that are drawn against the one visited, and nobody visits them, so that they come last. For places newer than the
    log that is wrong: they are unknown, not unloved. With `hidden_share` above zero the network never learns against a
    place without check-ins, and learns what one is worth from places whose check-ins a query does not see: a share of
    all, drawn anew for each query, which are visited as often as any other.

    A training query is scored by the counts of the whole training split but for the own later check-ins of its user.
    With `snapshots` it is scored by what was counted before it, as a query after the training is, and queries before
    the first snapshot are not learned from.

    Source: training with absent collaborative input (DropoutNet, NeurIPS 2017); of places in place of inputs is ours.

    Args:
        evidence: What it weighs; distance, popularity, categories, chains, transitions and co-visits if not given.
        hidden: Width of the first layer; the second has half of it.
        negatives: Places drawn uniformly, for each query, against the one visited.
        hidden_share: Share of the places that a training query sees as if nobody had been there, 0 to less than 1.
            Above zero for a catalogue of which some places are newer than the log.
        snapshots: Shares of the training check-ins, ascending, after which the counts are taken for the training
            queries from there to the next (`Snapshots`); none by default.
    """

    mean: Tensor  # (W,) of the columns
    deviation: Tensor  # (W,)

    def __init__(
        self,
        evidence: Sequence[Evidence] | None = None,
        hidden: int = 64,
        negatives: int = 300,
        hidden_share: float = 0.0,
        snapshots: Sequence[float] = (),
    ) -> None:
        super().__init__()
        if negatives < 1:
            raise LgsidError(f"EvidenceNetwork: negatives must be at least 1, not {negatives}")
        if not 0 <= hidden_share < 1:
            raise LgsidError(f"EvidenceNetwork: hidden_share must be from 0 to less than 1, not {hidden_share}")
        if list(snapshots) != sorted(set(snapshots)) or not all(0 < share < 1 for share in snapshots):
            raise LgsidError(
                f"EvidenceNetwork: snapshots must be ascending shares above 0 and below 1, not {list(snapshots)}"
            )
        self.evidence = nn.ModuleList([kind() for kind in USUAL] if evidence is None else evidence)
        self.hidden, self.negatives, self.hidden_share = hidden, negatives, hidden_share
        self.snapshots = tuple(snapshots)
        self._source: CheckInSource | None = None  # what snapshots are taken of
        self._taken: Snapshots | None = None  # when the first training batch comes, where the buffers then are

    def build(self, shape: DataShape) -> None:
        """Create tables and layers."""
        for evidence in self.kinds():
            evidence.build(shape)
        width = sum(evidence.n_columns for evidence in self.kinds())
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        self.columns_in, self.context_in = nn.Linear(width, self.hidden), nn.Linear(N_CONTEXT, self.hidden)
        self.middle = nn.Linear(self.hidden, self.hidden // 2)
        self.out, self.direct = nn.Linear(self.hidden // 2, 1), nn.Linear(width, 1, bias=False)

    def kinds(self) -> Iterator[Evidence]:
        """Iterate over the evidence."""
        for module in self.evidence:
            assert isinstance(module, Evidence)
            yield module

    @torch.no_grad()
    def count(self, source: CheckInSource, catalogue: Catalogue) -> None:
        """Fill the tables, and tell the scale of the columns from a sample of training queries.

        Raises:
            LgsidError: if the data lack what some evidence needs.
        """
        for evidence in self.kinds():
            evidence.count(source)
        log, self._taken = source.log, None
        self._source = source if self.snapshots else None
        rows = np.flatnonzero((log.split == "train") & log.is_new & (log.n_before > 0))
        rows = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).round().astype(np.int64)]
        sums, squares, n = torch.zeros_like(self.mean), torch.zeros_like(self.mean), 0
        for part in np.array_split(rows, max(1, len(rows) * len(catalogue) // CELLS)):
            view = QueryView.of(sequence_batch(log, part).to(self.mean.device), len(catalogue))
            for i, column in enumerate(self.columns(view, catalogue)):
                sums[i] += column.double().sum().float()
                squares[i] += column.double().square().sum().float()
            n += len(part) * len(catalogue)
        if n:
            self.mean.copy_(sums / n)
            self.deviation.copy_((squares / n - self.mean**2).clamp_min(0).sqrt().clamp_min(0.05))

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield the columns of all evidence, shape (B, N) each."""
        for evidence in self.kinds():
            yield from evidence.columns(view, catalogue)

    def forward(self, columns: Tensor, context: Tensor) -> Tensor:
        """Return scores.

        Args:
            columns: Shape (B, C, W), of C places for each query.
            context: Shape (B, N_CONTEXT).

        Returns:
            Shape (B, C).
        """
        scaled = (columns - self.mean) / self.deviation
        hidden = nn.functional.gelu(self.columns_in(scaled) + self.context_in(context)[:, None])
        hidden = nn.functional.gelu(self.middle(hidden))
        return (self.out(hidden) + self.direct(scaled))[..., 0]  # type: ignore[no-any-return]

    def scores(self, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Score all items, those where the user has been with `NEVER`; shape (B, N) float32."""
        size = max(1, CELLS // max(1, len(catalogue)))
        parts = []
        for start in range(0, len(batch), size):
            view = QueryView.of(batch.cut(start, start + size), len(catalogue))
            columns = torch.stack(list(self.columns(view, catalogue)), -1)
            parts.append(self.forward(columns, view.context()).masked_fill(~view.new, NEVER))
        return torch.cat(parts) if parts else torch.zeros(0, len(catalogue))

    def scores_then(self, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Score all items for training queries, as `scores` does, by what was counted before them; (B, N) float32.

        Queries before the first snapshot are scored by the counts of the whole training split.
        """
        if self._source is None:
            return self.scores(batch, catalogue)
        scores = torch.zeros(len(batch), len(catalogue), device=batch.target.device)
        rest = torch.ones(len(batch), dtype=torch.bool, device=batch.target.device)
        for at, queries, then in self.parts(batch, catalogue):
            scores[at], rest[at] = self.scores(queries, then), False
        if bool(rest.any()):
            scores[rest] = self.scores(batch.take(rest), catalogue)
        return scores

    def parts(self, batch: SequenceBatch, catalogue: Catalogue) -> Iterator[tuple[Tensor, SequenceBatch, Catalogue]]:
        """Yield the training queries that are learned from, with the catalogue to see them with.

        Yields:
            Positions in the batch (B',), the queries there, and the catalogue.
        """
        if self._source is not None:
            if self._taken is None:
                self._taken = Snapshots(self.evidence, self._source, catalogue, self.snapshots)
            yield from self._taken.parts(batch)
        elif len(batch):
            yield torch.arange(len(batch), device=batch.target.device), batch, catalogue

    def loss(self, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the sampled soft-max loss of B training queries, whose targets are new to the user; a scalar.

        Several processes call it together, each with its queries; it is the loss of all of them, 0 if there are none.
        """
        own = [self.log_prob(queries, then) for _, queries, then in self.parts(batch, catalogue)]
        log_prob = gather_rows(torch.cat([batch.target.new_zeros(0, dtype=torch.float32), *own]))
        return -log_prob.mean() if len(log_prob) else log_prob.sum()

    def log_prob(self, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the log-probability of the targets (B,) among places drawn against each, shape (B,)."""
        device, hidden, drawable = batch.target.device, None, torch.arange(len(catalogue), device=batch.target.device)
        if self.hidden_share:
            hidden = torch.rand(len(batch), len(catalogue), device=device) < self.hidden_share
            drawable = catalogue.count.nonzero()[:, 0]
        view = QueryView.of(batch, len(catalogue), hidden)
        drawn = drawable[torch.randint(len(drawable), (len(batch), self.negatives), device=device)]
        candidate = torch.cat([batch.target[:, None], drawn], 1)
        columns = torch.stack([c.gather(1, candidate) for c in self.columns(view, catalogue)], -1)
        wrong = ~view.new.gather(1, candidate) | (candidate == batch.target[:, None])
        wrong[:, 0] = False
        scores = self.forward(columns, view.context()).masked_fill(wrong, NEVER)
        return scores.log_softmax(1)[:, 0]
