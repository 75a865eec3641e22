"""Groups and information of labels against libraries."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score

from lgsid.functional.sids import group_rows, normalized_mutual_information


@settings(deadline=None, max_examples=50)
@given(
    n=st.integers(1, 40),
    highs=st.lists(st.sampled_from([1, 2, 5, 1000, 2**40, 2**62]), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_rows_are_numbered_in_their_order(n, highs, seed):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.stack([torch.randint(-1, high, (n,), generator=generator) for high in highs], dim=1)
    codes = torch.cat([codes, codes[: n // 2]])
    assert group_rows(codes).tolist() == torch.unique(codes, dim=0, return_inverse=True)[1].tolist()


def test_no_rows_have_no_groups():
    assert group_rows(torch.zeros(0, 3, dtype=torch.int64)).tolist() == []


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(*(st.lists(st.integers(0, 6), min_size=n, max_size=n) for _ in range(2)))
    )
)
def test_mutual_information_is_that_of_a_library(labelings):
    own, other = labelings
    found = normalized_mutual_information(torch.tensor(own), torch.tensor(other))
    assert found == pytest.approx(normalized_mutual_info_score(own, other), abs=1e-12)


def test_labelings_that_say_the_same_share_everything():
    labels = torch.arange(12) % 4
    assert normalized_mutual_information(labels, 3 - labels) == pytest.approx(1.0)
    assert normalized_mutual_information(torch.zeros(5, dtype=torch.int64), torch.ones(5, dtype=torch.int64)) == 1.0
