"""Settings of the spec's that the scheduler's own program checks, before any machine is made."""

import yaml

from provision.cloudinit import userdata
from provision.errors import Finding, SpecError
from provision.events import Warned
from provision.labels import CONTROLLER
from provision.recipes.bringup import BringUp, Gap
from provision.scheduler import Completed

SECONDS = 90.0
"""Longest that the check may take; it took 6 s with an engine under load, most of it the container's."""


def settings(run: BringUp, gap: Gap) -> None:
    """Try them in the machine image where it is at hand; else say that nobody has checked them.

    Raises:
        SpecError: the program does not take them; with the line of the one that is wrong.
    """
    session, plan = run.session, run.plan
    if plan.controller not in gap.lacking:
        return
    text = userdata.user_data_of(session.scheduler, plan, session.keys())[CONTROLLER]
    files = {each["path"]: str(each["content"]) for each in yaml.safe_load(text)["write_files"]}
    trial = session.scheduler.trial(plan, files)
    if trial is None:
        return
    with session.step("settings", f"trying the spec's settings of {plan.scheduler}") as said:
        answer = session.cloud.rehearse(trial.files, trial.command, trial.host, SECONDS)
        if answer is None:
            said.complete = False
            said.append(f"settings of {plan.scheduler} were not checked")
            run.emit(
                Warned(
                    text=f"the spec's settings of {plan.scheduler} were not checked: "
                    "its program is at hand only on a machine; a wrong one keeps all nodes from joining"
                )
            )
            return
        wrong: list[Finding] = session.scheduler.judged(plan, trial, Completed(*answer, ""))
        if wrong:
            raise SpecError(wrong)
        said.append(f"{plan.scheduler} takes the spec's settings")
