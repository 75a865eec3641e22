"""Geography-aware semantic IDs for place recommendation.

The names below are imported when they are first used (PEP 562), so that `import lgsid` takes no time and no torch.
`__init__.pyi` tells type checkers the same.
"""

from __future__ import annotations

from lgsid.lazy_names import lazy_names

__version__ = "0.1.0"

PUBLIC = {
    "lgsid.alignment": (
        "CollaborativePairs",
        "FarPairs",
        "GDPOAligner",
        "ListwiseRelevance",
        "NearOtherCategoryPairs",
        "RewardMargin",
        "SameCategoryFarPairs",
        "SimilarityMargin",
        "SimilaritySoftmax",
        "TransitionPairs",
    ),
    "lgsid.artefacts": (
        "Dataset",
        "Embeddings",
        "Interactions",
        "Items",
        "SemanticIDs",
        "read_items",
    ),
    "lgsid.checkpoints": ("load",),
    "lgsid.datamodules": (
        "CTRData",
        "ItemData",
        "PreferenceData",
        "RewardData",
        "SequenceData",
    ),
    "lgsid.datasets": (
        "DatasetBuilder",
        "LeaveOneOutSplit",
        "SyntheticCity",
        "TableSource",
        "TemporalSplit",
    ),
    "lgsid.errors": ("LgsidError",),
    "lgsid.generations": ("Generations",),
    "lgsid.geo": ("FourierGeoEncoder",),
    "lgsid.hub": (
        "from_pretrained",
        "save_pretrained",
    ),
    "lgsid.metrics": (
        "quality_card",
        "render_card",
    ),
    "lgsid.plots": ("sid_map",),
    "lgsid.quantizers": (
        "ResidualCentroids",
        "ResidualFSQ",
        "ResidualVQ",
        "RQKMeans",
        "RQVAE",
    ),
    "lgsid.recommenders": (
        "DIN",
        "DistancePopularity",
        "LiveRecommender",
        "MostRecent",
        "NearestPlace",
        "NewPlaceFloor",
        "Popularity",
        "TIGER",
        "TimeKernel",
        "TimeTransition",
        "UserFrequency",
        "recommend",
    ),
    "lgsid.rewards": ("RewardModel",),
    "lgsid.sharded_encoder_strategy": ("ShardedEncoderStrategy",),
    "lgsid.text": (
        "LoraSpec",
        "PromptTemplate",
        "TextEncoder",
    ),
    "lgsid.tokenizers": (
        "CounterSuffix",
        "HierTokenizer",
        "NearestFreeCode",
        "PlainTokenizer",
        "RandomTokenizer",
        "ResidualTokenizer",
    ),
}
MODULE_OF = {name: module for module, names in PUBLIC.items() for name in names}


__getattr__, __dir__ = lazy_names(__name__, PUBLIC)
