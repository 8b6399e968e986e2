"""A command run once in the node image, before any machine exists: to check what machines will be given."""

import io
import tarfile
from collections.abc import Mapping
from contextlib import closing
from uuid import uuid4

from provision.errors import RuntimeFailure
from provision.runtimes.container import image, node
from provision.runtimes.container.base import LABEL

LINES = 2000


def rehearse(
    files: Mapping[str, str], command: str, host: str, timeout: float
) -> tuple[int, str] | None:
    """Exit code and output of ``sh -c command`` with these files, on a container named ``host``.

    None where no engine with the node image is at hand.
    """
    from provision.runtimes.container.connect import connect

    try:
        with closing(connect()) as engine:
            tag = image.tag()
            if not engine.images.has(tag):
                return None
            ident = engine.create(
                f"provision-rehearsal-{uuid4().hex[:8]}",
                {
                    **node.probe(tag, {LABEL: "rehearsal"}, podman=engine.describe().podman),
                    "Cmd": ["sh", "-c", command],
                    "Hostname": host,
                    "Tty": True,
                },
            )
            try:
                engine.put(ident, "/", _archive(files))
                engine.start(ident)
                code = engine.wait(ident, timeout)
                return code, engine.logs(ident, LINES).replace("\r", "")
            finally:
                engine.remove(ident)
    except RuntimeFailure:
        return None


def _archive(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
