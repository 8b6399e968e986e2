"""Secrets: fresh each time, loadable by the tools that use them, never in a repr."""

import base64
import io

import paramiko
import pytest

from provision.keys import MUNGE_KEY_BYTES, Keys, new_keys


def test_keys_are_fresh_and_survive_a_file() -> None:
    one, other = new_keys("demo"), new_keys("demo")
    assert one != other and one.fingerprint != other.fingerprint
    again = Keys.from_dict(one.as_dict())
    assert again == one and again.fingerprint == one.fingerprint


def test_the_munge_key_has_the_bits_it_should() -> None:
    assert len(base64.b64decode(new_keys("demo").munge)) == MUNGE_KEY_BYTES


def test_ssh_takes_the_private_key_and_it_fits_the_public_one() -> None:
    pair = new_keys("demo").user
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(pair.private))
    assert pair.public.split()[:2] == ["ssh-ed25519", key.get_base64()]
    assert pair.public.endswith("provision@demo")


def test_no_secret_shows_in_a_repr() -> None:
    keys = new_keys("demo")
    shown = repr(keys)
    assert keys.munge not in shown and "PRIVATE" not in shown
    assert keys.munge not in keys.fingerprint


@pytest.mark.parametrize("broken", [{}, {"munge": "x", "user": "y"}])
def test_a_damaged_file_is_told_from_a_good_one(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        Keys.from_dict(broken)
