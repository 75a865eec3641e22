"""Every module comes back from its checkpoint as it was, whether Python or a config built it."""

import logging
import os
import sys
import types

import numpy as np
import pytest
import torch

from lgsid import checkpoints, plugins
from lgsid.alignment import FarPairs, GDPOAligner, SimilaritySoftmax
from lgsid.artefacts import Dataset, Embeddings, SemanticIDs
from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.cli import main
from lgsid.construction import describe, import_path, rebuild
from lgsid.datamodules import CTRData, ItemData, PreferenceData, RewardData, SequenceData
from lgsid.errors import LgsidError
from lgsid.geo import LocalMetresGeoEncoder, PlusCodeGeoEncoder
from lgsid.pipeline.training_cli import train
from lgsid.quantizers import (
    RQVAE,
    ClusterPull,
    CosineRQKMeans,
    EvenUse,
    LearnedCodebooks,
    LearnedRQVAE,
    Quantizer,
    ResidualCentroids,
    ResidualFSQ,
    ResidualVQ,
    RQKMeans,
)
from lgsid.recommenders import (
    DIN,
    ECPO,
    TIGER,
    BalanceLoss,
    CategoryPopularity,
    ClickModel,
    CoVisitEvidence,
    DistanceEvidence,
    DistancePopularity,
    DiversityReward,
    EvidenceNetwork,
    HistoryCopy,
    LevelSids,
    ListAligner,
    ListOrder,
    LogDistance,
    LongHistory,
    MostRecent,
    NearestPlace,
    NewPlaceFloor,
    NewPlaceRanker,
    NodeGeography,
    NoDistance,
    NoSids,
    OneRec,
    PlaceGenerator,
    PlaceTIGER,
    Popularity,
    PrefixSids,
    Recommender,
    SeparateTokens,
    TargetAttention,
    TimeKernel,
    TimeTransition,
    TwoStage,
    UserFrequency,
    VisitedBefore,
    VisitReward,
)
from lgsid.rewards import AnchoredPair, MismatchedPrompt, PointwiseBCE, RewardModel
from lgsid.testing import quiet_trainer, tiny_encoder, toy_city
from lgsid.text import LoraSpec, TextEncoder
from lgsid.tokenizers import (
    CollaborativeTokenizer,
    CounterSuffix,
    CoVisitFactors,
    DualStreamTokenizer,
    FeatureTokenizer,
    GeoRotaryTokenizer,
    HashedAttributes,
    HierTokenizer,
    IdentitySuffix,
    NoResolution,
    OneHotAttributes,
    PlainTokenizer,
    PrefixCodes,
    RandomTokenizer,
    ResidualTokenizer,
    Tokenizer,
    VisitHours,
)

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
TRAINER = {"max_epochs": 1, "limit_train_batches": 2}
TRAINER |= {"limit_val_batches": 1}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A folder with a dataset, vectors, semantic IDs and a tiny language model."""
    root = tmp_path_factory.mktemp("checkpoints")
    data = toy_city(folder=root / "data")
    n = len(data.items)
    codes = np.stack([np.arange(n) % 5, np.arange(n) // 5 % 4, np.arange(n) // 20], 1)
    SemanticIDs(data.items.ids, codes, (5, 4, 7)).write(root / "sids.parquet")
    vectors = np.random.default_rng(0).normal(size=(n, 12)).astype(np.float32)
    Embeddings(data.items.ids, vectors).write(root / "embeddings.parquet")
    tiny_encoder("bert", root / "bert")
    return root


def encoder(town, **options):
    return TextEncoder(str(town / "bert"), autocast="float32", max_length=32, **options)


# name -> the model and the parts that it is given; nearly every argument differs from its default
MODELS = {
    "reward_anchored": lambda t: RewardModel(encoder(t), AnchoredPair(width=8), hidden_dim=16, dropout=0.0),
    "reward_mismatched": lambda t: RewardModel(encoder(t, pooling="cls"), MismatchedPrompt(), PointwiseBCE(), 24),
    "aligner": lambda t: GDPOAligner(encoder(t, lora=LoraSpec(rank=2, alpha=3)), SimilaritySoftmax(0.2), 0.5),
    "hier": lambda t: HierTokenizer(
        (7, 9, 8), ResidualCentroids(), LocalMetresGeoEncoder(), HashedAttributes(8), collisions=CounterSuffix()
    ),
    "residual_centroids": lambda t: ResidualTokenizer((9, 8), ResidualCentroids(), normalize=False),
    "residual_kmeans": lambda t: ResidualTokenizer((9, 8), RQKMeans(seed=3)),
    "residual_rqvae": lambda t: ResidualTokenizer((9, 8), RQVAE(hidden_dims=(16,), latent_dim=6)),
    "residual_vq": lambda t: ResidualTokenizer((8, 8), ResidualVQ()),
    "residual_fsq": lambda t: ResidualTokenizer((8, 8), ResidualFSQ(), collisions=NoResolution()),
    "collaborative": lambda t: CollaborativeTokenizer(
        (9, 8), LearnedRQVAE(None, 6, (16,), 1, 0.5, [EvenUse(2.0), ClusterPull(3)], [0.1, 0.2]), CoVisitFactors(6), 0.3
    ),
    "feature": lambda t: FeatureTokenizer(
        (9, 8), LearnedCodebooks(), PlusCodeGeoEncoder((6, 8), 9), HashedAttributes(8), [VisitHours(2.0)], 0.5, [0.7]
    ),
    "geo_rotary": lambda t: GeoRotaryTokenizer((5, 4, 6), CosineRQKMeans(seed=2), 2, 10.0, collisions=IdentitySuffix()),
    "dual_stream": lambda t: DualStreamTokenizer(
        (3, 4, 9, 8),
        2,
        RQKMeans(seed=1),
        ResidualCentroids(),
        LocalMetresGeoEncoder(),
        OneHotAttributes(0.2),
        0.1,
        collisions=PrefixCodes(CounterSuffix()),
    ),
    "random": lambda t: RandomTokenizer((8, 9, 10), seed=5),
    "plain": lambda t: PlainTokenizer(),
    "place_tiger": lambda t: PlaceTIGER(
        T5, HistoryCopy(8, 4), [NodeGeography(4)], SeparateTokens(), 7, 50, beam_width=12
    ),
    "place_generator": lambda t: PlaceGenerator(T5, HistoryCopy(8, 4), EvidenceNetwork(hidden=8), user_buckets=50),
    "new_place_ranker": lambda t: NewPlaceRanker(EvidenceNetwork([DistanceEvidence(5), CoVisitEvidence(9)], 8, 40)),
    "place_tiger_bare": lambda t: PlaceTIGER(t5=T5, encoder_history=5),
    "tiger_bare": lambda t: TIGER(t5=T5, encoder_history=5),
    "tiger_position": lambda t: TIGER(t5=T5, encoder_history=5, query_position=LocalMetresGeoEncoder()),
    "din": lambda t: DIN(PrefixSids(3, 64), NoDistance(), 8, id_width=4, attention_units=6),
    "din_no_sids": lambda t: DIN(distance_features=LogDistance(steps=4), sid_features=NoSids()),
    "click_model": lambda t: ClickModel(TargetAttention(6), LevelSids(4), width=8, units=12),
    "distance_popularity": lambda t: DistancePopularity(popularity=False),
    "popularity": lambda t: Popularity(),
    "user_frequency": lambda t: UserFrequency(),
    "visited_before": lambda t: VisitedBefore(),
    "most_recent": lambda t: MostRecent(),
    "time_kernel": lambda t: TimeKernel(),
    "time_transition": lambda t: TimeTransition(last_factor=0.3),
    "nearest_place": lambda t: NearestPlace(),
    "new_place_floor": lambda t: NewPlaceFloor(),
    "category_popularity": lambda t: CategoryPopularity(prior=2.0),
    "onerec": lambda t: OneRec(
        T5, 3, 1, BalanceLoss(), 2, LongHistory(2, 1, 2), LocalMetresGeoEncoder(), ListOrder(2), None, 9
    ),
    "list_aligner": lambda t: ListAligner(OneRec(T5, 3, 1), ECPO(0.1), [VisitReward(), DiversityReward(0.5)], 2, 2, 2),
    "two_stage": lambda t: TwoStage(TIGER(t5=T5, encoder_history=5), DIN(attention_units=6), 12, 20),
}


def data_for(model, town):
    folder = str(town / "data")
    if isinstance(model, RewardModel):
        return RewardData(folder, n_candidates=4, batch_size=16)
    if isinstance(model, GDPOAligner):
        return PreferenceData(folder, samplers=[FarPairs(near=4)], n_pairs=16, batch_size=8, n_rejected=1)
    if isinstance(model, Tokenizer):
        return ItemData(folder, str(town / "embeddings.parquet"), batch_size=32)
    if isinstance(model, (ClickModel, DistancePopularity)):
        return CTRData(folder, str(town / "sids.parquet"), max_history=10, batch_size=64)
    return SequenceData(folder, str(town / "sids.parquet"), max_history=30)


def outputs(model, data):
    """What the model is for, on fixed input."""
    data.setup()
    with torch.no_grad():
        if isinstance(model, Recommender):
            ranked = model.rank(data.batch(data.queries("test")[:9]), 7)
            return [ranked.items, ranked.scores, model.catalogue.codes]
        if isinstance(model, Tokenizer):
            return [torch.from_numpy(model.tokenize(data.items_by_id).codes)]
        texts = ["Café, 40.71, -73.99", "Bar, 40.72, -73.98", "Park"]
        if isinstance(model, GDPOAligner):
            return [model(texts), model.encoder.encode(texts)]
        vectors = model.encoder.encode(texts)
        return [model.score(vectors[:2], vectors[None].expand(2, -1, -1))]


def trained(model, data, path, seed=0):
    torch.manual_seed(seed)
    trainer = quiet_trainer(**TRAINER)
    trainer.fit(model, datamodule=data)
    trainer.save_checkpoint(path)
    return model.eval()


def same(found, expected):
    return all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_every_class_of_module_is_tried(town):
    kinds = ("reward_models", "aligners", "tokenizers", "recommenders")
    known = {name for kind in kinds for name, found in plugins.load()[kind].items() if found.__module__[:6] == "lgsid."}
    assert known <= {type(make(town)).__name__ for make in MODELS.values()}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_built_in_python_comes_back(town, tmp_path, name):
    model = MODELS[name](town)
    data = data_for(model, town)
    trained(model, data, tmp_path / "model.ckpt")
    state = torch.get_rng_state()
    loaded = checkpoints.load(tmp_path / "model.ckpt")
    assert torch.equal(torch.get_rng_state(), state)
    assert type(loaded) is type(model)
    assert not loaded.training
    assert describe(loaded) == describe(model)
    assert same(outputs(loaded, data), outputs(model, data))
    assert checkpoints.load(tmp_path, kind=type(model)).data_shape == model.data_shape  # its folder does as well


CONFIGS = {
    "reward": ("reward/anchored_pair.yaml", "--model.encoder.init_args.model={0}/bert"),
    "aligner": ("alignment/similarity_softmax.yaml", "--model.encoder.init_args.model={0}/bert", "--data.n_pairs=32"),
    "hier": ("tokenizer/hier.yaml", "--data.embeddings={0}/embeddings.parquet"),
    "rqvae": ("tokenizer/rqvae.yaml", "--data.embeddings={0}/embeddings.parquet", "--model.codebook_sizes=[16,16]"),
    "letter": ("tokenizer/letter.yaml", "--data.embeddings={0}/embeddings.parquet", "--model.codebook_sizes=[16,16]"),
    "gnpr_sid": ("tokenizer/gnpr_sid.yaml", "--model.codebook_sizes=[16,16]"),
    "pro_geo": ("tokenizer/pro_geo.yaml", "--data.embeddings={0}/embeddings.parquet"),
    "lgrid": ("tokenizer/lgrid.yaml", "--data.embeddings={0}/embeddings.parquet"),
    "unified": ("tokenizer/unified.yaml", "--data.embeddings={0}/embeddings.parquet"),
    "ngram": ("tokenizer/rqkmeans_ngram.yaml", "--data.embeddings={0}/embeddings.parquet"),
    "tiger": ("recommender/tiger.yaml", "--data.sids={0}/sids.parquet", f"--model.t5={T5}"),
    "din": ("recommender/din.yaml", "--data.sids={0}/sids.parquet", "--model.sid_features=PrefixSids"),
    "time_transition": ("recommender/time_transition.yaml", "--model.last_factor=0.3"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_built_by_a_config_comes_back(town, tmp_path, name):
    config, *options = CONFIGS[name]
    limits = ("max_epochs=1", "limit_train_batches=1", "limit_val_batches=1")
    arguments = ["fit", "--config", config, "--run-folder", str(tmp_path), f"--data.dataset={town / 'data'}"]
    arguments += [f"--trainer.{limit}" for limit in limits] + [option.replace("{0}", str(town)) for option in options]
    cli = train(arguments)
    loaded = checkpoints.load(tmp_path / "model.ckpt")
    assert type(loaded) is type(cli.model)
    assert describe(loaded) == describe(cli.model)
    assert same(outputs(loaded, cli.datamodule), outputs(cli.model.eval(), cli.datamodule))


def test_a_loaded_checkpoint_can_be_saved_and_loaded_again(town, tmp_path):
    model = MODELS["place_tiger"](town)
    data = data_for(model, town)
    trained(model, data, tmp_path / "first.ckpt")
    again = checkpoints.load(tmp_path / "first.ckpt")
    trainer = quiet_trainer(**TRAINER)
    trainer.test(again, data, verbose=False)
    trainer.save_checkpoint(tmp_path / "second.ckpt")
    assert same(outputs(checkpoints.load(tmp_path / "second.ckpt"), data), outputs(model, data))


@pytest.mark.parametrize("name", ["reward_anchored", "aligner", "hier", "place_tiger", "din", "new_place_floor"])
def test_a_stripped_checkpoint_gives_the_same(town, tmp_path, name):
    model = MODELS[name](town)
    data = data_for(model, town)
    model = trained(model, data, tmp_path / "whole.ckpt")
    for stripped in (tmp_path / "a.ckpt", tmp_path / "other" / "b.ckpt"):
        main(["strip", str(tmp_path / "whole.ckpt"), "--output", str(stripped)])
        if name != "new_place_floor":  # the queries of a test are not live
            assert same(outputs(checkpoints.load(stripped), data), outputs(model, data))
    assert (tmp_path / "a.ckpt").read_bytes() == (tmp_path / "other" / "b.ckpt").read_bytes()
    kept = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert set(kept).isdisjoint({"optimizer_states", "loops", "callbacks", "lr_schedulers"})


def test_a_stripped_checkpoint_replaces_nothing(town, tmp_path, capsys):
    (tmp_path / "a.ckpt").write_text("mine")
    with pytest.raises(SystemExit):
        main(["strip", "b.ckpt", "--output", str(tmp_path / "a.ckpt")])
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "a.ckpt").read_text() == "mine"


def test_only_the_model_of_steps_carries_check_ins(town, tmp_path):
    """Every other model's tensors are sized by places, users, codes and splits, and none keeps who went where."""
    log_rows = len(CheckInLog.of(Dataset.read(town / "data")))
    for name in (
        "popularity",
        "user_frequency",
        "time_kernel",
        "nearest_place",
        "new_place_floor",
        "category_popularity",
        "time_transition",
    ):
        model = MODELS[name](town)
        trained(model, data_for(model, town), tmp_path / f"{name}.ckpt")
        state = torch.load(tmp_path / f"{name}.ckpt", weights_only=True)["state_dict"]
        of_log = {key for key, value in state.items() if value.ndim and len(value) > log_rows // 2}
        steps = {key for key in of_log if key.startswith("step_")}
        assert bool(steps) == (name == "time_transition")
        assert of_log - steps == {"row_moment", "row_phase"}
        assert len(set(state["row_phase"].tolist())) <= 2
        assert ("strip" in model.carries) == (name == "time_transition")


@pytest.fixture(scope="module")
def popular(town):
    path = town / "popular.ckpt"
    model = Popularity()
    trained(model, data_for(model, town), path)
    return path


def changed(path, target, **values):
    saved = torch.load(path, weights_only=True)
    for key, value in values.items():
        saved.pop(key) if value is None else saved.update({key: value})
    torch.save(saved, target)
    return target


def described(class_path, package="", **init_args):
    return {"class_path": class_path, "package": package, "init_args": init_args}


def test_what_cannot_be_loaded_is_one_clear_line(popular, tmp_path):
    def refused(path, *parts, **options):
        with pytest.raises(LgsidError) as caught:
            checkpoints.load(path, **options)
        message = str(caught.value)
        assert "\n" not in message
        assert message.startswith(str(path))
        assert all(part in message for part in parts), message

    refused(tmp_path / "none.ckpt", "no such checkpoint", "lgsid fit")
    (tmp_path / "text.ckpt").write_text("hello")
    refused(tmp_path / "text.ckpt", "not a readable checkpoint")
    torch.save([1, 2], tmp_path / "list.ckpt")
    refused(tmp_path / "list.ckpt", "not a checkpoint")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    refused(tmp_path / "other.ckpt", "not a checkpoint of an lgsid module")
    refused(changed(popular, tmp_path / "old.ckpt", construction=None), "earlier version", "train again")
    refused(popular, "checkpoint of a Popularity, not of a Tokenizer", kind=Tokenizer)
    gone = described("acme_lgsid.Foo", "acme-lgsid 1.2")
    refused(changed(popular, tmp_path / "gone.ckpt", construction=gone), "acme_lgsid.Foo", "install acme-lgsid 1.2")
    renamed = described("lgsid.recommenders.Popular")
    refused(changed(popular, tmp_path / "renamed.ckpt", construction=renamed), "lgsid.recommenders.Popular")
    misfit = described("lgsid.recommenders.Popularity", colour="red")
    refused(changed(popular, tmp_path / "misfit.ckpt", construction=misfit), "Popularity here", "colour")
    bare = changed(popular, tmp_path / "bare.ckpt", state_dict={"fitted": torch.zeros(2)})
    refused(bare, "train again")


def test_nothing_but_parts_of_models_is_built(popular, tmp_path, monkeypatch):
    """A checkpoint can be made by anybody: it must not call what is no part of a model, nor import what it likes."""
    monkeypatch.setattr(os, "getcwd", lambda *a, **k: pytest.fail("called"))
    for path, message in (
        ("os.getcwd", "not a part of a model"),
        ("lgsid.cli.main", "not a part of a model"),
        ("lgsid.pipeline.training_cli.TrainingCLI", "not a part of a model"),
        ("antigravity.anything", "no package that offers plugins"),
    ):
        for construction in (described(path), described("lgsid.recommenders.DIN", sid_features=described(path))):
            target = changed(popular, tmp_path / "evil.ckpt", construction=construction)
            with pytest.raises(LgsidError, match=message):
                checkpoints.load(target)
    assert "antigravity" not in sys.modules


class TwoCentroids(ResidualCentroids):
    """A quantizer of somebody else, defined in the running program."""

    def __init__(self, *, note: object = None) -> None:
        super().__init__()
        self.note = note


def test_parts_of_the_running_program_come_back(town, tmp_path):
    model = ResidualTokenizer((9, 8), TwoCentroids(note=(1, {"a": [2.5, None]})))
    data = data_for(model, town)
    trained(model, data, tmp_path / "model.ckpt")
    loaded = checkpoints.load(tmp_path / "model.ckpt", Tokenizer)
    assert isinstance(loaded.quantizer, TwoCentroids)
    assert loaded.quantizer.note == [1, {"a": [2.5, None]}]
    assert same(outputs(loaded, data), outputs(model, data))


def test_an_argument_that_cannot_be_kept_is_named(town, tmp_path):
    model = ResidualTokenizer((9, 8), TwoCentroids(note=object()))
    trained(model, data_for(model, town), tmp_path / "model.ckpt")
    with pytest.raises(LgsidError, match="argument 'note' of TwoCentroids was a object"):
        checkpoints.load(tmp_path / "model.ckpt")


def test_arguments_are_known_by_name_however_they_were_given():
    assert describe(PrefixSids(3, buckets=64)) == describe(PrefixSids(width=3, buckets=64))
    assert describe(NoSids())["init_args"] == {}
    assert describe(LoraSpec(rank=3))["init_args"]["rank"] == 3
    assert "optimizer" not in describe(DIN(optimizer=torch.optim.SGD))["init_args"]
    copied = rebuild(describe(HistoryCopy(8, 4)))
    assert [p.shape for p in copied.parameters()] == [p.shape for p in HistoryCopy(8, 4).parameters()]
    with pytest.raises(TypeError, match="takes no arguments"):
        NoResolution(3)


def test_class_paths_survive_moved_files(monkeypatch):
    assert import_path(TIGER) == "lgsid.recommenders.TIGER"
    assert import_path(RQVAE) == "lgsid.quantizers.RQVAE"
    part = types.ModuleType("acme.deep.file")
    monkeypatch.setitem(sys.modules, "acme.deep.file", part)
    kind = type("Acme", (Quantizer,), {"__module__": "acme.deep.file"})
    assert import_path(kind) == "acme.deep.file.Acme"
