"""Errors as Google answers them: one JSON shape, and the texts clients look for.

Shape: https://cloud.google.com/apis/design/errors (``error.code``, ``message``, ``errors[]``), with
``status`` and ``details`` where Compute sends them. Texts: recorded answers in public projects
(kubernetes/k8s.io#6380, SkyPilot, cluster-autoscaler, slurm-gcp); see docs/emulate.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from provision.emulator.dials import Fault
from provision.emulator.exchange import Refusal, Trouble
from provision.emulator.operations import Failure
from provision.emulator.quota import GLOBAL, Exceeded

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
"""``google.rpc.Code`` by HTTP status (google/rpc/code.proto)."""


class ApiError(Refusal):
    """An HTTP error of the API. ``details`` are ``google.rpc`` details as Google sends them."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str = "",
        location_type: str = "",
        details: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(status, reason, message)
        self.status, self.reason, self.message, self.domain = status, reason, message, domain
        self.location, self.location_type = location, location_type
        self.details = list(details)

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.message}"

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        entry = {"message": self.message, "domain": self.domain, "reason": self.reason}
        if self.location:
            entry |= {"location": self.location, "locationType": self.location_type}
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "errors": [entry],
            "status": STATUS.get(self.status, "UNKNOWN"),
        }
        if self.details:
            error["details"] = self.details
        return {"error": error}


class OperationError(Failure):
    """Why an accepted operation fails: entries of ``error.errors[]`` and the HTTP status told.

    ``status`` 0 is the silent kind: errors without ``httpErrorStatusCode``.
    """

    def __init__(self, errors: Sequence[Mapping[str, Any]], status: int, title: str) -> None:
        super().__init__(errors[0].get("message", ""))
        self.errors = [dict(error) for error in errors]
        self.status, self.title = status, title

    def json(self) -> dict[str, Any]:
        """Fields of an operation that failed so."""
        shown: dict[str, Any] = {"error": {"errors": self.errors}}
        if self.status:
            shown["httpErrorStatusCode"] = self.status
            shown["httpErrorMessage"] = self.title
        return shown


TITLES = {
    400: "BAD REQUEST",
    403: "FORBIDDEN",
    404: "NOT FOUND",
    409: "CONFLICT",
    412: "PRECONDITION FAILED",
    429: "TOO MANY REQUESTS",
    500: "INTERNAL SERVER ERROR",
    503: "SERVICE UNAVAILABLE",
}
"""``httpErrorMessage`` by ``httpErrorStatusCode``."""
TROUBLES = {
    Trouble.LATE: (408, "requestTimeout"),
    Trouble.LARGE: (413, "uploadTooLarge"),
    Trouble.PACKED: (400, "parseError"),
    Trouble.WRONG: (400, "invalid"),
    Trouble.UNKNOWN: (401, "authError"),
    Trouble.STRANGER: (403, "forbidden"),
    Trouble.KIND: (415, "badContent"),
    Trouble.NOWHERE: (404, "notFound"),
    Trouble.BUG: (500, "internalError"),
}
"""Status and reason of what any API refuses."""


def dialled(fault: Fault) -> OperationError:
    """What a dial wants an operation to fail with."""
    entries = [{"code": fault.code, "message": fault.message}]
    if fault.kind == "silent":
        return OperationError(entries, 0, "")
    return OperationError(entries, fault.status, TITLES.get(fault.status, "ERROR"))


def not_found(path: str) -> ApiError:
    """``path`` is the resource's own: ``projects/P/zones/Z/instances/N``."""
    return ApiError(404, "notFound", f"The resource '{path}' was not found")


def already_exists(path: str) -> ApiError:
    """A resource of that name is there."""
    return ApiError(409, "alreadyExists", f"The resource '{path}' already exists")


def invalid(field: str, value: object, why: str) -> ApiError:
    """A value Google refuses; ``why`` is a whole sentence."""
    return ApiError(400, "invalid", f"Invalid value for field '{field}': '{value}'. {why}")


def no_referenced(field: str, reference: object, kind: str) -> ApiError:
    """A link to something that is not there; ``kind`` is what it would be, in words."""
    return invalid(field, reference, f"The referenced {kind} resource cannot be found.")


def required(field: str) -> ApiError:
    """A field that must be given."""
    return ApiError(
        400, "required", f"Required field '{field}' not specified", location=field,
        location_type="parameter",
    )  # fmt: skip


def in_use(kind: str, path: str, by: str) -> ApiError:
    """What others still use cannot be deleted; ``kind`` like ``network``."""
    message = f"The {kind} resource '{path}' is already being used by '{by}'"
    return ApiError(400, "resourceInUseByAnotherResource", message)


def fingerprint_mismatch(kind: str = "") -> ApiError:
    """The sender's fingerprint is not the current one."""
    what = f"Supplied fingerprint does not match current {kind} fingerprint."
    return ApiError(
        412, "conditionNotMet", " ".join(what.split()), location="If-Match", location_type="header"
    )


def not_ready(path: str) -> ApiError:
    """The resource is busy with another change."""
    return ApiError(400, "resourceNotReady", f"The resource '{path}' is not ready")


def precondition(message: str) -> ApiError:
    """What is asked does not fit the resource's state."""
    return ApiError(412, "conditionNotMet", message)


def rate_limited(metric: str, limit: int, project: str, region: str = "") -> ApiError:
    """More requests of one group within a minute than allowed (…/compute/docs/api/rate-limits)."""
    name = f"{metric}PerMinutePerProject" + ("PerRegion" if region else "")
    message = (
        f"Quota exceeded for quota metric '{metric}' and limit '{name}' of service"
        f" 'compute.googleapis.com' for consumer 'project_number:{project}'."
    )
    meta = {
        "service": "compute.googleapis.com",
        "quota_limit": name,
        "quota_limit_value": str(limit),
        "quota_metric": f"compute.googleapis.com/{metric}",
        "consumer": f"projects/{project}",
    }
    if region:
        meta["quota_location"] = region
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": meta,
    }
    return ApiError(403, "rateLimitExceeded", message, domain="usageLimits", details=[info])


def where(short: Exceeded) -> str:
    """The place of a quota, as Google's sentence ends."""
    return "globally" if short.place == GLOBAL else f"in region {short.place}"


def quota_exceeded(short: Exceeded) -> ApiError:
    """Refused at once for want of quota."""
    message = f"Quota '{short.metric}' exceeded.  Limit: {short.limit:.1f} {where(short)}."
    return ApiError(403, "quotaExceeded", message, domain="usageLimits")


def not_emulated(method: str) -> ApiError:
    """A method of Google's that this emulator does not serve.

    400 and not 501, because clients try a 5xx again for as long as they may (google-api-core by default,
    apitools and google-api-go-client too); and not 404, because it is not said that nothing is there.
    """
    message = (
        f"{method} is part of Compute Engine and not of this emulator;"
        " docs/emulate.md lists what is"
    )
    return ApiError(400, "notImplemented", message)
