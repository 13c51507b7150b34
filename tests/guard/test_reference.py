"""The page `docs/policy.md` says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guard.reference import PAGE, presets, reference, written
from xdm_mcp.config import load
from xdm_mcp.guard.policy import Policy
from xdm_mcp.tables import is_table, keys

TEXT = PAGE.read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def example(tmp_path: Path, begins: str) -> Policy:
    """Return the policy of the one example on the page that begins with a comment."""
    (text,) = [text for text in EXAMPLES if text.startswith(f"# {begins}")]
    (tmp_path / "policy.toml").write_text(text, "utf-8")
    return Policy.load(load(tmp_path, {}).guard)


def test_the_tables_of_the_page_are_those_of_the_program() -> None:
    """Each key, bound, default and meaning; `python -m tests.guard.reference` writes them."""
    assert written(TEXT) == reference()


def test_the_presets_stand_side_by_side_as_they_decide() -> None:
    """Each kind of send with what answers it, and each key that a preset writes."""
    assert written(TEXT, "presets") == presets()


def test_every_setting_says_what_it_means() -> None:
    """In one sentence or more, each ending with a full stop."""
    for line in reference().splitlines():
        if line.startswith("| `"):
            assert re.search(r"\. \|\Z", line), line


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.splitlines()[0].lstrip("# "))
def test_every_example_on_the_page_loads(tmp_path: Path, text: str) -> None:
    """A reader may copy each of them as it stands."""
    (tmp_path / "policy.toml").write_text(text, "utf-8")
    assert Policy.load(load(tmp_path, {}).guard).rules()


def test_the_strict_example_is_nowhere_looser_than_the_defaults(tmp_path: Path) -> None:
    """It asks for a passkey, refuses strangers, and every number in it is smaller."""
    strict, usual = example(tmp_path, "strict"), Policy.load({})

    assert (strict.preset, strict.links.least) == ("strict", "passkey")
    assert strict.first_contact.refuse
    assert strict.confirmation.mode == usual.confirmation.mode == "always"
    assert strict.confirmation.held_at_most < usual.confirmation.held_at_most
    assert strict.reply_credit.replies < usual.reply_credit.replies
    assert strict.rate_windows.per_day < usual.rate_windows.per_day
    assert strict.budget_.per_day_usd < usual.budget_.per_day_usd
    assert len(strict.rules()) == len(usual.rules())


def test_the_replies_example_frees_solicited_replies_alone(tmp_path: Path) -> None:
    """Everything else is as safe as by default."""
    replies = example(tmp_path, "replies")
    usual = Policy.load({})

    assert replies.confirmation.mode == "solicited"
    changed = [
        name for name in usual.model_dump() if getattr(replies, name) != getattr(usual, name)
    ]
    assert changed == ["confirmation"]


def test_every_rule_is_named_on_the_page() -> None:
    """With its table, though all its settings may be those of every rule."""
    for name in (name for name, field in keys(Policy).items() if is_table(field)):
        assert f"### `[guard.{name}]`" in TEXT
