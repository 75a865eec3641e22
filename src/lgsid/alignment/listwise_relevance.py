"""Alignment by lists: every place of a batch orders all others by graded relevance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lgsid.alignment.alignment_loss import AlignmentLoss, EncodedPairs
from lgsid.alignment.relevance import ContentRelevance, DistanceRelevance, NextVisitRelevance, Relevance
from lgsid.artefacts import Dataset
from lgsid.errors import LgsidError
from lgsid.functional.preference import listwise_preference_loss
from lgsid.text import TextEncoder


class ListwiseRelevance(AlignmentLoss):
    """Each place of a batch orders all other places of it as a weighted sum of relevances does.

    `-sum_j softmax_j(relevance_ij / relevance_temperature) log softmax_j(cos_ij / temperature)`, mean over the places i
    of the batch, j over all others: ListNet's loss (Cao et al. 2007) of the cosine as reward. A preference pair says
    one thing: nearer, or of the same kind, or visited next. Here a place that is all of them comes first, and one that
    is some of them in between; the weights are the trade-off between meaning, distance and collaboration. The pairs of
    a batch decide which places meet. Our addition to LGSID (docs/method.md, section 2).

    Args:
        relevances: What makes a place relevant to another; meaning, nearness and collaboration if not given.
        weights: Weight of each relevance; 1 each if not given.
        temperature: Temperature of the cosine similarities.
        relevance_temperature: Temperature of the weighted relevance; a lower one asks for the first places only.
    """

    def __init__(
        self,
        relevances: list[Relevance] | None = None,
        weights: Sequence[float] | None = None,
        temperature: float = 0.07,
        relevance_temperature: float = 0.1,
    ) -> None:
        super().__init__()
        given = relevances or [ContentRelevance(), DistanceRelevance(), NextVisitRelevance()]
        self.relevances = given
        self.weights = [1.0] * len(given) if weights is None else [float(weight) for weight in weights]
        if len(self.weights) != len(given) or not any(self.weights):
            raise LgsidError(f"ListwiseRelevance: {len(given)} relevances but weights {self.weights}; give one each")
        for name, value in (("temperature", temperature), ("relevance_temperature", relevance_temperature)):
            if value <= 0:
                raise LgsidError(f"ListwiseRelevance: {name} must be positive, not {value}")
        self.temperature = temperature
        self.relevance_temperature = relevance_temperature

    def prepare(self, encoder: TextEncoder, dataset: Dataset) -> None:
        """Let each relevance index the places."""
        for relevance in self.relevances:
            relevance.fit(dataset, encoder)

    def of(self, pairs: EncodedPairs) -> tuple[Tensor, Tensor]:
        """Return the loss over all places of the batch, and the gain in cosine of each pair."""
        cosine, reference = (F.normalize(v, dim=1) @ F.normalize(v, dim=1).T for v in (pairs.policy, pairs.reference))
        others = ~torch.eye(len(cosine), dtype=torch.bool, device=cosine.device)
        width = len(cosine) - 1
        with torch.no_grad():
            grade = torch.stack(
                [
                    weight * relevance.between(pairs.row, pairs.reference)
                    for relevance, weight in zip(self.relevances, self.weights, strict=True)
                    if weight
                ]
            ).sum(dim=0)
            wanted = (grade[others].view(-1, width) / self.relevance_temperature).softmax(dim=1)
        loss = listwise_preference_loss(cosine[others].view(-1, width), wanted, beta=1 / self.temperature)
        gain = (cosine - reference).detach()[pairs.anchor[:, None], pairs.candidates]
        return loss, gain[:, :1] - gain[:, 1:]
