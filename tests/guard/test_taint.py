"""What an agent writes after it has read strangers' words."""

from __future__ import annotations

from tests.guard.making import GROUP, NOW, draft, facts, standing, taint
from xdm_mcp.guard.policy import Policy
from xdm_mcp.guard.taint import Taint
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.verdicts import Finding, Verdict
from xdm_mcp.models.verdicts import Taint as Shown


def judge(*taints: Shown) -> Finding | None:
    """Return what the rule says after `taints`."""
    return Taint().judge(draft(), facts(taints=taints), NOW)


def test_who_has_read_nothing_writes_freely() -> None:
    """Without a remark."""
    assert judge() is None


def test_unanswered_words_of_somebody_else_hold_a_send() -> None:
    """The sentence names whose, by number."""
    finding = judge(taint("3000"), Shown(GROUP, "1", NOW))

    assert finding is not None
    assert (finding.verdict, finding.least) == (Verdict.HOLD, Assurance.PERSON)
    assert finding.says == (
        f"An agent has read unanswered words of user 3000, the group {GROUP} and writes to"
        " somebody else, so a person looks first."
    )


def test_three_are_named_at_most() -> None:
    """The rest are others."""
    finding = judge(*(taint(str(n)) for n in (3000, 4000, 5000, 6000)))

    assert finding is not None
    assert "user 5000 and others and writes" in finding.says


def test_three_are_all_there_are() -> None:
    """No others are spoken of."""
    finding = judge(*(taint(str(n)) for n in (3000, 4000, 5000)))

    assert finding is not None
    assert "user 5000 and writes" in finding.says


def test_no_standing_rule_answers_it_and_a_person_does() -> None:
    """Whoever made the rule did not see this text."""
    policy = Policy.load({})
    calm, tainted = (
        facts(standing_rules=(standing(),)),
        facts(standing_rules=(standing(),), taints=(taint(),)),
    )

    assert policy.decide(draft(), calm, NOW).verdict is Verdict.ALLOW
    assert policy.decide(draft(), tainted, NOW).verdict is Verdict.HOLD
    assert policy.decide(draft(), tainted, NOW, Assurance.PERSON).verdict is Verdict.ALLOW


def test_the_owner_says_how_sure_an_approval_must_be() -> None:
    """As for every rule that holds."""
    finding = Taint(least="client").judge(draft(), facts(taints=(taint(),)), NOW)

    assert finding is not None
    assert finding.least is Assurance.CLIENT
