"""Node sets: ClusterShell's notation, and nothing of this machine's own groups."""

import time

import pytest

from provision.errors import UnknownNodeError, UsageError
from provision.remote.nodeset import expand, fold, resolve

GROUPS = {"worker": ["worker-0001", "worker-0002", "worker-0003"], "gpu": ["gpu-0001"]}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["worker-0001"], ["worker-0001"]),
        (["worker-[0001-0003]"], GROUPS["worker"]),
        (["worker-[0001,0003]"], ["worker-0001", "worker-0003"]),
        (["worker-0002,gpu-0001"], ["gpu-0001", "worker-0002"]),
        (["worker-[0001-0003]!worker-0002"], ["worker-0001", "worker-0003"]),
        (["@worker"], GROUPS["worker"]),
        (["@worker!worker-0001", "@gpu"], ["worker-0002", "worker-0003", "gpu-0001"]),
        (["worker-0001", "worker-0001"], ["worker-0001"]),
        (["controller"], ["controller"]),
        (["demo-worker-[0001-0002]"], ["demo-worker-0001", "demo-worker-0002"]),
    ],
)
def test_sets_are_what_the_field_writes(words: list[str], names: list[str]) -> None:
    assert expand(words, GROUPS) == names


@pytest.mark.parametrize(
    "word", ["worker-[", "worker-[0003-0001]", "worker-[a-b]", "@nobody", "@", "a[1-2"]
)
def test_what_is_no_set_is_a_usage_error_with_a_next_step(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        expand([word], GROUPS)
    assert repr(word) in caught.value.problem and caught.value.next_step


@pytest.mark.parametrize(
    "word",
    ["w-[0-999999999]", "w-[0-9999]-[0-9999]", "w[1-99999999999999999999999]", "w[" + "1," * 9999],
)
def test_a_set_of_too_many_is_refused_before_it_is_made(word: str) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError):
        expand([word], GROUPS)
    assert time.monotonic() - began < 30


def test_names_fold_and_unfold() -> None:
    names = [f"worker-{number:04d}" for number in range(1, 1001)] + ["gpu-0001"]
    assert fold(names) == "gpu-0001,worker-[0001-1000]"
    assert sorted(expand([fold(names)], {})) == sorted(names)
    assert fold([]) == ""


def test_names_resolve_with_and_without_the_clusters_own() -> None:
    groups = {"worker": ["demo-worker-0001", "demo-worker-0002"], "controller": ["demo-controller"]}
    assert resolve("demo", ["worker-0002", "demo-worker-0002"], groups) == ["demo-worker-0002"]
    assert resolve("demo", ["@worker"], groups) == groups["worker"]
    assert resolve("demo", ["controller,worker-[0001-0002]"], groups) == [
        "demo-controller", *groups["worker"],
    ]  # fmt: skip
    with pytest.raises(UnknownNodeError) as caught:
        resolve("demo", ["worker-[0002-0004]"], groups)
    assert caught.value.problem == "demo has no node worker-[0003-0004]"
    assert caught.value.next_step == "it has controller,worker-[0001-0002]"
