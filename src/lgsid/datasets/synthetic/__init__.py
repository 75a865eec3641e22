"""An invented city: its map, its places, its people, and how they choose. `SyntheticCity` is the way in."""
