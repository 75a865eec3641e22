"""What a stage can do: one small class per verb, by the name that a pipeline file uses."""

from collections.abc import Mapping
from types import MappingProxyType

from lgsid.pipeline.verbs.baselines import Baselines
from lgsid.pipeline.verbs.card import Card
from lgsid.pipeline.verbs.click_baselines import ClickBaselines
from lgsid.pipeline.verbs.data_prepare import DataPrepare
from lgsid.pipeline.verbs.fit import Fit
from lgsid.pipeline.verbs.permute import Permute
from lgsid.pipeline.verbs.report import Report
from lgsid.pipeline.verbs.test import Test
from lgsid.pipeline.verbs.tokenize import Tokenize
from lgsid.pipeline.verbs.verb import Job, Verb

VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "data prepare": DataPrepare(),
        "fit": Fit(),
        "test": Test(),
        "tokenize": Tokenize(),
        "permute": Permute(),
        "card": Card(),
        "baselines": Baselines(),
        "click baselines": ClickBaselines(),
        "report": Report(),
    }
)

__all__ = [
    "VERBS",
    "Baselines",
    "Card",
    "ClickBaselines",
    "DataPrepare",
    "Fit",
    "Job",
    "Permute",
    "Report",
    "Test",
    "Tokenize",
    "Verb",
]
