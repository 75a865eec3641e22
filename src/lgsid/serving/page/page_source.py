"""Where the page gets its data: the files of the models, and the models themselves for what a swap may change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lgsid.errors import LgsidError
from lgsid.serving.backend import Backend, Reply
from lgsid.serving.error_body import error_body
from lgsid.serving.page.packed import Packed
from lgsid.serving.schemas import HealthRequest, PlacesRequest, Request

if TYPE_CHECKING:
    from lgsid.artefacts.dataset import Dataset
    from lgsid.artefacts.semantic_ids import SemanticIDs
    from lgsid.serving.model_files import ModelFiles


PATIENCE_S = 30.0


class NotNow(Exception):
    """The service cannot tell what the page needs.

    Args:
        reply: What it said instead.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class PageSource:
    """Makes the data of the page when they are first asked for, and again after a swap.

    What that needs is imported then: a process that shows nobody the page has neither torch nor tables in memory.

    The page shows one city: the dataset of the first model, with the models that were trained on it. Sets of semantic
    IDs that lie in the same run folder can be looked at, too, without a model.

    Args:
        backend: The models.
        files: Gives the files that the models were loaded from, by name.
    """

    def __init__(self, backend: Backend, files: Callable[[], Mapping[str, ModelFiles]]) -> None:
        self.backend, self.files = backend, files
        self._making = asyncio.Lock()
        self._dataset: Dataset | None = None
        self._ground: Packed | None = None
        self._places: tuple[str, Packed] | None = None

    async def places(self) -> Packed:
        """Return the places, their codes and the models, as JSON.

        Raises:
            NotNow: if the service or a file cannot tell.
        """
        async with self._making:
            states = (await self._asked(HealthRequest()))["models"]
            key = json.dumps([[state[name] for name in ("model", "revision", "generation")] for state in states])
            if self._places is None or self._places[0] != key:
                columns = {}
                for state in states:
                    if state["codebook_sizes"] or state["n_closed"]:
                        columns[state["model"]] = await self._asked(PlacesRequest(model=state["model"]))
                self._places = key, await made(self._make_places, states, columns)
            return self._places[1]

    async def ground(self) -> Packed:
        """Return the built-up area and its regions, as GeoJSON.

        Raises:
            NotNow: if a file cannot be read.
        """
        async with self._making:
            if self._ground is None:
                self._ground = await made(self._make_ground)
            return self._ground

    async def _asked(self, request: Request) -> dict[str, Any]:
        try:
            reply = await asyncio.wait_for(self.backend.ask(request), PATIENCE_S)
        except asyncio.TimeoutError:
            reply = Reply(503, error_body(f"no answer within {PATIENCE_S:g} seconds; try again"))
        if reply.status != 200:
            raise NotNow(reply)
        found: dict[str, Any] = json.loads(reply.body)
        return found

    def _city(self) -> Dataset:
        from lgsid.artefacts.dataset import Dataset

        if self._dataset is None:
            folder = next(iter(self.files().values())).dataset
            assert folder is not None
            self._dataset = Dataset.read(folder)
        return self._dataset

    def _make_ground(self) -> Packed:
        from lgsid.serving.page.boundaries import boundaries

        return Packed.of_json(boundaries(self._city().items))

    def _make_places(self, states: list[dict[str, Any]], columns: Mapping[str, dict[str, Any]]) -> Packed:
        from lgsid.artefacts.semantic_ids import SemanticIDs
        from lgsid.serving.page.city_page import city_page

        dataset, files = self._city(), self.files()
        elsewhere = {name for name, found in files.items() if found.dataset != next(iter(files.values())).dataset}
        names = [state["model"] for state in states if state["model"] not in elsewhere]
        models = {name: served_sids(columns[name]) if name in columns else None for name in names}
        closed = {name: closed_items(columns[name]) for name in names if name in columns}
        generations = {state["model"]: state["generation"] for state in states}
        beside = {name: SemanticIDs.read(path, dataset.items) for name, path in sids_beside(files).items()}
        return Packed.of_json(city_page(dataset, models, generations, closed, beside))


async def made(make: Callable[..., Packed], *args: Any) -> Packed:
    """Return what a function makes in a thread; its error becomes the answer.

    Raises:
        NotNow: if it raises `LgsidError`.
    """
    try:
        return await asyncio.to_thread(make, *args)
    except LgsidError as error:
        raise NotNow(Reply(500, error_body(str(error)))) from error


def closed_items(columns: Mapping[str, Any]) -> list[str]:
    """Return the ids of the places that a model does not propose, from its places by column."""
    return [item for item, is_open in zip(columns["item"], columns["is_open"], strict=True) if not is_open]


def served_sids(columns: Mapping[str, Any]) -> SemanticIDs | None:
    """Return the semantic IDs of a model from its places by column, none if it has no codes."""
    import numpy as np

    from lgsid.artefacts.semantic_ids import SemanticIDs

    if not columns["codebook_sizes"]:
        return None
    ids = np.array(columns["item"], dtype=object)
    return SemanticIDs(ids, np.array(columns["sid"], dtype=np.int64), tuple(columns["codebook_sizes"]))


def sids_beside(files: Mapping[str, ModelFiles]) -> dict[str, Path]:
    """Return the sets of semantic IDs in the run folders of models, by the names of their stages, and those given."""
    from lgsid.artefacts.names import RUN_FILE, SIDS_FILE

    found: dict[str, Path] = {}
    for model in files.values():
        run = model.checkpoint.parent.parent
        paths = sorted(run.glob(f"*/{SIDS_FILE}")) if (run / RUN_FILE).is_file() else []
        for path in [*paths, *([model.sids] if model.sids is not None else [])]:
            if path.resolve() not in {known.resolve() for known in found.values()}:
                found.setdefault(path.parent.name or path.stem, path)
    return found
