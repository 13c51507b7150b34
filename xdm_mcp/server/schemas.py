"""JSON Schemas as lean as they can be: a model pays for every word of them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


def input_schema(model: type[BaseModel]) -> Schema:
    """Return the closed schema (2020-12) of what a tool may be asked."""
    return _lean(model, model.model_json_schema(), keep=frozenset({"description", "default"}))


def output_schema(model: type[BaseModel]) -> Schema:
    """Return the closed schema (2020-12) of what a tool answers; absent stands for null."""
    return _lean(model, model.model_json_schema(mode="serialization"), keep=frozenset())


def _lean(model: type[BaseModel], schema: Schema, keep: frozenset[str]) -> Schema:
    definitions = schema.pop("$defs", {})
    lean = _lean_node(schema, definitions, keep)
    lean.pop("description", None)
    lean.setdefault("properties", {})
    return {"type": "object", **lean, "additionalProperties": False}


def _lean_node(node: Schema, definitions: dict[str, Schema], keep: frozenset[str]) -> Schema:
    """Inline references, drop what only repeats names, and let optional mean absent."""
    if "$ref" in node:
        target = dict(definitions[node["$ref"].rpartition("/")[2]])
        target.pop("description", None)
        return _lean_node(
            target | {k: v for k, v in node.items() if k != "$ref"}, definitions, keep
        )
    node = _without_null(node)
    lean: Schema = {}
    for key, value in node.items():
        if key == "title" or (key in ("description", "default") and key not in keep):
            continue
        if key == "default" and value is None:
            continue
        if key == "properties":
            lean[key] = {name: _lean_node(one, definitions, keep) for name, one in value.items()}
        elif key in ("anyOf", "prefixItems"):
            lean[key] = [_lean_node(one, definitions, keep) for one in value]
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            lean[key] = _lean_node(value, definitions, keep)
        else:
            lean[key] = value
    if "const" in lean:
        lean.pop("type", None)
    return lean


def _without_null(node: Schema) -> Schema:
    """An optional field is absent, never null; only a field without a default may be null."""
    choices = node.get("anyOf", [])
    if "default" not in node or {"type": "null"} not in choices:
        return node
    rest = [choice for choice in choices if choice != {"type": "null"}]
    others = {key: value for key, value in node.items() if key != "anyOf"}
    return {**rest[0], **others} if len(rest) == 1 else {**others, "anyOf": rest}
