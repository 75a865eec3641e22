"""A part of the requests of the hostile trial; `make fuzz ARGUMENTS="--only requests"` sends all of them."""

from fuzz.requests import outcomes

PART = 350


def test_no_request_crashes_the_service(service):
    found = outcomes(service, 7, PART)
    assert not [(one.case, one.detail) for one in found if not one.is_good]
    assert {one.verdict for one in found} == {"refused", "read right"}
    assert sum(one.verdict == "read right" for one in found) > PART / 20  # it is not only what is refused that is tried
