"""How a bring-up ends: its thread with it, without a file where it is refused, told at Ctrl-C."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from provision.errors import (
    CloudFailure,
    DeclinedError,
    InterruptedRun,
    RefusedError,
    RuntimeFailure,
    SpecError,
    UsageError,
)
from provision.recipes.bringup import BringUp
from provision.sweep import leftovers


@contextlib.contextmanager
def guarded(run: BringUp) -> Iterator[ThreadPoolExecutor]:
    """The thread to create in, for as long as the recipe runs.

    Raises:
        InterruptedRun: Ctrl-C was pressed; says what exists.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="create")
    try:
        yield pool
    except (RefusedError, SpecError, UsageError, DeclinedError):
        run.unmake_folder()  # refused means that nothing was made, keys included
        raise
    except KeyboardInterrupt:
        run.stopping.set()
        run.session.cloud.interrupt()
        pool.shutdown(wait=True, cancel_futures=True)  # else it may create after we have looked
        raise _interrupted(run) from None
    finally:
        run.stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _interrupted(run: BringUp) -> InterruptedRun:
    name, stage = run.plan.name, run.session.stage
    onward = f"run the same command again to go on, or 'provision down {name}' to remove "
    try:
        there = leftovers(run.session.cloud, name)
        machines = {machine.name for machine in run.session.machines()} if there else set()
    except (CloudFailure, RuntimeFailure, RefusedError) as failure:
        words = f"stopped while {stage}; what exists could not be listed ({failure.problem})"
        return InterruptedRun(words, f"{onward}what there is")
    if not there:
        run.unmake_folder()  # an older one may hold the keys of machines that are on their way
        return InterruptedRun(f"stopped while {stage}; nothing of {name} exists", "run it again")
    controllers = len(machines & {run.plan.controller.name})
    return InterruptedRun(
        f"stopped while {stage}; {len(there)} resources of {name} exist, among them "
        f"{controllers} controller and {len(machines) - controllers} of "
        f"{len(run.plan.workers)} workers",
        f"{onward}them",
    )
