"""The mutation run: how many small faults, put into the source one at a time, the unit tests of a room notice."""
