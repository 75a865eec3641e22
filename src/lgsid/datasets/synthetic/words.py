"""Words for the names of the synthetic city."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count, product

import numpy as np

STEMS = """Alder Amber Ash Barrow Beacon Birch Bram Calder Castle Cinder Clay Copper Dove Elm Ember Fallow Fen Fox
Glass Hazel Heron Hollow Iron Juniper Kestrel Lark Linden Maple Marl Mill Moss Oak Orchard Otter Pepper Quarry Raven
Reed Rowan Saffron Salt Silver Slate Swan Tanner Thistle Thorn Violet Walnut Willow Wren""".split()  # noqa: SIM905
AREA_ENDS = """field gate hill bridge side quay moor ton wick brook cross green""".split()  # noqa: SIM905
SURNAMES = """Abara Adler Almeida Anders Baptiste Berger Bianchi Bright Castell Chen Corvin Dahl Delacroix Dima Eklund
Farrow Fenwick Ferrante Garnier Haddad Hale Harker Holm Ibarra Ito Jansen Kaya Keller Kowal Larkin Lindqvist Lovell
Marek Mendes Mori Nadir Novak Okafor Orsini Pascal Petrov Quill Rahman Reyes Rossi Sato Sayed Serrano Silva Song
Tamura Thorne Ueda Vance Varga Weiss Wickham Yilmaz Zeller""".split()  # noqa: SIM905
MOODS = """Blue Bold Brass Bright Cosy Crooked Daily Early Golden Grand Green Happy Hidden Humble Jolly Late Little
Lucky Merry Old Open Quiet Red Royal Rusty Second Sunny Tiny Velvet White Wild Young""".split()  # noqa: SIM905
THINGS = """Anchor Barrel Basket Bell Bottle Candle Chimney Compass Corner Crown Door Drum Feather Fiddle Flame Fork
Garden Goose Hare Harbour Kettle Key Lamp Ladder Lantern Lion Moon Owl Pan Parrot Plate Saddle Spoon Star Stove Table
Tower Well Whale Wheel""".split()  # noqa: SIM905
CHAIN_STARTS = """Bel Cor Dar Eli Fen Gal Hel Jov Kal Lum Mar Nov Ori Pal Quo Ras Sol Tam Ver Zan""".split()  # noqa: SIM905
CHAIN_ENDS = """ora ico ello anto ima una era isto avo eka olio inta""".split()  # noqa: SIM905
COMPASS = ("East", "North East", "North", "North West", "West", "South West", "South", "South East")
QUARTERS = ("Heights", "Docks", "Parks", "Mills", "Gardens", "Fields", "Works", "Meadows", "Terraces", "Cliffs")


def shuffled(parts: tuple[list[str], ...], glue: str, rng: np.random.Generator) -> Iterator[str]:
    """Yield all combinations of words once in random order, then again with numerals appended, endlessly."""
    combined = [glue.join(words) for words in product(*parts)]
    rng.shuffle(combined)
    yield from combined
    for numeral in chain(("II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"), map(str, count(11))):
        yield from (f"{name} {numeral}" for name in combined)
