"""Names of files, each spelt once, and what a name that somebody gives must be to name a file or a folder."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path, PurePosixPath

from lgsid.errors import LgsidError

# dataset folder
ITEMS_FILE = "items.parquet"
INTERACTIONS_FILE = "interactions.parquet"
DATASET_FILE = "dataset.json"

# semantic IDs
SIDS_FILE = "sids.parquet"
INDEX_FILE = "sids.index.json"
CARD_FILE = "card.json"

# generations of semantic IDs
CURRENT_FILE = "current"  # in the root: the number of the current generation
MANIFEST_FILE = "manifest.json"  # of a generation or a catalogue in parts, written last
SLOTS_FILE = "slots.parquet"
DELTA_FILE = "delta.parquet"
CAPACITY_FILE = "capacity.json"
OPEN_FILE = "open.txt"
RELABELING_FILE = "relabeling.parquet"

# alignment
EMBEDDINGS_FILE = "embeddings.parquet"
REFERENCE_EMBEDDINGS_FILE = "reference_embeddings.parquet"

# run folder of a training, and of a pipeline's stage
CHECKPOINT_FILE = "model.ckpt"
METRICS_FILE = "metrics.json"
PROVENANCE_FILE = "provenance.json"
STAGE_FILE = "stage.json"
FIT_CONFIG_FILE = "fit_config.yaml"
LOG_FOLDER = "log"

# run folder of a pipeline
RUN_FILE = "run.json"

# what a recommender was asked, and what it answered
PER_QUERY_FILE = "per_query.parquet"
PER_SAMPLE_FILE = "per_sample.parquet"
PREDICTIONS_FILE = "predictions.parquet"
CANDIDATES_FILE = "ctr_candidates.parquet"

# report
REPORT_MARKDOWN_FILE = "report.md"
REPORT_JSON_FILE = "report.json"
REPORT_TERMINAL_FILE = "report.ansi"


def of_part(file: str, part: str) -> str:
    """Return the name of a file that holds one of several models: `per_query.parquet` is `per_query_NAME.parquet`.

    Args:
        file: Name of the file.
        part: Name of the model, empty where the folder holds one model only.
    """
    path = Path(file)
    return f"{path.stem}_{part}{path.suffix}" if part else file


MAX_BYTES = 200  # file systems take 255; the rest is for what lgsid adds to a name
IN_WORDS = "-_"
IN_NAMES = f"{IN_WORDS} .,+()"
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


def check_name(name: object, where: str, also: str = IN_NAMES) -> None:
    """Refuse a name that is not that of one file or folder on every system: a path, a hidden file, a control character.

    Args:
        name: What somebody wrote.
        where: The file and the key it stands at, for the message.
        also: What a name has beside letters and digits.

    Raises:
        LgsidError: saying what is wrong with it.
    """
    if not isinstance(name, str) or not name.strip():
        raise LgsidError(f"{where}: expected a name for a file or folder, found {name!r}")
    problem = ""
    others = [char for char in name if char not in also and unicodedata.category(char)[0] not in "LMN"]
    if others:
        problem = f"has {others[0]!r}; letters, digits and {' '.join(also).replace('   ', ' space ')} are known"
    elif unicodedata.normalize("NFKC", name) != unicodedata.normalize("NFC", name):
        problem = "has letters that some systems take for others"
    elif name[0] in ".-~ " or name[-1] in ". ":
        problem = "begins with a dot, dash or space, or ends with a dot or space"
    elif name.partition(".")[0].strip().lower() in RESERVED:
        problem = "is reserved on Windows"
    elif len(os.fsencode(name)) > MAX_BYTES:
        problem = f"is longer than {MAX_BYTES} bytes"
    if problem:
        raise LgsidError(f"{where}: {shortened(name)} cannot name a file or folder: it {problem}")


def check_word(name: object, where: str) -> None:
    """Refuse a name that has more than letters, digits, `-` and `_`, or is no name at all (see `check_name`).

    Raises:
        LgsidError: saying what is wrong with it.
    """
    check_name(name, where, IN_WORDS)


def check_inside(path: str, where: str) -> None:
    """Refuse the path of a file inside a folder that leads out of it, or cannot be a path.

    Raises:
        LgsidError: saying where it stands.
    """
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if (
        path.startswith(("/", "~"))
        or ".." in parts
        or ":" in path
        or any(unicodedata.category(c) == "Cc" for c in path)
    ):
        raise LgsidError(f"{where}: {shortened(path)} leads out of its folder; name a file inside")


def shortened(text: str, limit: int = 60) -> str:
    """Quote a text for a message, not all of it if it is long."""
    return repr(text if len(text) <= limit else f"{text[:limit]}...")
