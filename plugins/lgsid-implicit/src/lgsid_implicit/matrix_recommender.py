"""What the models of the library implicit are here: counting recommenders over a matrix of users and places."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from implicit.recommender_base import ModelFitError
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits
from torch import Tensor

from lgsid.errors import LgsidError
from lgsid.recommenders import CountingRecommender
from lgsid.recommenders.check_in_source import CheckInSource
from lgsid.recommenders.counting.past_visits import PastVisits

SPLITS_KNOWN = (("train",), ("train", "val"))  # of the two phases of `CountingRecommender`
Floats = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]


class MatrixRecommender(CountingRecommender):
    """Rank places by a model of the library `implicit` (github.com/benfred/implicit), fitted on counts of visits.

    The matrix holds how often each user visited each place. It is fitted twice, on training check-ins for validation
    queries, and on training and validation check-ins for test queries and live ones. The user's row of a query is
    counted anew from all that the user did before it, also inside the test. Nothing is learned from the order of
    visits, their hours and positions. Places where the user has been stay in the list.
    """

    @abstractmethod
    def fit_matrix(self, phase: int, user_items: csr_matrix) -> None:
        """Fit the model of a phase, 0 or 1, and keep it in buffers.

        Args:
            phase: Number of the phase.
            user_items: Shape (U, N) float32, numbers of visits.
        """

    @abstractmethod
    def score_matrix(self, phase: int, user_items: csr_matrix, user: IntArray) -> Floats:
        """Score all places for B queries.

        Args:
            phase: Which of the two models.
            user_items: Shape (B, N) float32, numbers of past visits.
            user: Shape (B,), numbers of the users, negative for somebody unknown.

        Returns:
            Shape (B, N).
        """

    def take_catalogue(self, source: CheckInSource) -> None:
        """Count, and fit both models.

        Raises:
            LgsidError: if there are no training check-ins, or a fit diverges.
        """
        super().take_catalogue(source)
        log, shape = source.log, (len(source.dataset.user_ids), len(source.dataset.items))
        for phase, splits in enumerate(SPLITS_KNOWN):
            known = np.isin(log.split, splits)
            if not known.any():
                raise LgsidError(f"{type(self).__name__}: the train split has no check-ins to fit on")
            with of_library(type(self).__name__):
                self.fit_matrix(phase, visit_counts(log.user[known], log.item[known], shape))

    def score_visits(self, visits: PastVisits) -> Tensor:
        """Return the scores of the model that each query may know, shape (B, N) float64."""
        query, item = visits.query.cpu().numpy(), visits.item.cpu().numpy()
        user_items = visit_counts(query, item, (len(visits), visits.n_items))
        user, phases = visits.user.cpu().numpy(), self.phase(visits).cpu().numpy()
        scores = np.empty(user_items.shape)
        for phase in np.unique(phases):
            rows = np.flatnonzero(phases == phase)
            with of_library(type(self).__name__):
                scores[rows] = self.score_matrix(int(phase), user_items[rows], user[rows])
        return torch.from_numpy(scores).to(visits.item.device)

    def keep(self, name: str, phase: int, values: Floats) -> None:
        """Put the values of a phase into a buffer of both."""
        buffer: Tensor = getattr(self, name)
        buffer[phase] = torch.from_numpy(np.ascontiguousarray(values)).to(buffer)

    def kept(self, name: str, phase: int) -> Floats:
        """Return the values of a phase from a buffer of both."""
        buffer: Tensor = getattr(self, name)
        return buffer[phase].cpu().numpy()

    def check_positive(self, **numbers: int) -> None:
        """Refuse arguments that must be at least 1.

        Raises:
            LgsidError: naming the first.
        """
        for name, value in numbers.items():
            if value < 1:
                raise LgsidError(f"{type(self).__name__}: {name} must be at least 1, not {value}")


def visit_counts(row: IntArray, item: IntArray, shape: tuple[int, int]) -> csr_matrix:
    """Count pairs of row and item, each of shape (P,), in a sparse float32 matrix with sorted columns."""
    counts = csr_matrix((np.ones(len(row), dtype=np.float32), (row, item)), shape=shape)
    counts.sum_duplicates()
    return counts


@contextmanager
def of_library(name: str) -> Iterator[None]:
    """Run code of the library inside: one BLAS thread, as it asks for; its remarks to programmers are not shown.

    Raises:
        LgsidError: in place of an error of a fit.
    """
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except ModelFitError as error:
            text = "the fit diverged; lower the learning rate, or raise the regularization"
            raise LgsidError(f"{name}: {text} ({error})") from error
