"""The recipe ``down``: a cluster gone without a trace."""

from provision.cluster.session import found
from provision.errors import UnknownClusterError
from provision.events import Emit
from provision.recipes import takedown
from provision.recipes.takedown import Consent, Removal
from provision.workspace import Workspace


def down(
    name: str,
    emit: Emit,
    command: str = "provision down",
    *,
    consent: Consent | None = None,
    deadline: int = takedown.DEADLINE,
) -> list[str]:
    """Remove everything that carries the name, and the cluster's folder; answers what was removed.

    ``consent`` is asked before anything goes that somebody pays for, that does work, or that nobody
    named; without one nobody is asked. Finding it, looking at it and removing it may take ``deadline``
    seconds each.

    Raises:
        UnknownClusterError: nothing carries the name (and no folder of it is left either).
        UnaskedError: nothing was found, and not every place could be asked; the folder stays.
        DeclinedError: whoever was asked did not agree; nothing was removed.
        ProvisionError: something is still there at the deadline, or nobody can say that it is not.
    """
    try:
        with found(name, emit, deadline, log="down") as session, session.lock(command):
            if consent:
                takedown.agree(takedown.look(session, chosen=not name), consent)
            return takedown.remove(session, deadline)
    except UnknownClusterError:
        if name:
            Workspace(name).remove()
        raise


def removal(name: str, emit: Emit, deadline: int = takedown.DEADLINE) -> Removal:
    """What :func:`down` would remove; removes nothing. Raises as it does."""
    with found(name, emit, deadline) as session:
        return takedown.look(session, chosen=not name)


def forget(name: str, command: str = "provision down --forget") -> bool:
    """Remove what this machine keeps of the cluster, and ask no cloud; whether there was anything."""
    workspace = Workspace(name)
    with workspace.lock(command):
        there = workspace.folder.exists()
        workspace.remove()
    return there
