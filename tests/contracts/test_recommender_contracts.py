"""lgsid's own recommenders keep the contracts, untrained."""

import numpy as np
import pytest
import torch

from lgsid.artefacts import Dataset, SemanticIDs
from lgsid.datamodules import CTRData, SequenceData
from lgsid.geo import LocalMetresGeoEncoder
from lgsid.recommenders import (
    DIN,
    TIGER,
    ClickModel,
    EvidenceNetwork,
    HardSearch,
    HashSearch,
    HistoryCopy,
    InterestEvolution,
    NewPlaceRanker,
    NodeGeography,
    PlaceGenerator,
    PlaceTIGER,
    SeparateTokens,
    SoftSearch,
    TwoStageAttention,
)
from lgsid.recommenders.counting import CLICK_BASELINES
from lgsid.recommenders.counting.log_source import LogSource
from lgsid.testing import GenerativeRecommenderContract, RecommenderContract

EXTRACTORS = (InterestEvolution, HardSearch, SoftSearch, TwoStageAttention, HashSearch)
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}


def built(model, data):
    data.setup()
    model.ensure_built(data.shape)
    model.take_catalogue(data)
    return model.eval(), data


@pytest.fixture(params=CLICK_BASELINES, ids=lambda kind: kind.__name__)
def counted(request, toy_folder):
    source = LogSource.of(Dataset.read(toy_folder))
    model = request.param()
    model.ensure_built(source.shape)
    model.take_catalogue(source)
    return model, source


class TestCounting(RecommenderContract):
    @pytest.fixture(autouse=True)
    def _made(self, counted):
        self.made = counted

    def make(self):
        return self.made


class OnToyFolder:
    @pytest.fixture(autouse=True)
    def _folder(self, toy_folder):
        self.folder = toy_folder
        torch.manual_seed(0)


class TestDIN(OnToyFolder, RecommenderContract):
    def make(self):
        return built(DIN(), CTRData(self.folder, self.folder / "sids.parquet", max_history=20))


class TestClickModels(OnToyFolder, RecommenderContract):
    @pytest.fixture(autouse=True, params=EXTRACTORS, ids=lambda kind: kind.__name__)
    def _kind(self, request):
        self.kind = request.param

    def make(self):
        model = ClickModel(self.kind())
        return built(model, CTRData(self.folder, self.folder / "sids.parquet", max_history=20))


class TestNewPlaceRanker(OnToyFolder, RecommenderContract):
    def make(self):
        return built(NewPlaceRanker(EvidenceNetwork(hidden=8)), SequenceData(self.folder))


class TestPlaceGenerator(OnToyFolder, GenerativeRecommenderContract):
    def make(self):
        parts = {"copy": HistoryCopy(8, 4), "evidence": EvidenceNetwork(hidden=8)}
        model = PlaceGenerator(t5=T5, encoder_history=5, user_buckets=3, beam_width=12, **parts)
        return built(model, SequenceData(self.folder, self.folder / "sids.parquet"))


class TestPlainTIGER(OnToyFolder, GenerativeRecommenderContract):
    def make(self):
        model = TIGER(t5=T5, history_tokens=SeparateTokens(), encoder_history=5, user_buckets=3, beam_width=12)
        return built(model, SequenceData(self.folder, self.folder / "sids.parquet"))


class TestTIGERWithPosition(OnToyFolder, GenerativeRecommenderContract):
    def make(self):
        model = TIGER(t5=T5, encoder_history=5, user_buckets=3, beam_width=12, query_position=LocalMetresGeoEncoder())
        return built(model, SequenceData(self.folder, self.folder / "sids.parquet"))


class TestPlaceTIGEROnCollidingSemanticIDs(OnToyFolder, GenerativeRecommenderContract):
    def make(self):
        items = Dataset.read(self.folder).items
        row = np.arange(len(items))
        sids = SemanticIDs(items.ids, np.stack([row % 4, row // 4 % 3], 1), (4, 3))
        parts = {"copy": HistoryCopy(8, 4), "node_logits": [NodeGeography(4)]}
        model = PlaceTIGER(t5=T5, encoder_history=5, user_buckets=3, beam_width=12, **parts)
        return built(model, SequenceData(self.folder, sids))


class TestTIGEROnPlainItemIDs(OnToyFolder, GenerativeRecommenderContract):
    def make(self):
        model = TIGER(t5=T5, encoder_history=5, user_buckets=3, beam_width=12)
        return built(model, SequenceData(self.folder))
