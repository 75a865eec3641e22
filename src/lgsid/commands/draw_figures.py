"""`lgsid plot vectors | coverage | first-codes | dial`: pictures of an alignment, as PNG."""

from __future__ import annotations

from lgsid.errors import LgsidError
from lgsid.pipeline.command import command


@command()
def vectors(embeddings: str, *, reference: str, items: str, output: str, seed: int = 0) -> str:
    """Draw a t-SNE of the vectors before and after an alignment, colored by region and by category.

    Args:
        embeddings: Vectors of the places, Parquet.
        reference: Vectors of the same places before the alignment, Parquet.
        items: Items table, GeoParquet.
        output: The PNG file.
        seed: Random seed of the sample of places and of the projection.
    """
    from lgsid.artefacts import Embeddings, Items
    from lgsid.plots import embedding_projection, save_png

    table = Items.read(items)
    before, after = (Embeddings.read(path).for_items(table) for path in (reference, embeddings))
    save_png(embedding_projection(table, before, after, seed=seed), output)
    return f"{output}: written"


@command()
def coverage(metrics: str, *, output: str, dataset: str | None = None) -> str:
    """Draw a radar of what the nearest vectors have in common with a place, before and after an alignment.

    Args:
        metrics: The metrics.json that `lgsid evaluate --reference ... --output` wrote.
        output: The PNG file.
        dataset: Folder of the prepared dataset, for the names of its region levels.
    """
    from pathlib import Path

    from lgsid.artefacts import Dataset
    from lgsid.artefacts.files import read_json
    from lgsid.benchmark.embedding_evaluation import AFTER, BEFORE, BOUND
    from lgsid.metrics.neighborhood_declarations import COVERAGE, PURITY, measured_neighborhoods
    from lgsid.plots import coverage_radar, save_png

    found = read_json(Path(metrics))
    regions = {} if dataset is None else dict(enumerate(Dataset.read(dataset).region_names, start=1))
    prefix = f"{AFTER}/"
    measured = measured_neighborhoods(key.removeprefix(prefix) for key in found if key.startswith(prefix))
    drawn = [one for one in measured if one.metric.name in (COVERAGE, PURITY, "group_purity")]
    shares = {
        when: [float(found[f"{when}/{one.key}"]) for one in drawn]
        for when in (BEFORE, AFTER, BOUND)
        if all(f"{when}/{one.key}" in found for one in drawn)
    }
    if len(drawn) < 3 or BEFORE not in shares:
        raise LgsidError(
            f"{metrics}: no neighborhoods before and after; run `lgsid evaluate --reference` with --output"
        )
    save_png(coverage_radar([one.title(regions) for one in drawn], shares), output)
    return f"{output}: written"


@command()
def first_codes(
    sids: str,
    *,
    items: str,
    output: str,
    before: str | None = None,
    category: str | None = None,
    chain: str | None = None,
) -> str:
    """Draw which first codes a category and a chain fall on, before and after an alignment.

    Args:
        sids: Semantic IDs of the places, Parquet.
        items: Items table, GeoParquet.
        output: The PNG file.
        before: Semantic IDs from vectors before the alignment, Parquet.
        category: Name of a category; that of most places if neither it nor a chain is given.
        chain: Name of a brand, or of places of one name.
    """
    from lgsid.artefacts import Items, SemanticIDs
    from lgsid.plots import first_code_bars, save_png
    from lgsid.plots.prefix_groups import most_frequent

    table = Items.read(items)
    named = category if category or chain else most_frequent(table.texts("category"))[0]
    kinds = {} if named is None else {named: table.texts("category") == named}
    if chain is not None:
        kinds[chain] = (table.texts("brand") == chain) | (table.texts("name") == chain)
    for kind, members in kinds.items():
        if not members.any():
            raise LgsidError(f"{items}: no place of category, brand or name {kind!r}; names are compared exactly")
    given = {"before": before, "after": sids} if before else {"": sids}
    columns = {title: SemanticIDs.read(path, table) for title, path in given.items() if path}
    save_png(first_code_bars(table, columns, kinds), output)
    return f"{output}: written"


@command()
def dial(results: str, *, output: str) -> str:
    """Draw what the settings of an alignment give in geography and next places for what they take from meaning.

    Args:
        results: Folder of result files of one dataset of a suite of vectors (alignment_dial); methods that are named
            `setting_value` become one curve for each setting.
        output: The PNG file.
    """
    from pathlib import Path

    from lgsid.benchmark.dial_points import dial_points
    from lgsid.plots import alignment_dial, save_png

    series, unaligned, distance = dial_points(Path(results))
    save_png(alignment_dial(series, unaligned, distance), output)
    return f"{output}: written"
