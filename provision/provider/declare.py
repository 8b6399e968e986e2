"""How a program says what there should be; for inline programs of ``provision.engine``."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi


class Declared(pulumi.CustomResource):
    """A resource that some kind of the provider makes; its outputs by name: ``network["link"]``."""

    def __getitem__(self, name: str) -> pulumi.Output[Any]:
        """The output of that name, to be the input of another resource."""
        output = getattr(self, name)
        if not isinstance(output, pulumi.Output):
            raise KeyError(name)
        return output


def declare(
    token: str,
    name: str,
    inputs: Mapping[str, Any],
    outputs: Sequence[str] = (),
    secret: Sequence[str] = (),
    depends_on: Sequence[pulumi.Resource] = (),
    seconds: float | None = None,
) -> Declared:
    """Declare a resource. ``name`` is unique for its token within the stack.

    ``outputs`` are keys that it has beyond its inputs, ``secret`` those of either that are encrypted
    in the state (what its kind names is encrypted anyway), ``seconds`` the time that each of
    creating, changing and deleting it may take.
    """
    hidden = frozenset(secret)
    given = {
        key: pulumi.Output.secret(value) if key in hidden else value
        for key, value in inputs.items()
    }
    limit = None if seconds is None else f"{seconds:.0f}s"
    options = pulumi.ResourceOptions(
        depends_on=list(depends_on),
        additional_secret_outputs=sorted(hidden),
        custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit, delete=limit),
    )
    return Declared(token, name, {**dict.fromkeys(outputs), **given}, options)
