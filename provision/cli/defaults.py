"""Defaults of flags: variables of the environment, and the user's ``config.toml``.

One rule for all: ``--flag`` is ``PROVISION_FLAG``, and for one command alone ``PROVISION_COMMAND_FLAG``;
in the file ``flag = …``, and below ``[command]``. What is typed goes before variables, they before the
file. See docs/configuration.md.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from provision.cli.commands import BY_NAME
from provision.errors import Finding, SpecError, UsageError
from provision.files import read_regular
from provision.suggest import did_you_mean, meant, nearest

PREFIX = "PROVISION_"
SPEC = ("validate", "plan", "quota", "render", "up")
"""Commands that take a SPEC and the flags that override it."""
SILENT = ("schema", "render", "inventory", "ssh", "completion")
"""Commands whose result has one form."""
TOLD = tuple(name for name in BY_NAME if name not in SILENT)
FLAGS: Mapping[str, tuple[str, ...]] = {
    "name": ("init", *SPEC),
    "cloud": ("init", *SPEC),
    "nodes": ("init", *SPEC, "doctor"),
    "machines": ("init", *SPEC, "emulate", "doctor"),
    "project": (*SPEC, "emulate"),
    "region": SPEC,
    "endpoint": (*SPEC, "emulate"),
    "quorum": SPEC,
    "deadline": (*SPEC, "down"),
    "ttl": SPEC,
    "output": TOLD,
    "quiet": TOLD,
    "events": TOLD,
    "role": ("render",),
    "to": ("render",),
    "until": ("up",),
    "preview": ("up",),
    "all": ("status",),
    "not-ready": ("status",),
    "format": ("inventory",),
    "node": ("run", "cp"),
    "group": ("run", "cp", "scale"),
    "timeout": ("run", "cp"),
    "fold": ("run",),
    "reason": ("drain",),
    "dry-run": ("down",),
    "host": ("emulate",),
    "port": ("emulate",),
    "dials": ("emulate",),
    "set": ("emulate",),
    "token": ("emulate",),
    "links": ("emulate",),
    "yes": ("init", "up", "down"),
    "force": ("init", "scale"),
    "forget": ("down",),
    "shrink-to-fit": ("up",),
    "fix": ("doctor",),
    "controller": ("repair",),
}
"""Every flag, and the commands that have it."""
TYPED = ("yes", "force", "forget", "shrink-to-fit", "fix", "controller")
"""Flags that agree to a cost or a loss, or change this machine: only who types them has agreed."""
OWN = {
    ("emulate", "machines"), ("emulate", "project"), ("doctor", "machines"), ("doctor", "nodes"),
    ("down", "deadline"),
}  # fmt: skip
"""Flags that mean another thing than elsewhere: taken only by the name with the command in it."""
VARIABLES = (
    "PROVISION_GCE_ENDPOINT", "PROVISION_EMULATOR_TOKEN", "PROVISION_PULUMI", "PROVISION_DEBIAN_MIRROR",
    "PROVISION_DEBUG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR",
    "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_PROJECT", "GOOGLE_CLOUD_REGION",
    "CLOUDSDK_CONFIG", "CLOUDSDK_ACTIVE_CONFIG_NAME", "CLOUDSDK_CORE_PROJECT", "CLOUDSDK_COMPUTE_REGION",
    "CLOUDSDK_COMPUTE_ZONE", "GOOGLE_COMPUTE_CUSTOM_ENDPOINT", "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE",
    "NO_GCE_CHECK", "CLOUDSDK_AUTH_ACCESS_TOKEN", "CLOUDSDK_CORE_DISABLE_PROMPTS",
    "DOCKER_HOST", "PULUMI_ACCESS_TOKEN",
    "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""Every other variable that is read, or that an emulator prints for its clients."""
LABELS = "provision.defaults"
PAGE = "see docs/configuration.md"


def config_file() -> Path:
    """Where the user's defaults are."""
    import platformdirs

    return Path(platformdirs.user_config_dir("provision")) / "config.toml"


def variables(command: str, flag: str) -> list[str]:
    """The flag's variables for this command, the one that goes first first; none for ``TYPED``."""
    if flag in TYPED:
        return []
    general = [] if (command, flag) in OWN else [_variable(flag)]
    return [_variable(f"{command}-{flag}"), *general]


def _variable(words: str) -> str:
    return PREFIX + words.replace("-", "_").upper()


def _named(option: click.Parameter) -> list[str]:
    """The variables that an option has itself."""
    return [option.envvar] if isinstance(option.envvar, str) else [*(option.envvar or ())]


def flag_of(option: click.Option) -> str:
    """The option as the table calls it: ``shrink-to-fit``."""
    return max(option.opts, key=len).lstrip("-")


def options_of(command: click.Command) -> Iterator[click.Option]:
    """The options of a command and of those below it."""
    for each in command.params:
        if isinstance(each, click.Option):
            yield each
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        yield from options_of(below)


def apply(context: click.Context, name: str, command: click.Command) -> None:
    """Let the command take its flags from the environment and the file, where they are not typed.

    Raises:
        SpecError: the file cannot be read, or says what no flag is; all findings at once.
        UsageError: a variable stands for a flag that must be typed.
    """
    for option in options_of(command):
        flag = flag_of(option)
        ours = variables(name, flag)
        option.envvar = [*ours, *(each for each in _named(option) if each not in ours)]
        variable = _variable(flag)
        if flag in TYPED and os.environ.get(variable):
            fix = f"unset it, and type --{flag} where you mean it"
            raise UsageError(
                f"{variable}: --{flag} is taken from nowhere but the command line", fix
            )
    file = config_file()
    said, findings = _read(file)
    labels: dict[str, str] = {}
    context.meta[LABELS] = labels
    context.default_map = {name: _values(name, command, file, said, findings, labels)}
    if findings:
        raise SpecError(findings)


def origins(context: click.Context) -> dict[str, str]:
    """By parameter: the variable, or the file and its key, that a value came from and no flag."""
    found = {}
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if source is ParameterSource.ENVIRONMENT:
            found[option.name or ""] = next(x for x in _named(option) if os.environ.get(x))
        elif source is ParameterSource.DEFAULT_MAP:
            found[option.name or ""] = context.meta[LABELS].get(option.name, "")
    return found


def strays() -> Iterator[str]:
    """A sentence for every variable that is spelled almost like one of ours."""
    known = {
        name for flag, commands in FLAGS.items() for at in commands for name in variables(at, flag)
    }
    known |= {*VARIABLES, *map(_variable, TYPED)}
    words = [name.removeprefix(PREFIX) for name in known if name.startswith(PREFIX)]
    for name in os.environ:
        ours = name.startswith(PREFIX) and name not in known
        if ours and (near := nearest(name.removeprefix(PREFIX), words, 0.8)):
            yield f"{name} is no variable of ours; {meant(PREFIX + near)}"


def _read(file: Path) -> tuple[dict[str, Any], list[Finding]]:
    """What the file says, and what is wrong with its words; nothing where there is no file.

    Raises:
        SpecError: it is there and cannot be read.
    """
    try:
        raw = read_regular(file)
    except (FileNotFoundError, NotADirectoryError):
        if not file.is_symlink():
            return {}, []
        raise SpecError([Finding(str(file), "is a link to no file", "mend or remove it")]) from None
    except OSError as error:
        fix = "make it a TOML file that you may read, or remove it"
        raise SpecError([Finding(str(file), f"cannot be read ({error.strerror})", fix)]) from None
    import tomllib

    try:
        said = tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        line = re.search(r"line (\d+)", str(error))
        where = f"{file}:{line[1]}" if line else str(file)
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise SpecError(
            [Finding(where, f"is not valid TOML ({why})", f"mend it; {PAGE}")]
        ) from None
    return said, [*_unknown(file, said)]


def _unknown(file: Path, said: Mapping[str, Any], command: str = "") -> Iterator[Finding]:
    for key, value in said.items():
        where = f"{file}: {command and f'{command}.'}{_shown(key)}"
        if isinstance(value, dict) and not command and key in BY_NAME:
            yield from _unknown(file, value, key)
        elif key in TYPED:
            fix = f"remove it, and type --{key} where you mean it"
            yield Finding(where, "is taken from nowhere but the command line", fix)
        elif key not in FLAGS or (command and command not in FLAGS[key]):
            known = [flag for flag, names in FLAGS.items() if not command or command in names]
            known = [flag for flag in known if flag not in TYPED] + ([] if command else [*BY_NAME])
            problem = f"is no flag of '{command}'" if command else "is no flag and no command"
            yield Finding(where, problem, did_you_mean(key, known, f"remove it; {PAGE}"))


def _values(
    name: str,
    command: click.Command,
    file: Path,
    said: Mapping[str, Any],
    findings: list[Finding],
    labels: dict[str, str],
) -> dict[str, Any]:
    """By parameter, as click takes them; for a group of commands by command."""
    if isinstance(command, click.Group):
        return {
            word: _values(name, below, file, said, findings, labels)
            for word, below in command.commands.items()
        }
    found = {}
    own = said.get(name)
    for option in options_of(command):
        flag = flag_of(option)
        for key, values in ((f"{name}.{flag}", own), (flag, said)):
            general = values is said
            if not isinstance(values, dict) or flag not in values or flag in TYPED:
                continue
            if general and (name, flag) in OWN:
                continue
            label = f"{file}: {key}"
            problem, value = _fitting(option, values[flag])
            if problem and all(finding.where != label for finding in findings):
                findings.append(
                    Finding(label, problem, f"write it as a flag would have it; {PAGE}")
                )
            found[option.name or ""], labels[option.name or ""] = value, label
            break
    return found


def _fitting(option: click.Option, value: object) -> tuple[str, object]:
    """What is wrong with a value of the file ('': nothing), and the value as the flag would give it."""
    if option.is_flag:
        wrong = "" if isinstance(value, bool) else f"must be true or false, not {_shown(value)}"
        return wrong, value
    several = value if isinstance(value, list) and option.multiple else [value]
    for each in several:
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            return f"must be text or a number, not {_shown(each)}", None
    texts = [_shown(each) if isinstance(each, int) else str(each) for each in several]
    return "", texts if option.multiple else texts[0]


def _shown(value: object) -> str:
    from provision.spec.document import short

    if isinstance(value, bool | dict | list):
        return short(value)
    try:
        text = str(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of many digits"
    return text if len(text) <= 40 and text.isprintable() else short(text)
