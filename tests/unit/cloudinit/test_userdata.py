"""A user's own user-data: read as cloud-init reads it, and refused where it would undo ours."""

import base64
import email
import gzip

import pytest
import yaml

from provision.cloudinit import merging, parts, userdata
from provision.errors import Finding
from provision.plan import Plan, plan_of
from provision.schedulers.slurm.scheduler import Slurm
from provision.spec.models import Spec
from tests.unit.cloudinit.test_rendering import FIXED, GOLDEN

LIMIT = 262_144


def plan(own: str = "", cloud: str = "gce", controller: str = "") -> Plan:
    return plan_of(
        Spec.model_validate(
            {
                "name": "demo",
                "cloud": {"kind": cloud},
                "groups": {"worker": {"nodes": 8, "user_data": own}},
                "controller": {"user_data": controller},
            }
        )
    )


def faults(own: str, cloud: str = "gce") -> list[Finding]:
    made = plan(own, cloud)
    return userdata.faults(made, userdata.user_data_of(Slurm(), made, FIXED), LIMIT)


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


MIME = """\
Content-Type: multipart/mixed; boundary="=="
MIME-Version: 1.0

--==
Content-Type: text/cloud-config

runcmd: [[true]]
--==
Content-Type: application/gzip
Content-Transfer-Encoding: base64

{gzip}
--==
Content-Type: text/plain

#!/bin/sh
--==--
""".replace("{gzip}", packed("#cloud-config\npackages: [jq]\n"))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("#cloud-config\n{}\n", ["cloud-config"]),
        ("\n #Cloud-Config\n{}\n", ["cloud-config"]),
        ("#!/bin/sh\n", ["x-shellscript"]),
        ("#cloud-boothook\n", ["cloud-boothook"]),
        ("#include\nhttp://a/b\n", ["x-include-url"]),
        ("#include-once\nhttp://a/b\n", ["x-include-once-url"]),
        ("#part-handler\n", ["part-handler"]),
        ("#cloud-config-jsonp\n[]", ["cloud-config-jsonp"]),
        ("## template: jinja\n#cloud-config\n", ["jinja2"]),
        (
            "#cloud-config-archive\n- '#!/bin/sh'\n- {content: 'a: 1'}\n",
            ["x-shellscript", "cloud-config"],
        ),
        (packed("#!/bin/sh\n"), ["x-shellscript"]),
        (base64.b64encode(b"#!/bin/sh\n").decode(), ["x-shellscript"]),
        (MIME, ["cloud-config", "cloud-config", "x-shellscript"]),
        (packed(MIME), ["cloud-config", "cloud-config", "x-shellscript"]),
        ("echo hi\n", [""]),
    ],
)
def test_each_part_is_told_as_cloud_init_tells_it(text: str, kinds: list[str]) -> None:
    assert [part.kind.removeprefix("text/") for part in parts.parts_of(text)] == kinds


@pytest.mark.parametrize(
    "text",
    [
        packed("#!/bin/sh\n" + "x" * (parts.UNPACKED_MAX + 1)),
        packed("#!/bin/sh\n")[:20],
        base64.b64encode(b"\x1f\x8bnothing").decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        "#cloud-config-archive\n{}\n",
        "#cloud-config-archive\n- [\n",
        "#cloud-config-archive\n- {content: [1]}\n",
    ],
)
def test_what_cannot_be_read_is_a_finding_at_its_place(text: str) -> None:
    (finding,) = faults(text)
    assert finding.where == "groups.worker.user_data"


def test_what_cloud_init_would_ignore_is_a_finding() -> None:
    (finding,) = faults("echo hi\n")
    assert finding.where == "groups.worker.user_data" and "#cloud-config" in finding.fix


REFUSED = {
    "ssh_keys: {rsa_private: a, rsa_public: b}": "host keys",
    "ssh_genkeytypes: [rsa]": "host keys",
    "ssh_deletekeys: false": "host keys",
    "hostname: a": "name",
    "fqdn: a.example.org": "name",
    "preserve_hostname: true": "name",
    "prefer_fqdn_over_hostname: true": "name",
    "create_hostname_file: false": "name",
    "manage_etc_hosts: true": "controller's line",
    "system_info: {}": "cloud-init does",
    "cloud_init_modules: [ssh]": "cloud-init does",
    "cloud_config_modules: [runcmd]": "cloud-init does",
    "cloud_final_modules: [scripts_user]": "cloud-init does",
    "power_state: {mode: poweroff}": "never joins",
    "power_state: {mode: halt}": "never joins",
    "users: [{name: provision}]": "ours",
    "users: [provision]": "ours",
    "user: provision": "ours",
    "users: [{name: bob, uid: 2000}]": "uid 2000",
    "users: bob": "must be a list",
    "users: {bob: true}": "must be a list",
    "groups: [provision]": "group provision",
    "groups: {provision: [bob]}": "group provision",
    "write_files: [{path: /etc/munge/munge.key, content: a}]": "/etc/munge/munge.key",
    "write_files: [{path: /etc/munge//munge.key, content: a, append: true}]": "/etc/munge/munge.key",
    "write_files: [{path: /etc/hosts, content: a, defer: true}]": "/etc/hosts",
    "runcmd: ": "runcmd",
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items())
@pytest.mark.parametrize(
    "form",
    [
        "#cloud-config\n{}",
        "## template: jinja\n#cloud-config\nfinal_message: '{{{{ v1.region }}}}'\n{}",
        "#cloud-config-archive\n- |\n  #cloud-config\n  {}",
        "MIME-Version: 1.0\nContent-Type: text/cloud-config\n\n{}",
    ],
)
def test_what_would_undo_ours_is_refused_with_a_sentence(form: str, text: str, words: str) -> None:
    if "jinja" in form and text == "runcmd: ":
        # What a template comes to is not checked by the schema, which alone knows of this one.
        text, words = "user: provision", "ours"
    (finding,) = faults(form.format(text))
    assert finding.where == "groups.worker.user_data"
    assert words in finding.problem and finding.fix


TAKEN = [
    "users: [default, {name: bob, uid: 2001}]",
    "user: bob",
    "groups: [docker]",
    "write_files: [{path: /etc/hosts, content: a, append: true, defer: true}]",
    "write_files: [{path: /etc/hosts, content: a}]",
    "write_files: [{path: /etc/motd, content: a}]",
    "runcmd: [[a]]\nbootcmd: [a]\npackages: [jq]\nmerge_how: list(replace)+dict(replace)+str()",
    "ssh_authorized_keys: [ssh-ed25519 AAAA a]\ndisable_root: false\nssh_pwauth: true",
    "locale: de_DE.UTF-8\nssh_deletekeys: true\nmanage_etc_hosts: false",
    "power_state: {mode: reboot}",
    "ntp: {enabled: true}",
]


@pytest.mark.parametrize("text", TAKEN)
def test_everything_else_is_taken(text: str) -> None:
    assert faults(f"#cloud-config\n{text}\n") == []


@pytest.mark.parametrize(
    "text", ["ntp: {enabled: true}", "mounts: [[a, b]]", "power_state: {mode: reboot}"]
)
def test_what_a_local_node_would_not_do_is_said(text: str) -> None:
    (finding,) = faults(f"#cloud-config\n{text}\n", "local")
    assert "local" in finding.problem


def test_all_that_a_local_node_would_not_do_is_known_from_its_image() -> None:
    from provision.cloudinit.contradictions import unknown_here

    assert {"ntp", "mounts", "swap", "growpart", "disk_setup"} <= unknown_here()
    assert not unknown_here() & {"runcmd", "packages", "timezone", "users", "apt", "chpasswd"}


def test_the_controllers_own_part_is_checked_and_sent_too() -> None:
    made = plan(controller="#cloud-config\nhostname: a\n")
    texts = userdata.user_data_of(Slurm(), made, FIXED)
    (finding,) = userdata.faults(made, texts, LIMIT)
    assert finding.where == "controller.user_data"
    sent = userdata.with_own_parts(plan(controller="#!/bin/sh\nmine\n"), texts)
    assert "mine" in sent["controller"] and sent["worker"] == texts["worker"]


def test_without_an_own_part_machines_get_our_text_and_nothing_else() -> None:
    text = (GOLDEN / "gce-slurm-worker.yaml").read_text()
    assert merging.merged(text, " \n") == text


def test_parts_come_in_the_order_in_which_ours_hold_and_the_same_each_time() -> None:
    text = (GOLDEN / "gce-slurm-worker.yaml").read_text()
    whole = merging.merged(text, "#!/bin/sh\necho ü\n")
    assert whole == merging.merged(text, "#!/bin/sh\necho ü\n")
    parts = email.message_from_string(whole).get_payload()
    assert isinstance(parts, list)
    names = [part.get_filename() for part in parts if not isinstance(part, str)]
    assert names == [
        "yours", "ours-else", "ours-set", "ours-unset", "ours-append", "ours-prepend", "00-provision",
    ]  # fmt: skip


def test_every_key_of_ours_is_sent_once_beside_an_own_part() -> None:
    text = (GOLDEN / "gce-slurm-controller.yaml").read_text()
    parts = email.message_from_string(merging.merged(text, "#!/bin/sh\n")).get_payload()
    sent: list[str] = []
    for part in parts:
        assert not isinstance(part, str)
        if part.get_content_type() == "text/cloud-config":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            sent += yaml.safe_load(payload)
    ours = set(yaml.safe_load(text)) - {"runcmd", "users"}
    assert all(sent.count(key) == 1 for key in ours)


def test_of_ours_files_are_joined_behind_theirs_and_every_other_list_before() -> None:
    """Of two files with one path the last one stays."""
    text = (GOLDEN / "gce-slurm-controller.yaml").read_text()
    parts = email.message_from_string(merging.merged(text, "#!/bin/sh\n")).get_payload()
    joined: dict[str, set[str]] = {}
    for part in parts:
        assert not isinstance(part, str)
        for side in ("append", "prepend"):
            if f"list({side})" in str(part["Merge-Type"]):
                payload = part.get_payload(decode=True)
                assert isinstance(payload, bytes)
                joined[side] = set(yaml.safe_load(payload))
    lists = {key for key, value in yaml.safe_load(text).items() if isinstance(value, list)}
    before = lists - {"runcmd", "write_files"}
    assert joined == {"append": {"write_files"}, "prepend": before} and "users" in before


def test_our_commands_become_the_script_that_cloud_init_would_make() -> None:
    assert merging.script([["a", "b c", "it's"], "x | y"]) == (
        "#!/bin/sh\na 'b c' 'it'\"'\"'s'\nx | y\n"
    )
