"""What ``provision emulate set`` makes of its words."""

import os
from pathlib import Path

import pytest

from provision.cli.main import main
from provision.emulator import serve
from provision.emulator.asking import parse
from provision.errors import UsageError


def test_paths_become_nested_changes_and_values_json_or_text() -> None:
    settings = {
        "boot": "20..40",
        "capacity.us-central1-a.*": "0",
        "rates.reads": "null",
        "die": '{"share": 1}',
    }
    assert parse(settings) == {
        "boot": "20..40",
        "capacity": {"us-central1-a": {"*": 0}},
        "rates": {"reads": None},
        "die": {"share": 1},
    }


def test_a_dial_that_is_set_twice() -> None:
    with pytest.raises(UsageError, match="twice"):
        parse({"boot": "1", "boot.x": "2"})


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "/dials: is a pipe, not a file; "),
        ("boot: 20..1\n", "boot: the range 20..1 ends before it begins"),
        ("boot: 1:30\n", "boot: give seconds"),
        ("bot: 1\n", "did you mean 'boot'?"),
        ("boot: 1\nboot: 2\n", "/dials:2: boot: is given twice, on lines 1 and 2"),
        ("- boot\n", "/dials holds no dials"),
        ("boot: [\n", "/dials:2: column 1: is not valid YAML"),
        ("boot: !!python/name:os.system ''\n", "has a YAML tag"),
    ],
)
def test_files_of_dials_that_are_refused(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dials"
    os.mkfifo(file) if text is None else file.write_text(text)
    assert main(["emulate", "gce", "--machines", "none", "--dials", str(file), "--", "true"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.timeout(20)
def test_an_endless_device_is_no_file_of_dials(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emulate", "gce", "--machines", "none", "--dials", "/dev/zero", "--", "true"]) == 2
    assert "/dev/zero: is a device, not a file" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "links"), [([], "google"), (["--links", "own"], "own")])
def test_links_are_googles_where_nothing_else_is_asked_for(
    words: list[str], links: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[serve.Options] = []

    def around(options: serve.Options, emit: object, command: object) -> int:
        asked.append(options)
        return 0

    monkeypatch.setattr(serve, "around", around)
    assert main(["emulate", "gce", "--machines", "none", *words, "--", "true"]) == 0
    assert [options.links for options in asked] == [links]


def test_a_file_of_dials_that_is_missing_is_no_spec(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = f"{tmp_path}/dials.yaml"
    assert main(["emulate", "gce", "--machines", "none", "--dials", missing, "--", "true"]) == 2
    said = capsys.readouterr().err
    assert f"{missing}: there is no such file; see docs/emulate.md" in said and "init" not in said
