"""What fits of a plan, for any cloud."""

from collections.abc import Mapping

import pytest

from provision.cloud import Limit
from provision.plan import plan_of
from provision.quota import fitting
from provision.spec.models import Spec


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [(4, None), (5, None), (6, {"a": 5, "b": 1}), (25, {"a": 5, "b": 20}), (99, {"a": 5, "b": 20})],
)
def test_a_size_of_zero_is_never_offered(largest: int, sizes: Mapping[str, int] | None) -> None:
    groups = {"a": {"nodes": 5}, "b": {"nodes": 20}}
    plan = plan_of(Spec.model_validate({"name": "d", "groups": groups}))
    limits = [Limit("memory", "host", 25, 20, 0, largest), Limit("unknown", "host", 25)]
    assert fitting(plan, limits) == sizes
