"""Configs: finding and reading YAML files, variants over a base, and what is wrong in them in one line."""
