"""Files that stages hand each other: tables, vectors, semantic IDs, datasets. The lowest layer beside `typing`."""

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.interactions import Interactions
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs
from lgsid.artefacts.vocabularies import Vocabularies

__all__ = ["CheckInLog", "Dataset", "Embeddings", "Interactions", "Items", "SemanticIDs", "Vocabularies"]
