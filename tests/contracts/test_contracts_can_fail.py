"""Every test of every contract fails for a class that breaks what it asks."""

import itertools
from argparse import ArgumentError
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import lgsid.testing
from lgsid.alignment import FarPairs, InBatchSoftmax, SimilarityMargin, UniformRejected
from lgsid.alignment.relevance import DistanceRelevance
from lgsid.artefacts import Embeddings
from lgsid.datamodules import PopularityNegatives, SequenceData
from lgsid.datasets import TemporalSplit
from lgsid.errors import LgsidError
from lgsid.geo import LocalMetresGeoEncoder
from lgsid.neighbors import ExactNeighbors
from lgsid.pipeline.command import command
from lgsid.quantizers import EvenUse, RQKMeans
from lgsid.recommenders import (
    ECPO,
    BalanceLoss,
    BeamSearch,
    BrandEvidence,
    DistanceReward,
    FirstPlace,
    LevelSids,
    ListOrder,
    LogDistance,
    LossFreeBalance,
    NodeContent,
    Popularity,
    SummedTokens,
    TargetAttention,
)
from lgsid.recommenders.click.interest_extractor import Interest
from lgsid.recommenders.recommender import Ranked
from lgsid.rewards import AnchoredPair, DistanceLists, ListwiseSoftmax, RewardModel
from lgsid.rewards.distance_lists import DistanceSampler
from lgsid.stores import FaissStore, Found
from lgsid.testing import (
    AlignerContract,
    AlignmentLossContract,
    AttributeEncoderContract,
    CodebookLossContract,
    CollisionStrategyContract,
    CommandContract,
    DataModuleContract,
    DataSourceContract,
    DistanceFeaturesContract,
    EvidenceContract,
    ExpertBalanceContract,
    GenerativeRecommenderContract,
    GeoEncoderContract,
    HeadInputContract,
    HistoryTokensContract,
    InterestExtractorContract,
    ListLossContract,
    ListRankingContract,
    ListRewardContract,
    ListSourceContract,
    ModuleContract,
    NegativeSamplerContract,
    NeighborIndexContract,
    NodeLogitsContract,
    PairSamplerContract,
    PartContract,
    PreferenceLossContract,
    QuantizerContract,
    RecommenderContract,
    RejectedPlacesContract,
    RelevanceContract,
    RewardLossContract,
    RewardModelContract,
    SidFeaturesContract,
    SplitContract,
    TextEncoderContract,
    TokenizerContract,
    TreeSearchContract,
    VectorStoreContract,
    VisitSignalContract,
    toy_source,
)
from lgsid.testing.aligner_contract import model_folder, toy_pairs, trainable_encoder
from lgsid.testing.toy_city import toy_dataset_folder
from lgsid.text import TextEncoder
from lgsid.tokenizers import HashedAttributes, NearestFreeCode, RandomTokenizer, VisitHours
from lgsid.tokenizers.collision_strategy import Resolved

COUNT = itertools.count()
PART = [name for name in vars(PartContract) if name.startswith("test_")]
MODULE = [name for name in vars(ModuleContract) if name.startswith("test_")]


def noise(value):
    """Return a tensor with noise that no seed decides."""
    return value + 1e-2 * (1 + next(COUNT)) * torch.ones_like(value)


def changed(base, **methods):
    """Return a class in which some methods are those of something broken."""
    return type(f"Broken{base.__name__}", (base,), methods)


def after(base, method, do):
    """Return a class whose method returns what `do` makes of what it should return."""
    good = getattr(base, method)
    return changed(base, **{method: lambda self, *args, **kwargs: do(good(self, *args, **kwargs))})


def ordered(base, method, do):
    """Return a class whose method returns what `do` makes of its first argument and of what it should return."""
    good = getattr(base, method)
    return changed(base, **{method: lambda self, *args, **kwargs: do(args, good(self, *args, **kwargs))})


def with_state(base):
    """Return a class that keeps a part of what it does outside of its state dict."""

    def init(self, *args, **kwargs):
        base.__init__(self, *args, **kwargs)
        self.secret = 1.0 + next(COUNT)

    def forward(self, *args):
        return base.forward(self, *args) * self.secret

    return changed(base, __init__=init, forward=forward)


class Mistyped(TemporalSplit):
    """A split that a config cannot make with the arguments that Python can."""

    def __init__(self, train: int = 0) -> None:
        super().__init__(train)


class Forgetful(TemporalSplit):
    """A split whose description is not of it."""

    def constructor_arguments(self):
        return {"nobody": 1}


class Swallowing(TemporalSplit):
    """A split that takes any argument."""

    def __init__(self, train: float = 0.8, **others: float) -> None:
        super().__init__(train)


def assigned(do):
    return changed(TemporalSplit, assign=lambda self, log: np.asarray(do(log), dtype=object))


def shares(values):
    """Name the split of values by their order: the least four fifths train."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.where(order < 0.8 * len(order), "train", "test")


def touched(log):
    log["user_id"] = "one"
    return shares(np.arange(len(log)))


SPLIT = {
    "test_every_check_in_has_a_split": assigned(lambda log: ["training"] * len(log)),
    "test_something_is_trained_on_and_something_tested": assigned(lambda log: ["train"] * len(log)),
    "test_nobody_is_trained_on_their_own_future": assigned(lambda log: shares(-np.arange(len(log)))),
    "test_it_is_deterministic_and_leaves_the_log_alone": assigned(touched),
    "test_the_names_of_users_and_places_do_not_matter": assigned(
        lambda log: np.where(log["user_id"].str.len() % 2, "train", "test")
    ),
    "test_the_protocol_is_known": changed(TemporalSplit, task="odd"),
}
ATTRIBUTES = {
    "test_vectors_are_finite_float32": after(HashedAttributes, "forward", lambda v: v.double()),
    "test_an_item_has_its_vector_alone_and_in_any_order": after(HashedAttributes, "forward", lambda v: v - v.mean(0)),
    "test_equal_attributes_equal_vectors_and_others_differ": after(HashedAttributes, "forward", torch.zeros_like),
    "test_unknown_is_the_zero_vector": after(HashedAttributes, "forward", lambda v: v + 1),
    "test_what_a_clustering_asks_agrees_with_the_vectors": after(HashedAttributes, "squares", lambda v: v + 1),
    "test_state_travels_in_the_state_dict": with_state(HashedAttributes),
}
COLLISIONS = {
    "test_codes_fit_their_codebooks": after(NearestFreeCode, "resolve", lambda r: replace(r, codes=r.codes + 1)),
    "test_semantic_ids_are_unique_if_it_promises_so": changed(
        NearestFreeCode, resolve=lambda self, codes, sizes, _: Resolved(codes, sizes)
    ),
    "test_codes_without_a_collision_stay": after(
        NearestFreeCode, "resolve", lambda r: replace(r, codes=np.roll(r.codes, 1, axis=0))
    ),
    "test_it_is_deterministic_and_leaves_the_codes_alone": after(
        NearestFreeCode, "resolve", lambda r: replace(r, codes=np.roll(r.codes, next(COUNT), axis=0))
    ),
    "test_one_item_and_no_item": after(NearestFreeCode, "resolve", lambda r: replace(r, codes=r.codes[:0])),
    "test_new_items_get_what_is_free": after(NearestFreeCode, "extend", lambda r: replace(r, codes=r.codes * 0)),
    "test_too_many_items_are_one_clear_line_before_training": changed(NearestFreeCode, check=lambda *_: None),
}
REWARD_LOSS = {
    "test_it_is_one_finite_number": after(ListwiseSoftmax, "forward", lambda v: v / 0),
    "test_it_is_a_mean_over_lists": ordered(ListwiseSoftmax, "forward", lambda given, v: v * len(given[0])),
    "test_the_order_of_the_other_candidates_is_irrelevant": ordered(
        ListwiseSoftmax, "forward", lambda given, v: v + given[0][:, 1].mean()
    ),
    "test_scores_get_a_gradient_that_puts_the_best_first": after(ListwiseSoftmax, "forward", lambda v: -v),
    "test_bfloat16": ordered(
        ListwiseSoftmax, "forward", lambda given, v: v + (1.0 if given[0].dtype == torch.bfloat16 else 0.0)
    ),
    "test_state_travels_in_the_state_dict": with_state(ListwiseSoftmax),
}
SMALL_HEAD = changed(AnchoredPair, __init__=lambda self: AnchoredPair.__init__(self, 4, 16), arguments=lambda self: {})
HEAD = {
    "test_features_have_the_width_that_build_returns": after(SMALL_HEAD, "build", lambda width: width + 1),
    "test_a_candidate_is_seen_alone": after(SMALL_HEAD, "forward", lambda v: v - v.mean(1, keepdim=True)),
    "test_it_sees_the_candidate_and_the_anchor_as_it_says": changed(SMALL_HEAD, sees_anchor=False),
    "test_every_parameter_and_the_candidates_get_a_gradient": after(
        SMALL_HEAD, "forward", lambda v: v.detach().requires_grad_()
    ),
    "test_arguments_rebuild_it": changed(SMALL_HEAD, arguments=lambda self: {"width": 4}),
    "test_bfloat16": after(SMALL_HEAD, "forward", lambda v: v + 1e3 if torch.is_autocast_enabled("cpu") else v),
}


def lists(**methods):
    """Return a source whose sampler is broken."""
    kind = changed(DistanceSampler, **methods)
    return changed(DistanceLists, sampler=lambda self, places, rng: kind(places, 300, 3))


def drawn(do):
    return lists(draw=lambda self, anchor, rng: do(self, DistanceSampler.draw(self, anchor, rng)))


def held_out_anywhere(sampler, batch):
    place = batch.candidate.clone()
    place[:, -1] = 0  # which is held out
    return replace(batch, candidate=place)


def by_tests(sampler, batch):
    n_test = (sampler.places.dataset.interactions.frame["split"] == "test").sum()
    return replace(batch, label=batch.label + float(n_test))


LISTS = {
    "test_lists_have_their_shapes": drawn(lambda _, batch: replace(batch, label=-batch.label)),
    "test_lists_hold_only_the_places_that_they_may": drawn(held_out_anywhere),
    "test_candidates_stand_under_their_own_prompts_if_it_says_so": drawn(
        lambda _, batch: replace(batch, prompt=batch.prompt.roll(1, 1))
    ),
    "test_the_generator_decides": drawn(lambda _, batch: replace(batch, label=noise(batch.label))),
    "test_only_the_training_split_is_used": drawn(by_tests),
    "test_one_anchor_and_anchors_that_repeat": drawn(lambda _, batch: batch.cut(0, 1)),
    "test_its_name_in_results_is_plain": changed(DistanceLists, kind="a/b"),
}


def proposed(do):
    return after(UniformRejected, "propose", do)


REJECTED = {
    "test_proposals_are_rows_of_places": proposed(lambda rows: rows + 80),
    "test_one_chosen_place_is_enough": proposed(lambda rows: rows[:0]),
    "test_proposals_vary": proposed(np.zeros_like),
    "test_the_generator_decides": proposed(lambda rows: np.random.permutation(rows.ravel()).reshape(rows.shape)),  # noqa: NPY002
    "test_only_the_training_split_is_used": changed(
        UniformRejected,
        fit=lambda self, dataset, pairs: setattr(self, "_n", 40 + len(dataset.interactions) // 40),
    ),
}


def loss_of(do):
    good = InBatchSoftmax.of
    return changed(InBatchSoftmax, of=lambda self, pairs: do(pairs, *good(self, pairs)))


ALIGNMENT_LOSS = {
    "test_a_loss_and_a_gain_for_each_rejected_place": loss_of(lambda pairs, value, gain: (value, gain[:, :1])),
    "test_a_policy_equal_to_the_reference_has_gained_nothing_but_has_a_gradient": loss_of(
        lambda pairs, value, gain: (value, gain + 1)
    ),
    "test_a_step_down_the_gradient_lowers_the_loss": loss_of(
        lambda pairs, value, gain: (2 * value.detach() - value, gain)
    ),
    "test_the_reference_gets_no_gradient": loss_of(
        lambda pairs, value, gain: (value + pairs.reference.square().sum(), gain)
    ),
    "test_the_order_of_pairs_and_of_places_is_irrelevant": loss_of(
        lambda pairs, value, gain: (value + pairs.policy[:6].sum(), gain)
    ),
}


def graded(do):
    return after(DistanceRelevance, "between", do)


class ByTests(DistanceRelevance):
    """A relevance that knows how many check-ins there are."""

    def fit(self, dataset, encoder):
        super().fit(dataset, encoder)
        self.extra = len(dataset.interactions)

    def between(self, rows, reference):
        return super().between(rows, reference) + self.extra


RELEVANCE = {
    "test_a_grade_for_every_two_places": graded(lambda grades: grades[:, :1]),
    "test_grades_differ": graded(torch.ones_like),
    "test_the_order_of_places_is_irrelevant": graded(lambda grades: grades + torch.arange(len(grades))),
    "test_fitting_is_repeatable": graded(noise),
    "test_only_the_training_split_is_used": ByTests,
}


def tokens(do):
    good = SummedTokens.forward
    return changed(SummedTokens, forward=lambda self, *given: do(given, *good(self, *given)))


class KeepsTokens(SummedTokens):
    """A layout with a number outside of its state dict."""

    def __init__(self):
        super().__init__()
        self.secret = 1 + next(COUNT)

    def forward(self, codes, event, known):
        found, real = super().forward(codes, event, known)
        return found * self.secret, real


HISTORY = {
    "test_tokens_and_which_of_them_are_real": tokens(lambda _, found, real: (found, torch.zeros_like(real))),
    "test_a_history_is_laid_out_alone": tokens(lambda _, found, real: (found + found.mean(0), real)),
    "test_what_stands_at_padding_is_not_read": tokens(
        lambda _, found, real: (found + found.mean(1, keepdim=True), real)
    ),
    "test_every_code_and_every_time_is_in_the_tokens": tokens(
        lambda given, found, real: (given[0][:, :, 0] + given[1], real)
    ),
    "test_bfloat16": tokens(lambda _, found, real: (found + 10.0 * torch.is_autocast_enabled("cpu"), real)),
    "test_state_travels_in_the_state_dict": KeepsTokens,
}


def searched(do):
    return after(BeamSearch, "find", lambda found: do(*found))


class OneForAll(BeamSearch):
    """A search that gives all queries the list of the first."""

    def find(self, *args, **kwargs):
        items, scores = super().find(*args, **kwargs)
        return items[:1].expand_as(items), scores


SEARCH = {
    "test_a_wide_search_finds_the_most_probable_items": searched(lambda items, scores: (items.flip(1), scores.flip(1))),
    "test_what_it_finds_exists_once_and_has_its_score": searched(lambda items, scores: (items, scores + 1)),
    "test_only_allowed_items_are_found_with_the_scores_that_they_have": changed(
        BeamSearch,
        find=lambda self, trie, scorer, n, width, k, allowed=None: BeamSearch().find(trie, scorer, n, width, k),
    ),
    "test_more_than_there_are": searched(lambda items, scores: (items[:, :40], scores[:, :40])),
    "test_a_query_alone_finds_what_it_finds_among_others": OneForAll,
}


def interest(do):
    good = TargetAttention.forward
    return changed(TargetAttention, forward=lambda self, inputs: do(inputs, good(self, inputs)))


def vectors(do):
    return interest(lambda inputs, found: Interest(do(inputs, found.vector)))


class KeepsInterest(TargetAttention):
    """An extractor with a number outside of its state dict."""

    def build(self, sizes):
        super().build(sizes)
        self.secret = 1 + next(COUNT)

    def forward(self, inputs):
        return Interest(super().forward(inputs).vector * self.secret)


class Unused(TargetAttention):
    """An extractor with a layer that does nothing."""

    def build(self, sizes):
        super().build(sizes)
        self.unused = torch.nn.Linear(2, 2)


INTEREST = {
    "test_a_vector_for_every_candidate": vectors(lambda _, v: v[..., 1:]),
    "test_padding_and_what_stands_there_change_nothing": vectors(lambda inputs, v: v + inputs.event.mean()),
    "test_an_empty_history_says_nothing": vectors(lambda _, v: v + 1),
    "test_a_query_alone_is_a_query_among_others": vectors(lambda _, v: v - v.mean(0)),
    "test_candidates_do_not_see_each_other": vectors(lambda _, v: v - v.mean(1, keepdim=True)),
    "test_the_history_matters": vectors(lambda _, v: 0 * v),
    "test_every_parameter_gets_a_gradient": Unused,
    "test_state_travels_in_the_state_dict": KeepsInterest,
}
SIDS = {
    "test_codes_of_any_shape_have_dim_features": after(LevelSids, "forward", lambda v: v[..., 1:]),
    "test_an_item_has_its_features_in_any_order": after(LevelSids, "forward", lambda v: v - v.flatten(0, -2)[0]),
    "test_different_semantic_ids_are_seen_as_different": after(LevelSids, "forward", torch.zeros_like),
    "test_every_parameter_gets_a_gradient": after(LevelSids, "forward", lambda v: v.detach().requires_grad_()),
    "test_state_travels_in_the_state_dict": with_state(LevelSids),
}


class Weighted(LogDistance):
    """Features of a distance with a weight that unknown distances make infinite."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, km):
        return super().forward(km).nan_to_num() * (self.weight * km.float()[..., None]).nan_to_num(0.0)


DISTANCE = {
    "test_distances_of_any_shape_have_dim_features": after(LogDistance, "forward", lambda v: v / 0),
    "test_a_distance_has_its_features_in_any_order": ordered(
        LogDistance, "forward", lambda given, v: v + (torch.arange(len(v))[:, None] if v.ndim > 1 else 0)
    ),
    "test_distances_differ_and_unknown_is_none_of_them": after(LogDistance, "forward", torch.zeros_like),
    "test_every_parameter_gets_a_gradient": changed(
        Weighted, forward=lambda self, km: LogDistance.forward(self, km).requires_grad_()
    ),
    "test_state_travels_in_the_state_dict": with_state(LogDistance),
}


def frozen(**methods):
    kind = changed(TextEncoder, **methods)
    return lambda: kind(model_folder().name, autocast="float32")


def encoded(do):
    good = TextEncoder.encode
    return frozen(encode=lambda self, texts, *args, **kwargs: do(texts, good(self, texts, *args, **kwargs)))


def reseeded():
    torch.manual_seed(next(COUNT))
    return TextEncoder(model_folder().name, lora=trainable_encoder_spec(), autocast="float32")


def trainable_encoder_spec():
    from lgsid.text import LoraSpec

    return LoraSpec(rank=4)


def adapter_in_the_reference():
    from contextlib import nullcontext

    torch.manual_seed(0)
    kind = changed(TextEncoder, reference=lambda self: nullcontext())
    return kind(model_folder().name, lora=trainable_encoder_spec(), autocast="float32")


def without_state():
    torch.manual_seed(0)
    kind = changed(TextEncoder, load_state_dict=lambda self, state: None)
    return kind(model_folder().name, lora=trainable_encoder_spec(), autocast="float32")


def leaves_evaluation_mode(self, texts, *args, **kwargs):
    found = TextEncoder.encode(self, texts, *args, **kwargs)
    self.eval()
    return found


def of_inference_only(self, texts, *args, **kwargs):
    with torch.inference_mode():
        return TextEncoder.encode(self, texts, *args, **kwargs).clone()


def wrong_when_cached(self, texts, progress=True, use_cache=True):
    return TextEncoder.encode(self, texts, progress, False) + use_cache * 0.1


TEXT = {
    "test_shapes_and_types": encoded(lambda texts, v: v.double()),
    "test_a_text_has_its_vector_alone_and_in_any_order": encoded(lambda texts, v: v + 0.01 * len(texts)),
    "test_different_texts_have_different_vectors": encoded(lambda texts, v: torch.ones_like(v)),
    "test_vectors_are_of_unit_length_if_it_says_so": encoded(lambda texts, v: 2 * v),
    "test_forward_is_embed_after_tokenize_and_agrees_with_encode": frozen(
        forward=lambda self, texts: TextEncoder.forward(self, texts) + 0.1
    ),
    "test_same_arguments_same_vectors": reseeded,
    "test_encoding_changes_nothing": frozen(encode=leaves_evaluation_mode),
    "test_vectors_can_be_trained_on": frozen(encode=of_inference_only),
    "test_the_cache_gives_what_was_computed": frozen(encode=wrong_when_cached),
    "test_state_travels_in_the_state_dict": without_state,
    "test_trainable_weights_get_a_gradient_and_the_reference_stays": adapter_in_the_reference,
    "test_bfloat16": frozen(forward=lambda self, texts: TextEncoder.forward(self, texts).bfloat16()),
}


def data(**methods):
    kind = changed(SequenceData, **methods)
    return lambda: kind(toy_dataset_folder())


DATA = {
    "test_it_tells_the_sizes_of_its_data": data(shape=property(lambda self: replace(self._shape, n_items=1))),
    "test_training_batches_are_what_it_says_that_it_serves": data(serves=Embeddings),
    "test_same_seed_same_batches": data(
        served=lambda self, rows: replace(self.batch(rows), hour=noise(self.batch(rows).hour))
    ),
    "test_the_other_loaders_serve_something": data(test_dataloader=lambda self: [[]]),
    "test_a_folder_without_a_dataset_is_one_clear_line": data(
        setup=lambda self, stage: SequenceData.setup(self) if "no/such" not in str(self.source) else None
    ),
}


def reward(**methods):
    kind = changed(RewardModel, **methods)
    return lambda: RewardModelContract.made(lambda **given: kind(hidden_dim=16, **given))


class KeepsNoHead(RewardModel):
    """A reward model whose checkpoint no alignment can read."""

    def on_save_checkpoint(self, checkpoint):
        super(RewardModel, self).on_save_checkpoint(checkpoint)

    def on_load_checkpoint(self, checkpoint):
        super(RewardModel, self).on_load_checkpoint(checkpoint)


def noisy_step(self, batch, batch_idx):
    return RewardModel.training_step(self, batch, batch_idx) * (1 + next(COUNT))


REWARD = {
    "test_training_moves_its_weights": reward(training_step=lambda self, batch, batch_idx: None),
    "test_same_seed_same_weights": reward(training_step=noisy_step),
    "test_a_checkpoint_brings_it_back": lambda: RewardModelContract.made(KeepsNoHead),
    "test_data_of_another_kind_are_refused": reward(check_batches=lambda self, datamodule: None),
}


def backwards(value):
    """Return a loss whose gradient points up."""
    return 2 * value.detach() - value


CODEBOOK = {
    "test_it_is_one_finite_number": after(EvenUse, "forward", lambda v: v / 0),
    "test_every_codebook_gets_a_gradient": changed(
        EvenUse, forward=lambda self, seen, books, codes: EvenUse().forward(seen[:1], books[:1], codes)
    ),
    "test_a_step_against_its_gradient_lowers_it": after(EvenUse, "forward", backwards),
    "test_the_order_of_items_is_irrelevant_and_it_repeats": ordered(
        EvenUse, "forward", lambda given, v: v + given[0][0][0, 0]
    ),
}


def nearest(do):
    return after(ExactNeighbors, "nearest", do)


class OtherNeighbors(ExactNeighbors):
    """An index in which every new one finds others."""

    def __init__(self):
        super().__init__()
        self.secret = next(COUNT)

    def nearest(self, *given):
        return super().nearest(*given).roll(self.secret, 0)


NEIGHBORS = {
    "test_it_finds_nearly_all_of_the_nearest": nearest(lambda rows: (rows + 1) % 600),
    "test_rows_are_others_once_nearest_first": nearest(lambda rows: rows.flip(1)),
    "test_chosen_rows_have_the_neighbors_that_they_have_among_all": changed(
        ExactNeighbors,
        nearest=lambda self, x, k, rows=None: ExactNeighbors().nearest(x if rows is None else x[rows], k),
    ),
    "test_more_than_there_are": nearest(lambda rows: rows[:, :1]),
    "test_it_repeats_itself_and_changes_nothing": nearest(lambda rows: rows.roll(next(COUNT), 0)),
    "test_the_random_numbers_of_others_stay_as_they_are": nearest(lambda rows: rows + 0 * torch.randint(9, (1,))),
    "test_a_checkpoint_can_describe_it": OtherNeighbors,
}


def searched(do):
    return after(FaissStore, "search", lambda found: Found(*do(found.ids, found.cosines)))


STORE = {
    "test_the_nearest_are_those_of_brute_force": searched(lambda ids, cosines: (ids[::-1], cosines)),
    "test_a_place_comes_once_with_its_cosine_nearest_first": searched(lambda ids, cosines: (ids, -cosines)),
    "test_more_than_there_are": searched(lambda ids, cosines: (ids[:, :1], cosines)),
    "test_semantic_ids_come_back_in_the_order_of_the_vectors": changed(FaissStore, semantic_ids=lambda self, at: None),
    "test_it_repeats_itself": searched(lambda ids, cosines: (ids, cosines + next(COUNT))),
    "test_nothing_is_overwritten_and_nothing_else_left": changed(
        FaissStore, export=lambda self, places, folder: self.write(places, Path(folder))
    ),
}


def said(do):
    """Return logits of nodes that are what `do` makes of the catalogue and of what they should be."""

    def forward(self, batch, visits, state, catalogue):
        say = NodeContent.forward(self, batch, visits, state, catalogue)
        return lambda depth, children: do(self, catalogue, say(depth, children))

    return lambda: changed(NodeContent, forward=forward)(5)


class KeepsNodes(NodeContent):
    """Logits of nodes with a number outside of their state dict."""

    def build(self, shape, width):
        super().build(shape, width)
        self.secret = 1 + next(COUNT)

    def forward(self, *given):
        say = super().forward(*given)
        return lambda depth, children: self.secret * say(depth, children)


NODES = {
    "test_there_is_a_finite_logit_of_each_child": said(lambda _, catalogue, v: v / 0),
    "test_a_query_alone_hears_what_it_hears_among_others": said(lambda _, catalogue, v: v - v.mean()),
    "test_a_few_children_hear_what_all_of_them_hear": said(lambda _, catalogue, v: v - v.mean()),
    "test_a_training_query_hears_nothing_of_what_its_user_did_from_then_on": said(
        lambda _, catalogue, v: v + catalogue.count.sum()
    ),
    "test_every_parameter_gets_a_gradient": said(lambda _, catalogue, v: v.detach().requires_grad_()),
    "test_a_checkpoint_brings_all_back": KeepsNodes,
}


def by_names(given, vectors):
    """Return vectors that depend on the order of the check-ins and on the names of users."""
    user = given[0].user[:9]
    return vectors * (1 + user @ np.arange(len(user)))


SIGNAL = {
    "test_shape_and_type": after(VisitHours, "of", lambda v: v.astype(np.float64)),
    "test_places_without_check_ins_have_zeros": after(VisitHours, "of", lambda v: v + 1),
    "test_the_order_of_check_ins_is_irrelevant_and_it_repeats": ordered(VisitHours, "of", by_names),
    "test_names_of_users_are_irrelevant": ordered(VisitHours, "of", by_names),
}


def preferred(do):
    return after(LossFreeBalance, "preference", do)


ONE_BIAS = torch.zeros(4)
BALANCE = {
    "test_there_is_a_finite_preference_of_each_token_for_each_expert": preferred(lambda v: v[:, :2]),
    "test_a_token_alone_prefers_what_it_prefers_among_others": preferred(lambda v: v - v.mean(0)),
    "test_a_new_one_knows_no_expert": preferred(lambda v: v + torch.arange(4)),
    "test_its_loss_is_one_finite_number_and_lowest_where_experts_are_equally_busy": after(
        BalanceLoss, "loss", lambda v: -v
    ),
    "test_training_makes_experts_more_equally_busy": changed(LossFreeBalance, update=lambda self, share: None),
    "test_layers_do_not_share_what_they_learn": changed(
        LossFreeBalance, build=lambda self, n: self.register_buffer("bias", ONE_BIAS)
    ),
    "test_state_travels_in_the_state_dict": changed(
        LossFreeBalance, build=lambda self, n: setattr(self, "bias", torch.zeros(n))
    ),
}


def ranking(do):
    def rank(self, model, batch, k, allowed=None):
        ranked = FirstPlace().rank(model, batch, k, allowed)
        return Ranked(*do(batch, ranked.items, ranked.scores))

    return changed(FirstPlace, rank=rank)


RANKING = {
    "test_rankings_hold_existing_items_once_best_first": ranking(
        lambda _, items, scores: (items[:, :1].expand_as(items), scores)
    ),
    "test_only_allowed_items_come_back": changed(
        FirstPlace, rank=lambda self, model, batch, k, allowed=None: FirstPlace().rank(model, batch, k)
    ),
    "test_a_query_alone_gets_the_ranking_that_it_gets_among_others": ranking(
        lambda _, items, scores: (items, scores - scores.mean())
    ),
    "test_the_answer_is_not_looked_up": ranking(
        lambda batch, items, scores: (torch.cat([batch.target[:, None], items[:, 1:]], 1), scores)
    ),
    "test_scores_are_log_probabilities_if_it_says_so": changed(ListOrder, scores_are_log_probs=True),
}


def list_loss(do):
    return ordered(ECPO, "forward", do)


LIST_LOSS = {
    "test_it_chooses_lists_by_their_position": after(ECPO, "chosen", lambda at: at + 4),
    "test_it_is_one_finite_number": list_loss(lambda given, v: v / 0),
    "test_at_the_reference_the_best_list_gains_and_the_worst_one_loses": list_loss(lambda given, v: -v),
    "test_equal_rewards_move_nothing_at_the_reference": list_loss(lambda given, v: v - given[0].sum()),
    "test_a_step_down_its_gradient_lowers_it": list_loss(lambda given, v: backwards(v)),
    "test_lists_that_are_not_there_are_of_no_account": list_loss(lambda given, v: v + given[0].sum()),
    "test_only_the_differences_of_rewards_count": list_loss(lambda given, v: v * given[2].mean()),
    "test_the_order_of_queries_and_lists_is_irrelevant": list_loss(lambda given, v: v + given[0][0].sum()),
    "test_state_travels_in_the_state_dict": with_state(ECPO),
}


def rewarded(do):
    return ordered(DistanceReward, "forward", do)


LIST_REWARD = {
    "test_rewards_lie_within_zero_and_one": rewarded(lambda given, v: v + 1),
    "test_it_tells_lists_apart": rewarded(lambda given, v: torch.zeros_like(v)),
    "test_a_list_alone_has_the_reward_that_it_has_among_others": rewarded(lambda given, v: v - v.mean()),
    "test_what_is_behind_the_end_of_a_list_is_of_no_account": rewarded(lambda given, v: v / given[0].shape[2]),
    "test_the_weight_is_left_to_the_caller": changed(
        DistanceReward, forward=lambda self, *given: self.weight * DistanceReward().forward(*given)
    ),
    "test_it_learns_nothing_and_changes_nothing": changed(
        DistanceReward, prepare=lambda self, catalogue: setattr(self, "taught", torch.nn.Parameter(torch.ones(1)))
    ),
    "test_state_travels_in_the_state_dict": with_state(DistanceReward),
}


class ExportsNothing:
    def __new__(cls):
        from lgsid.alignment import GDPOAligner

        kind = changed(GDPOAligner, export=lambda self, folder: None)
        return kind(trainable_encoder(), InBatchSoftmax()), toy_pairs()


@command()
def wordless(where) -> str:
    return where


@command()
def heavy(places: str) -> str:
    """List places.

    Args:
        places: What to list.
    """
    return f"{places} {next(COUNT)}"


@command()
def unparsable(*, help: str = "") -> str:
    """List places.

    Args:
        help: What to list.
    """
    return help


class LosesCode(RQKMeans):
    """A quantizer whose decoding forgets."""

    def decode(self, codes):
        return super().decode(codes) * 0


class Nowhere(LocalMetresGeoEncoder):
    """A geo encoder to which all places are one."""

    def forward(self, lat_deg, lon_deg):
        return super().forward(lat_deg, lon_deg) * 0


class SameItem(Popularity):
    """A recommender that lists one item again and again."""

    def rank(self, batch, k, allowed=None):
        ranked = super().rank(batch, k, allowed)
        return type(ranked)(ranked.items[:, :1].expand_as(ranked.items), ranked.scores)


class SeesTheFuture(BrandEvidence):
    """Evidence with numbers that are not finite."""

    def columns(self, view, catalogue):
        for column in super().columns(view, catalogue):
            yield column / 0


class LooksElsewhere(BrandEvidence):
    """Evidence that takes what is known at the first places, whichever are looked at."""

    def columns(self, view, catalogue):
        for column in super().columns(replace(view, places=None), catalogue):
            yield column if view.places is None else column[:, : view.places.shape[1]]


class SeesHiddenPlaces(BrandEvidence):
    """Evidence that counts check-ins where it should see none."""

    def columns(self, view, catalogue):
        yield from (catalogue.count - view.later,)


class DrawsThePositive(PopularityNegatives):
    """A sampler whose negatives are the place itself."""

    def draw(self, log, items, rng):
        negative, near = super().draw(log, items, rng)
        return np.repeat(log.item[:, None], negative.shape[1], 1), near


class RejectsTheChosen(FarPairs):
    """A sampler that rejects what it chose."""

    def draw(self, n, n_rejected, rng):
        batch = super().draw(n, n_rejected, rng)
        return replace(batch, rejected=batch.chosen[:, None].expand_as(batch.rejected))


class Backwards(SimilarityMargin):
    """A loss that asks for the opposite."""

    def forward(self, *given):
        value, gain = super().forward(*given)
        return 2 * value.detach() - value, gain


class ByOrder(RandomTokenizer):
    """A tokenizer whose codes all collide."""

    def tokenize(self, *given):
        sids = super().tokenize(*given)
        return type(sids)(sids.item_ids, sids.codes * 0, sids.codebook_sizes, sids.metadata)


def nameless():
    source = toy_source()
    good = source.read

    def read():
        raw = good()
        return replace(raw, items=raw.items.assign(item_id=range(len(raw.items))))

    source.read = read
    return source


def one_item():
    return RecommenderContract.made(SameItem)


BROKEN = {
    PartContract: {
        "test_a_config_names_it_by_short_name_and_by_path": lambda: Mistyped(0.5),
        "test_a_checkpoint_says_how_it_was_made": Forgetful,
        "test_bad_arguments_are_refused": Swallowing,
    },
    SplitContract: SPLIT,
    AttributeEncoderContract: ATTRIBUTES,
    CollisionStrategyContract: COLLISIONS,
    RewardLossContract: REWARD_LOSS,
    HeadInputContract: HEAD,
    ListSourceContract: LISTS,
    RejectedPlacesContract: REJECTED,
    AlignmentLossContract: ALIGNMENT_LOSS,
    RelevanceContract: RELEVANCE,
    HistoryTokensContract: HISTORY,
    TreeSearchContract: SEARCH,
    InterestExtractorContract: INTEREST,
    SidFeaturesContract: SIDS,
    DistanceFeaturesContract: DISTANCE,
    TextEncoderContract: TEXT,
    DataModuleContract: DATA,
    RewardModelContract: REWARD,
    AlignerContract: {"test_export_writes_its_results": ExportsNothing},
    CodebookLossContract: CODEBOOK,
    NeighborIndexContract: NEIGHBORS,
    VectorStoreContract: STORE,
    NodeLogitsContract: NODES,
    VisitSignalContract: SIGNAL,
    ExpertBalanceContract: BALANCE,
    ListRankingContract: RANKING,
    ListLossContract: LIST_LOSS,
    ListRewardContract: LIST_REWARD,
    CommandContract: {
        "test_it_says_what_it_does": lambda: wordless,
        "test_it_runs_and_repeats_itself": lambda: heavy,
        "test_its_module_imports_nothing_heavy": lambda: heavy,
        "test_its_words_can_be_parsed": lambda: unparsable,
    },
    QuantizerContract: {"test_decoding_rebuilds_what_forward_returned": lambda: LosesCode((4, 3))},
    GeoEncoderContract: {"test_places_next_door_differ": Nowhere},
    RecommenderContract: {"test_lists_hold_existing_items_once_best_first": one_item},
    EvidenceContract: {
        "test_columns_are_finite_and_as_many_as_said": SeesTheFuture,
        "test_columns_at_some_places_are_those_among_all": LooksElsewhere,
        "test_a_hidden_item_looks_as_if_nobody_had_been_there": SeesHiddenPlaces,
    },
    NegativeSamplerContract: {
        "test_negatives_are_places_that_the_user_did_not_go_to_then": lambda: DrawsThePositive(near_km=1.0)
    },
    PairSamplerContract: {"test_pairs_have_their_shapes_and_three_different_roles": lambda: RejectsTheChosen(near=10)},
    PreferenceLossContract: {"test_a_step_down_the_gradient_raises_the_gain": Backwards},
    TokenizerContract: {"test_codes_fit_the_codebooks": lambda: ByOrder((5, 4, 4))},
    DataSourceContract: {"test_items_have_the_columns_and_types": nameless},
}
WHOLE = [c for c in BROKEN if len(BROKEN[c]) > 3 and c not in (CommandContract, RewardModelContract)]
OTHERWISE = {  # what comes out of lgsid itself, and not of an `assert`
    (PartContract, "test_a_config_names_it_by_short_name_and_by_path"): ArgumentError,
    (PartContract, "test_a_checkpoint_says_how_it_was_made"): LgsidError,
    (HeadInputContract, "test_arguments_rebuild_it"): TypeError,
    (DataModuleContract, "test_the_other_loaders_serve_something"): StopIteration,
    (RewardModelContract, "test_a_checkpoint_brings_it_back"): LgsidError,
    (AlignerContract, "test_export_writes_its_results"): LgsidError,
    (CommandContract, "test_its_words_can_be_parsed"): ArgumentError,
}
CASES = [(contract, name) for contract, tests in BROKEN.items() for name in tests]


@pytest.mark.parametrize(("contract", "name"), CASES, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_it_fails_for_a_class_that_breaks_it(contract, name):
    make = BROKEN[contract][name]
    traits = {"make": lambda self: make(), "words": ["x"], "max_epochs": 1}
    if contract is PartContract:
        traits["base"] = TemporalSplit
    tested = type("Tested", (contract,), traits)
    with pytest.raises(OTHERWISE.get((contract, name), AssertionError)):
        getattr(tested(), name)()


@pytest.mark.parametrize("contract", WHOLE, ids=lambda contract: contract.__name__)
def test_every_test_of_a_contract_can_fail(contract):
    assert [n for n in vars(contract) if n.startswith("test_")] == list(BROKEN[contract])


def test_every_contract_has_a_class_that_breaks_it():
    contracts = {v for n, v in vars(lgsid.testing).items() if n.endswith("Contract")}
    assert contracts - set(BROKEN) == {GenerativeRecommenderContract, ModuleContract}  # by those that derive from them
