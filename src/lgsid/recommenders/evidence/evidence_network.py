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
from lgsid.recommenders.evidence.area_evidence import AreaEvidence
from lgsid.recommenders.evidence.brand_evidence import BrandEvidence
from lgsid.recommenders.evidence.category_evidence import CategoryEvidence
from lgsid.recommenders.evidence.co_visit_evidence import CoVisitEvidence
from lgsid.recommenders.evidence.distance_evidence import DistanceEvidence
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.popularity_evidence import PopularityEvidence
from lgsid.recommenders.evidence.query_view import N_CONTEXT, QueryView
from lgsid.recommenders.evidence.transition_evidence import TransitionEvidence
from lgsid.recommenders.evidence.visitor_evidence import VisitorEvidence
from lgsid.typing import DataShape, SequenceBatch

CELLS = 1 << 15  # queries times items that are scored at once: their hidden layer fits into the cache of a core
TABLE_CELLS = 1 << 20  # queries times items whose tables are held at once where few items are scored
SAMPLE = 256  # training queries that tell mean and deviation of the columns, over all items; fewer where these are many
SAMPLE_CELLS = 1 << 23


USUAL = (
    DistanceEvidence,
    PopularityEvidence,
    CategoryEvidence,
    BrandEvidence,
    TransitionEvidence,
    CoVisitEvidence,
    VisitorEvidence,
    AreaEvidence,
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

    Source: training with absent collaborative input (DropoutNet, NeurIPS 2017); of places in place of inputs is ours.

    Args:
        evidence: What it weighs; all kinds that need no vectors if not given.
        hidden: Width of the first layer; the second has half of it.
        negatives: Places drawn uniformly, for each query, against the one visited.
        hidden_share: Share of the places that a training query sees as if nobody had been there, 0 to less than 1.
            Above zero for a catalogue of which some places are newer than the log.
    """

    mean: Tensor  # (W,) of the columns
    deviation: Tensor  # (W,)

    def __init__(
        self,
        evidence: Sequence[Evidence] | None = None,
        hidden: int = 64,
        negatives: int = 300,
        hidden_share: float = 0.0,
    ) -> None:
        super().__init__()
        if negatives < 1:
            raise LgsidError(f"EvidenceNetwork: negatives must be at least 1, not {negatives}")
        if not 0 <= hidden_share < 1:
            raise LgsidError(f"EvidenceNetwork: hidden_share must be from 0 to less than 1, not {hidden_share}")
        self.evidence = nn.ModuleList([kind() for kind in USUAL] if evidence is None else evidence)
        self.hidden, self.negatives, self.hidden_share = hidden, negatives, hidden_share

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
        log = source.log
        rows = log.at_new_places("train")
        size = min(SAMPLE, len(rows), 1 + SAMPLE_CELLS // max(1, len(catalogue)))
        rows = rows[np.linspace(0, len(rows) - 1, size).round().astype(np.int64)]
        sums, squares, n = torch.zeros_like(self.mean), torch.zeros_like(self.mean), 0
        for part in np.array_split(rows, max(1, min(len(rows), len(rows) * len(catalogue) // CELLS))):
            view = QueryView.of(sequence_batch(log, part).to(self.mean.device), len(catalogue))
            for i, column in enumerate(self.columns(view, catalogue)):
                sums[i] += column.double().sum().float()
                squares[i] += column.double().square().sum().float()
            n += len(part) * len(catalogue)
        if n:
            self.mean.copy_(sums / n)
            self.deviation.copy_((squares / n - self.mean**2).clamp_min(0).sqrt().clamp_min(0.05))

    def columns(self, view: QueryView, catalogue: Catalogue) -> Iterator[Tensor]:
        """Yield the columns of all evidence, shape (B, C) each.

        Raises:
            LgsidError: if some evidence yields others.
        """
        shape = (len(view), len(catalogue) if view.places is None else view.places.shape[1])
        for evidence in self.kinds():
            for column in evidence.columns(view, catalogue):
                if column.shape != shape:
                    raise LgsidError(
                        f"{type(evidence).__name__}: a column of shape {list(column.shape)}, not {list(shape)}; take"
                        " what is known of items by view.at_places"
                    )
                yield column

    def forward(self, columns: Tensor, context: Tensor) -> Tensor:
        """Return scores.

        Args:
            columns: Shape (W, B, C), of C places for each query, not scaled.
            context: Shape (B, N_CONTEXT).

        Returns:
            Shape (B, C).
        """
        _, n_queries, n_places = columns.shape
        flat = columns.flatten(1)
        # the scale of the columns is folded into the weights, and places are the last axis: no copy of the columns
        weight, direct = self.columns_in.weight / self.deviation, self.direct.weight / self.deviation
        of_query = self.columns_in.bias + self.context_in(context) - weight @ self.mean  # (B, H)
        hidden = nn.functional.gelu((weight @ flat).view(-1, n_queries, n_places) + of_query.T[:, :, None])
        hidden = nn.functional.gelu(self.middle.bias[:, None] + self.middle.weight @ hidden.flatten(1))
        scores = self.out.weight @ hidden + direct @ flat + (self.out.bias - direct @ self.mean)
        return scores.view(n_queries, n_places)

    def scores(self, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Score all items, those where the user has been with `NEVER`; shape (B, N) float32."""
        parts = [torch.zeros(0, len(catalogue), device=batch.target.device)]
        for part in chunks(batch, catalogue):
            view = QueryView.of(part, len(catalogue))
            parts.append(self._all_scores(view, torch.stack(list(self.columns(view, catalogue)))))
        return torch.cat(parts)

    def loss(self, batch: SequenceBatch, catalogue: Catalogue) -> Tensor:
        """Return the sampled soft-max loss of B training queries, whose targets are new to the user; a scalar.

        Several processes call it together, each with its queries; it is the loss of all of them, 0 if there are none.
        """
        return mean_loss([self._log_prob(batch, catalogue)] if len(batch) else [], batch)

    def loss_and_log_prob(self, batch: SequenceBatch, catalogue: Catalogue) -> tuple[Tensor, Tensor]:
        """Return the `loss`, and the log-probabilities of the targets among all items, which have no gradient, (B,).

        What both read is computed once.
        """
        among_drawn, among_all = [], [torch.zeros(0, device=batch.target.device)]
        for part in chunks(batch, catalogue):
            view = QueryView.of(part, len(catalogue))
            columns = torch.stack(list(self.columns(view, catalogue)))
            with torch.no_grad():
                log_prob = self._all_scores(view, columns).log_softmax(1)
            among_all.append(log_prob.gather(1, part.target[:, None])[:, 0])
            among_drawn.append(self._log_prob(part, catalogue, None if self.hidden_share else (view, columns)))
        return mean_loss(among_drawn, batch), torch.cat(among_all)

    def _all_scores(self, view: QueryView, columns: Tensor) -> Tensor:
        return self.forward(columns, view.context()).masked_fill(~view.new, NEVER)

    def _log_prob(
        self, batch: SequenceBatch, catalogue: Catalogue, known: tuple[QueryView, Tensor] | None = None
    ) -> Tensor:
        """Return the log-probability of the targets (B,) among places drawn against each, shape (B,).

        Args:
            batch: B queries.
            catalogue: The N items.
            known: Their view, in which nothing is hidden, and its columns, shape (W, B, N), if they are known.
        """
        device, hidden, drawable = batch.target.device, None, torch.arange(len(catalogue), device=batch.target.device)
        if self.hidden_share:
            hidden = torch.rand(len(batch), len(catalogue), device=device) < self.hidden_share
            drawable = catalogue.count.nonzero()[:, 0]
        drawn = drawable[torch.randint(len(drawable), (len(batch), self.negatives), device=device)]
        candidate = torch.cat([batch.target[:, None], drawn], 1)
        if known is not None:
            view, columns = known
            return self._target_log_prob(view, columns.gather(2, candidate.expand(len(columns), -1, -1)), candidate)
        parts = []
        for some in cuts(len(batch), len(catalogue), TABLE_CELLS):
            part = batch.cut(some.start, some.stop)
            view = QueryView.of(part, len(catalogue), None if hidden is None else hidden[some], candidate[some])
            columns = torch.stack(list(self.columns(view, catalogue)))
            parts.append(self._target_log_prob(view, columns, candidate[some]))
        return torch.cat(parts)

    def _target_log_prob(self, view: QueryView, columns: Tensor, candidate: Tensor) -> Tensor:
        """Return the log-probability of the first of the candidates (B, C) among those new to the user, shape (B,)."""
        wrong = ~view.new.gather(1, candidate) | (candidate == candidate[:, :1])
        wrong[:, 0] = False
        scores = self.forward(columns, view.context()).masked_fill(wrong, NEVER)
        return scores.log_softmax(1)[:, 0]


def chunks(batch: SequenceBatch, catalogue: Catalogue) -> Iterator[SequenceBatch]:
    """Yield the queries, few enough at a time to score all items for them in the cache."""
    for some in cuts(len(batch), len(catalogue), CELLS):
        yield batch.cut(some.start, some.stop)


def cuts(n_queries: int, n_items: int, cells: int) -> Iterator[slice]:
    """Yield slices of queries that, times items, are no more than some cells, or of one query."""
    size = max(1, cells // max(1, n_items))
    for start in range(0, n_queries, size):
        yield slice(start, start + size)


def mean_loss(log_prob: list[Tensor], batch: SequenceBatch) -> Tensor:
    """Return minus the mean of the log-probabilities of all processes, 0 if there are none."""
    rows = gather_rows(torch.cat([torch.zeros(0, device=batch.target.device), *log_prob]))
    return -rows.mean() if len(rows) else rows.sum()
