"""The schedulers a cluster can run, by name; each is imported only when it is asked for."""

from provision.scheduler import Scheduler


def scheduler_of(name: str) -> Scheduler:
    """The scheduler of that name; a spec allows only names that are here."""
    from provision.schedulers.slurm.scheduler import Slurm

    return {"slurm": Slurm}[name]()
