"""Network, subnetwork, firewall rules, and the router whose NAT leads workers out."""

from typing import Any

from provision.clouds.gce.resources.kind import Body, GceKind, as_text, short
from provision.provider.resource import Inputs, Outputs, Work

NAMED = frozenset({"project", "region", "name", "marks"})
"""Inputs whose change makes another resource of any kind."""


class Network(GceKind):
    """A cluster's own network; nobody else's machines are in it."""

    token = "provision:gce:Network"
    noun, collection, client, argument = "network", "networks", "NetworksClient", "network"
    regional = False
    replace_on = NAMED

    def body(self, inputs: Inputs) -> Body:
        """In custom mode: the one subnetwork is ours to make."""
        return {
            "name": inputs["name"],
            "description": as_text(inputs["marks"]),
            "auto_create_subnetworks": False,
            "routing_config": {"routing_mode": "REGIONAL"},
        }

    def seen(self, found: Any) -> dict[str, Any]:
        """Nothing of it can differ."""
        return {}


class Subnetwork(GceKind):
    """Inputs: ``network`` (a link from ``projects/`` on) and ``range`` (CIDR)."""

    token = "provision:gce:Subnetwork"
    noun, collection, client = "subnetwork", "subnetworks", "SubnetworksClient"
    argument = "subnetwork"
    replace_on = NAMED | {"network", "range"}

    def body(self, inputs: Inputs) -> Body:
        """Google's own services are reached without a public address."""
        return {
            "name": inputs["name"],
            "description": as_text(inputs["marks"]),
            "network": inputs["network"],
            "ip_cidr_range": inputs["range"],
            "private_ip_google_access": True,
        }

    def seen(self, found: Any) -> dict[str, Any]:
        """Network and range."""
        return {"network": short(found.network), "range": found.ip_cidr_range}


class Firewall(GceKind):
    """Lets traffic in. Inputs: ``network``, ``sources`` (CIDR), ``targets`` (tags; all machines where
    there are none), ``ports`` (TCP; every protocol where there are none).
    """  # fmt: skip

    token = "provision:gce:Firewall"
    noun, collection, client, argument = "firewall rule", "firewalls", "FirewallsClient", "firewall"
    regional = False
    replace_on = NAMED | {"network"}

    def body(self, inputs: Inputs) -> Body:
        """An ingress rule."""
        ports = list(inputs["ports"])
        allowed: Body = {"I_p_protocol": "tcp" if ports else "all"}
        return {
            "name": inputs["name"],
            "description": as_text(inputs["marks"]),
            "network": inputs["network"],
            "direction": "INGRESS",
            "source_ranges": list(inputs["sources"]),
            "target_tags": list(inputs["targets"]),
            "allowed": [allowed | ({"ports": ports} if ports else {})],
        }

    def seen(self, found: Any) -> dict[str, Any]:
        """Who is let in, where to."""
        return {
            "network": short(found.network),
            "sources": list(found.source_ranges),
            "targets": list(found.target_tags),
            "ports": [port for allowed in found.allowed for port in allowed.ports],
        }

    def change(self, ident: str, old: Outputs, new: Inputs, work: Work) -> None:
        """In place, without a moment in which nobody is let in."""
        doing = f"change the firewall rule {new['name']}"
        self.work("patch", doing, work, **self.at(ident), firewall_resource=self.body(new))


class Router(GceKind):
    """A router whose only purpose is NAT for the whole network. Input: ``network``."""

    token = "provision:gce:Router"
    noun, collection, client, argument = "router", "routers", "RoutersClient", "router"
    replace_on = NAMED | {"network"}

    def body(self, inputs: Inputs) -> Body:
        """Addresses are allocated as they are needed: one for about 1,000 machines."""
        nat = {
            "name": inputs["name"],
            "source_subnetwork_ip_ranges_to_nat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
            "nat_ip_allocate_option": "AUTO_ONLY",
        }
        return {
            "name": inputs["name"],
            "description": as_text(inputs["marks"]),
            "network": inputs["network"],
            "nats": [nat],
        }

    def seen(self, found: Any) -> dict[str, Any]:
        """Its network."""
        return {"network": short(found.network)}
