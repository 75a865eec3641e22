import numpy as np
import pytest
import torch

from lgsid.artefacts.check_in_log import CheckInLog
from lgsid.artefacts.sequence_batch import sequence_batch
from lgsid.commands.count_baselines import check_counting, counting_named
from lgsid.errors import LgsidError
from lgsid.recommenders import CategoryPopularity
from lgsid.recommenders.counting.past_visits import PastVisits
from lgsid.testing import toy_city


def test_counting_recommenders_by_name():
    (model,) = counting_named(["CategoryPopularity"])
    assert type(model) is CategoryPopularity
    assert counting_named([]) == []


@pytest.mark.parametrize("name", ["TIGER", "CategoryPopularities"])
def test_what_does_not_count_is_refused(name):
    with pytest.raises(LgsidError, match=f"also: unknown counting recommender '{name}'"):
        check_counting(also=[name], dataset="data")


def test_a_query_knows_its_user():
    dataset = toy_city()
    log = CheckInLog.of(dataset)
    rows = np.array([5, 80, 200])
    whole, of_batch = PastVisits.of_log(log, rows, 60), PastVisits.of(sequence_batch(log, rows, 400), 60)
    assert whole.user.tolist() == of_batch.user.tolist() == [log.user[row] for row in rows]
    assert whole.take(torch.tensor([True, False, True])).user.tolist() == [log.user[5], log.user[200]]
