"""What labels say, whoever wrote them."""

import pytest

from provision import labels
from provision.cloud import Machine, Phase
from provision.cluster.listing import summary_of
from provision.leftovers import Leftover


@pytest.mark.parametrize(
    ("text", "when"), [("1780000000", 1.78e9), ("0", 0.0), ("", None), ("soon", None), ("-1", None)]
)
def test_an_expiry_that_is_no_number_is_none(text: str, when: float | None) -> None:
    assert labels.expiry({labels.EXPIRES: text}) == when
    assert Leftover.marked("VM", "x", {labels.EXPIRES: text}, lambda seconds: None).expires == when


def test_no_label_is_no_expiry() -> None:
    assert labels.expiry({}) is None


def test_a_list_shows_a_cluster_whose_expiry_somebody_has_spoilt() -> None:
    marks = {labels.CLUSTER: "c", labels.EXPIRES: "soon"}
    one = Machine("c-1", "c", labels.WORKER, "w", "", Phase.STARTED, 0, 1.0, None, marks)
    assert summary_of("c", "gce", [one]).expires is None
