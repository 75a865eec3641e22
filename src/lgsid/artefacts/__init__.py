"""Files that stages hand each other: tables, vectors, semantic IDs, datasets. The lowest layer beside `typing`.

Importing this package does not import torch. `lgsid.artefacts.vocabularies`, which makes tensors, is imported by its
full name.
"""

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.interactions import Interactions
from lgsid.artefacts.item_tables import read_items
from lgsid.artefacts.items import Items
from lgsid.artefacts.semantic_ids import SemanticIDs

__all__ = ["CheckInLog", "Dataset", "Embeddings", "Interactions", "Items", "SemanticIDs", "read_items"]
