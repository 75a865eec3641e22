"""A folder where faults are tried: the inputs of every command, and what an unbroken run of it leaves."""

from __future__ import annotations

import io
import pickle
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from faults.forked import Ended, run
from trial.outcome import Outcome, Verdict

CONF = Path(__file__).resolve().parents[1] / "conf"
OUTPUT = "disk/out"  # of every command; `disk` may be a small one
RECORDS = {"provenance.json", "stage.json", "run.json"}  # they hold seconds, memory and times
TIMED = {"report.json", "report.md", "report.ansi"}  # their table of costs holds seconds

DATA = ("--data.init_args.dataset=given/data",)
VECTORS = "given/align/embeddings.parquet"
SIDS = "given/tokenize/sids.parquet"
SMALL_T5 = '{"d_model": 16, "d_kv": 8, "d_ff": 16, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}'
FIT = ("--trainer.max_epochs=2", "--seed_everything=1", f"--run-folder={OUTPUT}")

PIPELINE = ("run", str(CONF / "tiny.yaml"), "--run-folder", OUTPUT)
JOBS: Mapping[str, tuple[str, ...]] = {
    "data prepare": ("data", "prepare", str(CONF / "tiny_city.yaml"), "--output", OUTPUT),
    "tokenize": (
        *("tokenize", "--checkpoint", "given/tokenize/model.ckpt", "--dataset", "given/data"),
        *("--embeddings", VECTORS, "--output", OUTPUT),
    ),
    "card": ("card", SIDS, "--items", "given/data/items.parquet", "--embeddings", VECTORS, "--output", OUTPUT),
    "permute-sids": ("permute-sids", "--sids", SIDS, "--items", "given/data/items.parquet", "--output", OUTPUT),
    "baselines": ("baselines", "--dataset", "given/data", "--output", OUTPUT),
    "fit tokenizer": (
        *("fit", "--config=tokenizer/hier.yaml", *DATA, f"--data.init_args.embeddings={VECTORS}"),
        *("--model.init_args.codebook_sizes=[8,8,8]", *FIT),
    ),
    "fit aligner": (
        *("fit", "--config=alignment/gdpo.yaml", *DATA, "--data.init_args.n_pairs=64"),
        *("--model.init_args.encoder.init_args.model=./encoder", *FIT[1:]),
    ),
    "fit generator": (
        *("fit", "--config=recommender/tiger.yaml", *DATA, f"--data.init_args.sids={SIDS}"),
        *(
            "--data.init_args.val_queries=20",
            f"--model.init_args.t5={SMALL_T5}",
            "--model.init_args.beam_width=8",
            *FIT,
        ),
    ),
    "fit click model": ("fit", "--config=recommender/din.yaml", *DATA, f"--data.init_args.sids={SIDS}", *FIT),
    "test": (
        *("test", "--config=recommender/din.yaml", *DATA, f"--data.init_args.sids={SIDS}", *FIT[1:]),
        "--ckpt_path=given/din/model.ckpt",
    ),
}
COMMANDS = {"pipeline": PIPELINE, **JOBS}


@dataclass
class Desk:
    """The inputs, and what unbroken runs leave.

    Args:
        root: An empty folder.
    """

    root: Path
    unbroken: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Run the pipeline once; its stages are what all other commands read."""
        from lgsid.testing import tiny_encoder

        self.root.mkdir(parents=True, exist_ok=True)
        tiny_encoder("bert", self.root / "encoder")
        load_everything()
        self.given = self.unbroken_folder(PIPELINE, "pipeline")
        self.unbroken["pipeline"] = contents(self.given)

    def unbroken_folder(self, words: Iterable[str], name: str) -> Path:
        """Run a command unbroken and return the folder of its result."""
        folder = self.new(f"unbroken {name}")
        ended = run(list(words), folder)
        assert ended.code == 0, f"{name}: {ended.err}"
        return folder / OUTPUT

    def of(self, name: str) -> dict[str, bytes]:
        """Return the files that a command leaves, by name."""
        if name not in self.unbroken:
            self.unbroken[name] = contents(self.unbroken_folder(JOBS[name], name))
        return self.unbroken[name]

    def new(self, name: str) -> Path:
        """Return a fresh folder with the inputs, for one trial."""
        folder = self.root / name.replace(" ", "_")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "disk").mkdir(parents=True)
        (folder / "encoder").symlink_to(self.root / "encoder")
        if hasattr(self, "given"):
            (folder / "given").symlink_to(self.given)
        return folder

    def judge(self, name: str, folder: Path) -> str:
        """Return how a folder differs from what an unbroken run leaves, empty if in nothing."""
        return difference(contents(folder / OUTPUT), self.of(name))


def load_everything() -> None:
    """Import what the commands import, once, before they are forked. On one thread: results are compared bit by bit."""
    import lightning  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import peft  # noqa: F401
    import sklearn.cluster
    import sklearn.manifold  # noqa: F401
    import torch
    import transformers  # noqa: F401
    from threadpoolctl import threadpool_limits

    import lgsid.pipeline.training_cli  # noqa: F401
    from lgsid.plugins import kinds, load_kind

    torch.set_num_threads(1)
    threadpool_limits(1)
    for kind in kinds():
        load_kind(kind)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a result; logs and records of time do not count."""
    paths = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if counts(name)}


def counts(name: str) -> bool:
    """Tell whether a file of a result has the same bytes in each run."""
    path = Path(name)
    return not (path.name in RECORDS | TIMED or path.name.startswith(".") or "log" in path.parts[:-1])


def difference(found: Mapping[str, bytes], right: Mapping[str, bytes]) -> str:
    """Name the first file that is missing, too many, or differs."""
    for name in sorted({*found, *right}):
        if name not in found:
            return f"{name} is missing"
        if name not in right:
            return f"{name} is left over"
        if found[name] != right[name] and not (name.endswith(".ckpt") and same_model(found[name], right[name])):
            return f"{name} differs"
    return ""


def same_model(one: bytes, other: bytes) -> bool:
    """Tell whether two checkpoints differ only in how the copies that Lightning keeps beside them are called.

    It never replaces one, so after a training that broke off they have another number.
    """
    import torch

    def held(data: bytes) -> bytes:
        checkpoint = torch.load(io.BytesIO(data), weights_only=True)
        checkpoint.pop("callbacks", None)
        written = io.BytesIO()
        torch.save(checkpoint, written)
        return written.getvalue()

    try:
        return held(one) == held(other)
    except (RuntimeError, ValueError, OSError, pickle.UnpicklingError):
        return False


def failed(family: str, case: str, ended: Ended, doing: str) -> Outcome:
    """Return the outcome of a command that should have gone through, or been refused, and was not."""
    verdict: Verdict = "hang" if ended.code is None else "traceback"
    return Outcome(family, case, verdict, f"{doing}: {ended} {ended.err[-600:]}")


def mended(family: str, case: str, ended: Ended, found: str, doing: str) -> Outcome:
    """Return the outcome of a command after a fault, which must go through and end in the right result.

    Args:
        family: See `Outcome`.
        case: See `Outcome`.
        ended: How the command ended.
        found: How what it left differs from what an unbroken run leaves, empty if in nothing.
        doing: What was done before, for the detail.
    """
    if ended.code != 0:
        return failed(family, case, ended, doing)
    return Outcome(family, case, "wrong accepted" if found else "nothing lost", f"{doing}: {found}" if found else doing)
