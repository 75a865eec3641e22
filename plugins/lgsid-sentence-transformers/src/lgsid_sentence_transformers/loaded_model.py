"""Load a model with the library, with one clear line if that fails."""

from __future__ import annotations

import logging
from typing import Any

from transformers.utils import logging as transformers_logging

from lgsid.errors import LgsidError
from lgsid.text.pretrained import first_line


def load_sentence_transformer(spec: str, source: str) -> Any:
    """Load a model; code in its folder is never run, and the library is imported only now: it takes seconds.

    Args:
        spec: What the user calls the model, for messages.
        source: A folder or a hub id.

    Returns:
        The `SentenceTransformer`, on the CPU, in float32.

    Raises:
        LgsidError: if it cannot be loaded, or does not begin with a transformer on text.
    """
    from sentence_transformers import SentenceTransformer

    loudness, library = transformers_logging.get_verbosity(), logging.getLogger("sentence_transformers")
    before = library.level
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # it reports over many lines what is refused in one
    library.setLevel(logging.ERROR)
    try:
        whole: Any = SentenceTransformer(
            source, device="cpu", trust_remote_code=False, model_kwargs={"dtype": "float32"}
        ).eval()
    except Exception as error:
        raise LgsidError(
            f"model {spec!r}: cannot be loaded as a Sentence Transformers model ({first_line(error)})"
        ) from error
    finally:
        transformers_logging.set_verbosity(loudness)
        library.setLevel(before)
    if getattr(whole[0], "auto_model", None) is None or whole.tokenizer is None:
        raise LgsidError(
            f"model {spec!r}: its first module is a {type(whole[0]).__name__}, not a transformer on text, which has "
            "hidden states to adapt"
        )
    return whole
