"""The tables of `docs/policy.md`, made from the settings themselves.

`python -m tests.guard.reference` writes them into the page; a test fails while they differ.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tests.guard.making import HOUR, NOW, draft, facts, leak, peer, stranger, taint
from xdm_mcp.config import Settings
from xdm_mcp.guard.base import Rule
from xdm_mcp.guard.policy import Policy
from xdm_mcp.guard.presets import PRESETS
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Verdict
from xdm_mcp.tables import allowed, is_table, keys

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"

LINK = "Look at www.example.com"
QUIET: dict[str, object] = {"quiet_hours": {"from": "11:00", "until": "13:00"}}
OLD = facts(peer(last_inbound_at=NOW - 25 * HOUR))
SENDS: list[tuple[str, Draft, Facts, dict[str, object]]] = [
    ("a reply within a day of their message", draft(), facts(), {}),
    ("the same with a link", draft(LINK), facts(), {}),
    ("the same in quiet hours", draft(), facts(), QUIET),
    ("the same with words of another conversation", draft(), facts(leaks=(leak(),)), {}),
    ("the same after a stranger's unanswered words", draft(), facts(taints=(taint(),)), {}),
    ("a message after more than a day", draft(), OLD, {}),
    ("a first message to somebody", draft(), facts(stranger()), {}),
    ("a new group", draft("Hello", "2", "3"), facts(peer("2"), peer("3"), new_group=True), {}),
]
"""What people send: in words, as a draft, what is known of it, and the tables that it takes."""


def reference() -> str:
    """Return every table of the policy file with every key, in the order of the models."""
    own = {key: field for key, field in keys(Settings).items() if not is_table(field)}
    parts = ["### At the top of the file", "", *_rows(own)]
    for title, model in _tables():
        whole = model is Policy
        own = {k: field for k, field in keys(model).items() if not (whole and is_table(field))}
        about = ["What concerns every rule."] if whole else _about(model)
        parts += ["", f"### `[{title}]`", "", *about, "", *_rows(own)]
    return "\n".join(parts) + "\n"


def presets() -> str:
    """Return the presets side by side: what answers each kind of send, then what they write."""
    heads = " | ".join(f"`{name}`" for name in PRESETS)
    rule = "|---" * (len(PRESETS) + 1) + "|"
    kinds = [f"| {words} | {_answers(wanted, known, raw)} |" for words, wanted, known, raw in SENDS]
    settings = sorted({key for tables in PRESETS.values() for key in _settings(tables)})
    policies = [Policy.load({"preset": preset}) for preset in PRESETS]
    rows = [f"| `{key}` | {' | '.join(_value(p, key) for p in policies)} |" for key in settings]
    asked = [f"| least approval of | {heads} |", rule, *kinds]
    return "\n".join([*asked, "", f"| setting | {heads} |", rule, *rows]) + "\n"


def written(page: str, part: str = "reference") -> str:
    """Return what stands between the two marks of a part of the page."""
    begin, end = _marks(part)
    return page.split(begin)[1].split(end)[0]


def _marks(part: str) -> tuple[str, str]:
    return f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->\n"


def _answers(wanted: Draft, known: Facts, raw: dict[str, object]) -> str:
    decisions = [Policy.load(raw | {"preset": p}).decide(wanted, known, NOW) for p in PRESETS]
    assert all(decision.verdict is Verdict.HOLD for decision in decisions)
    return " | ".join(f"`{decision.least.name.lower()}`" for decision in decisions)


def _settings(tables: Mapping[str, Mapping[str, object]]) -> list[str]:
    return [f"guard.{rule}.{key}" for rule, table in tables.items() for key in table]


def _value(policy: Policy, setting: str) -> str:
    _, rule, key = setting.split(".")
    value = getattr(getattr(policy, rule), key)
    return "none" if value is None else f'`"{value}"`'


def _tables() -> Iterator[tuple[str, type[BaseModel]]]:
    for prefix, model in (("", Settings), ("guard.", Policy)):
        if prefix:
            yield prefix.rstrip("."), model
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
        f"| `{key}` | {allowed(field)} | `{_default(field)}` | {field.description} |"
        for key, field in settings.items()
    ]


def _default(field: FieldInfo) -> str:
    """Return the default of a setting as one writes it in TOML, in words where there is none."""
    if field.default_factory is not None:
        return "as described"
    match value := field.get_default():
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case tuple():
            return "[" + ", ".join(f'"{item}"' for item in value) + "]"
        case dict():
            return "{}"
        case _:
            return f'"{value}"'


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    for part, text in (("presets", presets()), ("reference", reference())):
        begin, end = _marks(part)
        before, _, rest = page.partition(begin)
        page = before + begin + text + end + rest.partition(end)[2]
    PAGE.write_text(page, "utf-8")
