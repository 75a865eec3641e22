"""What the worker takes from its queue at a time."""

import queue
import time
from types import SimpleNamespace

import pytest

from lgsid.serving.gathering_loop import GatheringLoop
from lgsid.serving.schemas import RecommendRequest


def api(batch=4, wait=0.0, timeout=30.0):
    return SimpleNamespace(max_batch_size=batch, batch_timeout=wait, request_timeout=timeout)


def filled(*ages):
    found = queue.Queue()
    for number, age in enumerate(ages):
        found.put((0, f"r{number}", time.monotonic() - age, RecommendRequest(k=number + 1)))
    return found


def taken(lit_api, waiting):
    return [uid for _, uid, _ in GatheringLoop().gather(lit_api, waiting)]


def test_what_is_there_is_taken_together_up_to_a_bound():
    waiting = filled(*[0] * 6)
    assert taken(api(), waiting) == ["r0", "r1", "r2", "r3"]
    assert taken(api(), waiting) == ["r4", "r5"]


def test_those_whose_sender_has_given_up_are_left_out():
    assert taken(api(timeout=5), filled(0, 6, 4, 60)) == ["r0", "r2"]


def test_it_waits_for_more_as_long_as_it_is_told():
    start = time.monotonic()
    assert taken(api(wait=0.2), filled(0)) == ["r0"]
    assert time.monotonic() - start >= 0.2


def test_the_sign_of_litserve_ends_it():
    waiting = queue.Queue()
    waiting.put((None, None, None, None))
    with pytest.raises(SystemExit):
        taken(api(), waiting)
