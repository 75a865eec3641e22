"""A pointer over the user's past: people mostly go where they have been."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from lgsid.construction import Describable
from lgsid.functional.ranking import NEVER
from lgsid.recommenders.generative.visit_mass import VisitMass
from lgsid.recommenders.generative.visits import Visits
from lgsid.recommenders.item_trie import ItemTrie
from lgsid.typing import Batch, SequenceBatch

HOUR_S, DAY_H = 3600.0, 24.0
AGE_KNOTS = tuple(float(x) for x in range(10))  # log(1 + hours): 0 is now, 6.5 a month, 9 a year
LAG_KNOTS = tuple(float(x) for x in range(6))
PLACE_KNOTS = (0.0, 1.5, 3.0, 4.0, 5.0, 6.0)


@dataclass(frozen=True)
class Copied(Batch):
    """What the pointer says."""

    log_attention: Tensor  # (B, T) log-probability that each past check-in is the one to repeat
    log_gate: Tensor  # (B,) log-probability of repeating at all
    log_rest: Tensor  # (B,) log-probability of not repeating

    def log_prob(self, history: Tensor, items: Tensor) -> Tensor:
        """Return the log-probability of pointing at given items (B,), `NEVER` where the user has not been, (B,).

        Args:
            history: Shape (B, T), item rows of the past check-ins, -1 is padding.
            items: Shape (B,), item rows.
        """
        return self.log_attention.masked_fill(history != items[:, None], NEVER).logsumexp(1)

    def mass(self, history: Tensor, trie: ItemTrie) -> VisitMass:
        """Return the probability of pointing by ranges of the sorted items; `history` (B, T) as above."""
        return VisitMass.of(history, self.log_attention.double().exp(), trie)


class HistoryCopy(Describable, nn.Module):
    """Point at past check-ins by time of day, weekday, age, recency, place, what followed before, and content.

    A pointer-generator (See et al. 2017, arXiv 1704.04368): `p(item) = g p_copy(item) + (1 - g) p_gen(item)`, with
    `p_copy(item)` the attention on past check-ins there. Both parts are distributions over items, so the probability
    of a prefix of a semantic ID is the same mixture of the parts' prefix probabilities: a beam search needs no
    approximation for it. The logit of a past check-in is a small network of the features that counting models
    multiply by hand (time of day, age, what the user did next the last time), plus the dot product of the encoder's
    state with the check-in's codes.

    Args:
        hidden: Width of the networks over the features and of the gate.
        content: Width of the dot product with the codes; 0 leaves it out.
        dropout: On the content query.
    """

    def __init__(self, hidden: int = 48, content: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.hidden = hidden
        self.content = content
        self.dropout = nn.Dropout(dropout)

    def build(self, width: int, n_levels: int) -> None:
        """Create the layers.

        Args:
            width: Width D of the encoder's state and of the code vectors.
            n_levels: Number of levels L of the semantic IDs.
        """
        n_features = N_EVENT + N_PLACE + 2 * n_levels
        self.network = nn.Sequential(
            nn.Linear(n_features, self.hidden),
            nn.GELU(),
            nn.Linear(self.hidden, self.hidden),
            nn.GELU(),
            nn.Linear(self.hidden, 1),
        )
        if self.content:
            self.query = nn.Linear(width, self.content)
            self.key = nn.Linear(width, self.content, bias=False)
        self.gate = nn.Sequential(nn.Linear(width + N_SUMMARY, self.hidden), nn.GELU(), nn.Linear(self.hidden, 1))

    def forward(
        self, batch: SequenceBatch, visits: Visits, state: Tensor, codes: Tensor, table: Tensor, km: Tensor
    ) -> Copied:
        """Return where the pointer points, and how much it is to be trusted.

        Args:
            batch: B queries.
            visits: Their past check-ins by place.
            state: Shape (B, D), the encoder's state at the query.
            codes: Shape (B, T, L), rows of `table` of the past check-ins' codes.
            table: Shape (V, D), vectors of all codes.
            km: Shape (B, T), distance of each past check-in from the last one.
        """
        known = batch.history >= 0
        features = torch.cat(
            [describe_events(batch, km), describe_places(batch, visits), match_codes(codes, known)], -1
        )
        logits = self.network(features)[..., 0]
        if self.content:
            keys = torch.nn.functional.embedding_bag(codes.flatten(0, 1), self.key(table), mode="sum")
            keys = keys.view(*codes.shape[:2], self.content)  # (B, T, content)
            query = self.dropout(self.query(state)) / math.sqrt(self.content)
            logits = logits + (keys @ query[:, :, None])[..., 0]
        logits = logits.float().masked_fill(~known, NEVER)
        log_attention = logits.log_softmax(1).masked_fill(~known, NEVER)
        seen = summary(batch, visits, log_attention.detach())
        gate = self.gate(torch.cat([state.float(), seen], 1))[:, 0].float()
        gate = torch.where(known.any(1), gate, NEVER)
        return Copied(log_attention, logsigmoid(gate), logsigmoid(-gate))


def describe_events(batch: SequenceBatch, km: Tensor) -> Tensor:
    """Describe every past check-in as seen from the query: smooth bumps, all of order one.

    Args:
        batch: B queries with T past check-ins.
        km: Shape (B, T), distance from the last place.

    Returns:
        Shape (B, T, N_EVENT), float32.
    """
    history, shape = batch.history, batch.history.shape
    last = history[:, -1:]
    apart = (batch.history_hour - batch.hour[:, None]).abs() % DAY_H
    apart = torch.minimum(apart, DAY_H - apart)
    hours = (batch.history_age_s / HOUR_S).float().clamp_min(0)
    age, lag = torch.log1p(hours), torch.log1p(hours[:, -1:])
    weekend, now_weekend = batch.history_weekday >= 5, (batch.weekday >= 5)[:, None]
    rank = torch.arange(shape[1] - 1, -1, -1, device=history.device, dtype=torch.float32).expand(shape)
    before = torch.nn.functional.pad(history[:, :-1], (1, 0), value=-1)  # what the user did just before each
    before_that = torch.nn.functional.pad(history[:, :-2], (2, 0), value=-1)[:, : shape[1]]
    follows = (before == last) & (last >= 0)
    second = history[:, -2:-1] if shape[1] > 1 else torch.full_like(last, -2)
    gap = torch.nn.functional.pad(torch.log1p((hours[:, :-1] - hours[:, 1:]).clamp_min(0)), (1, 0), value=20.0)
    turn = batch.hour[:, None] * (2 * math.pi / DAY_H)
    columns = [torch.exp(-0.5 * (apart / width) ** 2) for width in (0.7, 1.5, 3.0, 6.0)]
    columns += [age / 5, *bumps(age, AGE_KNOTS), torch.exp(-hours / (30 * DAY_H)), torch.exp(-hours / (7 * DAY_H))]
    columns += [torch.cos(hours * (2 * math.pi / (7 * DAY_H))), torch.cos(hours * (2 * math.pi / DAY_H))]
    columns += [(weekend == now_weekend), (batch.history_weekday == batch.weekday[:, None]), now_weekend]
    columns += [history == last, torch.log1p(rank) / 5, rank < 1, rank < 2, rank < 4]
    columns += [follows, follows & (before_that == second), follows * torch.exp(-(gap - lag).abs())]
    columns += [follows * columns[1], torch.log1p(5 * km) / 3, 1 / (1 + 5 * km), lag / 5, *bumps(lag, LAG_KNOTS)]
    columns += [torch.cos(turn), torch.sin(turn), torch.cos(2 * turn), torch.sin(2 * turn)]
    return torch.stack([column.float().expand(shape) for column in columns], dim=-1)


N_EVENT = 28 + len(AGE_KNOTS) + len(LAG_KNOTS)  # columns of `describe_events`


def describe_places(batch: SequenceBatch, visits: Visits) -> Tensor:
    """Describe the place of every past check-in: how often, when last, when first the user was there.

    Args:
        batch: B queries with T past check-ins.
        visits: Their past check-ins by place.

    Returns:
        Shape (B, T, N_PLACE), float32.
    """
    known = batch.history >= 0
    hours = (batch.history_age_s / HOUR_S).float().clamp_min(0)
    place = visits.group_of
    count = torch.zeros_like(hours).scatter_add(1, place, known.float()).gather(1, place).clamp_min(1)
    latest = torch.log1p(hours.new_full(hours.shape, 1e6).scatter_reduce(1, place, hours, "amin").gather(1, place))
    earliest = torch.log1p(torch.zeros_like(hours).scatter_reduce(1, place, hours, "amax").gather(1, place))
    columns = [torch.log(count) / 3, (count == 1).float(), count / known.sum(1, keepdim=True).clamp_min(1)]
    columns += [latest / 5, earliest / 5, (earliest - latest) / 5, *bumps(latest, PLACE_KNOTS)]
    return torch.stack(columns, dim=-1)


N_PLACE = 6 + len(PLACE_KNOTS)  # columns of `describe_places`


def match_codes(codes: Tensor, known: Tensor) -> Tensor:
    """Compare codes with those of the last place: of every past check-in, and of the check-in just before it.

    Args:
        codes: Shape (B, T, L).
        known: Shape (B, T) bool, False at padding, which equals nothing.

    Returns:
        Shape (B, T, 2 L), float32, 1 where equal: "the same kind of place", "the user came from the same kind".
    """
    codes = codes.masked_fill(~known[..., None], -1)
    before = torch.nn.functional.pad(codes[:, :-1], (0, 0, 1, 0), value=-1)
    return torch.cat([codes == codes[:, -1:], before == codes[:, -1:]], -1).float()


def bumps(values: Tensor, knots: tuple[float, ...]) -> list[Tensor]:
    """Return a Gaussian bump of width 0.7 around each knot, each of the shape of `values`."""
    return [torch.exp(-0.5 * ((values - knot) / 0.7) ** 2) for knot in knots]


def summary(batch: SequenceBatch, visits: Visits, log_attention: Tensor) -> Tensor:
    """Describe how repetitive the user is and how sure the pointer.

    Args:
        batch: B queries.
        visits: Their past check-ins by place.
        log_attention: Shape (B, T).

    Returns:
        Shape (B, N_SUMMARY), float32.
    """
    known = batch.history >= 0
    place = torch.zeros_like(log_attention).scatter_add(1, visits.group, log_attention.exp().gather(1, visits.order))
    first = visits.first
    n, distinct = known.sum(1).float(), first.sum(1).float()
    columns = [
        torch.log1p(n) / 5,
        torch.log1p(distinct) / 5,
        distinct / n.clamp_min(1),
        place.amax(1),
        (place**2).sum(1),
    ]
    columns += [first[:, -recent:].sum(1) / known[:, -recent:].sum(1).clamp_min(1) for recent in (5, 20)]
    lag = torch.log1p((batch.history_age_s[:, -1] / HOUR_S).float().clamp_min(0))
    turn = batch.hour * (2 * math.pi / DAY_H)
    columns += [
        lag / 5,
        (batch.weekday >= 5).float(),
        torch.cos(turn),
        torch.sin(turn),
        torch.cos(2 * turn),
        torch.sin(2 * turn),
    ]
    return torch.stack(columns, dim=1)


N_SUMMARY = 13  # columns of `summary`
