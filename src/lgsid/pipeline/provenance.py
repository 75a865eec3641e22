"""Record how a result came about: code, versions, data, machine, seconds and memory."""

from __future__ import annotations

import contextlib
import functools
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lgsid
from lgsid.entry_points import OWN_DISTRIBUTION
from lgsid.pipeline.code_version import LIBRARIES, installed_version
from lgsid.plugins import available

CLEAR_REFS, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@dataclass
class Meter:
    """Seconds and peak memory since it was made. On Linux the peak is that of the block; elsewhere of the process."""

    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        with contextlib.suppress(OSError):
            CLEAR_REFS.write_text("5", encoding="ascii")  # resets the high-water mark of resident memory

    @property
    def seconds(self) -> float:
        """Wall-clock seconds so far."""
        return round(time.perf_counter() - self.started, 2)

    @property
    def peak_memory_mb(self) -> float:
        """Largest resident memory so far, in MB."""
        try:
            lines = STATUS.read_text(encoding="ascii").splitlines()
            kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            kilobytes = peak // 1024 if sys.platform == "darwin" else peak
        return round(kilobytes / 1024, 1)


def provenance(meter: Meter, config: Mapping[str, Any], seed: int | None, data_hash: str = "") -> dict[str, Any]:
    """Return what a reader needs to judge and repeat a result, as plain values.

    Args:
        meter: Started with the work.
        config: The resolved config.
        seed: The seed.
        data_hash: Hash of the dataset, if there is one.
    """
    import torch

    commit, dirty = git_state()
    plugins = {p.distribution: p.version for p in available() if p.distribution != OWN_DISTRIBUTION}
    return {
        "lgsid": lgsid.__version__,
        "commit": commit,
        "dirty": dirty,
        "versions": {"python": platform.python_version(), **{name: installed_version(name) for name in LIBRARIES}},
        "plugins": plugins,
        "seed": seed,
        "data_hash": data_hash,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else f"cpu {platform.machine()}",
        "threads": torch.get_num_threads(),
        "seconds": meter.seconds,
        "peak_memory_mb": meter.peak_memory_mb,
        "config": config,
    }


@functools.cache
def git_state() -> tuple[str | None, bool | None]:
    """Return the commit of the checkout that lgsid runs from and whether it has changes; `None` outside a checkout.

    As it is at the first call: what a process has imported does not change with the files.
    """
    folder = Path(lgsid.__file__).resolve().parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "__init__.py")
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def without_paths(value: Any, run_folder: Path) -> Any:
    """Replace the run folder, the working folder and the home folder inside texts, at any depth."""
    if isinstance(value, Mapping):
        return {key: without_paths(inner, run_folder) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_paths(inner, run_folder) for inner in value]
    if isinstance(value, str):
        known = ((run_folder.resolve(), "$RUN"), (run_folder, "$RUN"), (Path.cwd(), "."), (Path.home(), "~"))
        for folder, name in known:
            value = value.replace(str(folder), name) if len(str(folder)) > 1 else value
    return value
