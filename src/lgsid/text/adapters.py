"""LoRA adapters around a frozen network, made or loaded."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model

from lgsid.artefacts.files import write_json
from lgsid.artefacts.stage_record import check_recorded
from lgsid.errors import LgsidError
from lgsid.system_errors import writing
from lgsid.text.lora_spec import LoraSpec, lora_targets
from lgsid.text.pretrained import first_line

ADAPTER_CONFIG_FILE = "adapter_config.json"
ADAPTER_FILES = "adapter_*"  # what peft writes


def with_adapter(network: Any, lora: LoraSpec | None, adapter: str | None) -> Any:
    """Return a network with an adapter: loaded if a folder is given, else made if there is a spec, else as it is.

    Raises:
        LgsidError: if there is no adapter in the folder, or it does not fit.
    """
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


def save_adapter(network: PeftModel, model: str, folder: Path) -> None:
    """Write an adapter in peft's format: `adapter_config.json` and `adapter_model.safetensors`.

    Args:
        network: The network around which the adapter is.
        model: Pre-trained model of the network, as the user named it: not this machine's folder.
        folder: Where to write.
    """
    config: Any = next(iter(network.peft_config.values()))
    config.base_model_name_or_path = model
    with writing(folder, "there may be parts of an adapter"):
        network.save_pretrained(str(folder))
    path = folder / ADAPTER_CONFIG_FILE
    settings = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {key: sorted_texts(value) for key, value in settings.items()})  # peft's sets have no order


def sorted_texts(value: Any) -> Any:
    """Return a list of texts in order, anything else as it is."""
    return sorted(value) if isinstance(value, list) and all(isinstance(part, str) for part in value) else value


@contextmanager
def without_adapter(model: str) -> Iterator[str]:
    """Yield a folder with the files of a model but for an adapter among them, which transformers would load too.

    Its versions differ in how, or whether, it can be told not to.

    Args:
        model: A folder, or a hub id, which is yielded as it is.
    """
    if not Path(model, ADAPTER_CONFIG_FILE).is_file():
        yield model
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for file in Path(model).resolve().iterdir():
            if file.is_file() and not file.match(ADAPTER_FILES):
                linked = Path(folder, file.name)
                try:
                    linked.symlink_to(file)
                except OSError:  # a system that lets only some users link
                    shutil.copyfile(file, linked)
        yield folder
