"""Files that stages hand each other: tables, vectors, datasets. The lowest layer beside `typing`."""

from lgsid.artefacts.dataset import Dataset
from lgsid.artefacts.embeddings import Embeddings
from lgsid.artefacts.interactions import Interactions
from lgsid.artefacts.items import Items

__all__ = ["Dataset", "Embeddings", "Interactions", "Items"]
