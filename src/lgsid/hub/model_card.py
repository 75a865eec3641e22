"""The model card of a folder: `README.md` with the front matter that the hub reads. Its numbers are of result files."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from lgsid import __version__
from lgsid.artefacts import Dataset
from lgsid.benchmark.query_slices import QuerySlices
from lgsid.construction import describe, package_of
from lgsid.datasets import public_datasets
from lgsid.escaping import markdown
from lgsid.hub.card_results import CardResults
from lgsid.hub.encoder_folder import base_model
from lgsid.hub.folder_config import packages_in
from lgsid.module import LgsidModule
from lgsid.recommenders import Recommender
from lgsid.text import TextEncoder
from lgsid.tokenizers import Tokenizer

TAGS = ["lgsid", "geography", "point-of-interest", "recommendation"]
NO_LICENSE = "None was named. Before the folder is given on, choose one that the terms of the data allow."
PRIVACY = "Single check-ins are not in the folder."


@dataclass(frozen=True)
class Words:
    """What a card says of a kind of part.

    Args:
        task: What the hub calls the task.
        tags: Tags of its own.
        use: Lines of Python that load and use it.
        intended: What it is for.
        limits: What it is not for, and what is not known of it.
    """

    task: str
    tags: tuple[str, ...]
    use: tuple[str, ...]
    intended: str
    limits: str


@singledispatch
def words_of(part: Any) -> Words:
    """Return what a card says of a part."""
    raise NotImplementedError(type(part).__name__)


@words_of.register
def _(part: TextEncoder) -> Words:
    return Words(
        "feature-extraction",
        ("sentence-embeddings", "text-embeddings"),
        (
            "encoder = lgsid.from_pretrained(FOLDER, lgsid.TextEncoder)",
            'vectors = encoder.encode(["Coffee Shop, Third Rail Coffee, Brooklyn, latitude 40.7, longitude -73.9"])',
            "",
            "from transformers import AutoModel, AutoTokenizer  # hidden states, to be pooled as `config.json` says",
            "network, tokenizer = AutoModel.from_pretrained(FOLDER), AutoTokenizer.from_pretrained(FOLDER)",
        ),
        "Vectors of places from a text of category, name and position, for semantic IDs, retrieval of similar places "
        "and as a feature of recommenders. Use the prompt that it was aligned with.",
        "It knows the region it was aligned on; elsewhere distances between vectors mean what the base model makes of "
        "the text. An alignment takes something from the meaning of everyday sentences, see the results. It is no "
        "geocoder.",
    )


@words_of.register
def _(part: Tokenizer) -> Words:
    return Words(
        "other",
        ("semantic-ids", "tokenizer"),
        (
            "tokenizer = lgsid.from_pretrained(FOLDER, lgsid.tokenizers.Tokenizer)",
            "sids = tokenizer.tokenize(items, vectors)  # vectors of the encoder that it was fitted with",
        ),
        "Semantic IDs of places, for generative recommenders, as features of ranking models, and as buckets for "
        "retrieval.",
        "Codes mean something only with the vectors of the encoder that it was fitted with, and in the region that it "
        "was fitted on. Places that are added get an ID, but the codebooks are not fitted to them.",
    )


@words_of.register
def _(part: Recommender) -> Words:
    return Words(
        "other",
        ("recommender-system", "next-place"),
        (
            "model = lgsid.from_pretrained(FOLDER, lgsid.recommenders.Recommender)",
            'live = lgsid.LiveRecommender(model, FOLDER + "/places")  # or the folder of the dataset of its training',
            'print(live.recommend(history=[ITEM_ID, ITEM_ID], at="2026-03-02T12:00", k=5))',
        ),
        "Recommendations among the places that it was trained on, after a history of visits, at a time and a position.",
        "It knows the places, and the habits of the users, of its training data; others cannot be recommended. People "
        "who log where they go are not all people. It recommends, and decides nothing about a person; histories of "
        "visits are personal data, to be treated as such.",
    )


@dataclass(frozen=True)
class ModelCard:
    """What is told of a part.

    Args:
        part: What was saved.
        name: Name of the model.
        results: What was measured.
        data: What is known of the dataset: name, counts, split.
        license: Identifier of a license, as the hub has it; none if empty.
    """

    part: nn.Module
    name: str
    results: CardResults = field(default_factory=CardResults)
    data: Mapping[str, str] = field(default_factory=dict)
    license: str = ""

    @classmethod
    def of(cls, part: nn.Module, name: str, run: Path | None, dataset: Dataset | None, license: str = "") -> ModelCard:
        """Return the card of a part from the result files of its run and its dataset, as far as they are given.

        Raises:
            LgsidError: if a result file is damaged.
        """
        slices = None if dataset is None else QuerySlices.of_dataset(dataset)
        results = CardResults() if run is None else CardResults.read(run, slices)
        return cls(part, name, results, {} if dataset is None else data_of(dataset), license)

    def text(self) -> str:
        """Return the card: front matter and Markdown."""
        front = yaml.safe_dump(self.front_matter(), sort_keys=False, allow_unicode=True, width=100)
        kind, words = type(self.part), words_of(self.part)
        code = "\n".join(line.replace("FOLDER", repr(self.name).replace("'", '"')) for line in words.use)
        parts = [
            f"---\n{front}---",
            f"# {markdown(self.name)}",
            f"`{kind.__name__}` of [lgsid](https://pypi.org/project/lgsid/): {summary(kind)}",
            f"## Use\n\n```bash\npip install {self.requirements()}\n```\n\n```python\nimport lgsid\n\n{code}\n```",
            f"## Intended use\n\n{words.intended}",
            f"## Limits\n\n{words.limits} {self.carried()}",
            f"## Data\n\n{self.data_text()}",
            f"## Training\n\n{self.training_text()}",
            *(table.markdown().rstrip() for table in self.results.tables),
            *([] if self.results.tables else ["## Results\n\nNo result files were given."]),
            f"## License\n\n{f'`{self.license}`' if self.license else NO_LICENSE}",
        ]
        return "\n\n".join(parts) + "\n"

    def front_matter(self) -> dict[str, Any]:
        """Return what the hub reads."""
        words = words_of(self.part)
        found: dict[str, Any] = {"library_name": "lgsid", "tags": [*TAGS, *words.tags]}
        if self.license:
            found["license"] = self.license
        if words.task != "other":
            found["pipeline_tag"] = words.task
        if isinstance(self.part, TextEncoder) and is_hub_id(self.part):
            found["base_model"] = base_model(self.part)
        if self.results.measured:
            data = self.data.get("name", "unnamed")
            result = {
                "task": {"type": words.task, "name": words.tags[-1].replace("-", " ")},
                "dataset": {"type": data, "name": data},
                "metrics": [
                    {"type": one.key, "name": one.title, "value": round(one.value, 6)} for one in self.results.measured
                ],
            }
            found["model-index"] = [{"name": self.name, "results": [result]}]
        return found

    def requirements(self) -> str:
        """Return what has to be installed: lgsid, and the packages of plugins that the part is of."""
        packages = {package_of(type(self.part)), *packages_in(describe(self.part))} - {""}
        return " ".join([f'"lgsid>={__version__}"', *sorted(f'"{p.replace(" ", "==")}"' for p in packages)])

    def carried(self) -> str:
        """Say what of the data the weights hold."""
        carries = self.part.carries if isinstance(self.part, LgsidModule) else ""
        return f"{PRIVACY} The weights hold {carries}." if carries else PRIVACY

    def data_text(self) -> str:
        """Return what is known of the data."""
        if not self.data:
            return "Not told: no dataset was given."
        return "\n".join(f"- {key}: {markdown(value)}" for key, value in self.data.items())

    def training_text(self) -> str:
        """Return with what the part was trained, and what that took."""
        record, lines = self.results.provenance, [f"- lgsid {__version__}"]
        lines += [
            f"- {key.replace('_', ' ')}: {record[key]}"
            for key in ("commit", "dirty", "seed", "device")
            if key in record
        ]
        if "seconds" in record:
            lines.append(f"- time: {record['seconds']:,.0f} s, peak memory {record.get('peak_memory_mb', 0):,.0f} MB")
        settings = [f"{key}: {markdown(str(value))}" for key, value in self.results.settings.items()]
        if settings:
            lines += [
                "",
                "<details><summary>Settings</summary>",
                "",
                *(f"- {line}" for line in settings),
                "",
                "</details>",
            ]
        return "\n".join(lines)


def summary(kind: type) -> str:
    """Return the first line of the docstring of a class."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def is_hub_id(encoder: TextEncoder) -> bool:
    """Tell whether the pre-trained model of an encoder is known by a hub id."""
    return not encoder.model.startswith("pkg:") and not Path(encoder.model).is_dir()


def data_of(dataset: Dataset) -> dict[str, str]:
    """Return what a card says of a dataset: counts, split, and for a public one whom to cite and its terms."""
    counts = dataset.interactions.frame["split"].value_counts()
    found = {
        "name": dataset.name,
        "places": f"{len(dataset.items):,}",
        "users": f"{len(dataset.user_ids):,}",
        "check-ins": ", ".join(f"{int(count):,} {split}" for split, count in sorted(counts.items())),
        "split": str(dataset.report.get("split", "")),
        "data hash": dataset.data_hash,
    }
    public = public_datasets().get(dataset.name)
    if public is not None:
        found |= {"cite": public.citation, "terms": public.terms}
    return {key: value for key, value in found.items() if value}
