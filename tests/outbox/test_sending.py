"""What happens to a send: held, approved, sent once, or refused, and never called sent when it is
not so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rigs import IRIS, JUNE, MIRA, rig
from xdm_mcp.clock import rfc3339
from xdm_mcp.errors import BadInput, LedgerUnavailable, NotFound
from xdm_mcp.models.sends import Assurance

FREE: dict[str, Any] = {"confirmation": {"mode": "never"}, "taint": {"enabled": False}}
"""A policy under which replies need no person; the other rules stand."""


async def test_by_default_a_reply_is_held_and_nothing_leaves(tmp_path: Path) -> None:
    """The result says who must do what until when, and the world received nothing."""
    async with rig(tmp_path) as here:
        held = await here.send()

        assert (held.status, held.recipient_ids) == ("held", [IRIS])
        assert held.approval_id
        assert held.approval_id in (held.how_to_approve or "")
        assert "confirmation" in [reason.rule for reason in held.reasons]
        assert held.expires_at == "2026-11-22T12:15:00Z"
        assert await here.deliveries() == []


async def test_an_approved_send_goes_out_once_although_the_agent_never_calls_again(
    tmp_path: Path,
) -> None:
    """The background work sends it; working again sends nothing more."""
    async with rig(tmp_path) as here:
        await here.approve(await here.send("Exactly this, ünchanged. 🙂"))

        assert await here.app.outbox.work() == 1
        assert await here.app.outbox.work() == 0
        assert await here.deliveries() == ["Exactly this, ünchanged. 🙂"]


async def test_a_repeat_answers_with_the_state_of_the_first(tmp_path: Path) -> None:
    """Held stays the same hold; sent stays the same message, with nothing new sent."""
    async with rig(tmp_path) as here:
        first, second = await here.send(), await here.send()
        assert (second.approval_id, second.replayed) == (first.approval_id, True)

        await here.approve(first)
        await here.app.outbox.work()
        third, fourth = await here.send(), await here.send()

        assert (third.status, third.replayed) == ("sent", True)
        assert third.message_id == fourth.message_id
        assert len(await here.deliveries()) == 1


async def test_a_key_belongs_to_one_message(tmp_path: Path) -> None:
    """The same key with another text is refused with a sentence, and nothing is stored."""
    async with rig(tmp_path) as here:
        await here.send("One.", idempotency_key="k1")

        with pytest.raises(BadInput, match="new key"):
            await here.send("Two.", idempotency_key="k1")
        assert len(await here.app.outbox.waiting()) == 1


async def test_another_key_does_not_get_the_same_text_through_twice(tmp_path: Path) -> None:
    """Duplicates are told by content, whatever the key."""
    async with rig(tmp_path) as here:
        await here.send("One.", idempotency_key="k1")
        second = await here.send("One.", idempotency_key="k2")

        assert second.status == "denied"
        assert [reason.rule for reason in second.reasons] == ["duplicates"]


async def test_a_rejected_send_stays_rejected(tmp_path: Path) -> None:
    """An agent that asks again gets the person's no, not another question."""
    async with rig(tmp_path) as here:
        held = await here.send()
        await here.app.outbox.reject(held.approval_id or "", by="test")

        again = await here.send()

        assert again.status == "denied"
        assert await here.app.outbox.waiting() == ()
        assert await here.deliveries() == []


async def test_an_undecided_send_expires_and_can_be_asked_for_anew(tmp_path: Path) -> None:
    """After a quarter of an hour the approval is dead, and a new one has a new id."""
    async with rig(tmp_path) as here:
        first = await here.send()
        here.later(minutes=15, seconds=1)
        await here.app.outbox.work()

        with pytest.raises(BadInput):
            await here.approve(first)
        second = await here.send()
        assert second.status == "held"
        assert second.approval_id != first.approval_id


async def test_an_approval_of_another_digest_is_refused(tmp_path: Path) -> None:
    """What was not shown cannot be approved."""
    async with rig(tmp_path) as here:
        held = await here.send()

        with pytest.raises(BadInput):
            await here.app.outbox.approve(
                held.approval_id or "", digest="0" * 64, assurance=Assurance.PERSON, by="test"
            )
        await here.app.outbox.work()
        assert await here.deliveries() == []


async def test_too_little_assurance_is_refused(tmp_path: Path) -> None:
    """A client's own dialog does not answer for a person."""
    async with rig(tmp_path) as here:
        held = await here.send()
        entry = await here.app.outbox.find(held.approval_id or "")
        assert entry.hold is not None

        with pytest.raises(BadInput):
            await here.app.outbox.approve(
                entry.hold.approval_id,
                digest=entry.hold.digest,
                assurance=Assurance.CLIENT,
                by="test",
            )


async def test_a_preview_explains_every_rule_and_stores_and_spends_nothing(tmp_path: Path) -> None:
    """It says what would happen; the books and the held sends are as before."""
    async with rig(tmp_path) as here:
        await here.app.people.account()
        before = await here.app.standing.quota()

        preview = await here.send("See https://example.com", dry_run=True)

        assert (preview.status, preview.code) == ("preview", "would_hold")
        assert {"confirmation", "links"} <= {reason.rule for reason in preview.reasons}
        assert preview.cost_usd == "0.015"
        assert await here.app.standing.quota() == before


async def test_a_first_contact_is_held_whatever_the_confirmation_says(tmp_path: Path) -> None:
    """Being able to write to somebody is not consent."""
    async with rig(tmp_path, **FREE) as here:
        held = await here.send("Hello!", to="june_sandbox")

        assert (held.status, held.recipient_ids) == ("held", [JUNE])
        assert [reason.rule for reason in held.reasons] == ["first_contact"]


async def test_who_wrote_before_is_no_first_contact_although_the_inbox_was_never_read(
    tmp_path: Path,
) -> None:
    """The last words of an unknown conversation are read once before the guard judges."""
    async with rig(tmp_path, **FREE) as here:
        assert (await here.send()).status == "sent"
        await here.send("And one more thing.")

        windows = (await here.app.standing.quota()).windows
        assert [w.used for w in windows if "with_user" in w.name] == [1]


async def test_without_a_readable_conversation_a_person_is_asked(tmp_path: Path) -> None:
    """The reading fails closed: what cannot be known counts as a first contact."""
    async with rig(tmp_path, **FREE) as here:
        await here.control(
            "POST",
            "faults",
            {"kind": "status", "status": 500, "method": "GET", "path": ".*dm_events"}
            | {"times": 10},
        )
        held = await here.send()

        assert [reason.rule for reason in held.reasons] == ["first_contact"]


async def test_a_reply_goes_out_at_once_where_the_owner_asked_for_no_confirmation(
    tmp_path: Path,
) -> None:
    """The inbox was read, so the guard knows that they wrote first."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        sent = await here.send()

        assert sent.status == "sent"
        assert await here.deliveries() == ["On its way."]


async def test_two_sends_are_seconds_apart(tmp_path: Path) -> None:
    """The second waits for its slot, 2 to 5 seconds after the first."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.send("One.")
        start = here.clock.now()
        await here.send("Two.")

        assert 2 <= (here.clock.now() - start).total_seconds() <= 5


async def test_the_sixteenth_send_of_a_quarter_hour_is_refused_until_there_is_room(
    tmp_path: Path,
) -> None:
    """Time heals it, and the result says when."""
    async with rig(tmp_path, **FREE, budget={"enabled": False}) as here:
        await here.app.inbox.page()
        for number in range(15):
            assert (await here.send(f"Message number {number} of a long day.")).status == "sent"

        refused = await here.send("One more.")
        assert refused.status == "denied"
        assert refused.retry_at is not None
        assert len(await here.deliveries()) == 15


@pytest.mark.parametrize(
    ("fault", "status", "delivered"),
    [
        ({"kind": "drop_after"}, "unknown", 1),
        ({"kind": "status", "status": 500, "when": "before"}, "unknown", 0),
        ({"kind": "status", "status": 503, "when": "after"}, "unknown", 1),
        ({"kind": "malformed"}, "unknown", 1),
        ({"kind": "rate_limit"}, "failed", 0),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else None,
)
async def test_an_answer_that_proves_nothing_is_unknown_and_blocks_the_same_send(
    tmp_path: Path, fault: dict[str, object], status: str, delivered: int
) -> None:
    """Never `sent` without proof, and never a second attempt of the same message."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.fault(**fault)  # type: ignore[arg-type]

        result = await here.send()
        assert result.status == status
        assert len(await here.deliveries()) == delivered
        if status == "unknown":
            assert (await here.send()).status == "unknown"
            assert (await here.send(idempotency_key="other")).status == "denied"
            assert len(await here.deliveries()) == delivered


async def test_an_unknown_send_that_was_delivered_is_found_by_reading_back(tmp_path: Path) -> None:
    """The first read-back, five seconds later, proves it."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.fault("drop_after")
        assert (await here.send()).status == "unknown"
        left = here.app.clock.now()
        here.later(seconds=6)

        assert await here.app.outbox.work() == 1
        found = await here.send()

        assert (found.status, found.replayed) == ("sent", True)
        assert found.sent_at is not None
        assert found.sent_at <= rfc3339(left)
        assert len(await here.deliveries()) == 1


async def test_an_unknown_send_that_is_not_found_stays_unknown_for_a_person(tmp_path: Path) -> None:
    """Absence proves nothing: after the last read it is still unknown, and still blocked."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.fault("status", status=500, when="before")
        await here.send()
        for _ in range(8):
            here.later(hours=1, seconds=1)
            await here.app.outbox.work()

        result = await here.send()
        assert result.status == "unknown"
        assert await here.deliveries() == []


@pytest.mark.parametrize(("fault", "status"), [(None, "sent"), ("status", "unknown")])
async def test_an_end_that_cannot_be_written_down_is_never_called_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str | None, status: str
) -> None:
    """The disk fails after X answered: a receipt still proves it, and else it is unknown."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        if fault:
            await here.fault(fault, status=400)

        async def full(*_: object, **__: object) -> None:
            raise LedgerUnavailable("The disk is full.")

        monkeypatch.setattr(here.app.ledger, "settle", full)
        result = await here.send()
        monkeypatch.undo()
        here.later(minutes=2)
        await here.app.outbox.work()

        assert result.status == status
        assert (await here.send()).status == ("sent" if status == "sent" else "unknown")


async def test_a_closed_inbox_fails_once_and_is_then_refused_before_any_cost(
    tmp_path: Path,
) -> None:
    """X's refusal is remembered, so the next try costs nothing."""
    async with rig(tmp_path, eligibility={"enabled": False}) as here:
        failed = await here.send_approved("Hello!", to=MIRA, idempotency_key="hello")
        assert failed.status == "failed"
        assert failed.code == "recipient_closed"
    async with rig(tmp_path, here.clock) as here:
        refused = await here.send("Hello again!", to=MIRA)
        assert refused.status == "denied"
        assert "eligibility" in [reason.rule for reason in refused.reasons]


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ({"to": "nobody_at_all"}, NotFound, "no X user called @nobody_at_all"),
        ({"to": "not a handle"}, BadInput, "1 to 15 letters"),
        ({"to": IRIS, "conversation_id": "1-2"}, BadInput, "exactly one"),
        ({"conversation_id": "12-13"}, NotFound, "not one of account"),
        ({"conversation_id": "x"}, BadInput, "list_dms gave"),
        ({"conversation_id": "0987654321098765432"}, BadInput, "list_dms gave"),
        ({"new_group": [IRIS]}, BadInput, "2 to 49"),
        ({"new_group": [IRIS, IRIS]}, BadInput, "twice"),
        ({"new_group": [IRIS, "nobody_at_all"]}, NotFound, "1 of the 2"),
        ({"to": IRIS, "attachment": "../x.png"}, BadInput, "never a path"),
    ],
)
async def test_what_cannot_be_asked_gets_one_sentence_and_stores_nothing(
    tmp_path: Path, where: dict[str, object], error: type[Exception], words: str
) -> None:
    """The sentence says what to do next; no entry exists afterwards."""
    async with rig(tmp_path) as here:
        with pytest.raises(error, match=words):
            await here.send(**where)  # type: ignore[arg-type]
        assert await here.app.ledger.recent() == ()


async def test_writing_to_oneself_is_refused(tmp_path: Path) -> None:
    """An agent that answers itself is stopped before any cost."""
    async with rig(tmp_path) as here:
        refused = await here.send(to="you")

        assert refused.status == "denied"
        assert await here.app.outbox.waiting() == ()


async def test_a_pair_conversation_is_its_person(tmp_path: Path) -> None:
    """Writing to the conversation or to the person is the same send."""
    async with rig(tmp_path) as here:
        me = await here.app.people.account()
        pair = "-".join(sorted((me.id, IRIS), key=int))

        first, second = await here.send(), await here.send(conversation_id=pair)

        assert second.approval_id == first.approval_id


async def test_a_group_has_one_spelling(tmp_path: Path) -> None:
    """With a zero before its number it would count as another one, to which nothing went yet."""
    async with rig(tmp_path) as here:
        group = "210030208871446528"
        assert (await here.send(conversation_id=group)).status == "held"
        with pytest.raises(BadInput, match="use it unchanged"):
            await here.send(conversation_id=f"0{group}")


async def test_a_new_group_is_opened_once_approved(tmp_path: Path) -> None:
    """Group sends go through the same door."""
    async with rig(tmp_path) as here:
        sent = await here.send_approved("Hello both.", new_group=[IRIS, "asha_sandbox"])

        assert sent.status == "sent"
        assert sent.conversation_id
        assert await here.deliveries() == ["Hello both."]


async def test_an_image_goes_out_only_as_it_was_approved(tmp_path: Path) -> None:
    """A file that changed after the approval stops its send before anything leaves."""
    png = b"\x89PNG\r\n\x1a\n" + bytes(32)
    (tmp_path / "attachments").mkdir()
    picture = tmp_path / "attachments" / "lamp.png"
    picture.write_bytes(png)
    async with rig(tmp_path) as here:
        assert (await here.send_approved("Look.", attachment="lamp.png")).status == "sent"

        held = await here.send("And this.", attachment="lamp.png")
        await here.approve(held)
        picture.write_bytes(png + b"changed")
        await here.app.outbox.work()

        assert await here.deliveries() == ["Look."]
