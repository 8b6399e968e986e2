"""What `provision ssh` hands to OpenSSH."""

import pytest

from provision.cli.ssh import arguments


@pytest.mark.parametrize(
    ("command", "given"),
    [
        ((), ["ctl"]),
        (("uptime | cut -c1",), ["ctl", "uptime | cut -c1"]),
        (("echo", "a  b"), ["ctl", "echo 'a  b'"]),
        (("-N", "-L", "8080:localhost:8080"), ["ctl", "-N", "-L", "8080:localhost:8080"]),
    ],
)
def test_a_command_is_one_line_and_options_stay_options(
    command: tuple[str, ...], given: list[str]
) -> None:
    assert arguments("ctl", command) == given
