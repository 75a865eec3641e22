"""Suites of experiments, their result files, and the leaderboard made from these."""
