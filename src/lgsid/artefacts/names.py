"""Names of the files in a dataset folder, in a run folder and in the folder of a report, each spelt once."""

from __future__ import annotations

from pathlib import Path

# dataset folder
ITEMS_FILE = "items.parquet"
INTERACTIONS_FILE = "interactions.parquet"
DATASET_FILE = "dataset.json"

# semantic IDs
SIDS_FILE = "sids.parquet"
INDEX_FILE = "sids.index.json"
CARD_FILE = "card.json"

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
