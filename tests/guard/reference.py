"""The tables of `docs/policy.md`, made from the settings themselves.

`python -m tests.guard.reference` writes them into the page; a test fails while they differ.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from xdm_mcp.config import Settings
from xdm_mcp.guard.base import Rule
from xdm_mcp.guard.policy import Policy
from xdm_mcp.tables import allowed, default, is_table, keys

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->\n"


def reference() -> str:
    """Return every table of the policy file with every key, in the order of the models."""
    own = {key: field for key, field in keys(Settings).items() if not is_table(field)}
    parts = ["### At the top of the file", "", *_rows(own)]
    for title, model in _tables():
        parts += ["", f"### `[{title}]`", "", *_about(model), "", *_rows(keys(model))]
    return "\n".join(parts) + "\n"


def written(page: str) -> str:
    """Return what stands between the two marks of the page."""
    return page.split(BEGIN)[1].split(END)[0]


def _tables() -> Iterator[tuple[str, type[BaseModel]]]:
    for prefix, model in (("", Settings), ("guard.", Policy)):
        for key, field in keys(model).items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                yield f"{prefix}{key}", field.annotation


def _about(model: type[BaseModel]) -> list[str]:
    about = inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    if not issubclass(model, Rule):
        return [about]
    return [about, "", f"As it stands: *{model().describe()}*"]


def _rows(settings: dict[str, FieldInfo]) -> list[str]:
    head = ["| key | may be | default | |", "|---|---|---|---|"]
    return head + [
        f"| `{key}` | {allowed(field)} | `{default(field)}` | {field.description} |"
        for key, field in settings.items()
    ]


if __name__ == "__main__":
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + reference() + END + rest.partition(END)[2], "utf-8")
