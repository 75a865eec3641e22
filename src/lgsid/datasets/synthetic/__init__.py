"""Parts of `SyntheticCity`: the city's plan, its places, its people, and their choice probabilities."""
