"""No exception of Google's libraries goes untranslated; every one of ours says what to do next."""

import http.client
import importlib
import json
import pkgutil
import ssl
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import google.api_core.exceptions as core
import google.auth
import google.auth.exceptions as auth
import google.oauth2
import pytest
import requests
import requests.exceptions
import urllib3.exceptions
from google.api_core import universe
from google.cloud import compute_v1 as c
from google.protobuf import json_format

from provision import failures, refusals
from provision.clouds.gce.api import exceptions as of_google
from provision.clouds.gce.api.answer import classify
from provision.clouds.gce.api.translate import translated
from provision.errors import CloudFailure
from provision.failures import Cause, ServiceFailure
from tests import foreign

NEVER = {
    "AsyncRestUnsupportedParameterError",  # of the asynchronous transport
}
"""Exceptions of the walked modules that no call of ours can raise."""


def modules() -> Iterator[ModuleType]:
    """All of google-auth, and the modules that name the errors of what else takes part in a call."""
    for package in (google.auth, google.oauth2):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # These need packages that are not installed: asyncio's transport and old key formats.
            if not any(part in info.name for part in ("aio", "oauth2client", "_python_rsa")):
                yield importlib.import_module(info.name)
    yield from (core, universe, json_format, requests.exceptions, urllib3.exceptions, http.client)


def exceptions() -> list[type[Exception]]:
    """All that a call may raise."""
    return foreign.exceptions(modules(), {"google", "requests", "urllib3", "http"})


def test_the_list_is_complete() -> None:
    found = exceptions()
    assert len(found) > 100
    assert {one.__name__ for one in found if not issubclass(one, of_google.FOREIGN)} == NEVER


@pytest.mark.parametrize("kind", [each for each in exceptions() if each.__name__ not in NEVER])
def test_every_foreign_exception_becomes_a_sentence(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    error.args = ("it went\nwrong",)
    if isinstance(error, core.GoogleAPICallError):
        core.GoogleAPICallError.__init__(error, "it went\nwrong")
    elif isinstance(error, core.RetryError):
        core.RetryError.__init__(error, "it went\nwrong", ValueError("x"))
    elif isinstance(error, auth.GoogleAuthError):
        auth.GoogleAuthError.__init__(error, "it went\nwrong")
    found = of_google.translate("list networks", error)
    assert isinstance(found, CloudFailure)
    assert "list networks" in str(found) and "\n" not in str(found)
    assert found.next_step


def answered(
    status: int, why: str, message: str, headers: dict[str, str] | None = None, **info: Any
) -> core.GoogleAPICallError:
    """What the SDK makes of Google's answer."""
    response = requests.Response()
    response.status_code = status
    response.headers.update(headers or {})
    entry = {"message": message, "domain": "global", "reason": why}
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info}] if info else []
    body = {"code": status, "message": message, "errors": [entry], "details": details}
    response._content = json.dumps({"error": body}).encode()
    url = "https://compute.googleapis.com/compute/v1/projects/p/global/networks"
    response.request = requests.Request("POST", url).prepare()
    made: core.GoogleAPICallError = core.from_http_response(response)
    return made


DISABLED = (
    "Compute Engine API has not been used in project 255964991331 before or it is disabled. Enable it"
    " by visiting https://console.developers.google.com/apis/api/compute.googleapis.com/overview"
    "?project=255964991331 then retry. If you enabled this API recently, wait a few minutes for the"
    " action to propagate to our systems and retry."
)  # fmt: skip
ANSWERS: list[tuple[int, str, str, type[ServiceFailure], bool]] = [
    (400, "invalid", "Invalid value for field 'x': 'y'. No.", failures.Invalid, False),
    (400, "resourceNotReady", "The resource 'projects/p/x' is not ready", failures.NotReady, True),
    (400, "resourceInUseByAnotherResource", "is already being used by", failures.InUse, False),
    (401, "authError", "Invalid Credentials", failures.ExpiredCredentials, False),
    (403, "forbidden", "Required 'compute.x.y' permission for 'projects/p'", refusals.Denied, False),
    (403, "accessNotConfigured", DISABLED, refusals.ApiDisabled, False),
    (403, "quotaExceeded", "Quota 'NETWORKS' exceeded.  Limit: 5.0 globally.", refusals.OverQuota, False),
    (403, "rateLimitExceeded", "Quota exceeded for quota metric", failures.RateLimited, True),
    (403, "userRateLimitExceeded", "User Rate Limit Exceeded", failures.RateLimited, True),
    (403, "forbidden", "Project p (#1) has billing disabled. Please enable it.", refusals.NoBilling, False),
    (404, "notFound", "The resource 'projects/p/zones/z' was not found", failures.NotFound, False),
    (409, "alreadyExists", "The resource 'projects/p/x' already exists", failures.Taken, False),
    (409, "somethingNew", "no", ServiceFailure, False),
    (412, "conditionNotMet", "Supplied fingerprint does not match", failures.Changed, False),
    (429, "anything", "Too many", failures.RateLimited, True),
    (500, "backendError", "Internal error", failures.Unavailable, True),
    (501, "notImplemented", "not emulated", ServiceFailure, False),
    (502, "", "", failures.Unavailable, True),
    (503, "backendError", "Internal error. Please try again", failures.Unavailable, True),
    (503, "insufficientCapacity", "not enough in zones/us-east1-b", refusals.StockOut, False),
    (504, "", "", failures.Unavailable, True),
]  # fmt: skip


@pytest.mark.parametrize(("status", "reason", "message", "kind", "again"), ANSWERS)
def test_reason_and_status_decide_the_kind(
    status: int, reason: str, message: str, kind: type[ServiceFailure], again: bool
) -> None:
    with pytest.raises(ServiceFailure) as caught, translated("create the network n"):
        raise answered(status, reason, message)
    found = caught.value
    assert (type(found), found.status, found.reason, found.transient) == (
        kind,
        status,
        reason,
        again,
    )
    assert found.said.words == " ".join(message.split())
    assert "https://compute.googleapis.com" not in str(found)


@pytest.mark.parametrize(
    ("page", "words"),
    [("<!DOCTYPE html>\n<title>Error 502 (Server\nError)!!1</title><p>x", "Error 502 (Server Error)!!1"),
     ("<html>x", "the answer is a web page")],
)  # fmt: skip
def test_a_web_page_is_not_repeated(page: str, words: str) -> None:
    response = requests.Response()
    response.status_code, response._content = 502, page.encode()
    response.request = requests.Request("GET", "https://compute.googleapis.com/x").prepare()
    found = of_google.translate("list zones", core.from_http_response(response))
    assert (type(found), found.said.words) == (failures.Unavailable, words)
    assert of_google.translate("x", auth.RefreshError(page)).said.words == words


def test_error_info_says_more_than_the_reason() -> None:
    found = of_google.translate("x", answered(403, "forbidden", "no", reason="BILLING_DISABLED"))
    assert (type(found), found.reason) == (refusals.NoBilling, "BILLING_DISABLED")
    found = of_google.translate("x", answered(403, "forbidden", "no", reason="RATE_LIMIT_EXCEEDED"))
    assert isinstance(found, failures.RateLimited)
    found = of_google.translate("x", answered(404, "notFound", "no", reason="SOMETHING_NEW"))
    assert (type(found), found.reason) == (failures.NotFound, "notFound")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7.0), ({}, None), ({"Retry-After": "soon"}, None),
     ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
     ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None)],
)  # fmt: skip
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    found = of_google.translate("x", answered(503, "backendError", "no", headers=headers))
    assert found.said.retry_after == seconds


@pytest.mark.parametrize("before", ["", "Google Compute Engine: "])
def test_denied_names_the_permission(before: str) -> None:
    message = (
        f"{before}Required 'compute.networks.create' permission for 'projects/p/global/networks/n'"
    )
    found = of_google.translate("create the network n", answered(403, "forbidden", message))
    assert isinstance(found, refusals.Denied)
    assert (found.permission, found.resource) == (
        "compute.networks.create", "projects/p/global/networks/n",
    )  # fmt: skip
    assert "compute.networks.create is missing on projects/p/global/networks/n" in found.problem
    other = of_google.translate("x", answered(403, "forbidden", "no\nway"))
    assert isinstance(other, refusals.Denied) and (other.permission, other.resource) == ("", "")
    scopes = "Request had insufficient authentication scopes."
    assert "scope cloud-platform" in of_google.translate("x", answered(403, "x", scopes)).next_step


def test_a_disabled_api_names_itself_and_where_to_enable_it() -> None:
    info = {"service": "compute.googleapis.com", "consumer": "projects/255964991331"}
    error = answered(403, "accessNotConfigured", DISABLED, reason="SERVICE_DISABLED", metadata=info)
    found = of_google.translate("list zones", error)
    assert isinstance(found, refusals.ApiDisabled)
    assert found.next_step == (
        "run 'gcloud services enable compute.googleapis.com --project 255964991331' or visit"
        " https://console.developers.google.com/apis/api/compute.googleapis.com/overview?project=255964991331"
    )
    bare = of_google.translate("x", answered(403, "accessNotConfigured", "Access Not Configured."))
    assert "enable compute.googleapis.com' or visit https://console.cloud" in bare.next_step


def test_not_found_tells_a_project_from_what_is_in_it() -> None:
    gone = of_google.translate(
        "x", answered(404, "notFound", "The resource 'projects/q' was not found")
    )
    assert isinstance(gone, failures.NotFound) and gone.resource == "projects/q"
    assert "gcloud projects list" in gone.next_step
    path = "projects/p/zones/us-east1-b/instances/vm"
    gone = of_google.translate(
        "x", answered(404, "notFound", f"The resource '{path}' was not found")
    )
    assert isinstance(gone, failures.NotFound) and gone.resource == path
    taken = of_google.translate(
        "x", answered(409, "alreadyExists", f"The resource '{path}' already exists")
    )
    assert isinstance(taken, failures.Taken) and taken.resource == path


QUOTAS = [
    ("Quota 'CPUS' exceeded.  Limit: 100.0 in region us-central1.", "CPUS", 100.0, "us-central1"),
    ("Quota CPUS_PER_VM_FAMILY exceeded.  Limit: 12.0 in region europe-west4.", "CPUS_PER_VM_FAMILY",
     12.0, "europe-west4"),
    ("Quota 'NETWORKS' exceeded.  Limit: 5.0 globally.", "NETWORKS", 5.0, ""),
    ("Quota 'CPUS_ALL_REGIONS' exceeded. Limit: 32.0 globally.", "CPUS_ALL_REGIONS", 32.0, ""),
    ("something new about a quota", "", None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("message", "metric", "limit", "region"), QUOTAS)
def test_both_forms_of_the_quota_message(
    message: str, metric: str, limit: float | None, region: str
) -> None:
    for found in (
        of_google.translate("grow", answered(403, "quotaExceeded", message)),
        of_google.failed("grow", operation(("QUOTA_EXCEEDED", message), status=403)),
        of_google.failed("grow", operation(("QUOTA_EXCEEDED", message))),
    ):
        assert isinstance(found, refusals.OverQuota)
        assert (found.metric, found.limit, found.region) == (metric, limit, region)
        assert "console.cloud.google.com/iam-admin/quotas" in found.next_step


def operation(*errors: tuple[str, str], status: int = 0, **details: Any) -> c.Operation:
    """One that is DONE; ``details`` go to the first error."""
    made = [c.Errors(code=code, message=message) for code, message in errors]
    if details:
        made[0].error_details = [c.ErrorDetails(**details)]
    return c.Operation(
        name="operation-1", status=c.Operation.Status.DONE, error=c.Error(errors=made),
        http_error_status_code=status or None, http_error_message="TITLE" if status else None,
    )  # fmt: skip


def test_the_details_of_a_quota_fill_what_the_message_leaves_out() -> None:
    info = c.QuotaExceededInfo(
        metric_name="compute.googleapis.com/cpus_per_vm_family", limit=12.0,
        limit_name="CPUS-PER-VM-FAMILY-per-project-region",
        dimensions={"region": "europe-west4", "vm_family": "C4"},
    )  # fmt: skip
    found = of_google.failed("grow", operation(("QUOTA_EXCEEDED", "no"), quota_info=info))
    assert isinstance(found, refusals.OverQuota)
    assert (found.metric, found.limit, found.region, found.family) == (
        "CPUS_PER_VM_FAMILY", 12.0, "europe-west4", "C4",
    )  # fmt: skip
    assert found.problem == (
        "GCE could not grow (it takes more CPUS_PER_VM_FAMILY for C4 than the quota of 12 in europe-west4)"
    )


def test_a_stock_out_names_its_zone_and_others_that_have_some() -> None:
    message = "The zone 'projects/p/zones/us-central1-a' does not have enough resources available."
    code = "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"
    found = of_google.failed("grow", operation((code, message), status=503))
    assert isinstance(found, refusals.StockOut)
    assert (found.zone, found.elsewhere, found.codes) == ("us-central1-a", (), (code,))
    info = c.ErrorInfo(
        reason="stockout", domain="compute.googleapis.com",
        metadatas={"zone": "us-central1-a", "zonesAvailable": "us-central1-b,us-central1-f"},
    )  # fmt: skip
    found = of_google.failed("grow", operation((code, "no"), error_info=info))
    assert isinstance(found, refusals.StockOut)
    assert (found.zone, found.elsewhere) == ("us-central1-a", ("us-central1-b", "us-central1-f"))
    assert found.reason == "stockout"
    assert "us-central1-b, us-central1-f have some" in found.next_step


OPERATIONS: list[tuple[list[str], type[ServiceFailure]]] = [
    (["VM_MIN_COUNT_NOT_REACHED", "ZONE_RESOURCE_POOL_EXHAUSTED"], refusals.StockOut),
    (["VM_MIN_COUNT_NOT_REACHED"], ServiceFailure),
    (["IP_SPACE_EXHAUSTED_WITH_DETAILS"], refusals.NoAddresses),
    (["PERMISSIONS_ERROR"], refusals.Denied),
    (["RESOURCE_NOT_FOUND"], failures.NotFound),
    (["RESOURCE_ALREADY_EXISTS"], failures.Taken),
    (["RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"], failures.InUse),
    (["INTERNAL_ERROR"], ServiceFailure),
]


@pytest.mark.parametrize(("codes", "kind"), OPERATIONS)
@pytest.mark.parametrize("status", [0, 503])
def test_the_codes_decide_what_an_operation_failed_of_loud_or_silent(
    codes: list[str], kind: type[ServiceFailure], status: int
) -> None:
    found = of_google.failed("grow", operation(*((code, "why") for code in codes), status=status))
    assert (type(found), found and found.codes) == (kind, tuple(codes))


def test_errors_of_a_managed_group_are_the_same() -> None:
    attempt = c.Errors(code="ZONE_RESOURCE_POOL_EXHAUSTED", message="in zones/us-east1-b")
    listed = c.InstanceManagedByIgmErrorManagedInstanceError(code="QUOTA_EXCEEDED", message="no")
    assert isinstance(of_google.of_errors("create n-1", [attempt]), refusals.StockOut)
    assert isinstance(of_google.of_errors("create n-1", [listed]), refusals.OverQuota)


def test_an_operation_without_errors() -> None:
    assert of_google.failed("grow", operation()) is None
    found = of_google.failed("grow", operation(status=404))
    assert isinstance(found, failures.NotFound) and found.said.words == "TITLE"


@pytest.mark.parametrize(
    ("code", "cause"),
    [("ZONE_RESOURCE_POOL_EXHAUSTED", Cause.STOCK_OUT),
     ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", Cause.STOCK_OUT),
     ("REGION_RESOURCE_POOL_EXHAUSTED", Cause.STOCK_OUT), ("INSUFFICIENT_CAPACITY", Cause.STOCK_OUT),
     ("QUOTA_EXCEEDED", Cause.QUOTA), ("IP_SPACE_EXHAUSTED", Cause.ADDRESSES),
     ("IP_SPACE_EXHAUSTED_WITH_DETAILS", Cause.ADDRESSES), ("PERMISSIONS_ERROR", Cause.PERMISSION),
     ("CONDITION_NOT_MET", Cause.CONDITION), ("VM_MIN_COUNT_NOT_REACHED", Cause.OTHER),
     ("UNSUPPORTED_OPERATION", Cause.OTHER), ("", Cause.OTHER)],
)  # fmt: skip
def test_codes_of_managed_groups(code: str, cause: Cause) -> None:
    assert classify(code) is cause


def test_sign_in_that_fails() -> None:
    body = (
        "invalid_grant: Token has been expired or revoked.",
        {"error": "invalid_grant", "x": "secret"},
    )
    found = of_google.translate("list zones", auth.RefreshError(*body))
    assert isinstance(found, failures.ExpiredCredentials)
    assert "gcloud auth application-default login" in found.next_step and "secret" not in str(found)
    later = auth.RefreshError("internal_failure", retryable=True)
    assert isinstance(of_google.translate("x", later), failures.Unavailable)
    none = auth.DefaultCredentialsError("Your default credentials were not found.")
    assert isinstance(of_google.translate("sign in", none), failures.NoCredentials)
    cut = auth.TransportError("Connection aborted")
    assert isinstance(of_google.translate("x", cut), failures.Unreachable)


def raised(*errors: Exception) -> Exception:
    """The last of them, raised from the one before, and so on."""
    below: Exception | None = None
    for error in errors:
        error.__cause__, below = below, error
    return errors[-1]


def test_a_lost_connection_says_what_the_system_said() -> None:
    error = raised(
        ConnectionRefusedError(111, "Connection refused"), requests.ConnectionError("HTTPS(")
    )
    found = of_google.translate("list zones", error)
    assert (type(found), found.transient) == (failures.Unreachable, True)
    assert found.problem == "GCE could not be reached to list zones (Connection refused)"
    found = of_google.translate(
        "list zones", requests.exceptions.ReadTimeout("HTTPSConnectionPool(host=")
    )
    assert found.problem.endswith("(no answer in time)")
    error = raised(
        ssl.SSLCertVerificationError(1, "self-signed"), requests.exceptions.SSLError("x")
    )
    assert (type(of_google.translate("x", error)), failures.Untrusted.transient) == (
        failures.Untrusted,
        False,
    )


def test_sentences_end_with_the_next_step_and_count_the_tries() -> None:
    found = of_google.translate("list zones", answered(503, "backendError", "Backend\nError"))
    assert str(found.after(4, 61.2)) == (
        "GCE could not list zones (Backend Error), after 4 tries in 61 s:"
        " run the same command again; if it stays so, see https://status.cloud.google.com"
    )
    long = of_google.translate("list zones", answered(400, "invalid", "x" * 5000))
    assert len(str(long)) < 600
    assert found.finding("gce").where == "gce"


def test_a_bug_of_ours_stays_a_bug() -> None:
    with pytest.raises(KeyError), translated("list zones"):
        raise KeyError("items")
