"""lgsid's own parts of all other kinds keep the contracts, each with the arguments that it needs."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from lgsid import plugins
from lgsid.alignment import (
    AlternatingRejected,
    ContentRelevance,
    DistanceRelevance,
    GDPOAligner,
    InBatchSoftmax,
    ListwiseRelevance,
    NearbyRejected,
    NextVisitRelevance,
    PairedRejected,
    RewardRelevance,
    SameCategoryRejected,
    SimilarityMargin,
    UniformRejected,
)
from lgsid.datamodules import CTRData, ItemData, PopularityNegatives, RewardData, SequenceData
from lgsid.datasets import BlockSplit, ColdStartSplit, HeldOutSourceSplit, LeaveOneOutSplit, PlacesOnly, TemporalSplit
from lgsid.recommenders import (
    DIN,
    ECPO,
    BalanceLoss,
    BeamSearch,
    BestFirstSearch,
    BestWorstDPO,
    ClickReward,
    DistanceReward,
    DiversityReward,
    FirstPlace,
    HardSearch,
    HashSearch,
    InterestEvolution,
    LevelSids,
    ListOrder,
    LogDistance,
    LossFreeBalance,
    NgramSids,
    NoDistance,
    NoSids,
    PrefixSids,
    ReachabilityReward,
    SeparateTokens,
    SoftSearch,
    SummedPrefixSids,
    SummedTokens,
    TargetAttention,
    TwoStageAttention,
    VisitReward,
)
from lgsid.rewards import (
    AnchoredPair,
    CrossedLists,
    DistanceLists,
    ListwiseSoftmax,
    MismatchedLists,
    MismatchedPrompt,
    NextVisitLists,
    PointwiseBCE,
    RewardHead,
    RewardModel,
    SoftTargetBCE,
    UniformLists,
    WeightedBCE,
)
from lgsid.rewards.reward_head import CHECKPOINT_KEY
from lgsid.testing import (
    AlignerContract,
    AlignmentLossContract,
    AttributeEncoderContract,
    CollisionStrategyContract,
    CommandContract,
    DataModuleContract,
    DistanceFeaturesContract,
    ExpertBalanceContract,
    HeadInputContract,
    HistoryTokensContract,
    InterestExtractorContract,
    ListLossContract,
    ListRankingContract,
    ListRewardContract,
    ListSourceContract,
    RejectedPlacesContract,
    RelevanceContract,
    RewardLossContract,
    RewardModelContract,
    SidFeaturesContract,
    SplitContract,
    TextEncoderContract,
    TreeSearchContract,
    toy_city,
)
from lgsid.testing.aligner_contract import model_folder, toy_pairs, trainable_encoder
from lgsid.testing.relevance_contract import frozen_encoder
from lgsid.testing.tokenizer_contract import toy_folder
from lgsid.testing.toy_city import toy_dataset_folder
from lgsid.text import HashedWords, TextEncoder
from lgsid.tokenizers import CounterSuffix, HashedAttributes, NearestFreeCode, NoResolution, OneHotAttributes


def reward_checkpoint(folder: Path) -> str:
    """Write a reward head on the vectors of the frozen tiny encoder."""
    path, encoder = folder / "model.ckpt", frozen_encoder()
    torch.manual_seed(0)
    head = RewardHead(AnchoredPair(width=4), encoder.dim, 16, encoder=encoder.describe())
    state = {f"head.{name}": value for name, value in head.state_dict().items()}
    torch.save({CHECKPOINT_KEY: head.describe(), "state_dict": state}, path)
    return str(path)


def items_of_the_toy():
    folder = toy_folder().name
    return ItemData(folder, f"{folder}/embeddings.parquet", batch_size=16)


@cache
def click_model():
    """Return a click model that has learned nothing, on the places of the toy city."""
    torch.manual_seed(0)
    data, model = CTRData(toy_dataset_folder()), DIN(attention_units=6, sid_features=NoSids())
    data.setup()
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval()


def prepared(loss):
    loss.prepare(frozen_encoder(), toy_city())
    return loss


PARTS = {
    SplitContract: {
        "TemporalSplit": TemporalSplit,
        "LeaveOneOutSplit": LeaveOneOutSplit,
        "ColdStartSplit": lambda: ColdStartSplit(TemporalSplit(), share=0.3),
        "BlockSplit": lambda: BlockSplit(["T0"], ["T1"], ["T2"]),
        "HeldOutSourceSplit": lambda: HeldOutSourceSplit(TemporalSplit(), ["there"]),
        "PlacesOnly": PlacesOnly,
    },
    AttributeEncoderContract: {"OneHotAttributes": OneHotAttributes, "HashedAttributes": HashedAttributes},
    CollisionStrategyContract: {
        "NoResolution": NoResolution,
        "CounterSuffix": CounterSuffix,
        "NearestFreeCode": NearestFreeCode,
    },
    RewardLossContract: {
        "ListwiseSoftmax": ListwiseSoftmax,
        "SoftTargetBCE": SoftTargetBCE,
        "WeightedBCE": WeightedBCE,
        "PointwiseBCE": PointwiseBCE,
    },
    HeadInputContract: {
        "MismatchedPrompt": MismatchedPrompt,
        "AnchoredPair": lambda: AnchoredPair(width=4, hidden_dim=16),
    },
    ListSourceContract: {
        "DistanceLists": DistanceLists,
        "UniformLists": UniformLists,
        "CrossedLists": CrossedLists,
        "MismatchedLists": lambda: MismatchedLists(40),
        "NextVisitLists": NextVisitLists,
    },
    RejectedPlacesContract: {
        "NearbyRejected": NearbyRejected,
        "PairedRejected": PairedRejected,
        "UniformRejected": UniformRejected,
        "SameCategoryRejected": SameCategoryRejected,
        "AlternatingRejected": lambda: AlternatingRejected([NearbyRejected(), UniformRejected()]),
    },
    AlignmentLossContract: {
        "InBatchSoftmax": InBatchSoftmax,
        "SimilarityMargin": lambda: SimilarityMargin(temperature=0.2),
        "ListwiseRelevance": lambda: prepared(ListwiseRelevance([ContentRelevance(), DistanceRelevance()])),
    },
    RelevanceContract: {
        "ContentRelevance": ContentRelevance,
        "DistanceRelevance": DistanceRelevance,
        "NextVisitRelevance": NextVisitRelevance,
    },
    HistoryTokensContract: {"SummedTokens": SummedTokens, "SeparateTokens": SeparateTokens},
    TreeSearchContract: {"BeamSearch": BeamSearch, "BestFirstSearch": BestFirstSearch},
    InterestExtractorContract: {
        "TargetAttention": lambda: TargetAttention(8),
        "InterestEvolution": InterestEvolution,
        "HardSearch": lambda: HardSearch(k=3, head_width=4),
        "SoftSearch": lambda: SoftSearch(k=3, head_width=4),
        "TwoStageAttention": lambda: TwoStageAttention(k=3, heads=2, head_width=4),
        "HashSearch": lambda: HashSearch(k=3, head_width=4),
    },
    SidFeaturesContract: {
        "NoSids": NoSids,
        "LevelSids": LevelSids,
        "PrefixSids": PrefixSids,
        "SummedPrefixSids": SummedPrefixSids,
        "NgramSids": NgramSids,
    },
    ExpertBalanceContract: {"LossFreeBalance": LossFreeBalance, "BalanceLoss": BalanceLoss},
    ListRankingContract: {"FirstPlace": FirstPlace, "ListOrder": ListOrder},
    ListLossContract: {"BestWorstDPO": BestWorstDPO, "ECPO": ECPO},
    ListRewardContract: {
        "VisitReward": VisitReward,
        "ClickReward": lambda: ClickReward(click_model(), history=4),
        "DistanceReward": DistanceReward,
        "ReachabilityReward": lambda: ReachabilityReward(max_km=2.0),
        "DiversityReward": DiversityReward,
    },
    DistanceFeaturesContract: {"NoDistance": NoDistance, "LogDistance": LogDistance},
    TextEncoderContract: {
        "TextEncoder": lambda: TextEncoder(model_folder().name, autocast="float32"),
        "TextEncoder with an adapter": trainable_encoder,
        "HashedWords": lambda: HashedWords(dim=64),
    },
    DataModuleContract: {
        "RewardData": lambda: RewardData(toy_dataset_folder(), n_candidates=4, batch_size=8),
        "PreferenceData": toy_pairs,
        "ItemData": items_of_the_toy,
        "SequenceData": lambda: SequenceData(toy_dataset_folder()),
        "CTRData": lambda: CTRData(toy_dataset_folder(), negatives=PopularityNegatives()),
    },
    RewardModelContract: {
        "RewardModel": lambda: (
            RewardModel(frozen_encoder(), hidden_dim=16),
            RewardData(toy_dataset_folder(), n_candidates=4, batch_size=8),
        )
    },
    AlignerContract: {
        "GDPOAligner": lambda: (
            GDPOAligner(trainable_encoder(), InBatchSoftmax()),
            toy_pairs(),
        )
    },
}
TRAITS = {
    "NoResolution": {"unique": False, "empty": True},
    "NearestFreeCode": {"empty": True},
    "WeightedBCE": {"learns_order": False},
    "PointwiseBCE": {"learns_order": False},
    "BestFirstSearch": {"exact": True},
    "ColdStartSplit": {"by_id": True},
    "HeldOutSourceSplit": {"ordered": False},
    "NgramSids": {"bad_arguments": [{"n": 0}]},
    "MismatchedLists": {"bad_arguments": [{"n_neighbours": 0}]},
    "LossFreeBalance": {"bad_arguments": [{"rate": -0.1}]},
    "ListOrder": {"bad_arguments": [{"n_lists": 0}]},
    "BestWorstDPO": {"bad_arguments": [{"beta": 0.0}]},
    "ECPO": {"bad_arguments": [{"epsilon": 1.0}, {"delta": 0.0}]},
    "DistanceReward": {"bad_arguments": [{"scale_km": 0.0}, {"weight": math.inf}]},
}


class WithBlocks:
    """A log with the columns that the splits of other sources read."""

    def interactions(self):
        log = super().interactions()
        block = np.arange(len(log)) * 3 // len(log)
        source = np.where(block == 2, "there", "here")
        return log.assign(block=[f"T{b}" for b in block], source=source)


class WithReward:
    """A relevance that reads a trained reward."""

    @pytest.fixture(autouse=True)
    def _reward(self, tmp_path):
        self.path = reward_checkpoint(tmp_path)

    def make(self):
        return RewardRelevance(self.path)


for contract, makers in PARTS.items():
    for name, make in makers.items():
        bases = (WithBlocks, contract) if contract is SplitContract else (contract,)
        content = {"make": lambda self, make=make: make(), **TRAITS.get(name, {})}
        tested = f"Test{name.replace(' ', '_')}"
        globals()[tested] = type(tested, bases, content)


class TestRewardRelevance(WithReward, RelevanceContract):
    pass


COMMANDS = [plugin for plugin in plugins.available("commands") if plugin.distribution == "lgsid"]


class TestCommands(CommandContract):
    @pytest.fixture(autouse=True, params=COMMANDS, ids=lambda plugin: plugin.name)
    def _command(self, request):
        self.plugin = request.param

    def make(self):
        return plugins.resolve(self.plugin)

    test_its_module_imports_nothing_heavy = None  # test_light_commands_do_not_import_torch imports all of them at once
