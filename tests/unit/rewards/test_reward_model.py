import subprocess
import sys
from pathlib import Path

import lightning as L
import pytest
import torch

from lgsid.datamodules import RewardData
from lgsid.errors import LgsidError
from lgsid.functional.lists import rank_labels, spearman
from lgsid.rewards import (
    AnchoredPair,
    HeadInput,
    ListwiseSoftmax,
    MismatchedLists,
    MismatchedPrompt,
    RewardHead,
    RewardModel,
)
from lgsid.testing import quiet_trainer
from lgsid.text import PROMPT_VARIANTS, LoraSpec, TextEncoder

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(scope="module")
def folders(toy_folder: Path, tiny_bert: str) -> dict[str, str]:
    return {"bert": tiny_bert, "city": str(toy_folder)}


def encoder(folders: dict[str, str], **arguments: object) -> TextEncoder:
    return TextEncoder(folders["bert"], autocast="float32", **arguments)  # type: ignore[arg-type]


def data(folders: dict[str, str], **arguments: object) -> RewardData:
    settings: dict = {"n_candidates": 5, "batch_size": 16}
    return RewardData(folders["city"], **{**settings, **arguments})


def trainer(tmp_path: Path, epochs: int = 2) -> L.Trainer:
    return quiet_trainer(max_epochs=epochs, default_root_dir=tmp_path)


@pytest.mark.parametrize("kind", [AnchoredPair(width=8), MismatchedPrompt()])
def test_scores_have_a_gradient_and_ignore_the_rest_of_the_batch(kind: HeadInput) -> None:
    head = RewardHead(kind, dim=12, hidden_dim=16).eval()
    anchor, candidates = torch.randn(3, 12, requires_grad=True), torch.randn(3, 4, 12, requires_grad=True)
    scores = head.score(anchor, candidates)
    assert scores.shape == (3, 4)
    torch.testing.assert_close(head.score(anchor[1:2], candidates[1:2, 2:3]), scores[1:2, 2:3])
    scores.sum().backward()
    assert candidates.grad is not None
    assert candidates.grad.abs().max() > 0
    assert (anchor.grad is not None and bool(anchor.grad.abs().max() > 0)) == kind.sees_anchor


@pytest.mark.slow
def test_a_head_learns_a_plane() -> None:
    """Vectors that hold a position among noise: the head must find it and measure distances in it."""
    torch.manual_seed(0)
    position = torch.randn(600, 2)
    vectors = torch.cat([position, 0.5 * torch.randn(600, 14)], dim=1) @ torch.linalg.qr(torch.randn(16, 16)).Q
    head = RewardHead(AnchoredPair(width=16, dropout=0.0), dim=16, hidden_dim=64)
    optimizer = torch.optim.AdamW(head.parameters(), lr=5e-3)

    def lists(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        place = rows[torch.randint(len(rows), (256, 10))]
        distance = (position[place[:, :1]] - position[place]).norm(dim=-1)
        return vectors[place[:, 0]], vectors[place], distance

    for _ in range(150):
        anchor, candidates, distance = lists(torch.arange(500))
        optimizer.zero_grad()
        ListwiseSoftmax()(head.score(anchor, candidates), rank_labels(distance)).backward()
        optimizer.step()
    anchor, candidates, distance = lists(torch.arange(500, 600))
    found = spearman(head.eval().score(anchor, candidates)[:, 1:], -distance[:, 1:]).mean()
    by_cosine = spearman(torch.cosine_similarity(anchor[:, None], candidates, dim=-1)[:, 1:], -distance[:, 1:]).mean()
    assert found > by_cosine + 0.1
    assert found > 0.85


def test_fit_logs_what_is_reported_and_the_head_comes_back(folders: dict[str, str], tmp_path: Path) -> None:
    model = RewardModel(encoder(folders), AnchoredPair(width=8), hidden_dim=16)
    before = {name: p.clone() for name, p in model.head.named_parameters()}
    run = trainer(tmp_path)
    run.fit(model, datamodule=data(folders))
    logged = {k: v.item() for k, v in run.callback_metrics.items()}
    for kind in ("distance", "next_visit"):
        for name in ("spearman", "cosine_spearman", "ndcg@10", "cosine_ndcg@10", "nearness_ndcg@10", "chance_ndcg@10"):
            assert -1 <= logged[f"heldout/{kind}/{name}"] <= 1
        assert logged[f"heldout/{kind}/nearness_spearman"] == pytest.approx(1)
    assert "heldout/distance/own_first" not in logged
    assert not [key for key in logged if key.startswith("reads/")]
    assert all(not torch.equal(p, before[name]) for name, p in model.head.named_parameters())

    path = tmp_path / "model.ckpt"
    run.save_checkpoint(path)
    checkpoint = torch.load(path, weights_only=True)
    assert all(key.startswith("head.") for key in checkpoint["state_dict"])
    assert path.stat().st_size < 400_000

    head = RewardHead.load(path)
    anchor, candidates = torch.randn(2, 32), torch.randn(2, 3, 32)
    torch.testing.assert_close(head.score(anchor, candidates), model.eval().score(anchor, candidates))
    assert head.encoder["model"] == folders["bert"]
    again = RewardModel.load_from_checkpoint(path, encoder=encoder(folders))
    torch.testing.assert_close(again.eval().score(anchor, candidates), model.score(anchor, candidates))
    results = trainer(tmp_path).test(again, datamodule=data(folders), verbose=False)  # one for each loader
    tested = {key: value for result in results for key, value in result.items()}
    for key, value in logged.items():
        assert key == "train/loss" or tested[key] == pytest.approx(value, abs=1e-5)
    for kind, name in (("distance", "spearman"), ("next_visit", "ndcg@10")):
        assert tested[f"reads/true/{kind}/{name}"] == pytest.approx(tested[f"heldout/{kind}/{name}"], abs=1e-6)
        others = {
            key.split("/")[1]: tested[key]
            for key in tested
            if key.startswith("reads/") and key.endswith(f"{kind}/{name}")
        }
        assert set(others) == {variant.key for variant in PROMPT_VARIANTS}
        assert len({round(value, 6) for value in others.values()}) > (3 if kind == "distance" else 1)
    del checkpoint["reward_head"]
    torch.save(checkpoint, tmp_path / "other.ckpt")
    with pytest.raises(LgsidError, match="not the checkpoint of a RewardModel"):
        RewardModel.load_from_checkpoint(tmp_path / "other.ckpt", encoder=encoder(folders))
    with pytest.raises(LgsidError, match="pooling"):
        RewardModel.load_from_checkpoint(path, encoder=encoder(folders, pooling="cls"))


def test_same_seed_same_model(folders: dict[str, str], tmp_path: Path) -> None:
    weights = []
    for _ in range(2):
        L.seed_everything(3, verbose=False)
        model = RewardModel(encoder(folders), AnchoredPair(width=8), hidden_dim=8)
        trainer(tmp_path, 1).fit(model, datamodule=data(folders))
        weights.append(torch.cat([p.flatten() for p in model.head.parameters()]))
    assert torch.equal(*weights)


def test_the_literal_reading_reports_the_true_location_first(folders: dict[str, str], tmp_path: Path) -> None:
    model = RewardModel(encoder(folders), MismatchedPrompt(), hidden_dim=16)
    run = trainer(tmp_path, 1)
    run.fit(model, datamodule=data(folders, list_sources=[MismatchedLists(n_locations=5)]))
    assert 0 <= run.callback_metrics["heldout/mismatched/own_first"] <= 1


def test_with_lora_the_encoder_learns_in_the_step(folders: dict[str, str], tmp_path: Path) -> None:
    model = RewardModel(encoder(folders, lora=LoraSpec(rank=2)), AnchoredPair(width=8), hidden_dim=16)
    before = model.encoder.adapter_hash()
    run = trainer(tmp_path, 1)
    run.fit(model, datamodule=data(folders, batch_size=24))
    assert model.encoder.adapter_hash() != before
    run.save_checkpoint(tmp_path / "lora.ckpt")
    keys = torch.load(tmp_path / "lora.ckpt", weights_only=True)["state_dict"]
    assert any("lora_" in key for key in keys)
    assert all("lora_" in key or key.startswith("head.") for key in keys)
    other = RewardModel.load_from_checkpoint(tmp_path / "lora.ckpt", encoder=encoder(folders, lora=LoraSpec(rank=2)))
    assert other.encoder.adapter_hash() == model.encoder.adapter_hash()
    assert isinstance(RewardHead.load(tmp_path / "lora.ckpt"), RewardHead)


def test_mistakes_are_one_line(folders: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(LgsidError, match="no such checkpoint"):
        RewardHead.load(tmp_path / "nothing.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(LgsidError, match="not the checkpoint of a RewardModel"):
        RewardHead.load(tmp_path / "other.ckpt")
    (tmp_path / "broken.ckpt").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(LgsidError, match="not a readable checkpoint"):
        RewardHead.load(tmp_path / "broken.ckpt")
    description = RewardHead(AnchoredPair(), 4, 4).describe()
    description["input"] = {"class_name": "FromSomePlugin", "init_args": {}}
    code = f"from lgsid.rewards.reward_head import RewardHead; RewardHead.from_description({description!r})"
    # in a process of its own: classes that other tests define are known there, too
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "LgsidError" in done.stderr
    assert "known are AnchoredPair, MismatchedPrompt" in done.stderr
