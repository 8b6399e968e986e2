"""A cluster's secrets: one munge key, one SSH user key, and SSH host keys per role.

Host keys are ours and reach the machines in their user-data, so that ``known_hosts`` is right from
the first connection. Workers share one host key because they share one user-data (an instance group
has one template); the controller has its own.
"""

import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

MUNGE_KEY_BYTES = 128
"""1,024 bits, as ``mungekey`` makes them by default (mungekey man page)."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An ed25519 key pair in OpenSSH's formats; ``private`` never shows in a repr."""

    private: str = field(repr=False)
    public: str


@dataclass(frozen=True, slots=True)
class Keys:
    """All secrets of one cluster. ``munge`` is base64 text of the raw key."""

    munge: str = field(repr=False)
    user: KeyPair
    controller_host: KeyPair
    worker_host: KeyPair

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that tell these keys from others and give nothing of them away."""
        whole = "|".join((self.munge, self.user.private, self.worker_host.private))
        return hashlib.sha256(b"provision-keys:" + whole.encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, object]:
        """Plain data with all secrets in it, only for a file of mode 0600."""
        return asdict(self)

    def masked(self) -> "Keys":
        """The same with a word in the place of each secret, for text that people read."""
        pairs = {
            name: KeyPair(f"<private key: {name}>\n", getattr(self, name).public)
            for name in ("user", "controller_host", "worker_host")
        }
        return Keys(munge="<munge key>", **pairs)

    @classmethod
    def from_dict(cls, data: dict[str, object]) -> "Keys":
        """The inverse of :meth:`as_dict`; raises ``KeyError`` or ``TypeError`` on anything else."""
        pairs = {}
        for name in ("user", "controller_host", "worker_host"):
            pair = data[name]
            if not isinstance(pair, dict):
                raise TypeError(name)
            pairs[name] = KeyPair(private=str(pair["private"]), public=str(pair["public"]))
        return cls(munge=str(data["munge"]), **pairs)


def new_pair(comment: str) -> KeyPair:
    """A fresh ed25519 key pair; ``comment`` stands at the end of the public line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return KeyPair(private=private.decode(), public=f"{public.decode()} {comment}")


def new_keys(cluster: str) -> Keys:
    """Fresh secrets for a cluster, from the operating system's random source."""
    return Keys(
        munge=base64.b64encode(secrets.token_bytes(MUNGE_KEY_BYTES)).decode(),
        user=new_pair(f"provision@{cluster}"),
        controller_host=new_pair(f"{cluster}-controller"),
        worker_host=new_pair(f"{cluster}-worker"),
    )
