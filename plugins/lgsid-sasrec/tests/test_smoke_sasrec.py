from lgsid.benchmark.cell import cells_of
from lgsid.benchmark.suite import Suite


def test_the_suite_has_two_more_rows(tmp_path):
    smoke, suite = Suite.read("smoke"), Suite.read("smoke_sasrec")
    assert set(suite.methods) - set(smoke.methods) == {"sasrec", "sasrec_sids"}
    assert len(list(cells_of(suite, tmp_path))) - len(list(cells_of(smoke, tmp_path))) == 2 * len(suite.seeds)
