"""Geography-aware semantic IDs for place recommendation."""

__version__ = "0.1.0"
