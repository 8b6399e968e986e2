"""The protocol's calls, each as a plain function from request to answer; see ``servicer.py``.

Pulumi's meaning of the fields: pulumi/proto/pulumi/provider.proto.
"""

import threading
from collections.abc import Mapping
from typing import Any

from pulumi.runtime import proto

from provision.provider.difference import Difference, differences
from provision.provider.resource import Registry, Resource, Unfinished, Work
from provision.provider.values import UNKNOWN, decode_map, encode_map, known, secret_keys

KINDS = {
    ("add", False): proto.PropertyDiff.ADD,
    ("add", True): proto.PropertyDiff.ADD_REPLACE,
    ("delete", False): proto.PropertyDiff.DELETE,
    ("delete", True): proto.PropertyDiff.DELETE_REPLACE,
    ("update", False): proto.PropertyDiff.UPDATE,
    ("update", True): proto.PropertyDiff.UPDATE_REPLACE,
}


class ProviderCalls:
    """Answers for the kinds of a registry. Nothing here waits but the methods of those kinds."""

    def __init__(self, registry: Registry, stopping: threading.Event) -> None:
        """``stopping`` tells the kinds that the user wants to stop."""
        self._registry, self._stopping = registry, stopping

    def check(self, request: Any) -> Any:
        """Faults of the inputs, and the inputs as the state keeps them: without nulls."""
        kind = self._kind(request)
        inputs = decode_map(request.news)
        sure = known(inputs)
        unsure = inputs.keys() - sure.keys()
        failures = [
            proto.CheckFailure(property=fault.key, reason=fault.reason)
            for fault in kind.check(sure)
            if fault.key not in unsure
        ]
        secret = kind.secret | secret_keys(request.news)
        return proto.CheckResponse(inputs=encode_map(inputs, secret), failures=failures)

    def diff(self, request: Any) -> Any:
        """What a change of the inputs means: nothing, an update, or a replacement."""
        kind = self._kind(request)
        old = request.old_inputs if request.HasField("old_inputs") else request.olds
        found = differences(decode_map(old), decode_map(request.news), kind.replace_on)
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if found else proto.DiffResponse.DIFF_NONE,
            replaces=_keys(found, replacing=True),
            diffs=_keys(found, replacing=False),
            detailedDiff={
                one.path: proto.PropertyDiff(kind=KINDS[one.kind, one.replaces], inputDiff=True)
                for one in found
            },
            hasDetailedDiff=True,
            deleteBeforeReplace=kind.delete_first,
        )

    def create(self, request: Any) -> Any:
        """Make it; in a preview, the inputs and what is not yet known."""
        kind = self._kind(request)
        inputs = decode_map(request.properties)
        if request.preview:
            outputs: Mapping[str, Any] = {**dict.fromkeys(kind.outputs, UNKNOWN), **inputs}
            ident = ""
        else:
            created = kind.create(inputs, self._work(kind, request))
            ident, outputs = created.ident, created.outputs
        secret = kind.secret | secret_keys(request.properties)
        return proto.CreateResponse(id=ident, properties=encode_map(outputs, secret))

    def read(self, request: Any) -> Any:
        """What is there now: its outputs, and as inputs whatever of it can be read back.

        An empty id says that it is gone.
        """
        kind = self._kind(request)
        found = kind.read(request.id, decode_map(request.properties))
        if found is None:
            return proto.ReadResponse(id="")
        kept = decode_map(request.inputs)
        # Drift shows as inputs that are not what was asked, so that the next `up` mends it.
        inputs = {key: found.get(key, value) for key, value in kept.items()}
        secret = kind.secret | secret_keys(request.properties) | secret_keys(request.inputs)
        return proto.ReadResponse(
            id=request.id,
            properties=encode_map(found, secret),
            inputs=encode_map(inputs, secret),
        )

    def update(self, request: Any) -> Any:
        """Change it; in a preview, what it has with the new inputs over it."""
        kind = self._kind(request)
        old, new = decode_map(request.olds), decode_map(request.news)
        if request.preview:
            # Saying that all outputs become unknown would make everything that uses them look changed.
            gone = decode_map(request.old_inputs).keys() - new.keys()
            outputs: Mapping[str, Any] = {k: v for k, v in {**old, **new}.items() if k not in gone}
        else:
            outputs = kind.update(request.id, old, new, self._work(kind, request))
        secret = kind.secret | secret_keys(request.olds) | secret_keys(request.news)
        return proto.UpdateResponse(properties=encode_map(outputs, secret))

    def delete(self, request: Any) -> None:
        kind = self._kind(request)
        kind.delete(request.id, decode_map(request.properties), self._work(kind, request))

    def unfinished(self, request: Any, error: Unfinished) -> Any:
        """What the engine must know to keep a resource that is there and not as asked."""
        given = request.properties if hasattr(request, "properties") else request.news
        secret = self._kind(request).secret | secret_keys(given)
        return proto.ErrorResourceInitFailed(
            id=error.ident,
            properties=encode_map(error.outputs, secret),
            inputs=given,
            reasons=[str(error)],
        )

    def _kind(self, request: Any) -> Resource:
        return self._registry.kind(request.type)

    def _work(self, kind: Resource, request: Any) -> Work:
        return Work.within(request.timeout or kind.seconds, self._stopping)


def _keys(found: list[Difference], *, replacing: bool) -> list[str]:
    """Top-level keys that differ, or only those that replace."""
    return list(dict.fromkeys(one.key for one in found if one.replaces or not replacing))
