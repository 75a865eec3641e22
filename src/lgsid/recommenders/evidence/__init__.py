"""Evidence for places that are new to a user: what speaks for each, and a network that weighs it."""

from lgsid.recommenders.evidence.area_evidence import AreaEvidence
from lgsid.recommenders.evidence.brand_evidence import BrandEvidence
from lgsid.recommenders.evidence.category_evidence import CategoryEvidence
from lgsid.recommenders.evidence.co_visit_evidence import CoVisitEvidence
from lgsid.recommenders.evidence.content_evidence import ContentEvidence
from lgsid.recommenders.evidence.distance_evidence import DistanceEvidence
from lgsid.recommenders.evidence.evidence import Evidence
from lgsid.recommenders.evidence.evidence_network import EvidenceNetwork
from lgsid.recommenders.evidence.new_place_ranker import NewPlaceRanker
from lgsid.recommenders.evidence.popularity_evidence import PopularityEvidence
from lgsid.recommenders.evidence.query_view import QueryView
from lgsid.recommenders.evidence.transition_evidence import TransitionEvidence
from lgsid.recommenders.evidence.visitor_evidence import VisitorEvidence

__all__ = [
    "AreaEvidence",
    "BrandEvidence",
    "CategoryEvidence",
    "CoVisitEvidence",
    "ContentEvidence",
    "DistanceEvidence",
    "Evidence",
    "EvidenceNetwork",
    "NewPlaceRanker",
    "PopularityEvidence",
    "QueryView",
    "TransitionEvidence",
    "VisitorEvidence",
]
