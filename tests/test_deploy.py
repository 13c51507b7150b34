"""What `deploy/` names is real: every command, option, setting and file."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from xdm_mcp.cli.options import parser
from xdm_mcp.config import Settings
from xdm_mcp.guard.policy import TABLE, Policy

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
TEXTS = {path.name: path.read_text() for path in sorted(DEPLOY.iterdir()) if path.is_file()}
COMPOSE: dict[str, Any] = yaml.safe_load(TEXTS["compose.yaml"])

COMMAND = re.compile(
    r"(?:^ *dm|(?:bin/|(?<![\w/.-]))xdm-mcp)((?: (?!\[|\.|-\s)[a-z-][\w-]*)+)(?=[`.\n;]|$)",
    re.MULTILINE,
)
"""A command line of ours with at least one word, in prose or in a file; `dm` is the page's name for
the program as the service's user."""


def variables(model: type[BaseModel], prefix: str = "XDM_") -> Iterator[str]:
    """Yield the variable of every setting."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from variables(kind, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def test_every_variable_is_a_setting() -> None:
    """A slip of the pen would leave a replica without its setting."""
    named = {name for text in TEXTS.values() for name in re.findall(r"\bXDM_[A-Z0-9_]+", text)}
    assert len(named) > 8
    assert named <= set(variables(Settings))


def test_every_command_line_is_one_of_ours() -> None:
    """Those that the files run, and those that the page tells a person to run."""
    lines = {found.strip() for text in TEXTS.values() for found in COMMAND.findall(text)}
    image = TEXTS["Containerfile"]
    [run] = re.findall(r"^CMD (\[.*\])$", image, re.MULTILINE)
    lines.add(" ".join(yaml.safe_load(run)))
    assert {
        "serve --transport http",
        "approvals pin",
        "approvals",
        "login --store database",
        "login --store database --headless",
        "doctor --online",
    } <= lines
    for line in lines:
        assert parser().parse_args(shlex.split(line)), line


def test_every_file_that_is_named_exists() -> None:
    """Mounted ones, built ones and copied ones; secrets are the owner's to make."""
    replica = COMPOSE["x-replica"]
    assert (ROOT / replica["build"]["dockerfile"]).exists()
    mounts = [
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service["volumes"]
    ]
    local = [mount for mount in mounts if mount.startswith(".")]
    assert local
    assert all((DEPLOY / mount).exists() for mount in local)
    assert {mount for mount in mounts if not mount.startswith(".")} == set(COMPOSE["volumes"])
    copied = re.findall(r"^COPY ([^-].*) \S+$", TEXTS["Containerfile"], re.MULTILINE)
    assert all((ROOT / name).exists() for names in copied for name in names.split())
    page = TEXTS["README.md"]
    assert all(f"`{name}`" in page for name in TEXTS if name != "README.md")


def test_every_secret_is_a_file_that_the_page_makes() -> None:
    """No secret stands in a file of ours, and none is asked for without a word on how to make
    it."""
    used = {name for each in COMPOSE["services"].values() for name in each.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert re.search(rf"\b{name}\b", TEXTS["README.md"])
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_secrets_are_made_where_the_next_step_finds_them(tmp_path: Path) -> None:
    """The shell stays where it was, with its mask: the next command names `deploy/` again."""
    [block] = re.findall(
        r"^   ```\n(.*?)^   ```$",
        TEXTS["README.md"].split("## With systemd")[0],
        re.MULTILINE | re.DOTALL,
    )
    (tmp_path / "deploy").mkdir()
    play = f"umask 022\nopenssl() {{ echo 5ec2e7; }}\n{block}\npwd; umask"
    said = subprocess.run(
        ["bash", "-e", "-c", play], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [str(tmp_path), "0022"]
    made = {
        path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "deploy/secrets").iterdir()
    }
    assert made == dict.fromkeys(COMPOSE["secrets"], 0o600)


def test_what_the_unit_reads_is_made_before_it_starts() -> None:
    """The page makes each file of the unit and of its settings, and only then starts it."""
    unit, page = TEXTS["xdm-mcp.service"], TEXTS["README.md"].split("## With systemd")[1]
    first, start, _ = page.partition("systemctl enable --now xdm-mcp")
    read = re.findall(r"^(?:LoadCredential=\w+:|EnvironmentFile=)(\S+)$", unit, re.MULTILINE)
    read += re.findall(r"passfile=([^'&\s]+)", first)
    assert start
    assert len(read) == 3
    made = re.findall(r"(?:/dev/null|>) (/\S+)", first)
    assert set(read) == set(made)
    assert all(word in first for word in ("XDM_BACKEND=", "XDM_HTTP__ALLOWED_HOSTS=", "dm login"))


def test_the_replicas_are_alike_and_behind_the_proxy() -> None:
    """Nothing but the proxy is reachable from outside, and it knows every replica."""
    services = COMPOSE["services"]
    replicas = [name for name in services if name.startswith("replica")]
    assert len(replicas) == 2
    assert [name for name, each in services.items() if "ports" in each] == ["proxy"]
    assert all(f"{name}:8765" in TEXTS["Caddyfile"] for name in replicas)
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    one, other = ({**services[name], "volumes": None} for name in replicas)
    assert one == other


def test_the_policy_is_one() -> None:
    """It is read as the program reads it."""
    Policy.load(tomllib.loads(TEXTS["policy.toml"])[TABLE])


def test_the_image_has_no_root_and_no_secret() -> None:
    """It ends as a user of its own, and copies only the program."""
    image = TEXTS["Containerfile"]
    assert re.search(r"^USER xdm$", image, re.MULTILINE)
    assert image.index("USER xdm") < image.index("ENTRYPOINT")
    assert "ca-certificates" in image
    assert not re.search(r"(?i)(token|secret|password)\s*=", image)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    """It complains about nothing but that the program is not installed here."""
    unit = tmp_path / "xdm-mcp.service"
    unit.write_text(TEXTS["xdm-mcp.service"].replace("/opt/xdm-mcp/bin/xdm-mcp", "/bin/true"))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in said.stderr.splitlines() if "xdm-mcp" in line]
    assert ours == []
