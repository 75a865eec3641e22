"""How much of a text encoder's sense of everyday sentences an alignment on places keeps."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr
from torch.nn import functional as F

from lgsid.text.text_encoder import TextEncoder

PAIRS_FILE = "sentence_pairs.json"


def sentence_pairs() -> tuple[list[str], list[str], npt.NDArray[np.float64]]:
    """Return pairs of everyday sentences that have nothing to do with places, graded by us.

    Grades are those of semantic textual similarity (Cer et al., SemEval-2017 task 1): 5 means the same, 4 but for
    details, 3 but for something important, 2 shares some details, 1 the topic, 0 nothing.

    Returns:
        First sentences (P texts), second sentences (P texts), and grades from 0 to 5, shape (P,).
    """
    rows = json.loads(files("lgsid.text").joinpath(PAIRS_FILE).read_text(encoding="utf-8"))
    first, second = [row["first"] for row in rows], [row["second"] for row in rows]
    return first, second, np.array([row["grade"] for row in rows], dtype=np.float64)


def sentence_retention(encoder: TextEncoder) -> dict[str, float]:
    """Compare an encoder's judgment of everyday sentences with its adapter on and off.

    Args:
        encoder: The encoder; without an adapter both are the same.

    Returns:
        `spearman`: rank correlation of cosine and grade with the adapter on; `reference_spearman`: with it off;
        `retention`: the first over the second, left out if that is not positive;
        `agreement`: rank correlation of the two cosines.
    """
    first, second, grades = sentence_pairs()
    after = _cosines(encoder, first, second, use_cache=False)
    with encoder.reference():
        before = _cosines(encoder, first, second, use_cache=True)
    found, reference, agreement = (correlation(*pair) for pair in ((after, grades), (before, grades), (after, before)))
    kept = {"retention": found / reference} if reference > 0 else {}
    return {"spearman": found, "reference_spearman": reference, **kept, "agreement": agreement}


def correlation(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """Return Spearman's rank correlation of two columns (P,), equal values at their mean rank; 0 if one is constant."""
    constant = np.ptp(first) == 0 or np.ptp(second) == 0
    return 0.0 if constant else float(spearmanr(first, second).statistic)


def _cosines(encoder: TextEncoder, first: list[str], second: list[str], use_cache: bool) -> npt.NDArray[np.float64]:
    vectors = encoder.encode([*first, *second], progress=False, use_cache=use_cache).double()
    return np.asarray(F.cosine_similarity(vectors[: len(first)], vectors[len(first) :]).numpy())
