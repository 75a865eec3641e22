"""A synthetic city of 5,000 places in four parts, with vectors, and tokenizers that were fitted on a sample of it."""

import numpy as np
import pytest
import torch

from lgsid import checkpoints
from lgsid.artefacts import Items
from lgsid.artefacts.vocabularies import Vocabularies
from lgsid.datasets.synthetic.city_places import create_places
from lgsid.datasets.synthetic.city_plan import create_plan
from lgsid.scale import LocalExecutor, embed_catalogue, sample_catalogue

PLACES, PARTS = 5_000, 4
ENCODER = "encoder:\n  class_path: HashedWords\n  init_args: {dim: 16, directions: 4096}\n"


def fitted(tokenizer, dataset, vectors):
    """Fit as `lgsid fit` does, without a trainer."""
    order = np.argsort(dataset.items.ids.astype(str))
    items = dataset.items.take(order)
    tokenizer.vocabularies = Vocabularies.of(items)
    batch = tokenizer.vocabularies.batch(items, vectors.for_items(items))
    tokenizer.data_shape = tokenizer.vocabularies.shape(len(items), batch.embedding.shape[1])
    tokenizer.build(tokenizer.data_shape)
    with torch.no_grad():
        tokenizer.fit_codebooks(batch)
    tokenizer.fitted.fill_(True)
    return tokenizer.eval()


@pytest.fixture(scope="session")
def items():
    rng = np.random.default_rng(0)
    plan = create_plan(7, 28, 6_000.0, rng)
    made = create_places(plan, PLACES, 0.3, rng)
    area = ((made.xy_m[:, None] - plan.seeds_m[None]) ** 2).sum(axis=-1).argmin(axis=1)
    names = plan.neighborhoods["name"].to_numpy(object)[area]
    frame = made.frame.assign(brand="", region_1=names)
    frame.loc[frame.index[::11], "category"] = ""  # unknown
    return Items.from_frame(frame.iloc[rng.permutation(PLACES)])


@pytest.fixture(scope="session")
def desk(items, tmp_path_factory):
    """Folder with `places`, `encoder.yaml`, `embed` and `sample`."""
    folder = tmp_path_factory.mktemp("scale")
    for part, rows in enumerate(np.array_split(np.arange(PLACES), PARTS)):
        items.take(rows).write(folder / "places" / f"part-{part:05d}.parquet")
    (folder / "encoder.yaml").write_text(ENCODER)
    assert embed_catalogue(folder / "places", folder / "encoder.yaml", folder / "embed", LocalExecutor()) == PLACES
    sample_catalogue(folder / "embed", 2_000, folder / "sample", LocalExecutor())
    return folder


@pytest.fixture(scope="session")
def tokenizer_of(desk):
    """Returns the checkpoint of a tokenizer that was fitted on the sample."""
    from lgsid.artefacts import Dataset, Embeddings

    dataset, vectors = Dataset.read(desk / "sample"), Embeddings.read(desk / "sample" / "embeddings.parquet")

    def make(name, tokenizer):
        path = desk / f"{name}.ckpt"
        checkpoints.save(fitted(tokenizer, dataset, vectors), path)
        return path

    return make
