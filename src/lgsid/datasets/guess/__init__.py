"""What the columns of a user's tables mean, guessed from their names and values, each with its reason."""

from lgsid.datasets.guess.dataset_recipe import DatasetRecipe
from lgsid.datasets.guess.guessed_column import GuessedColumn
from lgsid.datasets.guess.guessed_time import GuessedTime
from lgsid.datasets.guess.user_table import UserTable

__all__ = ["DatasetRecipe", "GuessedColumn", "GuessedTime", "UserTable"]
