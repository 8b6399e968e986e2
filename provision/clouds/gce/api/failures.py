"""What GCE may refuse or fail, as errors of ours; ``seam`` makes them of Google's exceptions.

CloudFailure
└── GceFailure                   anything else Google answered, or an operation ended with
    ├── NotFound                 no such resource; a project too
    ├── Taken                    the name is in use (409 alreadyExists)
    ├── InUse                    something else still needs the resource
    ├── NotReady       retried   another change of the resource is going on
    ├── Changed                  somebody else changed it meanwhile (412)
    ├── Invalid                  Google refuses what was asked
    ├── RateLimited    retried   too many requests in this minute
    ├── Unavailable    retried   5xx
    ├── Unreachable    retried   no answer at all
    │   └── Untrusted            TLS failed, or what answered is not Google
    ├── NoCredentials            there are none, or the file is none
    ├── ExpiredCredentials       Google does not accept them
    ├── TookTooLong              an operation was not done by its deadline
    └── of ``refusals``          what somebody else must grant first: permission, quota, capacity
"""

import re
from dataclasses import replace
from typing import ClassVar, Self

from provision.clouds.gce.api.answers import Answer, first, one_line
from provision.errors import CloudFailure, Finding

LOGIN = "gcloud auth application-default login"

_RESOURCE = re.compile(r"'(?:https://[^' ]*/v1/)?(projects/[^' ]+)'")
_PROJECT = re.compile(r"projects/[^/]+")


class GceFailure(CloudFailure):
    """A request or an operation failed. ``doing`` names it: ``create the network demo``."""

    transient: ClassVar[bool] = False
    """Whether the same request may succeed a little later."""

    def __init__(self, doing: str, said: Answer) -> None:
        self.doing, self.said = doing, said
        self.reason, self.status, self.codes = said.reason, said.status, said.codes
        problem = self._problem()
        if said.tries > 1:
            problem += f", after {said.tries} tries in {said.seconds:.0f} s"
        super().__init__(problem, self._next())

    def _problem(self) -> str:
        """One clause without a full stop."""
        return f"GCE could not {self.doing} ({one_line(self.said.words)})"

    def _next(self) -> str:
        """The next step."""
        return "run the same command again; if it stays so, see https://status.cloud.google.com"

    def after(self, tries: int, seconds: float) -> Self:
        """The same failure, saying how often it was met."""
        return type(self)(self.doing, replace(self.said, tries=tries, seconds=seconds))

    def finding(self, where: str) -> Finding:
        """The same as one of several findings."""
        return Finding(where, self.problem, self.next_step)


class _OfResource(GceFailure):
    """Of one ``resource``."""

    @property
    def resource(self) -> str:
        """As Google names it: ``projects/P/global/networks/N``; '' where it does not."""
        return first(_RESOURCE, self.said.words)


class NotFound(_OfResource):
    """There is no ``resource`` of that name."""

    def _next(self) -> str:
        if _PROJECT.fullmatch(self.resource):
            return "check the project's ID; 'gcloud projects list' shows those you may use"
        return "check its name, project and place"


class Taken(_OfResource):
    """``resource`` has that name already."""

    def _next(self) -> str:
        return "choose another name, or remove what has it"


class InUse(GceFailure):
    """It cannot be deleted while another resource needs it."""

    def _next(self) -> str:
        return "remove first what uses it"


class NotReady(GceFailure):
    """Another change of the resource is not done yet."""

    transient = True


class Changed(GceFailure):
    """A fingerprint or another condition no longer holds."""

    def _next(self) -> str:
        return "run the same command again: something else has changed the resource meanwhile"


class Invalid(GceFailure):
    """Google refuses what was asked."""

    def _next(self) -> str:
        return "change what the spec says of it; if it says nothing of it, report this as a bug"


class RateLimited(GceFailure):
    """More requests than a minute allows."""

    transient = True

    def _next(self) -> str:
        return (
            "wait a minute and run the same command again, or ask for a higher limit at"
            " https://console.cloud.google.com/apis/api/compute.googleapis.com/quotas"
        )


class Unavailable(GceFailure):
    """Google answered 5xx, or could not sign us in at present."""

    transient = True


class Unreachable(GceFailure):
    """Nothing answered."""

    transient = True

    def _problem(self) -> str:
        return f"GCE could not be reached to {self.doing} ({one_line(self.said.words)})"

    def _next(self) -> str:
        return (
            "check this machine's network, its proxy and PROVISION_GCE_ENDPOINT, and run this again"
        )


class Untrusted(Unreachable):
    """TLS failed: trying again is of no use."""

    transient = False


class NoCredentials(GceFailure):
    """There are none, or the file that is named cannot be used."""

    def _problem(self) -> str:
        return f"there are no credentials to {self.doing} with ({one_line(self.said.words)})"

    def _next(self) -> str:
        return f"run '{LOGIN}', or export GOOGLE_APPLICATION_CREDENTIALS=KEY.json"


class ExpiredCredentials(GceFailure):
    """Google does not accept the credentials: expired, revoked, or another's."""

    def _problem(self) -> str:
        return f"Google did not accept the credentials to {self.doing} with ({one_line(self.said.words)})"

    def _next(self) -> str:
        return f"run '{LOGIN}', or make a new key for GOOGLE_APPLICATION_CREDENTIALS"


class TookTooLong(GceFailure):
    """An operation was not done by its deadline."""

    def _next(self) -> str:
        return "it goes on at Google: run the same command again to wait for it"
