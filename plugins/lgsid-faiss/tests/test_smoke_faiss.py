from lgsid.benchmark.cell import cells_of
from lgsid.benchmark.suite import Suite


def test_the_suite_has_one_more_row(tmp_path):
    smoke, suite = Suite.read("smoke"), Suite.read("smoke_faiss")
    assert set(suite.methods) - set(smoke.methods) == {"opq"}
    assert len(list(cells_of(suite, tmp_path))) - len(list(cells_of(smoke, tmp_path))) == len(suite.seeds)
