"""Checkpoints that would run something, fill the memory or write elsewhere if a reader believed them.

Each kind takes a good checkpoint of a module and makes a bad one of it. What would run writes a marker file, whatever
way it is run: as a command, as Python code, or because a module is imported, which has to be importable.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

STRANGER = "lgsid_stranger"
Saved = dict[str, Any]


class Touch:
    """Writes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.marker}'",)


class Import:
    """Imports a module when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return __import__, (STRANGER,)


def write_stranger(folder: Path, marker: Path) -> None:
    """Write the module that the bad checkpoints name: importing it, and making anything of it, writes the marker."""
    (folder / f"{STRANGER}.py").write_text(
        f"""import pathlib
from dataclasses import dataclass
pathlib.Path({str(marker)!r}).touch()
import lightning
class Model(lightning.LightningModule):
    def __init__(self, **options): super().__init__()
@dataclass
class Data: value: int = 0
def make(*args, **options): pathlib.Path({str(marker)!r}).touch()
""",
        encoding="utf-8",
    )


def named(class_path: str, **init_args: Any) -> Saved:
    return {"class_path": class_path, "package": "", "init_args": init_args}


def changes(marker: Path) -> dict[str, Callable[[Saved], Saved]]:
    """Kind -> what is changed in the content of a good checkpoint; the result holds tensors and plain values only."""
    command = ["touch", str(marker)]
    code = f"open({str(marker)!r}, 'w').close()"

    def construction(value: Any) -> Callable[[Saved], Saved]:
        return lambda saved: {**saved, "construction": value}

    def part(value: Any) -> Callable[[Saved], Saved]:
        return lambda saved: {
            **saved,
            "construction": {
                **saved["construction"],
                "init_args": {**saved["construction"]["init_args"], "optimizer": value},
            },
        }

    def parameters(**values: Any) -> Callable[[Saved], Saved]:
        return lambda saved: {**saved, "hyper_parameters": {**saved.get("hyper_parameters", {}), **values}}

    def shape(**values: Any) -> Callable[[Saved], Saved]:
        return lambda saved: {**saved, "data_shape": {**saved.get("data_shape", {}), **values}}

    def deep(saved: Saved) -> Saved:
        value: Any = named("subprocess.Popen", args=command)
        for _ in range(300):
            value = {"a": [value]}
        return {**saved, "hyper_parameters": value}

    return {
        "construction is subprocess.Popen": construction(named("subprocess.Popen", args=command)),
        "construction is os.system": construction(named("os.system", command=" ".join(command))),
        "construction is builtins.exec": construction(named("builtins.exec", source=code)),
        "construction is a stranger": construction(named(f"{STRANGER}.Model")),
        "construction is a stranger's dataclass": construction(named(f"{STRANGER}.Data")),
        "construction leads through lgsid to os": construction(named("lgsid.cli.os.system", command=" ".join(command))),
        "construction leads through lgsid to importlib": construction(
            named("lgsid.plugins.importlib.import_module", name=STRANGER)
        ),
        "construction is a module": construction(named("lgsid.plugins.importlib", name=STRANGER)),
        "construction is a command of lgsid": construction(named("lgsid.cli.main", args=["run", str(marker)])),
        "construction is no mapping": construction([named("subprocess.Popen", args=command)]),
        "construction has no name": construction(named("", args=command)),
        "construction has a list of arguments": construction(
            {"class_path": "lgsid.recommenders.Popularity", "init_args": command}
        ),
        "part is subprocess.Popen": part(named("subprocess.Popen", args=command)),
        "part in a list is builtins.exec": part([[{"x": named("builtins.exec", source=code)}]]),
        "part is a stranger": part({"first": [named(f"{STRANGER}.make")]}),
        "_instantiator is os.system": parameters(_instantiator="os.system"),
        "_instantiator is a stranger": parameters(_instantiator=f"{STRANGER}.make"),
        "_instantiator is no text": parameters(_instantiator=["os", "system"]),
        "_class_path is a stranger": parameters(
            _class_path=f"{STRANGER}.Model", _instantiator="lightning.pytorch.cli.instantiate_module"
        ),
        "hyper-parameter is subprocess.Popen": parameters(optimizer=named("subprocess.Popen", args=command)),
        "hyper-parameter in lists is builtins.exec": parameters(parts=[[named("builtins.exec", source=code)]]),
        "hyper-parameter is a stranger": parameters(optimizer={"deep": [{"er": named(f"{STRANGER}.make")}]}),
        "hyper-parameter leads through torch": parameters(optimizer=named("torch.hub.load", repo_or_dir=STRANGER)),
        "hyper-parameters nested deeply": deep,
        "sizes beyond any memory": shape(n_items=10**15, codebook_sizes=[10**12, 10**12]),
        "sizes are no numbers": shape(n_items="many"),
        "sizes are unknown": shape(n_secrets=3),
        "a tensor wider than any memory": lambda saved: {
            **saved,
            "state_dict": {name: torch.zeros(1).expand(10**9, 10**6) for name in saved["state_dict"] or ["weight"]},
        },
        "no tensors": lambda saved: {**saved, "state_dict": [1, 2, 3]},
    }


def archive(content: bytes, name: str = "archive/data.pkl") -> bytes:
    """Return an archive of `torch.save` with a pickle that it did not write."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        target.writestr(name, content)
        target.writestr("archive/byteorder", "little")
        target.writestr("archive/version", "3\n")
    return buffer.getvalue()


def nested_weights(depth: int) -> bytes:
    """Return the pickle of `{"state_dict": {"a": [[...]]}}`, deeper than a writer could go."""
    keys = [pickle.BINUNICODE + len(key).to_bytes(4, "little") + key for key in (b"state_dict", b"a")]
    lists = pickle.EMPTY_LIST * depth + pickle.APPEND * (depth - 1)
    return b"\x80\x02}" + keys[0] + pickle.EMPTY_DICT + keys[1] + lists + pickle.SETITEM * 2 + pickle.STOP


def copied(good: Path, compression: int = zipfile.ZIP_STORED, rename: str = "", extra: Any = None) -> bytes:
    """Return the archive of a good checkpoint, its members compressed or renamed, with one more."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(buffer, "w", compression) as target:
        for member in source.infolist():
            folder, _, rest = member.filename.partition("/")
            target.writestr(f"{rename or folder}/{rest}", source.read(member))
        if extra is not None:
            name, content = extra
            target.writestr(name.replace("FOLDER", folder), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def files(good: Path, marker: Path) -> dict[str, Callable[[], bytes]]:
    """Kind -> the bytes of a file whose form is bad."""
    content = good.read_bytes()
    with zipfile.ZipFile(good) as source:
        name = next(member for member in source.namelist() if member.endswith("data.pkl"))
        pickled = source.read(name)

    def reduced(value: Any) -> Callable[[], bytes]:
        return lambda: archive(pickle.dumps({"state_dict": {}, "construction": value}, protocol=2))

    def legacy() -> bytes:
        buffer = io.BytesIO()
        torch.save({"state_dict": {}, "x": Touch(marker)}, buffer, _use_new_zipfile_serialization=False)
        return buffer.getvalue()

    def script() -> bytes:
        class Small(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x

        buffer = io.BytesIO()
        torch.jit.save(torch.jit.trace(Small(), torch.zeros(1)), buffer)
        return buffer.getvalue()

    flipped = bytearray(content)
    flipped[len(content) // 3] ^= 16
    return {
        "plain pickle": lambda: pickle.dumps(Touch(marker)),
        "plain pickle that imports": lambda: pickle.dumps(Import()),
        "legacy file of torch.save": legacy,
        "pickle in the archive": reduced(Touch(marker)),
        "pickle in the archive that imports": reduced(Import()),
        "optimized pickle in the archive": lambda: archive(pickletools.optimize(pickle.dumps(Touch(marker), 4))),
        "pickle of the whole archive": lambda: archive(pickle.dumps(Touch(marker), protocol=2)),
        "corrupted pickle": lambda: archive(pickled[: len(pickled) // 2]),
        "pickle of nothing": lambda: archive(b""),
        "weights nested deeply": lambda: archive(nested_weights(3_000)),
        "pickle that never ends": lambda: archive(b"\x80\x02" + b"(" * 200_000),
        "script of torch": script,
        "zip bomb": lambda: copied(good, extra=("FOLDER/data/bomb", bytes(64 << 20))),
        "compressed members": lambda: copied(good, zipfile.ZIP_DEFLATED),
        "member above its folder": lambda: copied(good, extra=("../../escaped", b"x")),
        "member at the root": lambda: copied(good, extra=("/tmp/escaped", b"x")),
        "members of another folder": lambda: copied(good, rename=".."),
        "two pickles": lambda: copied(good, extra=("FOLDER/data.pkl", pickle.dumps(Touch(marker), 2))),
        "cut": lambda: content[: len(content) * 2 // 3],
        "one bit flipped": lambda: bytes(flipped),
        "empty": lambda: b"",
        "text": lambda: b"#!/bin/sh\ntouch x\n",
    }


def malicious_checkpoints(good: Path, folder: Path, marker: Path) -> dict[str, Path]:
    """Write every kind of bad checkpoint.

    Args:
        good: A checkpoint that `lgsid fit` or a `Trainer` wrote.
        folder: Folder for the bad ones, and for the module that some of them name.
        marker: File that appears when one of them is executed.

    Returns:
        Kind -> file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_stranger(folder, marker)
    written: dict[str, Path] = {}
    for kind, make in files(good, marker).items():
        written[kind] = folder / f"{len(written)}.ckpt"
        written[kind].write_bytes(make())
    limit = sys.getrecursionlimit()
    for kind, change in changes(marker).items():
        written[kind] = folder / f"{len(written)}.ckpt"
        sys.setrecursionlimit(max(limit, 10_000))  # of the writer of the bad file, not of its reader
        torch.save(change(torch.load(good, weights_only=True)), written[kind])
        sys.setrecursionlimit(limit)
    return written
