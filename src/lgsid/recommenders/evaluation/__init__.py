"""Evaluations: plain objects that consume rankings or scores and know the metrics, the slices and the saved files."""

from lgsid.recommenders.evaluation.click_evaluation import ClickEvaluation, ClickSamples
from lgsid.recommenders.evaluation.evaluation import Evaluation
from lgsid.recommenders.evaluation.item_slices import item_slices
from lgsid.recommenders.evaluation.ranking_evaluation import RankedQueries, RankingEvaluation

__all__ = ["ClickEvaluation", "ClickSamples", "Evaluation", "RankedQueries", "RankingEvaluation", "item_slices"]
