"""The report at the end of a pipeline: what its stages left, as tables and figures."""
