"""Presets: who must approve, in one word; the owner's tables go over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guard.making import IMAGE, NOW, draft, facts, peer, stranger
from tests.guard.test_decide import anything, approvals, drafts, tables
from xdm_mcp.config import load
from xdm_mcp.errors import ConfigError
from xdm_mcp.guard.base import HoldingRule, findings_of
from xdm_mcp.guard.policy import Policy
from xdm_mcp.guard.presets import HOLDING, PRESETS
from xdm_mcp.models.sends import Assurance, Draft
from xdm_mcp.models.verdicts import Facts, Verdict

LINK = "Look at www.example.com"


def least(raw: dict[str, Any], wanted: Draft, known: Facts) -> Assurance:
    """Return the least assurance that answers a send which this policy holds."""
    decision = Policy.load(raw).decide(wanted, known, NOW)
    assert decision.verdict is Verdict.HOLD
    return decision.least


def test_every_rule_that_holds_is_known_to_the_presets() -> None:
    """A new one is added there, so that `strict` reaches it."""
    holding = [rule.name for rule in Policy.load({}).rules() if isinstance(rule, HoldingRule)]

    assert holding == list(HOLDING)


def test_out_of_the_box_every_holding_rule_asks_for_a_person() -> None:
    """`default` is what holds without a word."""
    assert Policy.load({}) == Policy.load({"preset": "default"})
    for name in HOLDING:
        assert getattr(Policy.load({}), name).least == "person"


def test_balanced_takes_the_clients_word_for_solicited_replies_without_links() -> None:
    """Everything else needs a person."""
    balanced = {"preset": "balanced"}

    assert least(balanced, draft(), facts()) is Assurance.CLIENT
    assert least(balanced, draft(LINK), facts()) is Assurance.PERSON
    assert least(balanced, draft(attachment=IMAGE), facts()) is Assurance.PERSON
    assert least(balanced, draft(), facts(stranger())) is Assurance.PERSON
    assert least(balanced, draft(), facts(peer(own_since_inbound=5))) is Assurance.PERSON
    assert least(balanced, draft(group="9"), facts(stranger())) is Assurance.PERSON


def test_balanced_asks_a_person_for_a_reply_with_a_link_to_a_known_host() -> None:
    """A host that needs no asking is a link all the same."""
    known = {"preset": "balanced", "links": {"allow_hosts": ["www.example.com"]}}

    assert least(known, draft(LINK), facts()) is Assurance.PERSON


def test_balanced_asks_a_person_in_quiet_hours() -> None:
    """The strictest of all rules that hold counts."""
    quiet = {"preset": "balanced", "quiet_hours": {"from": "11:00", "until": "13:00"}}

    assert least(quiet, draft(), facts()) is Assurance.PERSON


@pytest.mark.parametrize(
    ("wanted", "known"),
    [(draft(), facts()), (draft(LINK), facts()), (draft(), facts(stranger()))],
    ids=["reply", "link", "first contact"],
)
def test_strict_asks_for_a_passkey_everywhere(wanted: Draft, known: Facts) -> None:
    """Whatever is held."""
    strict = {"preset": "strict", "quiet_hours": {"from": "11:00", "until": "13:00"}}

    assert least(strict, wanted, known) is Assurance.PASSKEY
    decision = Policy.load(strict).decide(wanted, known, NOW)
    holds = [finding for finding in decision.findings if finding.verdict is Verdict.HOLD]
    assert {finding.least for finding in holds} == {Assurance.PASSKEY}


def test_the_owners_tables_go_over_the_preset_key_by_key() -> None:
    """What a table leaves out stays as the preset has it."""
    mixed = Policy.load(
        {"preset": "strict", "links": {"least": "person", "allow_hosts": ["a.com"]}}
    )

    assert mixed.links.least == "person"
    assert mixed.links.allow_hosts == ("a.com",)
    assert mixed.confirmation.least == "passkey"


@pytest.mark.parametrize("wrong", ["lax", "", "Strict", 3, ["strict"], {"strict": True}])
def test_an_unknown_preset_is_refused_in_one_sentence(wrong: object) -> None:
    """Nothing starts, and the sentence names what there is."""
    with pytest.raises(ConfigError) as refused:
        Policy.load({"preset": wrong})

    assert str(refused.value) == '`guard.preset` must be "default", "balanced" or "strict".'


def test_the_preset_comes_from_the_file_or_from_a_variable(tmp_path: Path) -> None:
    """As every other setting does, the variable first."""
    (tmp_path / "policy.toml").write_text('[guard]\npreset = "balanced"\nhand_off = false\n')

    filed = Policy.load(load(tmp_path, {}).guard)
    varied = Policy.load(load(tmp_path, {"XDM_GUARD__PRESET": "strict"}).guard)
    on = Policy.load(load(tmp_path, {"XDM_GUARD__HAND_OFF": "true"}).guard)

    assert (filed.preset, filed.hand_off) == ("balanced", False)
    assert filed.confirmation.least_for_replies == "client"
    assert (varied.preset, varied.links.least) == ("strict", "passkey")
    assert on.hand_off


@given(tables(), drafts, anything, approvals)
def test_no_preset_lets_pass_what_a_rule_denies(
    raw: dict[str, Any], wanted: Draft, known: Facts, approval: Assurance | None
) -> None:
    """A preset says who approves, and nobody approves a denial."""
    policies = [Policy.load(raw | {"text": {}, "preset": preset}) for preset in PRESETS]
    found = [findings_of(policy.rules(), wanted, known, NOW) for policy in policies]
    denied = [{f for f in findings if f.verdict is Verdict.DENY} for findings in found]

    assert denied[0] == denied[1] == denied[2]
    if denied[0]:
        for policy in policies:
            assert policy.decide(wanted, known, NOW, approval).verdict is Verdict.DENY


@given(drafts, anything, st.sampled_from(Assurance))
def test_strict_passes_nothing_that_the_default_would_not(
    wanted: Draft, known: Facts, approval: Assurance
) -> None:
    """And the default nothing that `balanced` would not."""
    strict, usual, balanced = (
        Policy.load({"preset": preset}).decide(wanted, known, NOW, approval).verdict
        for preset in ("strict", "default", "balanced")
    )

    assert strict >= usual >= balanced
