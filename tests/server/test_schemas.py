"""What tools/list advertises: closed, lean, portable, and changed only on purpose."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from xdm_mcp.server.tools import OFFERS

SNAPSHOTS = Path(__file__).parent / "snapshots"


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a schema."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


@pytest.mark.parametrize("name", OFFERS)
def test_a_tool_is_listed_as_its_snapshot_says(name: str) -> None:
    """A change of a tool's words or schema is a change of this file (XDM_WRITE_SNAPSHOTS=1)."""
    path = SNAPSHOTS / f"{name}.json"
    listed = OFFERS[name].listed.model_dump(mode="json", by_alias=True, exclude_none=True)
    written = json.dumps(listed, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("XDM_WRITE_SNAPSHOTS"):
        path.write_text(written)
    assert path.exists(), f"{path.name} is missing: write it with XDM_WRITE_SNAPSHOTS=1"
    assert written == path.read_text()


def test_no_snapshot_is_of_a_tool_that_is_gone() -> None:
    """There are four tools and four snapshots."""
    assert sorted(path.stem for path in SNAPSHOTS.iterdir()) == sorted(OFFERS)


@pytest.mark.parametrize("name", OFFERS)
def test_schemas_are_valid_closed_and_without_noise(name: str) -> None:
    """Every object is closed; nothing is referenced elsewhere; only `can_dm` may be null."""
    tool = OFFERS[name].listed
    for schema in (tool.input_schema, tool.output_schema or {}):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        for node in nodes(schema):
            assert not {"title", "$ref", "$defs", "allOf", "oneOf"} & (
                node.keys() - node.get("properties", {}).keys()
            )
            if "properties" in node and isinstance(node["properties"], dict):
                assert node["additionalProperties"] is False
    nullable = [
        key
        for node in nodes(tool.output_schema)
        for key, value in node.get("properties", {}).items()
        if {"type": "null"} in value.get("anyOf", [])
    ]
    assert nullable == (["can_dm"] if name == "check_can_dm" else [])
    assert {"type": "null"} not in list(nodes(tool.input_schema))


@pytest.mark.parametrize("name", OFFERS)
def test_every_tool_gives_all_four_hints(name: str) -> None:
    """A host need not guess: only send_dm changes anything, and what it does cannot be undone."""
    hints = OFFERS[name].hints
    sends = name == "send_dm"
    assert hints.read_only_hint is not sends
    assert hints.destructive_hint is sends
    assert hints.idempotent_hint is True
    assert hints.open_world_hint is (name != "quota_status")


def test_no_argument_can_approve() -> None:
    """Nothing that an agent can say is called confirm, force, approve or token."""
    names = {name for offer in OFFERS.values() for name in offer.listed.input_schema["properties"]}
    assert not {"confirm", "force", "approve", "approval_id", "token", "pin"} & names
