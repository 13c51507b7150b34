"""What the server says of itself, and what it leaves to no library."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, EmptyResult, Request

from tests.server.asking import MODES, ask
from tests.server.pretend import PretendApp
from xdm_mcp import __version__
from xdm_mcp.server.build import INSTRUCTIONS, build_server
from xdm_mcp.server.prompts import FOLDERS, templates

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mode", MODES)
async def test_it_says_its_name_version_and_the_one_thing_to_know(mode: str) -> None:
    """Name, title, version and instructions are the same on both wires."""
    async with Client(build_server(PretendApp().real), mode=mode) as client:
        assert client.server_info is not None
        assert (client.server_info.name, client.server_info.version) == ("xdm-mcp", __version__)
        assert client.instructions == INSTRUCTIONS
        offers = client.server_capabilities
        assert offers.tools
        assert offers.prompts
        assert offers.completions
        assert offers.resources
        assert offers.resources.subscribe is True


@pytest.mark.parametrize("mode", MODES)
async def test_malformed_parameters_get_a_sentence_and_not_a_validators_text(mode: str) -> None:
    """What does not fit the method is -32602, without an echo of what was given."""

    async def misuse(client: Client) -> None:
        request = Request[dict[str, Any], str](method="tools/call", params={"name": ["private"]})
        await client.session.send_request(request, EmptyResult)

    with pytest.raises(MCPError, match="The parameters do not fit this method") as refusal:
        await ask(mode, misuse)
    assert refusal.value.code == INVALID_PARAMS
    assert "private" not in str(refusal.value.data)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["private words", "logging/setLevel"])
async def test_a_method_that_is_not_served_gets_a_sentence_and_no_echo(
    mode: str, method: str
) -> None:
    """It is -32601, whether nobody knows it or we alone have nothing to answer."""

    async def misuse(client: Client) -> None:
        request = Request[dict[str, Any], str](method=method, params={"level": "debug"})
        await client.session.send_request(request, EmptyResult)

    with pytest.raises(MCPError, match="There is no such method here") as refusal:
        await ask(mode, misuse)
    assert (refusal.value.code, refusal.value.data) == (METHOD_NOT_FOUND, None)


def test_starting_imports_nothing_that_a_first_answer_does_not_need() -> None:
    """The ledger's engine, the painter and the sandbox wait until they are asked for."""
    program = (
        "import sys, json; import xdm_mcp.server.stdio, xdm_mcp.config; "
        "print(json.dumps([m for m in sys.modules]))"
    )
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", program], cwd=ROOT))
    late = ("apsw", "rich", "xdm_mcp.sandbox", "xdm_mcp.backends.http", "xdm_mcp.cli", "jsonschema")
    assert [m for m in loaded if m.startswith(late)] == []
    assert "xdm_mcp.server.http" not in loaded


def test_prompts_are_found_in_a_wheel_and_in_a_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wheel carries them inside the package; a checkout has them beside it."""
    package = Path(sys.modules["xdm_mcp"].__file__ or "").parent
    assert list(FOLDERS) == [package / "prompts", package.parent / "prompts"]
    (tmp_path / "mine.md").write_text("---\ntitle: t\ndescription: d\n---\nwords\n")
    monkeypatch.setattr("xdm_mcp.server.prompts.FOLDERS", (tmp_path, FOLDERS[1]))
    templates.cache_clear()
    assert list(templates()) == ["mine"]
    templates.cache_clear()


def test_the_token_bars_hold() -> None:
    """What an agent pays for us stays below what we claim (benchmarks/tokens.py)."""
    script = ROOT / "benchmarks" / "tokens.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
