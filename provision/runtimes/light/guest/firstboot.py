"""A machine's first boot: the user-data it was given, executed by cloud-init's own code.

Loaded once, before machines are forked: importing cloud-init and reading its configuration would be
three quarters of a boot. What is left out of ``cloud-init init`` and ``modules`` is what looks for a
data source and configures the network; stages, handlers, merging and modules are cloud-init's.
"""

import functools
import json
import logging
import pickle
import sys
import time
import traceback
import types
from collections.abc import Callable, Sequence
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Any

import yaml
from cloudinit import importer, sources, stages, templater, util
from cloudinit.config import modules as config_modules
from cloudinit.config.modules import Modules
from cloudinit.log.loggers import LogExporter
from cloudinit.settings import PER_INSTANCE
from cloudinit.sources.DataSourceNoCloud import DataSourceNoCloud

SECTIONS = ("cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
STATE = "/run/cloud-init"
LOG = "/var/log/cloud-init.log"
_configuration: list[bytes] = []
_read_conf = util.read_conf
_files: dict[str, bytes] = {}


def load() -> None:
    """Import what machines will need, and ask once what is the same for all machines of an image."""
    # Each file that is written would look for it in all of the path.
    sys.modules.setdefault("selinux", None)  # type: ignore[arg-type]  # None means: there is none
    # Configurations are copied a hundred times a boot.
    for module in (config_modules, stages, sources):
        module.copy = types.SimpleNamespace(deepcopy=_copied)
    # libyaml's parser and emitter instead of the same ones in Python: the latter was a fifth of a boot.
    yaml.safe_load = functools.partial(yaml.load, Loader=yaml.CSafeLoader)
    yaml.dumper.SafeDumper = yaml.CSafeDumper  # type: ignore[misc,assignment]  # its subclass stays
    importer.find_module = _remembered(importer.find_module)
    util.lsb_release()
    util.get_dpkg_architecture()
    templater.render_string("## template: jinja\n{{ x }}", {"x": ""})
    # Printed once here, the patterns that printing a message compiles are known to every machine.
    str(MIMEMultipart(_subparts=[MIMEText("x")]))
    init = stages.Init(ds_deps=[])
    init.read_cfg()
    _ = init.distro
    _configuration.append(pickle.dumps(init._cfg))
    util.read_conf = _read_conf_once
    stages.fetch_base_config(STATE)
    modules = Modules(init)
    for section in SECTIONS:
        modules._fixup_modules(modules._read_modules(section))


def _copied(value: Any) -> Any:
    """A deep copy of what was read from YAML, four times as fast as ``copy.deepcopy``."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # its own copy


def _remembered(find: Callable[..., Any]) -> Callable[..., Any]:
    """Take lists as tuples, and always give what was found in lists of its own."""

    @functools.cache
    def found(name: str, paths: tuple[str, ...], attributes: tuple[str, ...]) -> Any:
        return find(name, list(paths), list(attributes))

    def look(name: str, paths: Sequence[str], attributes: Sequence[str] | None = None) -> Any:
        return tuple(map(list, found(name, tuple(paths), tuple(attributes or ()))))

    return look


def _read_conf_once(name: str, *rest: Any, **named: Any) -> Any:
    """The image's files cannot change between two machines."""
    if not name.startswith("/etc/cloud/"):
        return _read_conf(name, *rest, **named)
    if name not in _files:
        _files[name] = pickle.dumps(_read_conf(name, *rest, **named))
    return pickle.loads(_files[name])  # noqa: S301  # its own copy


def run(instance: str, host: str, user_data: str) -> None:
    """All stages in order; what fails is on the console and in ``cloud-init status``."""
    warnings = _log_to_console()
    begun = time.time()
    errors: list[str] = []
    try:
        errors += _stages(instance, host, user_data)
    except Exception as error:  # noqa: BLE001  # on the console and in the status
        traceback.print_exc()
        errors.append(f"{type(error).__name__}: {error}")
    _tell(errors, warnings.export_logs(), begun)


def _log_to_console() -> LogExporter:
    """Answers what keeps the warnings, which ``cloud-init status`` calls recoverable errors."""
    root = logging.getLogger()
    root.handlers.clear()
    root.setLevel(logging.INFO)
    form = logging.Formatter("%(asctime)s - %(filename)s[%(levelname)s]: %(message)s")
    for handler, level in (
        (logging.StreamHandler(), logging.WARNING),
        (logging.FileHandler(LOG, "a", "UTF-8"), logging.INFO),
    ):
        handler.setLevel(level)
        handler.setFormatter(form)
        root.addHandler(handler)
    kept = LogExporter()
    kept.setLevel(logging.WARNING)
    root.addHandler(kept)
    return kept


def _stages(instance: str, host: str, user_data: str) -> list[str]:
    init = stages.Init(ds_deps=[])
    init._cfg = pickle.loads(_configuration[0])  # noqa: S301  # its own copy
    source = DataSourceNoCloud(init.cfg, init.distro, init.paths)
    source.seed = "light"
    source.metadata = {"instance-id": instance, "local-hostname": host}
    source.userdata_raw = user_data
    source.vendordata_raw = source.vendordata2_raw = None
    init.datasource = source
    # Both were made for no data source.
    init._paths = init._distro = None
    init.initialize()
    init.instancify()
    source.persist_instance_data()
    init.update()
    init.cloudify().run("consume_data", init.consume_data, args=[PER_INSTANCE], freq=PER_INSTANCE)
    modules = Modules(init)
    failures: list[str] = []
    for section in SECTIONS:
        _, failed = modules.run_section(section)
        failures += map(str, failed)
    return failures


def _tell(errors: list[str], warnings: dict[str, list[str]], begun: float) -> None:
    """What ``cloud-init status`` reads."""
    state = Path(STATE)
    state.mkdir(parents=True, exist_ok=True)
    stage = {
        "errors": errors,
        "recoverable_errors": warnings,
        "start": begun,
        "finished": time.time(),
    }
    done = {"errors": [], "recoverable_errors": {}, "start": begun, "finished": begun}
    status = {
        "v1": {
            "datasource": "DataSourceNoCloud",
            "init-local": done,
            "init": done,
            "modules-config": done,
            "modules-final": stage,
            "stage": None,
        }
    }
    result = {"v1": {"datasource": "DataSourceNoCloud", "errors": errors}}
    for name, content in (("status.json", status), ("result.json", result)):
        (state / name).write_text(json.dumps(content))
