"""Kinds of places of the synthetic city, and their popularity over the day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HOURS = np.arange(24)


@dataclass(frozen=True)
class Kind:
    """A category of places.

    Args:
        category: Name of the category.
        group: Coarse category.
        share: Relative number of places.
        visits: Relative frequency of visits.
        reach_km: Scale of the exponential distance decay in kilometers.
        peaks: Local hours of peak popularity.
        weekend: Factor of the popularity on weekends.
        chains: Whether places of this kind can be branches of chains.
        naming: Pattern of names: "person", "sign", "area" or "firm".
        nouns: Nouns at the end of names.
    """

    category: str
    group: str
    share: float
    visits: float
    reach_km: float
    peaks: tuple[float, ...]
    weekend: float
    chains: bool
    naming: str
    nouns: tuple[str, ...]


KINDS = (
    Kind(
        "Coffee Shop", "Coffee and bakery", 7, 12, 0.5, (8.5, 10.5, 15), 0.8, True, "sign", ("Coffee", "Espresso Bar")
    ),
    Kind("Bakery", "Coffee and bakery", 4, 5, 0.5, (8, 11), 1.2, True, "person", ("Bakery", "Bread & Cakes")),
    Kind("Tea Room", "Coffee and bakery", 2, 2, 0.8, (11, 15.5), 1.3, False, "sign", ("Tea Room", "Tea House")),
    Kind("Burger Joint", "Food", 4, 5, 0.8, (12.5, 19.5), 1.1, True, "sign", ("Burgers", "Burger Bar")),
    Kind("Pizza Place", "Food", 5, 6, 0.7, (12.5, 19.5), 1.2, True, "person", ("Pizza", "Pizzeria")),
    Kind("Noodle House", "Food", 4, 4, 0.9, (12.5, 18.5), 1.0, True, "sign", ("Noodles", "Ramen")),
    Kind("Taco Place", "Food", 3, 4, 0.8, (12.5, 20), 1.0, True, "person", ("Tacos", "Taqueria")),
    Kind("Curry House", "Food", 3, 3, 1.2, (13, 19.5), 1.1, False, "sign", ("Curry House", "Tandoori")),
    Kind("Seafood Restaurant", "Food", 3, 2.5, 1.8, (13, 20), 1.4, False, "person", ("Fish Kitchen", "Oyster House")),
    Kind("Steakhouse", "Food", 2, 2, 2.0, (20,), 1.4, False, "person", ("Steakhouse", "Grill")),
    Kind("Salad Bar", "Food", 3, 4, 0.4, (12.5,), 0.4, True, "sign", ("Salads", "Greens")),
    Kind("Pub", "Nightlife", 5, 6, 0.8, (18, 21.5), 1.5, False, "sign", ("Pub", "Tavern", "Arms")),
    Kind("Cocktail Bar", "Nightlife", 3, 3, 1.5, (21.5, 23), 1.9, False, "sign", ("Cocktails", "Bar")),
    Kind("Night Club", "Nightlife", 1.5, 1.5, 3.0, (23, 1), 2.5, False, "sign", ("Club", "Ballroom")),
    Kind("Music Venue", "Nightlife", 1.5, 1.5, 3.0, (20.5,), 1.6, False, "sign", ("Hall", "Jazz Cellar")),
    Kind("Supermarket", "Shops", 5, 9, 0.5, (10.5, 17.5), 1.2, True, "person", ("Supermarket", "Foods")),
    Kind("Convenience Store", "Shops", 4, 5, 0.3, (8, 18, 22), 1.0, True, "person", ("Corner Shop", "Express")),
    Kind("Pharmacy", "Shops", 3, 3, 0.6, (10, 17), 0.8, True, "person", ("Pharmacy",)),
    Kind("Clothing Store", "Shops", 5, 4, 2.0, (14, 17), 1.8, True, "sign", ("Clothing", "Outfitters")),
    Kind("Bookshop", "Shops", 2, 2, 2.0, (13, 17), 1.6, False, "sign", ("Books", "Bookshop")),
    Kind("Hardware Store", "Shops", 2, 1.5, 1.5, (10, 16), 1.7, True, "person", ("Hardware", "Tools")),
    Kind("Gym", "Sport and parks", 4, 6, 0.7, (7, 18.5), 0.8, True, "sign", ("Gym", "Fitness")),
    Kind("Park", "Sport and parks", 4, 5, 0.9, (8, 16), 1.9, False, "area", ("Park", "Gardens", "Common")),
    Kind("Swimming Pool", "Sport and parks", 1, 1.2, 1.5, (7.5, 17), 1.5, False, "area", ("Baths", "Pool")),
    Kind("Cinema", "Culture", 1.5, 2, 2.5, (17, 20.5), 1.8, True, "sign", ("Cinema", "Pictures")),
    Kind("Museum", "Culture", 1.5, 1.2, 3.0, (11.5, 15), 2.2, False, "area", ("Museum", "Gallery")),
    Kind("Library", "Culture", 1.5, 1.8, 1.2, (11, 16), 0.8, False, "area", ("Library", "Reading Room")),
    Kind("Railway Station", "Travel", 3, 8, 0.6, (8, 17.5), 0.6, False, "area", ("Station",)),
    Kind("Hotel", "Travel", 3, 1.2, 2.5, (15, 22), 1.2, True, "sign", ("Hotel", "Inn")),
    Kind("Office", "Work", 7, 16, 1.0, (8.8, 13.3), 0.08, False, "firm", ("Group", "Partners", "Studio", "Labs")),
)


def profiles(width_h: float = 1.4) -> npt.NDArray[np.float64]:
    """Return the relative popularity of each kind by type of day and hour.

    Returns:
        Shape (2, 24, C): weekdays and weekends, relative to all kinds and hours.
    """
    out = np.zeros((2, 24, len(KINDS)))
    for c, kind in enumerate(KINDS):
        shape = np.zeros(24)
        for peak in kind.peaks:
            away = np.abs(HOURS + 0.5 - peak)
            shape += np.exp(-0.5 * (np.minimum(away, 24 - away) / width_h) ** 2)
        shape = shape / shape.sum() + 2e-4
        out[0, :, c] = kind.visits * shape
        later = np.roll(shape, 1)  # an hour later on weekends
        out[1, :, c] = kind.visits * kind.weekend * later
    return out
