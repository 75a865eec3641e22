"""The service without HTTP: named models, their answers, and swaps of one model for another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from lgsid import __version__
from lgsid.errors import LgsidError
from lgsid.recommenders.place_query import PlaceQuery
from lgsid.recommenders.recommendations import Recommendations
from lgsid.serving import schemas as s
from lgsid.serving.backend import Reply
from lgsid.serving.explanation import explain
from lgsid.serving.limits import Limits
from lgsid.serving.memory import resident_bytes
from lgsid.serving.model_files import ModelFiles
from lgsid.serving.neighbors import places_like, places_with_codes
from lgsid.serving.new_places import new_place
from lgsid.serving.queries import query_of
from lgsid.serving.refused import Refused
from lgsid.serving.replies import attempted, replied, told
from lgsid.serving.served_model import ServedModel, finite

A = TypeVar("A", bound=s.Answer)
METHODS: dict[type[s.Request], str] = {
    s.SimilarRequest: "similar",
    s.EncodeRequest: "encode",
    s.ExplainRequest: "explain",
    s.PlacesRequest: "places",
    s.HealthRequest: "health",
}


@dataclass(frozen=True)
class Slot:
    """What is served under a name.

    Args:
        model: The model.
        revision: Grows by one with each swap and rollback.
        former: What was served before the last swap, kept for a rollback.
    """

    model: ServedModel
    revision: int = 1
    former: ServedModel | None = None


class Service:
    """Named models that answer requests; swapping one is instantaneous for those who ask.

    Whoever is being answered keeps the model that they began with. Methods may be called from several threads; they are
    answered one after the other, for the models use all cores there are.

    Args:
        models: The models by name; the first one answers where a request names none.
        limits: How much one request may ask for.

    Raises:
        LgsidError: if there is no model.
    """

    def __init__(self, models: Mapping[str, ServedModel], limits: Limits | None = None) -> None:
        if not models:
            raise LgsidError("service: no model to serve")
        self.limits = limits or Limits()
        self._slots = {name: Slot(model) for name, model in models.items()}
        self._answering, self._changing = threading.Lock(), threading.Lock()
        self._loading: str | None = None

    @classmethod
    def load(cls, files: Mapping[str, ModelFiles], limits: Limits | None = None) -> Service:
        """Load the models from their files.

        Raises:
            LgsidError: if one cannot be loaded, naming it.
        """
        return cls({name: loaded(name, named) for name, named in files.items()}, limits)

    @property
    def names(self) -> list[str]:
        """Names of the models; the first one answers where a request names none."""
        return list(self._slots)

    def slot(self, name: str | None) -> tuple[str, Slot]:
        """Return the name and what is served under it; the first one without a name.

        Raises:
            Refused: if nothing is.
        """
        slots = self._slots
        chosen = next(iter(slots)) if name is None else name
        if chosen not in slots:
            raise Refused(404, f"model {chosen!r} is not served; these are: {', '.join(slots)}")
        return chosen, slots[chosen]

    def recommend(self, request: s.RecommendRequest) -> s.RecommendAnswer:
        """Recommend places.

        Raises:
            LgsidError: for an unknown user, item or model, a value out of range, and where nothing is left.
        """
        return only(self.recommend_many([request]))

    def recommend_many(self, requests: Sequence[s.RecommendRequest]) -> list[s.RecommendAnswer | LgsidError]:
        """Answer several requests, each as if it were alone; those for one model and as many places in one batch."""
        answers: list[s.RecommendAnswer | LgsidError] = [Refused(503, "not answered")] * len(requests)
        groups: dict[tuple[str, int, bool], list[tuple[int, PlaceQuery]]] = {}
        slots: dict[tuple[str, int, bool], Slot] = {}
        for number, request in enumerate(requests):
            found = told(self._prepared, request)
            if isinstance(found, LgsidError):
                answers[number] = found
                continue
            name, slot, query = found
            key = (name, slot.revision, request.rerank)  # a swap may come between two requests
            slots[key] = slot
            groups.setdefault(key, []).append((number, query))
        for key, asked in groups.items():
            slot = slots[key]
            with self._answering:
                lists = slot.model.recommender(key[2]).answer([query for _, query in asked])
            for (number, _), listed in zip(asked, lists, strict=True):
                answers[number] = listed if isinstance(listed, LgsidError) else self._listed(key[0], slot, listed)
        return answers

    def similar(self, request: s.SimilarRequest) -> s.SimilarAnswer:
        """Return places like a place, by semantic IDs or by vectors.

        Raises:
            LgsidError: for an unknown item or model, or where the model has no semantic IDs or no vectors.
        """
        name, slot = self.slot(request.model)
        if request.k > self.limits.k:
            raise Refused(422, f"k {request.k}: at most {self.limits.k} places")
        model = slot.model
        row = self.row(model, request.item)
        found = places_like(model, row, request.k, request.by)
        return s.SimilarAnswer(
            served_by=served_by(name, slot), place=s.Place(**model.place(row)), by=request.by, places=found
        )

    def encode(self, request: s.EncodeRequest) -> s.EncodeAnswer:
        """Return the semantic ID that a new place would get.

        Raises:
            LgsidError: for an unknown model, or one without a tokenizer, or where no code is free.
        """
        name, slot = self.slot(request.model)
        model = slot.model
        if model.new_places is None:
            raise LgsidError(
                f"model {name!r} has no tokenizer for new places; start with --sids, --tokenizer and --encoder"
            )
        km = model.km(request.latitude, request.longitude)
        nearest = int(km.argsort()[0])
        items = model.items
        place = new_place(items, nearest, request.name, request.category, request.latitude, request.longitude)
        with self._answering:
            sid = model.new_places.sid(place)
        return s.EncodeAnswer(
            served_by=served_by(name, slot),
            sid=list(sid.free),
            nearest_sid=list(sid.nearest),
            known_category=request.category in set(model.texts["category"]),
            regions_of=str(items.ids[nearest]),
            neighbors=places_with_codes(model, sid.free, km, 5),
        )

    def explain(self, request: s.ExplainRequest) -> s.ExplainAnswer:
        """Return what speaks for a place and against it, and its rank.

        Raises:
            LgsidError: for an unknown user, item or model, and a value out of range.
        """
        name, slot = self.slot(request.model)
        query = query_of(request, 1, slot.model, self.limits)
        row = self.row(slot.model, request.item)
        with self._answering:
            found = explain(slot.model, slot.model.recommender(request.rerank), query, row)
        return s.ExplainAnswer(served_by=served_by(name, slot), place=s.Place(**slot.model.place(row)), **found)

    def places(self, request: s.PlacesRequest) -> s.PlacesAnswer:
        """Return all places of a model by column."""
        name, slot = self.slot(request.model)
        model, items = slot.model, slot.model.items
        return s.PlacesAnswer(
            served_by=served_by(name, slot),
            codebook_sizes=list(model.codebook_sizes),
            item=[str(item) for item in items.ids],
            region=[str(region) for region in model.regions],
            latitude=[finite(value) for value in items.lat_deg],
            longitude=[finite(value) for value in items.lon_deg],
            check_ins=model.check_ins.tolist(),
            is_open=(~model.closed).tolist(),
            sid=model.codes.tolist(),
            **{column: [str(text) for text in texts] for column, texts in model.texts.items()},
        )

    def health(self, request: s.HealthRequest | None = None) -> s.HealthAnswer:
        """Return the state of the service and of its models."""
        models = [
            s.ModelState(
                **served_by(name, slot).model_dump(),
                n_places=len(slot.model.items),
                n_closed=int(slot.model.closed.sum()),
                codebook_sizes=list(slot.model.codebook_sizes),
                can=slot.model.can,
                former=slot.former is not None,
                loading=self._loading == name,
            )
            for name, slot in self._slots.items()
        ]
        return s.HealthAnswer(status="ok", version=__version__, models=models, resident_bytes=resident_bytes())

    def swap(self, name: str, files: ModelFiles) -> s.SwapAnswer:
        """Load a model while the present one answers, then serve it under the name; a new name is added.

        Raises:
            LgsidError: if another swap is going on, or the model cannot be loaded: the present one stays.
        """
        return self._change(name, lambda slot: loaded(name, files))

    def rollback(self, name: str) -> s.SwapAnswer:
        """Serve under a name what was served before the last swap; once more undoes that.

        Raises:
            LgsidError: if nothing was, or a swap is going on.
        """

        def former(slot: Slot | None) -> ServedModel:
            if slot is None:
                raise Refused(404, f"model {name!r} is not served; these are: {', '.join(self._slots)}")
            if slot.former is None:
                raise LgsidError(f"model {name!r} was not swapped; there is nothing to go back to")
            return slot.former

        return self._change(name, former)

    def _change(self, name: str, make: Callable[[Slot | None], ServedModel]) -> s.SwapAnswer:
        if not self._changing.acquire(blocking=False):
            raise Refused(503, "another swap is going on; try again when it is done")
        try:
            self._loading = name
            slot = self._slots.get(name)
            model = make(slot)
            new = Slot(model) if slot is None else Slot(model, slot.revision + 1, slot.model)
            self._slots = {**self._slots, name: new}
        finally:
            self._loading = None
            self._changing.release()
        former = None if slot is None else served_by(name, slot)
        return s.SwapAnswer(served_by=served_by(name, new), former=former)

    def reply(self, requests: Sequence[s.Request]) -> list[Reply]:
        """Return the replies to requests of any kind, in their order: what HTTP sends.

        Those for recommendations are answered in batches, each as if it were alone. An error is a reply of one
        line; what nobody foresaw is logged without a word of the request.
        """
        many = [number for number, request in enumerate(requests) if isinstance(request, s.RecommendRequest)]
        replies = [Reply(500, b"")] * len(requests)
        for number, request in enumerate(requests):
            if not isinstance(request, s.RecommendRequest):
                replies[number] = replied(attempted(self._answer, request))
        found = attempted(self.recommend_many, [cast(s.RecommendRequest, requests[number]) for number in many])
        if isinstance(found, Exception) and len(many) > 1:  # whose fault it is, is found by asking one by one
            found = [attempted(self.recommend, cast(s.RecommendRequest, requests[number])) for number in many]
        for place, number in enumerate(many):
            replies[number] = replied(found if isinstance(found, Exception) else found[place], len(many))
        return replies

    def _answer(self, request: s.Request) -> s.Answer:
        """Answer a request of any kind but a recommendation."""
        if isinstance(request, s.SwapRequest):
            given = request.model_dump(exclude={"model", "checkpoint"})
            return self.swap(request.model, ModelFiles.of(request.checkpoint, **given))
        if isinstance(request, s.RollbackRequest):
            return self.rollback(request.model)
        method: Callable[[s.Request], s.Answer] = getattr(self, METHODS[type(request)])
        return method(request)

    def row(self, model: ServedModel, item: str) -> int:
        """Return the row of an item.

        Raises:
            Refused: if the dataset does not have it.
        """
        row = int(model.items.rows([item])[0])
        if row < 0:
            raise Refused(404, f"item {item!r} is not in the dataset")
        return row

    def _prepared(self, request: s.RecommendRequest) -> tuple[str, Slot, PlaceQuery]:
        name, slot = self.slot(request.model)
        slot.model.recommender(request.rerank)
        return name, slot, query_of(request, request.k, slot.model, self.limits)

    def _listed(self, name: str, slot: Slot, found: Recommendations) -> s.RecommendAnswer:
        model = slot.model
        rows = model.items.rows([place.item_id for place in found.items])
        places = [
            s.RecommendedPlace(
                **model.place(int(row)),
                rank=place.rank,
                km=place.km,
                score=finite(place.score),
                probability=place.probability,
                visits=place.visits,
                why=place.why,
            )
            for row, place in zip(rows, found.items, strict=True)
        ]
        return s.RecommendAnswer(
            served_by=served_by(name, slot),
            at=found.at,
            standing_at=found.standing_at,
            ranked_by=found.model,
            places=places,
        )


def served_by(name: str, slot: Slot) -> s.ServedBy:
    """Return which model answers."""
    model = slot.model
    return s.ServedBy(
        model=name, title=model.live.name, hash=model.hash, generation=model.generation, revision=slot.revision
    )


def loaded(name: str, files: ModelFiles) -> ServedModel:
    """Load a model.

    Raises:
        LgsidError: if it cannot be loaded, naming it.
    """
    try:
        return ServedModel.load(files)
    except LgsidError as error:
        raise LgsidError(f"model {name!r}: {error}") from error


def only(answers: Sequence[A | LgsidError]) -> A:
    """Return the only answer.

    Raises:
        LgsidError: if it is an error.
    """
    (found,) = answers
    if isinstance(found, LgsidError):
        raise found
    return found
