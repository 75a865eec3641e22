"""Packages of others: write a new one from a template, and run the contract tests of what an installed one offers."""
