"""``compute.autoscalers.*`` and the regional kind: there are none, which clients ask before they resize."""

from provision.emulator.gce.call import Call, Rows, Scopes, every_scope, rows


def list_(call: Call) -> Rows:
    """None."""
    region = "region" in call.path
    return rows(
        call, "autoscalers", f"compute#{'regionAutoscalerList' if region else 'autoscalerList'}"
    )


def aggregated_list(call: Call) -> Scopes:
    """None anywhere."""
    places = [f"zones/{zone}" for zone in call.cloud.catalogue.zones]
    return every_scope(call, "autoscalers", "compute#autoscalerAggregatedList", places)


def get(call: Call) -> None:
    """None of that name. Raises ApiError 404."""
    call.found("autoscaler", "autoscalers")
