"""Managed instance groups: a thousand workers by one call."""

from collections.abc import Iterator, Sequence
from typing import Any

from provision.clouds.gce.resources.kind import Body, GceKind, as_text, last
from provision.clouds.gce.resources.networks import NAMED
from provision.provider.resource import Inputs, Outputs, Work

AT_ONCE = 1000
"""Most VMs that one request may delete or recreate (discovery, ``deleteInstances``)."""


class Group(GceKind):
    """A regional managed instance group. Created is: accepted; whether its VMs join is watched elsewhere.

    Inputs: ``template`` (a link), ``size``, ``zones`` (a group keeps those it was made with),
    ``machine_types`` (best first; none beyond the template's own where there is one).
    """

    token = "provision:gce:Group"
    noun, collection = "instance group", "instanceGroupManagers"
    client, argument = "RegionInstanceGroupManagersClient", "instance_group_manager"
    replace_on = NAMED | {"machine_types"}

    def named(self, name: str) -> str:
        """The ident of the one of that name in the region of the settings."""
        settings = self.gce.settings
        return self.ident({"project": settings.project, "region": settings.region, "name": name})

    def body(self, inputs: Inputs) -> Body:
        """Zones with room come first (``ANY``); names are numbered; nothing is replaced by itself."""
        made: Body = {
            "name": inputs["name"],
            "description": as_text(inputs["marks"]),
            "base_instance_name": f"{inputs['name']}-####",
            "instance_template": inputs["template"],
            "target_size": int(inputs["size"]),
            "list_managed_instances_results": "PAGINATED",
            "distribution_policy": {
                "target_shape": "ANY",
                "zones": [{"zone": f"zones/{zone}"} for zone in inputs["zones"]],
            },
            "update_policy": {
                "type_": "OPPORTUNISTIC",
                "instance_redistribution_type": "NONE",
                "minimal_action": "REPLACE",
            },
        }
        if len(inputs["machine_types"]) > 1:
            made["instance_flexibility_policy"] = {
                "instance_selections": {
                    f"choice-{rank}": {"rank": rank, "machine_types": [machine_type]}
                    for rank, machine_type in enumerate(inputs["machine_types"], start=1)
                }
            }
        return made

    def seen(self, found: Any) -> dict[str, Any]:
        """Its size and template."""
        words = last(found.instance_template)
        project = found.instance_template.partition("projects/")[2].partition("/")[0]
        template = f"projects/{project}/global/instanceTemplates/{words}"
        return {"size": int(found.target_size), "template": template}

    def change(self, ident: str, old: Outputs, new: Inputs, work: Work) -> None:
        """The template first: what is made from now on is made of it."""
        name = new["name"]
        if old.get("template") != new["template"]:
            self.work(
                "set_instance_template", f"give the instance group {name} a template", work,
                **self.at(ident),
                region_instance_group_managers_set_template_request_resource={
                    "instance_template": new["template"]
                },
            )  # fmt: skip
        if int(old.get("size", -1)) != int(new["size"]):
            doing = f"resize the instance group {name} to {int(new['size'])}"
            self.work("resize", doing, work, **self.at(ident), size=int(new["size"]))

    def recreate(self, ident: str, links: Sequence[str], work: Work) -> None:
        """Make these VMs anew under their names, best in one request."""
        self._of_some(
            "recreate_instances", "recreate", ident, links, work,
            "region_instance_group_managers_recreate_request_resource",
        )  # fmt: skip

    def shrink(self, ident: str, links: Sequence[str], work: Work) -> None:
        """Delete these VMs for good; the group is smaller by them."""
        self._of_some(
            "delete_instances", "delete", ident, links, work,
            "region_instance_group_managers_delete_instances_request_resource",
        )  # fmt: skip

    def _of_some(
        self, verb: str, word: str, ident: str, links: Sequence[str], work: Work, argument: str
    ) -> None:
        for start in range(0, len(links), AT_ONCE):
            some = list(links[start : start + AT_ONCE])
            doing = f"{word} {len(some)} VMs of the instance group {last(ident)}"
            self.work(verb, doing, work, **self.at(ident), **{argument: {"instances": some}})

    def errors(self, ident: str) -> Iterator[Any]:
        """The latest failures to make VMs, as ``listErrors`` has them: one page."""
        doing = f"read the errors of the instance group {last(ident)}"
        pages = self.gce.pages(doing, self.method("list_errors"), **self.at(ident), max_results=100)
        yield from next(pages, [])
