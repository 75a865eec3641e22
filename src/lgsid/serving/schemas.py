"""What a client sends to the service and what comes back, one class for each body; the OpenAPI page is made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(max_length=300)]
Time = Annotated[str, StringConstraints(max_length=40)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="Degrees north.")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="Degrees east.")]
K = Annotated[int, Field(ge=1, description="How many places.")]
Sid = list[int]


class Request(BaseModel):
    """Part of a request: unknown fields are refused, ids may be numbers."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Answer(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(ser_json_inf_nan="null")


class ModelChoice(Request):
    """A request to one of the models."""

    model: Id | None = Field(default=None, description="Name of the model; the first one that is served by default.")


class Filters(Request):
    """What a recommended place must be; all of it holds exactly."""

    category: list[Name] = Field(
        default=[], max_length=1000, description="One of these categories or groups of categories."
    )
    region: list[Name] = Field(default=[], max_length=1000, description="In one of these regions, of any level.")
    among: list[Id] | None = Field(
        default=None, max_length=100_000, description="One of these item ids: what is open, or in stock."
    )
    area: dict[str, Any] | None = Field(
        default=None, description="Inside the polygons of this GeoJSON (geometry, feature or collection), in degrees."
    )
    new_only: bool = Field(default=False, description="Where the user has not been, and is not now.")


class Query(ModelChoice):
    """Who asks, where and when."""

    user: Id | None = Field(
        default=None, description="A user of the dataset; the history is what the dataset has of them."
    )
    history: list[Id | tuple[Id, Time]] | None = Field(
        default=None,
        description="Instead of a user: item ids, oldest first, or pairs of item id and local time.",
        examples=[[["p00001", "2012-10-05T12:10"], ["p00002", "2012-10-05T18:40"]]],
    )
    latitude: Latitude | None = Field(
        default=None, description="Where the user is; the last place of the history by default."
    )
    longitude: Longitude | None = None
    time: Time | None = Field(
        default=None,
        description="Local time of the query, with or without an offset from UTC; the end of the log by default.",
        examples=["2012-10-05T19:00"],
    )
    radius_km: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Only places within this distance."
    )
    filters: Filters = Filters()
    rerank: bool = Field(
        default=False, description="Order the proposed places by the ranking model that is served with it."
    )


class RecommendRequest(Query):
    """Which places to recommend."""

    k: K = 10


class ExplainRequest(Query):
    """Why, or why not, a place would be recommended for a query."""

    item: Id


class SimilarRequest(ModelChoice):
    """Which places are like a place."""

    item: Id
    k: K = 10
    by: Literal["sid", "vector"] = Field(
        default="sid",
        description="By the codes that the semantic IDs share, nearest first; or by the cosine of vectors.",
    )


class EncodeRequest(ModelChoice):
    """A place that the dataset does not have."""

    name: Name = ""
    category: Name = Field(default="", description="As the dataset writes it; another is read as text only.")
    latitude: Latitude
    longitude: Longitude


class PlacesRequest(ModelChoice):
    """All places of a model."""


class HealthRequest(Request):
    """Is the service able to answer."""


class SwapRequest(Request):
    """Files to serve under a name from now on; the former ones stay loaded for a rollback."""

    model: Id = Field(description="Name that is served, or a new one.")
    checkpoint: Annotated[str, StringConstraints(min_length=1, max_length=4096)] = Field(
        description="model.ckpt of a recommender or its folder, on the machine of the server."
    )
    dataset: str | None = Field(default=None, max_length=4096)
    rank_with: str | None = Field(default=None, max_length=4096)
    sids: str | None = Field(default=None, max_length=4096)


class RollbackRequest(Request):
    """Serve under a name what was served before the last swap."""

    model: Id


class ServedBy(Answer):
    """Which model answered."""

    model: str = Field(description="Name under which it is served.")
    title: str = Field(description="Class of the model.")
    hash: str = Field(description="First digits of the SHA-256 of the checkpoint.")
    generation: str = Field(
        description="Generation of the semantic IDs, or the first digits of their hash; empty: none."
    )
    revision: int = Field(description="Grows by one with each swap and rollback of the name.")


class Place(Answer):
    """A place of the dataset."""

    item: str
    name: str
    category: str
    region: str = Field(description="The finest known one.")
    latitude: float | None
    longitude: float | None
    sid: Sid = Field(description="Its semantic ID; empty where the model has none.")


class RecommendedPlace(Place):
    """A place of a list."""

    rank: int = Field(description="From 1.")
    km: float | None = Field(description="From the user; null where the user's place is unknown.")
    score: float | None = Field(description="Of the model, higher is better.")
    probability: float | None = Field(description="Among all places; null where the model has no probabilities.")
    visits: int = Field(description="How often the user was there before.")
    why: str = Field(description="What speaks for it, in a few words; empty where nothing plain does.")


class RecommendAnswer(Answer):
    """Recommended places, best first."""

    served_by: ServedBy
    at: str = Field(description="Local time that they are for.")
    standing_at: str | None = Field(
        description="Item id of the place where the model takes the user to be; null without a position."
    )
    ranked_by: str = Field(description="The model, or the two models, that ordered them.")
    places: list[RecommendedPlace]


class SimilarPlace(Place):
    """A place that is like another."""

    km: float | None
    shared_codes: int = Field(description="How many leading codes both semantic IDs have in common.")
    cosine: float | None = Field(description="Of the vectors; null where the service has none.")


class SimilarAnswer(Answer):
    """Places like a place, the most alike first."""

    served_by: ServedBy
    place: Place
    by: str
    places: list[SimilarPlace]


class EncodeAnswer(Answer):
    """The semantic ID that a new place would get."""

    served_by: ServedBy
    sid: Sid = Field(description="Free: no place of the dataset has it.")
    nearest_sid: Sid = Field(description="The codes that fit best, whether or not another place has them.")
    known_category: bool
    regions_of: str = Field(description="Item id of the nearest place, whose regions the new one is taken to be in.")
    neighbors: list[SimilarPlace] = Field(description="Places that share the longest prefix, nearest first.")


class Reason(Answer):
    """One thing that speaks for a place, or against it."""

    kind: Literal["visits", "transitions", "distance", "popularity", "hour", "category", "codes"]
    text: str
    value: float | None = None


class ExplainAnswer(Answer):
    """Why a place is where it is in the list."""

    served_by: ServedBy
    at: str
    place: Place
    excluded_by: list[str] = Field(description="What of the query the place does not pass; it is ranked all the same.")
    rank: int | None = Field(description="From 1; null where it is not among the first `listed` places.")
    of: int = Field(description="How many places compete.")
    listed: int = Field(description="How long a list the model was asked for.")
    score: float | None
    probability: float | None
    km: float | None
    reasons: list[Reason]


class PlacesAnswer(Answer):
    """All places of a model by column, in one order."""

    served_by: ServedBy
    codebook_sizes: list[int]
    item: list[str]
    name: list[str]
    category: list[str]
    category_group: list[str]
    region: list[str]
    latitude: list[float | None]
    longitude: list[float | None]
    check_ins: list[int] = Field(description="Of the training split.")
    is_open: list[bool] = Field(description="False where its semantic ID is retired: it is not proposed.")
    sid: list[Sid]


class ModelState(ServedBy):
    """A model that is served."""

    n_places: int
    n_closed: int = Field(description="How many of them are retired, and not proposed.")
    codebook_sizes: list[int]
    can: list[str] = Field(
        description="What it answers beside recommend and explain: similar, vectors, encode, rerank."
    )
    former: bool = Field(description="Whether a rollback is possible.")
    loading: bool = Field(description="Whether a swap is going on.")


class HealthAnswer(Answer):
    """The state of the service."""

    status: Literal["ok"]
    version: str
    models: list[ModelState]
    resident_bytes: int | None = Field(description="Memory of the process that holds the models.")


class SwapAnswer(Answer):
    """What is served under the name from now on."""

    served_by: ServedBy
    former: ServedBy | None


class VersionAnswer(Answer):
    """Versions of the software."""

    lgsid: str
    litserve: str
    torch: str
    python: str


class ErrorAnswer(Answer):
    """What was wrong, in one line."""

    error: str
