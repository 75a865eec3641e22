"""Recipes of stages: read them, run what is not up to date, report. The trainer behind `lgsid fit` is here, too."""
