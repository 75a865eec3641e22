"""Who is visited by the same users, as vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from lgsid.errors import LgsidError
from lgsid.tokenizers.visit_signal import VisitSignal
from lgsid.tokenizers.visits import Visits


class CoVisitFactors(VisitSignal):
    """Truncated singular vectors of the positive pointwise mutual information of co-visits, of mean squared length one.

    `C_ij` users have been at both places i and j; `M_ij = max(log(C_ij C / (C_i C_j)), 0)`, `M = U S V'`; the vectors
    are `U sqrt(S)`. Places that share no user with any other have the zero vector.

    Source: Levy and Goldberg, NIPS 2014: this matrix is what skip-gram embeddings factorize. It takes the place of the
    embeddings of a trained recommender in LETTER (arXiv 2405.07314) and of the list of visitors in GNPR-SID
    (arXiv 2506.01375).

    Args:
        width: Number of singular vectors; columns of zeros fill up where there are fewer.
        seed: Random seed of the decomposition.
    """

    def __init__(self, width: int = 32, seed: int = 0) -> None:
        if width < 1:
            raise LgsidError(f"CoVisitFactors: width must be at least 1, not {width}")
        self._width, self.seed = width, seed

    @property
    def width(self) -> int:
        """Number of singular vectors."""
        return self._width

    def of(self, visits: Visits) -> npt.NDArray[np.float32]:
        """Return the vectors, shape (N, width)."""
        matrix = shared_information(visits)
        found = np.zeros((visits.n_places, self.width))
        if matrix.nnz:
            left, values, _ = randomized_svd(matrix, min(self.width, visits.n_places), random_state=self.seed)
            found[:, : len(values)] = left * np.sqrt(values)
            found[matrix.getnnz(axis=1) == 0] = 0.0  # where rounding left a trace
            found /= np.sqrt(np.square(found).sum(axis=1).mean())
        return found.astype(np.float32)


def shared_information(visits: Visits) -> sparse.csr_matrix:
    """Return the positive pointwise mutual information of co-visits, shape (N, N), without a diagonal."""
    shape = (int(visits.user.max(initial=-1)) + 1, visits.n_places)
    been = sparse.csr_matrix((np.ones(len(visits.place)), (visits.user, visits.place)), shape)
    been.data[:] = 1.0  # the constructor has added up repeated visits
    both = (been.T @ been).tocoo()
    others = both.row != both.col
    row, col, count = both.row[others], both.col[others], both.data[others]
    total = np.bincount(row, count, minlength=visits.n_places)
    information = np.log(count * count.sum() / (total[row] * total[col])) if len(count) else count
    kept = information > 0
    return sparse.csr_matrix((information[kept], (row[kept], col[kept])), (visits.n_places, visits.n_places))
