"""How a cluster stands at the last look of a run: who joined, and who of them is of no use now. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from provision.names import few
from provision.scheduler import Member, MemberState, Proof


@dataclass(frozen=True, slots=True)
class Standing:
    """``joined`` of ``asked`` nodes joined; of these some are ``drained`` or ``down`` at the last look."""

    asked: int
    joined: int
    drained: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    """Those whose own user-data has failed or not ended, where the spec requires it."""

    @property
    def complete(self) -> bool:
        """Whether all joined, and none went down since. Drained nodes are out on purpose."""
        return self.joined >= self.asked and not self.down and not self.unfit

    def sentence(self, cluster: str) -> str:
        """``9 of 9 nodes joined, 1 of them drained (worker-0003)``."""
        words = [f"{self.joined} of {self.asked} nodes joined"]
        if self.drained:
            words.append(f"{len(self.drained)} of them drained ({few(self.drained, cluster)})")
        if self.down:
            words.append(f"{len(self.down)} of them down again ({few(self.down, cluster)})")
        if self.unfit:
            some = few(self.unfit, cluster)
            words.append(f"{len(self.unfit)} of them without their own user-data ({some})")
        return ", ".join(words)


def of(
    asked: int, joined: Collection[str], seen: Mapping[str, Member], unfit: Collection[str] = ()
) -> Standing:
    """``seen`` is what the scheduler said last; empty where it could not be asked again."""
    drained = [name for name in joined if _state(seen, name) is MemberState.DRAINED]
    down = [name for name in joined if seen and _state(seen, name) in (MemberState.DOWN, None)]
    return Standing(asked, len(joined), tuple(drained), tuple(down), tuple(unfit))


def left_out(wanted: Collection[str], able: Collection[str], busy: Collection[str]) -> str:
    """Why a proof ran on fewer nodes than joined; '' where it ran on all."""
    others = len(set(wanted) - set(able) - set(busy))
    words = [f"{len(busy)} busy"] if busy else []
    words += [f"{others} not in service"] if others else []
    return f"; left out: {', '.join(words)}" if words else ""


def proof_of(saved: Any) -> Proof | None:
    """The proof that an earlier run wrote to its outputs; None where it cannot be understood."""
    try:
        return Proof(
            nodes=int(saved["nodes"]),
            seconds=float(saved["seconds"]),
            command=str(saved["command"]),
            at=float(saved["at"]) if saved.get("at") else None,
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _state(seen: Mapping[str, Member], name: str) -> MemberState | None:
    return seen[name].state if name in seen else None
