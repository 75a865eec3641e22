"""Generations of semantic IDs: places open, move and close, and published IDs stay."""

from lgsid.generations.append import Append
from lgsid.generations.as_they_are import AsTheyAre
from lgsid.generations.by_level import ByLevel
from lgsid.generations.by_prefix import ByPrefix
from lgsid.generations.change import Change
from lgsid.generations.churn import Churn
from lgsid.generations.delta import Delta
from lgsid.generations.generation import Generation
from lgsid.generations.generations import Generations
from lgsid.generations.move import Move
from lgsid.generations.outcome import Outcome
from lgsid.generations.refit import Refit
from lgsid.generations.register import Register
from lgsid.generations.relabeler import Relabeler
from lgsid.generations.relabeling import Relabeling
from lgsid.generations.retire import Retire
from lgsid.generations.update import Update

__all__ = [
    "Append",
    "AsTheyAre",
    "ByLevel",
    "ByPrefix",
    "Change",
    "Churn",
    "Delta",
    "Generation",
    "Generations",
    "Move",
    "Outcome",
    "Refit",
    "Register",
    "Relabeler",
    "Relabeling",
    "Retire",
    "Update",
]
