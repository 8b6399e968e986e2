"""Runs in the node image: cloud-init's own handlers take each user-data, and say what came of it."""

import base64
import json
import logging
import sys
import zlib
from pathlib import Path
from typing import Any

import yaml
from cloudinit import stages
from cloudinit.settings import PER_INSTANCE
from cloudinit.sources.DataSourceNoCloud import DataSourceNoCloud

CLOUD = Path("/var/lib/cloud")


def taken(number: int, user_data: str) -> dict[str, Any]:
    """What cloud-init keeps of one user-data: the merged configuration and the scripts."""
    init = stages.Init(ds_deps=[])
    init.read_cfg()
    source = DataSourceNoCloud(init.cfg, init.distro, init.paths)
    source.seed = "test"
    source.metadata = {"instance-id": f"i-{number}", "local-hostname": "demo-worker-0001"}
    source.userdata_raw = user_data
    source.vendordata_raw = source.vendordata2_raw = None
    init.datasource = source
    init._paths = init._distro = None
    init.initialize()
    init.instancify()
    source.persist_instance_data()
    init.update()
    init.cloudify().run("consume_data", init.consume_data, args=[PER_INSTANCE], freq=PER_INSTANCE)
    text = (CLOUD / "instance/cloud-config.txt").read_text()
    early = CLOUD / "scripts/per-instance"
    return {
        "config": yaml.safe_load(text),
        "scripts": {p.name: p.read_text() for p in (CLOUD / "instance/scripts").iterdir()},
        "early": {p.name: p.read_text() for p in early.iterdir()},
        "booted": Path("/booted").exists(),
    }


logging.disable(logging.CRITICAL)
cases = json.loads(Path("/cases/cases.json").read_text())
answers = {name: taken(number, text) for number, (name, text) in enumerate(cases.items())}
# In short lines: of a long one a container's log keeps the end.
packed = base64.encodebytes(zlib.compress(json.dumps(answers).encode())).decode()
sys.stdout.write(f"<<\n{packed}>>\n")
