"""Folders in the form that the Hugging Face hub takes: weights, config and model card of what was trained."""

from lgsid.hub.card_results import CardResults, Measured
from lgsid.hub.model_card import ModelCard
from lgsid.hub.pretrained_folder import from_pretrained, save_pretrained

__all__ = ["CardResults", "Measured", "ModelCard", "from_pretrained", "save_pretrained"]
