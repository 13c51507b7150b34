"""Who may be written to at all."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.guard.making import ACCOUNT, GROUP, NOW, draft, facts, peer
from xdm_mcp.guard.recipients import Recipients
from xdm_mcp.models.sends import Draft
from xdm_mcp.models.verdicts import Facts, Verdict


def refusal(rule: Recipients, wanted: Draft, known: Facts | None = None) -> str | None:
    """Return the sentence of the refusal, or None; a refusal is never healed by time."""
    finding = rule.judge(wanted, known or facts(), NOW)
    if finding is None:
        return None
    assert (finding.verdict, finding.retry_at) == (Verdict.DENY, None)
    return finding.says


def rule(**settings: object) -> Recipients:
    """Return the rule as read from the policy file."""
    return Recipients.model_validate(settings)


def test_by_default_everybody_may_be_written_to() -> None:
    """Two empty lists say nothing."""
    assert refusal(rule(), draft()) is None


@pytest.mark.parametrize("listed", ["2000", "Ann_1", "@Ann_1", " @ann_1 ", "ANN_1"])
def test_whoever_is_on_the_deny_list_is_refused_by_id_or_handle(listed: str) -> None:
    """Case and @ do not matter."""
    says = refusal(rule(deny=[listed]), draft(handle="aNN_1"))

    assert says is not None
    assert says.startswith("The owner's deny list `guard.recipients.deny` names ")


def test_a_handle_of_digits_is_told_from_an_id_by_its_at_sign() -> None:
    """`@2000` is a handle, `2000` a number."""
    assert refusal(rule(deny=["@2000"]), draft(handle="Ann")) is None
    assert refusal(rule(deny=["@2000"]), draft("Hi", "7", handle="2000")) is not None


def test_an_allow_list_refuses_everybody_else() -> None:
    """An id or a handle of the one recipient is enough to be listed."""
    listed = rule(allow=["@ann", "7"])

    assert refusal(listed, draft(handle="Ann")) is None
    assert refusal(listed, draft("Hi", "7", handle="Bob")) is None
    assert refusal(listed, draft(handle="Bob")) == (
        "The owner's allow list `guard.recipients.allow` does not name 2000."
    )


def test_the_deny_list_wins_over_the_allow_list() -> None:
    """Listed on both is refused."""
    assert refusal(rule(allow=["2000"], deny=["2000"]), draft()) is not None


def test_in_a_new_group_one_denied_or_unlisted_member_is_enough() -> None:
    """Every member counts."""
    group = draft("Hi", "2", "3", "4")

    assert refusal(rule(deny=["3"]), group) is not None
    assert refusal(rule(allow=["2", "3", "4"]), group) is None
    assert refusal(rule(allow=["2", "3"]), group) == (
        "The owner's allow list `guard.recipients.allow` does not name 4."
    )


def test_a_sentence_names_three_recipients_at_most() -> None:
    """A longer list is counted."""
    three = refusal(rule(allow=["9"]), draft("Hi", "2", "3", "4"))
    five = refusal(rule(allow=["9"]), draft("Hi", "2", "3", "4", "5", "6"))

    assert three is not None
    assert five is not None
    assert three.endswith("does not name 2, 3, 4.")
    assert five.endswith("does not name 2, 3, 4 and 2 more.")


@pytest.mark.parametrize("wanted", [draft(), draft("Hi", "2", "3", handle="Bob")])
def test_doubt_refuses_while_the_deny_list_holds_handles(wanted: Draft) -> None:
    """Who is known by number only, as members of a new group are, could bear any of them."""
    assert refusal(rule(deny=["@ann"]), wanted) == (
        "A recipient is known by number only, and `guard.recipients.deny` holds handles;"
        " the owner lists user ids there instead."
    )
    assert refusal(rule(deny=["7"]), wanted) is None


def test_an_existing_group_is_named_by_its_conversation_id() -> None:
    """On either list."""
    to_group = draft(group=GROUP)

    assert refusal(rule(deny=[GROUP]), to_group) is not None
    assert refusal(rule(allow=[GROUP]), to_group) is None
    assert refusal(rule(allow=["2000"]), to_group) is not None


def test_a_message_to_oneself_is_refused() -> None:
    """Alone or in a group."""
    assert refusal(rule(), draft("Hi", ACCOUNT)) is not None
    assert refusal(rule(), draft("Hi", ACCOUNT, "3")) is not None


def test_whoever_asked_us_to_stop_is_refused_until_the_owner_clears_it() -> None:
    """The sentence says how; a group with such a person is refused as well."""
    gone = peer("3", opted_out_at=NOW)

    assert refusal(rule(), draft("Hi", "3"), facts(gone)) == (
        "User 3 asked not to be written to;"
        " only the owner clears it, with `xdm-mcp clear opt-out 3`."
    )
    assert refusal(rule(), draft("Hi", "2", "3"), facts(peer("2"), gone)) is not None


def test_an_allow_list_does_not_override_an_opt_out() -> None:
    """No setting writes to somebody who asked us to stop."""
    assert refusal(rule(allow=["3"]), draft("Hi", "3"), facts(peer("3", opted_out_at=NOW)))


@pytest.mark.parametrize(
    "wrong", ["", "@", "two words", "a-handle", "1-2", "seventeen_letters", "ä"]
)
def test_a_list_holds_ids_and_handles_only(wrong: str) -> None:
    """The id of a pair is refused too, because a draft to a pair names the person."""
    with pytest.raises(ValidationError, match="must name people by user id or handle"):
        rule(deny=[wrong])


def test_it_describes_whom_it_lets_pass() -> None:
    """One sentence for each shape of the lists."""
    assert rule().describe() == (
        "You may write to everybody, except yourself and whoever asked to be left alone."
    )
    assert rule(allow=["1", "2"], deny=["3"]).describe() == (
        "You may write to the 2 on the allow list, except yourself, the 1 on the deny list"
        " and whoever asked to be left alone."
    )
