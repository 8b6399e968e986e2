"""What machines say of their user's own part: each tells its scheduler, so one call hears all of them."""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from provision.errors import NotReadyError, SchedulerFailure, UnreachableError
from provision.events import Warned
from provision.labels import CONTROLLER
from provision.names import few, short_name
from provision.recipes import results
from provision.recipes.bringup import BringUp, Gap
from provision.recipes.membership import Joined

GRACE = 20.0
"""Seconds after the join in which parts that are only reported may end, and be told by this run."""
POLL = 1.0
OK = "ok"
FILE = "/run/provision-report"
"""Where a machine keeps its own report (cloud-init/fragments/report.yaml.j2)."""


def hear(run: BringUp, gap: Gap, joined: Joined, left: float) -> Sequence[str]:
    """Wait for the reports of machines that have an own part, and tell what failed.

    ``left`` are the seconds that required parts have. Answers the machines that do not count: their
    part is required, and has failed or not ended.

    Raises:
        NotReadyError: own parts are required, and too few nodes are left that did theirs.
    """
    plan, session = run.plan, run.session
    groups = {group.name for group in plan.groups if group.user_data}
    expected = [node.name for node in joined.roster.joined if node.group in groups]
    own_controller = bool(plan.own_part(CONTROLLER))
    if not expected and not own_controller:
        return ()
    names = [*expected, *([plan.controller.name] if own_controller else [])]
    required = plan.spec.ready.user_data == "required"
    seconds = max(GRACE, left) if required else GRACE
    with session.step("user-data", f"hearing how {len(names)} own user-data ended") as said:
        heard = _wait(run, names, seconds)
        failed = {name: words for name, words in heard.items() if words != OK}
        silent = [name for name in names if name not in heard]
        _tell(run, failed, silent)
        said.append(_sentence(len(names), failed, silent))
        said.complete = not failed and not silent
    if not required:
        return ()
    _require(run, gap, joined, failed, silent)
    return _unfit(failed, silent)


def _unfit(failed: Mapping[str, str], silent: Sequence[str]) -> list[str]:
    return sorted([*failed, *silent])


def _wait(run: BringUp, names: Sequence[str], seconds: float) -> Mapping[str, str]:
    """The reports of these machines, as many as came in time."""
    tries = Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_fixed(POLL),
        retry=retry_if_result(lambda heard: len(heard) < len(names)),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else {},
    )
    heard: dict[str, str] = {}

    def look() -> Mapping[str, str]:
        with contextlib.suppress(UnreachableError, SchedulerFailure):
            heard.update(_look(run, names))
        return heard

    found: Mapping[str, str] = tries(look)
    return found


def _look(run: BringUp, names: Sequence[str]) -> dict[str, str]:
    shell = run.session.try_shell(run.plan)
    known = run.session.scheduler.reports(shell)
    found = {name: known[name] for name in names if name in known}
    controller = run.plan.controller.name
    if controller in names:
        answer = shell.run(f"cat {FILE}", 30)
        if answer.exit_code == 0:
            found[controller] = answer.stdout.strip().removeprefix("user-data: ")
    return found


def _tell(run: BringUp, failed: Mapping[str, str], silent: Sequence[str]) -> None:
    by_cause = defaultdict(list)
    for name, words in failed.items():
        by_cause[words.removeprefix("failed: ")].append(name)
    for cause, names in by_cause.items():
        where = few(names, run.plan.name)
        run.emit(Warned(text=f"the own user-data of {where} failed ({cause})"))
    if silent:
        run.emit(
            Warned(text=f"the own user-data of {few(silent, run.plan.name)} has not ended yet")
        )


def _require(
    run: BringUp, gap: Gap, joined: Joined, failed: Mapping[str, str], silent: Sequence[str]
) -> None:
    plan, unfit = run.plan, _unfit(failed, silent)
    fit = len(set(joined.names) - set(unfit))
    if fit >= plan.needed and plan.controller.name not in unfit:
        return
    results.write(run, gap, joined.roster)
    name = short_name(plan.name, unfit[0])
    raise NotReadyError(
        f"{plan.name} is not ready: {len(joined.names)} of {len(plan.workers)} nodes joined, "
        f"{plan.needed} are needed with their own user-data done, and it failed on {len(failed)} "
        f"and has not ended on {len(silent)} machines: {few(unfit, plan.name)}",
        f"look with 'provision logs {plan.name} {name}', mend the part, then "
        f"'provision down {plan.name}' and 'provision up' again",
        unfit,
    )


def _sentence(total: int, failed: Mapping[str, str], silent: Sequence[str]) -> str:
    words = [f"own user-data ended well on {total - len(failed) - len(silent)} of {total} machines"]
    if failed:
        words.append(f"failed on {len(failed)}")
    if silent:
        words.append(f"has not ended on {len(silent)}")
    return ", ".join(words)
