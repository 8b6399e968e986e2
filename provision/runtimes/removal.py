"""Waiting until everything that was asked to go is gone."""

from collections.abc import Callable

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from provision.errors import RuntimeFailure

DEADLINE = 60.0
"""Seconds until everything must be gone (1,000 light machines take three)."""


def until_gone(remaining: Callable[[], list[str]], first: float) -> None:
    """Remove again and again until ``remaining`` answers nothing that is left.

    It removes what it finds, and answers why the rest is still there; ``first`` is the seconds before
    the second try, which then double. Raises RuntimeFailure after :data:`DEADLINE`.
    """
    try:
        Retrying(
            retry=retry_if_result(bool),
            wait=wait_exponential(first, max=20 * first),
            stop=stop_after_delay(DEADLINE),
        )(remaining)
    except RetryError as error:
        left = "; ".join(filter(None, error.last_attempt.result())) or "new ones appear"
        raise RuntimeFailure(
            f"not everything was removed within {DEADLINE:.0f} s ({left})",
            "run the same command again",
        ) from error
