"""A service over the run folder of a tiny pipeline."""

import pytest

from fuzz.served_run import make_run
from lgsid.serving import Limits, ModelFiles, Service


@pytest.fixture(scope="session")
def run(tmp_path_factory, tiny_bert):
    """The folder of the run."""
    folder = tmp_path_factory.mktemp("runs") / "toy"
    folder.mkdir()
    make_run(folder, tiny_bert)
    return folder


@pytest.fixture(scope="session")
def files(run):
    """The files of the recommenders of the run by name."""
    return ModelFiles.of_run(run, rank_with=run / "din")


@pytest.fixture(scope="session")
def service(files):
    """A service over all of them, which no test swaps."""
    return Service.load(files, Limits(k=50, history=20, body_bytes=10_000, waiting=8, timeout_s=5))
