"""A spec as JSON Schema, for editors: the models', and what only their validators know."""

from typing import Any

from provision.names import LABEL
from provision.spec.clouds import ANYWHERE, CLOUD_KINDS
from provision.spec.models import DURATION_MAX, Spec

Schema = dict[str, Any]

LABELED = f"^{LABEL.pattern}$"
CIDR = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9.]+)?$"
DURATION: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": DURATION_MAX},
        {"type": "string", "pattern": r"^\s*[0-9]{1,9}\s*[smhd]\s*$"},
    ]
}
"""Seconds, or text such as ``5m``."""


def schema() -> Schema:
    """What a spec may hold. Accepts every sound spec; what only a plan knows, it does not refuse."""
    made = Spec.model_json_schema()
    defs = made["$defs"]
    _put(made["properties"], "ttl", DURATION)
    for key in ("deadline", "replace_after"):
        _put(defs["Ready"]["properties"], key, DURATION)
    made["properties"]["name"]["pattern"] = LABELED
    made["properties"]["groups"]["propertyNames"]["pattern"] = LABELED
    for kind, model in CLOUD_KINDS.items():
        cloud = defs[model.__name__]
        # A mapping without a kind is this machine, so that every other kind must be named.
        cloud["required"] = [] if kind == "local" else ["kind"]
        _put(cloud["properties"], "subnet", {"type": "string", "pattern": CIDR})
    for each in defs.values():
        for below in each["properties"].values():
            if "patternProperties" in below:
                below["additionalProperties"] = False
    callers = [{"const": ANYWHERE}, {"type": "string", "pattern": CIDR}]
    for model in CLOUD_KINDS.values():
        if "ssh_from" in model.model_fields:
            _put(defs[model.__name__]["properties"], "ssh_from", {"anyOf": callers})
    cloud = made["properties"]["cloud"]
    either = [{"enum": list(CLOUD_KINDS)}, {"oneOf": cloud.pop("oneOf")}]
    made["properties"]["cloud"] = {"anyOf": either, "default": "local"}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "provision spec"}
    return {**head, **{key: value for key, value in made.items() if key != "title"}}


def _put(properties: Schema, key: str, form: Schema) -> None:
    """Give a key another form; whether it may be null, its title and its default stay."""
    old = properties[key]
    nullable = {"type": "null"} in old.get("anyOf", [])
    forms = form.get("anyOf", [form])
    kept = {word: old[word] for word in ("title", "default") if word in old}
    properties[key] = {"anyOf": [*forms, *([{"type": "null"}] if nullable else [])], **kept}
