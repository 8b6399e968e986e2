"""Lists by plain REST over the credentials and the endpoint that everything else goes by.

Google's client takes two seconds and 100 MiB to import, and most of a second for each page of 500 VMs,
of which a list needs a few fields. What lists only, such as ``provision list`` and ``status``, does
without it: https://cloud.google.com/compute/docs/reference/rest/v1/instances/aggregatedList.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from provision import __version__
from provision.clouds.gce.settings import Settings

Row = Mapping[str, Any]
"""A resource as Google writes it in JSON: ``networkIP``, ``selfLink``; absent where it is empty."""
AGGREGATED = "aggregated"
HOST = "https://compute.googleapis.com"
TOGETHER = 20
"""Connections that are kept at most: as many lists may be under way."""


class Lists:
    """One signed session for the lists of one project; may be used by several threads."""

    def __init__(self, settings: Settings, credentials: Any) -> None:
        from google.auth.transport.requests import AuthorizedSession
        from requests.adapters import HTTPAdapter

        self._root = f"{settings.endpoint or HOST}/compute/v1/projects/{settings.project}/"
        self._session = AuthorizedSession(credentials)
        self._session.headers["User-Agent"] = f"provision/{__version__}"
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=TOGETHER))

    def page(self, path: str, query: Mapping[str, str | int], timeout: float) -> dict[str, Any]:
        """One page. Raises what Google's own client would, for the client to translate."""
        answer = self._session.get(self._root + path, params=dict(query), timeout=timeout)
        if answer.status_code >= 400:
            from google.api_core.exceptions import from_http_response

            raise from_http_response(answer)
        try:
            page = answer.json()
        except ValueError as error:
            raise _no_list(f"{error}") from error
        if not isinstance(page, dict):
            raise _no_list("the answer is no object")
        return page

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()


def query_of(path: str, fields: str, wanted: str, most: int) -> dict[str, str | int]:
    """What is asked of a list: its rows' ``fields``, those that a filter lets through, ``most`` a page."""
    scope, _, collection = path.rpartition("/")
    items = f"items/*/{collection}" if scope == AGGREGATED else "items"
    query: dict[str, str | int] = {"maxResults": most}
    query["fields"] = f"{items}({fields}),nextPageToken"
    return query | ({"filter": wanted} if wanted else {})


def rows(page: Mapping[str, Any], path: str) -> Iterator[Row]:
    """The resources of a page, of all scopes where it is an aggregated list's; each has a name.

    Raises ParseError of Google's where it is no such page: a proxy may answer in its place.
    """
    collection = path.rpartition("/")[2]
    items = page.get("items", [])
    scopes = items.values() if isinstance(items, dict) else [{collection: items}]
    for scope in scopes:
        found = scope.get(collection, []) if isinstance(scope, dict) else None
        if not isinstance(found, list) or not all(map(_named, found)):
            raise _no_list("the answer is no list")
        yield from found


def _no_list(why: str) -> Exception:
    """ParseError of Google's, whose import most lists never need."""
    from google.protobuf.json_format import ParseError

    return ParseError(why)


def _named(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("name"), str)
