"""The one place where exceptions of Google's libraries, and of what lies below them, become ours."""

import http.client
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import requests.exceptions
import urllib3.exceptions
from google.api_core import exceptions as core
from google.api_core import universe
from google.auth import exceptions as auth
from google.protobuf import json_format

from provision import failures as ours
from provision import refusals
from provision.clouds.common.calls import retry_after
from provision.clouds.gce.api.answer import (
    classify,
    facts_of,
    first,
    fix_of_denied,
    fix_of_disabled,
    fix_of_not_found,
)
from provision.clouds.gce.service import GCE
from provision.failures import Answer, Cause

if TYPE_CHECKING:
    from google.cloud.compute_v1 import Operation

LONGEST = 2000
"""Characters of Google's words that are kept; its sentences are far shorter."""
FOREIGN: tuple[type[Exception], ...] = (
    core.GoogleAPIError,
    auth.GoogleAuthError,
    universe.EmptyUniverseError,
    universe.UniverseMismatchError,
    json_format.Error,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    urllib3.exceptions.ProxySchemeUnsupported,
    http.client.HTTPException,
    OSError,
)
"""Everything a call of the SDK may raise that is no bug of ours; a test walks its modules."""

BY_REASON: Mapping[str, type[ours.ServiceFailure]] = {
    "rateLimitExceeded": ours.RateLimited,
    "userRateLimitExceeded": ours.RateLimited,
    "RATE_LIMIT_EXCEEDED": ours.RateLimited,
    "quotaExceeded": refusals.OverQuota,
    "accessNotConfigured": refusals.ApiDisabled,
    "SERVICE_DISABLED": refusals.ApiDisabled,
    "BILLING_DISABLED": refusals.NoBilling,
    "insufficientCapacity": refusals.StockOut,
    "alreadyExists": ours.Taken,
    "notFound": ours.NotFound,
    "resourceNotReady": ours.NotReady,
    "resourceInUseByAnotherResource": ours.InUse,
}
"""By ``error.errors[].reason`` and ``google.rpc.ErrorInfo``'s; the status decides where none is known."""
BY_STATUS: Mapping[int, type[ours.ServiceFailure]] = {
    400: ours.Invalid,
    401: ours.ExpiredCredentials,
    403: refusals.Denied,
    404: ours.NotFound,
    408: ours.Unavailable,
    412: ours.Changed,
    413: ours.Invalid,
    429: ours.RateLimited,
    500: ours.Unavailable,
    502: ours.Unavailable,
    503: ours.Unavailable,
    504: ours.Unavailable,
}
BY_CODE: Mapping[str, type[ours.ServiceFailure]] = {
    "RESOURCE_NOT_FOUND": ours.NotFound,
    "RESOURCE_ALREADY_EXISTS": ours.Taken,
    "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE": ours.InUse,
    "RESOURCE_NOT_READY": ours.NotReady,
}
BY_CAUSE: Mapping[Cause, type[ours.ServiceFailure]] = {
    Cause.STOCK_OUT: refusals.StockOut,
    Cause.QUOTA: refusals.OverQuota,
    Cause.ADDRESSES: refusals.NoAddresses,
    Cause.PERMISSION: refusals.Denied,
}
_TITLE = re.compile(r"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)
Maker = Callable[[str, Exception], ours.ServiceFailure]


def translate(doing: str, error: Exception) -> ours.ServiceFailure:
    """The error of ours that says what the foreign one says."""
    return next(make for kind, make in _MAKERS if isinstance(error, kind))(doing, error)


def failed(doing: str, operation: "Operation") -> ours.ServiceFailure | None:
    """Why an operation failed; None where it did not.

    ``error`` alone decides: there may be errors without an HTTP status, and Google's library takes
    those for success.
    """
    errors, status = list(operation.error.errors), int(operation.http_error_status_code)
    if errors:
        return of_errors(doing, errors, status)
    if status < 400:
        return None
    kind = BY_STATUS.get(status, ours.ServiceFailure)
    return _made(kind, doing, _words(operation.http_error_message), status)


def of_errors(doing: str, errors: Sequence[Any], status: int = 0) -> ours.ServiceFailure:
    """Of ``error.errors[]`` of an operation, of ``lastAttempt``, or of entries of ``listErrors``.

    ``errors`` have ``code`` and ``message``, and may have ``error_details``; there is at least one.
    """
    # Summaries like VM_MIN_COUNT_NOT_REACHED stand beside what really happened.
    telling = next((error for error in errors if _kind(error.code)), errors[0])
    words = f"{telling.code}: {telling.message}" if telling.message else telling.code
    details = getattr(telling, "error_details", ())
    reasons = (detail.error_info.reason for detail in details)
    kind = _kind(telling.code) or ours.ServiceFailure
    return _made(
        kind, doing, _words(words), status, next(filter(None, reasons), ""), _details(details),
        codes=tuple(error.code for error in errors),
    )  # fmt: skip


def _made(
    kind: type[ours.ServiceFailure], doing: str, words: str, status: int = 0, reason: str = "",
    details: Mapping[str, str] | None = None, codes: tuple[str, ...] = (),
    retry_after: float | None = None,
) -> ours.ServiceFailure:  # fmt: skip
    """The failure with what Google's words and ``details`` name, and with its own next step."""
    facts, fix = facts_of(words, details or {}), ""
    if issubclass(kind, ours.NotFound):
        fix = fix_of_not_found(words)
    elif issubclass(kind, refusals.Denied):
        fix = fix_of_denied(words)
    elif issubclass(kind, refusals.ApiDisabled):
        fix = fix_of_disabled(words, facts)
    said = Answer(words, status, reason, codes, facts, fix, retry_after)
    return kind(GCE, doing, said)


def _kind(code: str) -> type[ours.ServiceFailure] | None:
    return BY_CODE.get(code) or BY_CAUSE.get(classify(code))


def _details(details: Sequence[Any]) -> dict[str, str]:
    """What ``errorDetails`` names, in one mapping."""
    facts: dict[str, str] = {}
    for detail in details:
        facts |= dict(detail.error_info.metadatas)
        quota = detail.quota_info
        if quota.metric_name:
            facts |= {"metricName": quota.metric_name, "limit": f"{quota.limit:g}"}
            facts |= dict(quota.dimensions)
    return facts


def _of_call(doing: str, error: Exception) -> ours.ServiceFailure:
    """Of an answer with an HTTP status; what has none is nothing we know."""
    if not isinstance(error, core.GoogleAPICallError):
        return _made(ours.ServiceFailure, doing, _words(error))
    status = int(error.code or 0)
    listed = (entry.get("reason", "") for entry in error.errors if isinstance(entry, dict))
    # ErrorInfo's reason is the more precise one: BILLING_DISABLED where the other says forbidden.
    reasons = [reason for reason in (error.reason, *listed) if reason]
    known = next((reason for reason in reasons if reason in BY_REASON), "")
    kind = BY_REASON.get(known) or BY_STATUS.get(status, ours.ServiceFailure)
    words = _words(error.message)
    if kind is refusals.Denied and "billing" in words:
        kind = refusals.NoBilling
    return _made(
        kind, doing, words, status, known or next(iter(reasons), ""), dict(error.metadata or {}),
        retry_after=retry_after(getattr(error.response, "headers", None) or {}),
    )  # fmt: skip


def _of_retries(doing: str, error: Exception) -> ours.ServiceFailure:
    cause = error.cause if isinstance(error, core.RetryError) else None
    if isinstance(cause, FOREIGN):
        return translate(doing, cause)
    return _made(ours.Unavailable, doing, _words(error))


def _of_refresh(doing: str, error: Exception) -> ours.ServiceFailure:
    if isinstance(error.__cause__, auth.TransportError):
        return _of_connection(doing, error)
    retryable = isinstance(error, auth.GoogleAuthError) and error.retryable
    kind = ours.Unavailable if retryable else ours.ExpiredCredentials
    return _made(kind, doing, _words(error))


def _of_connection(doing: str, error: Exception) -> ours.ServiceFailure:
    chain = list(_chain(error))
    tls = any(isinstance(each, ssl.SSLError | requests.exceptions.SSLError) for each in chain)
    if any("Timeout" in type(each).__name__ or isinstance(each, TimeoutError) for each in chain):
        words = "no answer in time"
    else:
        # What the operating system said, without the wrapping of three libraries.
        said = (each.strerror for each in chain if isinstance(each, OSError) and each.strerror)
        words = next(said, "") or _words(error)
    return _made(ours.Untrusted if tls else ours.Unreachable, doing, words)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was raised from."""
    below: BaseException | None = error
    while below is not None:
        yield below
        below = below.__cause__ or below.__context__


def _no_credentials(doing: str, error: Exception) -> ours.ServiceFailure:
    return _made(ours.NoCredentials, doing, _words(error))


def _expired(doing: str, error: Exception) -> ours.ServiceFailure:
    return _made(ours.ExpiredCredentials, doing, _words(error))


def _not_google(doing: str, error: Exception) -> ours.ServiceFailure:
    return _made(ours.Untrusted, doing, "what answered is not Google, perhaps a proxy")


_MAKERS: Sequence[tuple[type[Exception], Maker]] = (
    (core.RetryError, _of_retries),
    (core.GoogleAPIError, _of_call),
    (auth.RefreshError, _of_refresh),
    (auth.OAuthError, _expired),
    (auth.UserAccessTokenError, _expired),
    (auth.DefaultCredentialsError, _no_credentials),
    (auth.MutualTLSChannelError, _no_credentials),
    (auth.ClientCertError, _no_credentials),
    (universe.EmptyUniverseError, _no_credentials),
    (universe.UniverseMismatchError, _no_credentials),
    (json_format.Error, _not_google),
    # Of the credentials' file: a socket's own errors come wrapped.
    (PermissionError, _no_credentials),
    (FileNotFoundError, _no_credentials),
    (IsADirectoryError, _no_credentials),
    (Exception, _of_connection),
)
"""The first that fits makes the error of ours."""


def _words(error: object) -> str:
    """The words alone: no SDK prefix with verb and address, no body of an answer, no second line."""
    if isinstance(error, Exception):
        error = error.args[0] if error.args else type(error).__name__
    text = str(error)
    verb, _, rest = text.partition(" http")
    if verb.isupper() and ": " in rest:
        text = rest.partition(": ")[2]
    if text.lstrip().lower().startswith(("<!doctype", "<html")):
        # What stands before Google's servers, or a proxy, answers with a page.
        text = first(_TITLE, text) or "the answer is a web page"
    return ours.one_line(text, LONGEST)
