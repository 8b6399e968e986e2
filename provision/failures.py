"""What any cloud may refuse or fail, as errors that write their sentences with that cloud's own words.

    CloudFailure
    └── ServiceFailure               anything else a cloud answered, or an operation ended with
        ├── NotFound                 no such resource; what is billed (a project) too
        ├── Taken                    the name is in use
        ├── InUse                    something else still needs the resource
        ├── NotReady       retried   another change of the resource is going on
        ├── Changed                  somebody else changed it meanwhile
        ├── Invalid                  the cloud refuses what was asked
        ├── RateLimited    retried   too many requests in this minute
        ├── Unavailable    retried   5xx
        ├── Unreachable    retried   no answer at all
        │   └── Untrusted            TLS failed, or what answered is not the cloud
        ├── NoCredentials            there are none, or the file is none
        ├── ExpiredCredentials       the cloud does not accept them
        ├── TookTooLong              an operation was not done by its deadline
        └── of ``refusals``          what somebody else must grant first: permission, quota, capacity

A cloud's own module makes them of its SDK's exceptions: it has a table of kinds, and reads ``facts`` out of
the cloud's sentences. Neither classes nor sentences are written again for another cloud.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar, Self

from provision.errors import CloudFailure, Finding


class Cause(StrEnum):
    """Why a cloud could not make a machine."""

    STOCK_OUT = "stock-out"
    QUOTA = "quota"
    ADDRESSES = "addresses"
    PERMISSION = "permission"
    IMAGE = "image"
    BOOT = "boot"
    CONDITION = "condition"
    OTHER = "other"

    @property
    def hopeless(self) -> bool:
        """Whether waiting alone does not mend it; a boot that failed is tried again by itself."""
        return self not in (Cause.BOOT, Cause.OTHER)


@dataclass(frozen=True, slots=True)
class Service:
    """A cloud's own words, of which failures make their sentences.

    ``name`` is what people call it (``GCE``), ``owner`` whose it is (``Google``), ``account`` what is
    billed (``project``). ``login`` is the command that signs in; ``give_key`` and ``renew_key`` say how
    a key is given and made anew, ``role`` which role may do all of this, ``endpoint`` which variable
    names another endpoint. The pages are URLs.
    """

    name: str
    owner: str
    account: str
    login: str
    give_key: str
    renew_key: str
    role: str
    endpoint: str
    status_page: str
    quota_page: str
    rates_page: str
    billing_page: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Why something failed, in the cloud's words on one line (``words``).

    ``status`` is HTTP's, 0 without an answer; ``reason`` the cloud's word for it (``alreadyExists``);
    ``codes`` are those of an operation's errors; ``facts`` the details that it names, those that the
    failures below read among them (``resource``, ``permission``, ``metric``, …). ``fix`` is a better
    next step than the kind's own. ``retry_after`` is in seconds, None where nothing was said.
    ``tries`` were made within ``seconds``.
    """

    words: str
    status: int = 0
    reason: str = ""
    codes: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    fix: str = ""
    retry_after: float | None = None
    tries: int = 1
    seconds: float = 0.0


class ServiceFailure(CloudFailure):
    """A request or an operation failed. ``doing`` names it: ``create the network demo``."""

    transient: ClassVar[bool] = False
    """Whether the same request may succeed a little later."""
    problem_form: ClassVar[str] = "{name} could not {doing} ({words})"
    """One clause without a full stop, over the service's words, ``doing`` and the answer's ``words``."""
    step_form: ClassVar[str] = "run the same command again; if it stays so, see {status_page}"
    """The next step, over the same."""

    def __init__(self, service: Service, doing: str, said: Answer) -> None:
        self.service, self.doing, self.said = service, doing, said
        self.reason, self.status, self.codes = said.reason, said.status, said.codes
        problem = self._problem()
        if said.tries > 1:
            problem += f", after {said.tries} tries in {said.seconds:.0f} s"
        super().__init__(problem, said.fix or self._next())

    def _problem(self) -> str:
        return self._formed(self.problem_form)

    def _next(self) -> str:
        return self._formed(self.step_form)

    def _formed(self, form: str, **more: str) -> str:
        words = {name: getattr(self.service, name) for name in Service.__slots__}
        return form.format(**words, doing=self.doing, words=one_line(self.said.words), **more)

    def fact(self, name: str) -> str:
        """One of the answer's facts; '' where the cloud does not say."""
        return self.said.facts.get(name, "")

    def after(self, tries: int, seconds: float) -> Self:
        """The same failure, saying how often it was met."""
        return type(self)(
            self.service, self.doing, replace(self.said, tries=tries, seconds=seconds)
        )

    def finding(self, where: str) -> Finding:
        """The same as one of several findings."""
        return Finding(where, self.problem, self.next_step)


class OfResource(ServiceFailure):
    """About one ``resource``."""

    @property
    def resource(self) -> str:
        """As the cloud names it, by its path; '' where it does not."""
        return self.fact("resource")


class NotFound(OfResource):
    """There is no ``resource`` of that name."""

    step_form = "check its name, {account} and place"


class Taken(OfResource):
    """``resource`` has that name already."""

    step_form = "choose another name, or remove what has it"


class InUse(ServiceFailure):
    """It cannot be deleted while another resource needs it."""

    step_form = "remove first what uses it"


class NotReady(ServiceFailure):
    """Another change of the resource is not done yet."""

    transient = True


class Changed(ServiceFailure):
    """A fingerprint or another condition no longer holds."""

    step_form = "run the same command again: something else has changed the resource meanwhile"


class Invalid(ServiceFailure):
    """The cloud refuses what was asked."""

    step_form = "change what the spec says of it; if it says nothing of it, report this as a bug"


class RateLimited(ServiceFailure):
    """More requests than a minute allows."""

    transient = True
    step_form = (
        "wait a minute and run the same command again, or ask for a higher limit at {rates_page}"
    )


class Unavailable(ServiceFailure):
    """The cloud answered 5xx, or could not sign us in at present."""

    transient = True


class Unreachable(ServiceFailure):
    """Nothing answered."""

    transient = True
    problem_form = "{name} could not be reached to {doing} ({words})"
    step_form = "check this machine's network, its proxy and {endpoint}, and run this again"


class Untrusted(Unreachable):
    """TLS failed: trying again is of no use."""

    transient = False


class NoCredentials(ServiceFailure):
    """There are none, or the file that is named cannot be used."""

    problem_form = "there are no credentials to {doing} with ({words})"
    step_form = "run '{login}', or {give_key}"


class ExpiredCredentials(ServiceFailure):
    """The cloud does not accept the credentials: expired, revoked, or another's."""

    problem_form = "{owner} did not accept the credentials to {doing} with ({words})"
    step_form = "run '{login}', or {renew_key}"


class TookTooLong(ServiceFailure):
    """An operation was not done by its deadline."""

    step_form = "it goes on at {owner}: run the same command again to wait for it"


def one_line(text: str, most: int = 300) -> str:
    """The text without line breaks, at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 3] + "..."
