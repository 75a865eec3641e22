"""What is saved to a folder of the hub comes back bit for bit; what is no such folder is refused in one line."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

import lgsid
from lgsid.alignment import FarPairs, GDPOAligner, SimilaritySoftmax
from lgsid.artefacts import Dataset, Embeddings, SemanticIDs
from lgsid.datamodules import ItemData, PreferenceData, SequenceData
from lgsid.errors import LgsidError
from lgsid.functional.pooling import mean_pool
from lgsid.hub.plain_values import from_json, to_json
from lgsid.quantizers import RQVAE
from lgsid.recommenders import DIN, TIGER, LiveRecommender, NewPlaceFloor, PlaceGenerator, Recommender, TwoStage
from lgsid.rewards import AnchoredPair, RewardModel
from lgsid.testing import quiet_trainer, tiny_encoder, toy_city
from lgsid.text import LoraSpec, TextEncoder
from lgsid.tokenizers import HierTokenizer, ResidualTokenizer, Tokenizer

T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
TRAINER = {"max_epochs": 1, "limit_train_batches": 2}
TEXTS = ["Café, 40.71, -73.99", "Bar, 40.72, -73.98", "Park"]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    root = tmp_path_factory.mktemp("town")
    dataset = toy_city(folder=root / "data")
    n = len(dataset.items)
    codes = np.stack([np.arange(n) % 5, np.arange(n) // 5 % 4, np.arange(n) // 20], 1)
    sids = SemanticIDs(dataset.items.ids, codes, (5, 4, 7))
    vectors = Embeddings(dataset.items.ids, np.random.default_rng(0).normal(size=(n, 12)).astype(np.float32))
    tiny_encoder("bert", root / "bert")
    return root, dataset, sids, vectors


def trained(model, data):
    torch.manual_seed(0)
    quiet_trainer(**TRAINER, limit_val_batches=0).fit(model, data)
    return model.eval()


@pytest.fixture(scope="module")
def tiger(town):
    _, dataset, sids, _ = town
    return trained(TIGER(t5=T5, encoder_history=5), SequenceData(dataset, sids))


@pytest.fixture(scope="module")
def encoder(town):
    """An aligned encoder, and its adapter is not what it began with."""
    root, dataset, _, _ = town
    made = TextEncoder(str(root / "bert"), autocast="float32", max_length=32, lora=LoraSpec(rank=2, alpha=3))
    pairs = PreferenceData(dataset, samplers=[FarPairs(near=4)], n_pairs=16, batch_size=8, n_rejected=1)
    trained(GDPOAligner(made, SimilaritySoftmax(0.2)), pairs)
    with made.reference():
        before = made.encode(TEXTS, use_cache=False)
    assert not torch.equal(made.encode(TEXTS, use_cache=False), before)
    return made


@pytest.fixture
def folder(tiger, town, tmp_path):
    return lgsid.save_pretrained(tiger, tmp_path / "model", dataset=town[1])


def asked(model, dataset, **more):
    found = LiveRecommender(model, dataset).recommend(at="2030-01-01T12:00", k=7, **more)
    return [(place.item_id, place.score, place.sid) for place in found.items]


def test_a_kept_adapter_gives_the_same_vectors_to_the_bit(encoder, tmp_path):
    loaded = lgsid.from_pretrained(lgsid.save_pretrained(encoder, tmp_path / "e"), TextEncoder)
    assert torch.equal(loaded.encode(TEXTS, use_cache=False), encoder.encode(TEXTS, use_cache=False))
    with loaded.reference(), encoder.reference():
        assert torch.equal(loaded.encode(TEXTS, use_cache=False), encoder.encode(TEXTS, use_cache=False))
    assert (loaded.adapter_hash(), loaded.is_trainable) == (encoder.adapter_hash(), True)
    assert not loaded.training


def test_a_merged_adapter_is_in_the_weights(encoder, tmp_path):
    path = lgsid.save_pretrained(encoder, tmp_path / "e", adapter="merged")
    loaded = lgsid.from_pretrained(path, TextEncoder)
    assert not loaded.has_adapter
    assert not list(path.glob("adapter*"))
    assert torch.allclose(loaded.encode(TEXTS, use_cache=False), encoder.encode(TEXTS, use_cache=False), atol=1e-5)
    again = lgsid.from_pretrained(lgsid.save_pretrained(loaded, tmp_path / "again"))
    assert torch.equal(again.encode(TEXTS, use_cache=False), loaded.encode(TEXTS, use_cache=False))


def test_what_a_model_lacks_is_told_of_its_own_folder(encoder, tmp_path):
    path = lgsid.save_pretrained(encoder, tmp_path / "e", adapter="kept")
    (path / "model.safetensors").unlink()
    with pytest.raises(LgsidError, match=r"no file named model\.safetensors") as refused:
        TextEncoder(model=str(path), adapter=str(path))
    assert str(refused.value).count(str(path)) == 2


@pytest.mark.parametrize("adapter", ["kept", "merged"])
def test_transformers_loads_the_aligned_encoder(encoder, tmp_path, adapter):
    path = lgsid.save_pretrained(encoder, tmp_path / "e", adapter=adapter)
    network, tokenizer = AutoModel.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)
    tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        pooled = mean_pool(network(**tokens).last_hidden_state, tokens["attention_mask"])
    expected = encoder.encode(TEXTS, use_cache=False)
    assert torch.allclose(torch.nn.functional.normalize(pooled, dim=-1), expected, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [lambda: HierTokenizer((7, 9, 8)), lambda: ResidualTokenizer((9, 8), RQVAE(hidden_dims=(16,), latent_dim=6))],
)
def test_a_tokenizer_gives_the_same_ids(town, tmp_path, make):
    _, dataset, _, vectors = town
    model = trained(make(), ItemData(dataset, vectors))
    loaded = lgsid.from_pretrained(lgsid.save_pretrained(model, tmp_path / "t"), Tokenizer)
    assert type(loaded) is type(model)
    assert loaded.tokenize(dataset, vectors).codes.tolist() == model.tokenize(dataset, vectors).codes.tolist()


def test_a_recommender_gives_the_same_recommendations(tiger, folder, town):
    _, dataset, _, _ = town
    loaded = lgsid.from_pretrained(folder, Recommender)
    user, history = dataset.user_ids[0], dataset.items.ids[:3].tolist()
    assert asked(loaded, dataset, user=user) == asked(tiger, dataset, user=user)
    assert asked(loaded, dataset, history=history) == asked(tiger, dataset, history=history)
    assert asked(loaded, folder / "places", history=history) == asked(tiger, dataset, history=history)


@pytest.mark.parametrize("name", ["evidence", "counting", "composed"])
def test_other_kinds_of_recommenders_come_back(town, tmp_path, tiger, name):
    _, dataset, sids, _ = town
    data = SequenceData(dataset, sids)
    makers = {
        "evidence": lambda: PlaceGenerator(T5),
        "counting": NewPlaceFloor,
        "composed": lambda: TwoStage(tiger, DIN(attention_units=6), 12, 20),
    }
    model = trained(makers[name](), data)
    loaded = lgsid.from_pretrained(lgsid.save_pretrained(model, tmp_path / "m"))
    user = dataset.user_ids[1]
    assert asked(loaded, dataset, user=user) == asked(model, dataset, user=user)


def test_the_folder_holds_no_check_ins_and_the_codes_of_the_places(folder, town):
    _, dataset, sids, _ = town
    places = Dataset.read(folder / "places")
    assert not len(places.interactions)
    assert places.items.ids.tolist() == dataset.items.ids.tolist()
    assert SemanticIDs.read(folder / "sids.parquet").codes.tolist() == sids.codes.tolist()
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert not [user for user in dataset.user_ids if str(user).encode() in everything]


def test_without_a_log_the_time_has_to_be_said(folder, town):
    live = LiveRecommender(lgsid.from_pretrained(folder), folder / "places")
    with pytest.raises(LgsidError, match="say when"):
        live.recommend(history=town[1].items.ids[:2].tolist())


def test_weights_lie_in_safetensors_and_config_says_what_they_need(folder):
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "config.json",
        "model.safetensors",
        "places",
        "sids.parquet",
    }
    own = json.loads((folder / "config.json").read_text())["lgsid"]
    assert (own["class_path"], own["init_args"]["encoder_history"]) == ("lgsid.recommenders.TIGER", 5)
    assert own["lgsid_version"] == lgsid.__version__
    assert own["packages"] == []


def changed(folder, **changes):
    path = folder / "config.json"
    content = json.loads(path.read_text())
    content["lgsid"] |= changes
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"class_path": "os.system"}, "os.system"),
        ({"class_path": "lgsid_nowhere.Model", "package": "lgsid-nowhere 1.2"}, "install lgsid-nowhere 1.2"),
        ({"init_args": {"x": {"class_path": "subprocess.Popen", "init_args": {}}}}, "subprocess.Popen"),
        ({"init_args": {"nonsense": 1}}, "nonsense"),
        ({"init_args": 3}, "says nothing of lgsid"),
        ({"format": 99}, "is of format 99"),
        ({"state": {"data_shape": {"n_items": -3}}}, "n_items"),
        ({"sha256": {}}, "lacks the hashes"),
    ],
)
def test_a_config_of_somebody_else_is_refused_in_one_line(folder, changes, words):
    changed(folder, **changes)
    with pytest.raises(LgsidError) as told:
        lgsid.from_pretrained(folder)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_damaged_missing_and_foreign_weights_are_refused(folder, tmp_path):
    path = folder / "model.safetensors"
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(LgsidError, match="damaged"):
        lgsid.from_pretrained(folder)
    path.write_bytes(good)
    save_file({"x": torch.ones(1)}, folder / "more.safetensors")
    with pytest.raises(LgsidError, match=r"more.safetensors: is not among the files"):
        lgsid.from_pretrained(folder)
    (folder / "more.safetensors").unlink()
    path.rename(folder / "pytorch_model.bin")
    with pytest.raises(LgsidError, match="never from a pickle"):
        lgsid.from_pretrained(folder)
    with pytest.raises(LgsidError, match="no such folder"):
        lgsid.from_pretrained(tmp_path / "nowhere")


def test_an_encoder_loads_no_model_from_outside_its_folder(encoder, town, tmp_path):
    path = lgsid.save_pretrained(encoder, tmp_path / "e")
    arguments = json.loads((path / "config.json").read_text())["lgsid"]["init_args"]
    changed(path, init_args={**arguments, "model": str(town[0] / "bert")})
    with pytest.raises(LgsidError, match="outside of itself"):
        lgsid.from_pretrained(path)
    assert str(town[0]) not in "".join(p.read_text() for p in path.glob("*.json") if p.name != "config.json")


def test_another_kind_than_asked_for_is_refused(folder):
    with pytest.raises(LgsidError, match="holds a TIGER, not a Tokenizer"):
        lgsid.from_pretrained(folder, Tokenizer)


def test_nothing_is_overwritten_and_other_modules_are_refused(tiger, town, tmp_path, folder):
    with pytest.raises(LgsidError, match="not empty"):
        lgsid.save_pretrained(tiger, folder)
    reward = RewardModel(TextEncoder(str(town[0] / "bert")), AnchoredPair(width=8))
    with pytest.raises(LgsidError, match="RewardModel: give a text encoder"):
        lgsid.save_pretrained(reward, tmp_path / "reward")
    with pytest.raises(LgsidError, match="places that are not those"):
        lgsid.save_pretrained(tiger, tmp_path / "other", dataset=toy_city(n_items=50))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_folder_can_move(folder, tmp_path, town):
    shutil.copytree(folder, tmp_path / "elsewhere")
    shutil.rmtree(folder)
    history = town[1].items.ids[:3].tolist()
    assert asked(lgsid.from_pretrained(tmp_path / "elsewhere"), tmp_path / "elsewhere" / "places", history=history)


def test_plain_values_come_back_from_json():
    value = {"a": [1, 2.5, float("inf"), None, "x"], "b": {"c": torch.arange(3)}, "d": (True, np.int64(4))}
    tensors = {}
    kept = json.loads(json.dumps(to_json(value, tensors, "state"), allow_nan=False))
    found = from_json(kept, tensors)
    assert found["a"] == value["a"]
    assert torch.equal(found["b"]["c"], torch.arange(3))
    assert found["d"] == [True, 4]
    assert list(tensors) == ["state.b.c"]
    with pytest.raises(LgsidError, match=r"state.f: holds a object"):
        to_json({"f": object()}, {}, "state")
    with pytest.raises(LgsidError, match="not among the weights"):
        from_json({"$tensor": "nowhere"}, {})


def test_shared_weights_are_written_apart(tiger, folder):
    weights = load_file(folder / "model.safetensors")
    state = tiger.state_dict()
    assert {name.removeprefix("weights.") for name in weights if name.startswith("weights.")} == set(state)
    assert all(torch.equal(weights[f"weights.{name}"], value) for name, value in state.items())
