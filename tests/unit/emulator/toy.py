"""An API that nobody has, over the shared rooms: what they do alike for every emulated cloud."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from provision.emulator.dials import Dials, Fault
from provision.emulator.exchange import Answer, Asked, Exchange, Refusal, Repeat, Trouble
from provision.emulator.faults import Faults
from provision.emulator.world import chance

Result = TypeVar("Result")


def done(work: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine that waits for nothing comes to; no loop, which would open a socket."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    raise AssertionError("it waits")


class ToyError(Refusal):
    """An error in the toy's words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words

    def body(self) -> dict[str, Any]:
        return {"wrong": self.words}


class Method:
    """``/verb/thing`` means ``toy.verb``."""

    def __init__(self, name: str, thing: str) -> None:
        self.id, self.thing = f"toy.{name}", thing


class Toy:
    """Does what the path says: ``make``, ``break`` or ``wait``; keeps the order in which it is asked."""

    headers: Mapping[str, str] = {"Toy": "yes"}

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.made = 0
        self.nobody = False

    def find(self, asked: Asked) -> Method:
        self.steps.append("find")
        _, name, thing = asked.path.split("/")
        return Method(name, thing)

    def admit(self, found: Method) -> None:
        self.steps.append("admit")
        if self.nobody:
            raise ToyError(403, "not you")

    def read(self, found: Method, asked: Asked) -> Method:
        self.steps.append("read")
        if asked.body == b"?":
            raise ToyError(400, "no words")
        return found

    def repeat(self, call: Method, asked: Asked) -> Repeat | None:
        ident = dict(asked.query).get("id")
        return Repeat(ident, asked.path) if ident else None

    def reused(self, call: Method) -> ToyError:
        return ToyError(409, "used")

    def handle(self, call: Method) -> int | Awaitable[int]:
        self.steps.append("handle")
        if call.id == "toy.break":
            raise ZeroDivisionError
        self.made += 1
        return later(self.made) if call.id == "toy.wait" else self.made

    def shown(self, call: Method, result: Any) -> Answer:
        self.steps.append("shown")
        return Answer(201, {"number": result})

    def failed(self, fault: Fault) -> ToyError:
        return ToyError(fault.status, fault.message)

    def refusal(self, trouble: Trouble, message: str) -> ToyError:
        return ToyError({Trouble.LARGE: 413, Trouble.BUG: 500}.get(trouble, 400), message)

    def request_id(self, asked: Asked) -> str:
        return dict(asked.query).get("id", "")

    def indented(self, asked: Asked) -> bool:
        return False


async def later(number: int) -> int:
    return number


def body_of(data: bytes) -> Callable[[], Awaitable[bytes]]:
    async def bring() -> bytes:
        return data

    return bring


class Asking:
    """An exchange over the toy, with dials that can be turned."""

    def __init__(self) -> None:
        self.toy, self.dials = Toy(), Dials()
        faults = Faults(lambda *about: chance(0, *about), lambda: self.dials)
        self.exchange: Exchange[Method, Method] = Exchange(self.toy, faults)

    def dial(self, **fault: Any) -> None:
        self.dials = Dials(faults=(Fault(**fault),))

    def ask(self, path: str, ident: str = "", data: bytes = b"", *, alone: bool = True) -> Answer:
        query = [("id", ident)] if ident else []
        asked = Asked("POST", path, query, {"user-agent": "me"})
        return done(self.exchange.take(asked, body_of(data), alone=alone))

    def recorded(self) -> list[dict[str, Any]]:
        return list(self.exchange.record.since())
