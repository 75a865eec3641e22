"""What a stage can do: one small class per verb, by the name that a pipeline file uses."""

from collections.abc import Mapping
from types import MappingProxyType

from lgsid.pipeline.verbs.baselines import Baselines
from lgsid.pipeline.verbs.card import Card
from lgsid.pipeline.verbs.data_prepare import DataPrepare
from lgsid.pipeline.verbs.fit import Fit
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
        "card": Card(),
        "baselines": Baselines(),
        "report": Report(),
    }
)

__all__ = ["VERBS", "Baselines", "Card", "DataPrepare", "Fit", "Job", "Report", "Test", "Tokenize", "Verb"]
