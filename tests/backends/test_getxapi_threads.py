"""Pages of GetXAPI that hold conversations: where the last message of each of them belongs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import httpx2
import pytest

from tests.backends.test_getxapi_reading import GROUP, listed, said
from tests.backends.vendors import getxapi_over
from tests.backends.wires import ANNA, EVENT, ME, NOW, PAIR, reply
from xdm_mcp.backends import getxapi_parse as parse
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import BackendUnavailable
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.people import People
from xdm_mcp.reads import Reads

LAST = {"id": EVENT, "senderId": ANNA, "text": "hi all"}
PEOPLE = [{"id": ANNA, "screen_name": "target_user"}]


def thread(last: object = LAST, **more: object) -> dict[str, object]:
    """Return a conversation of the list with its last message."""
    return {"participants": PEOPLE, "last_message": last, **more}


def placed(*threads: dict[str, object]) -> list[str] | None:
    """Return where the messages of a page of conversations stand, None where it is no page."""
    page = parse.listing_in(listed(conversations=list(threads)))
    return None if page is None else [message.conversation_id for message in page.messages]


def test_messages_may_stand_in_threads_alone_or_in_the_list_alone() -> None:
    """Real answers had `conversations` empty and `messages` full; the reverse is read as well."""
    full = parse.listing_in(listed(said(0), conversations=[]))
    threads = parse.listing_in(listed(conversations=[thread(conversation_id=PAIR)]))
    assert full is not None
    assert threads is not None
    assert [m.id for m in full.messages] == [m.id for m in threads.messages] == [EVENT]
    assert [user.handle for user in threads.users] == ["target_user"]


@pytest.mark.parametrize(
    "shape",
    [
        thread(conversation_id=GROUP, type="GROUP_DM"),
        thread(conversationId=int(GROUP), type="GROUP_DM"),
        thread({**LAST, "recipientId": ME}, conversation_id=GROUP),
        {"conversationId": GROUP, "lastMessage": LAST},
    ],
    ids=["group", "number", "with a recipient", "camelCase"],
)
def test_the_last_message_of_a_group_stands_in_the_group(shape: dict[str, object]) -> None:
    """Never in the pair of its writer and us, whatever else is told of it."""
    assert placed(shape) == [GROUP]


def test_our_own_last_message_stands_in_its_conversation() -> None:
    """It is no less a message for being ours."""
    ours = {**LAST, "senderId": ME}
    assert placed(thread(ours, conversation_id=PAIR, type="ONE_TO_ONE")) == [PAIR]
    assert placed(thread(ours, type="ONE_TO_ONE")) == [PAIR]


def test_of_two_people_the_pair_is_known_without_an_id() -> None:
    """Where the conversation says that it is one of two, and tells of no third."""
    third = [*PEOPLE, {"id": ME}, {"id": "7"}]
    assert placed(thread(type="ONE_TO_ONE")) == [PAIR]
    assert placed(thread(type="ONE_TO_ONE", participants=third)) is None


@pytest.mark.parametrize("told", [{"type": "GROUP_DM"}, {}])
def test_a_last_message_of_nowhere_is_no_page(told: dict[str, object]) -> None:
    """Nor is it one to us alone; beside others it is left out."""
    lost = thread({**LAST, "recipientId": ME}, **told)
    assert placed(lost) is None
    assert placed(lost, thread({**LAST, "id": "7"}, conversation_id=PAIR)) == [PAIR]


def test_a_message_that_names_nobody_was_not_written_to_us() -> None:
    """The owner of the inbox may be one of many who got it."""
    assert parse.listing_in(listed({"id": EVENT, "senderId": ANNA, "text": "hi all"})) is None


@pytest.mark.parametrize(
    "named",
    [
        {"all": "inbox"},
        {"all": "inbox", "requests": "inbox"},
        {"requests": "hidden"},
        {"all": "requests", "requests": "requests"},
    ],
)
async def test_an_inbox_under_another_name_is_not_an_empty_one(named: dict[str, str]) -> None:
    """Nor is half of it the whole: nothing is told until the service says which part it tells."""
    with pytest.raises(BackendUnavailable, match="another inbox"):
        await getxapi_over(tabs(named)).messages(limit=5)


async def test_a_service_with_one_inbox_may_give_it_twice() -> None:
    """It is told once; what is asked for is what was answered before."""
    page = await getxapi_over(tabs({"requests": "all"})).messages(limit=5)
    assert ([message.id for message in page.messages], page.next_cursor) == ([EVENT], None)


def tabs(named: Mapping[str, str]) -> Callable[[httpx2.Request], httpx2.Response]:
    """Return a service that answers for tabs of other names than were asked for."""

    def play(request: httpx2.Request) -> httpx2.Response:
        asked = json.loads(request.content)["tab"]
        return reply(200, listed(said(0), tab=named.get(asked, asked)))(request)

    return play


async def test_words_to_a_group_give_nobody_a_reply_for_free() -> None:
    """Its writer stays somebody who has never written to us."""
    group = thread(conversation_id=GROUP, type="GROUP_DM")

    def play(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return reply(200, {"data": {"id": ME, "userName": "me"}})(request)
        tab = json.loads(request.content)["tab"]
        shown = [group] if tab == "all" else []
        return reply(200, listed(tab=tab, conversations=shown))(request)

    backend, clock, policy = getxapi_over(play), ManualClock(NOW), Policy.load({})
    ledger = open_ledger("sqlite:///:memory:")
    people = People(backend, ledger, policy.budget(), clock)
    page = await Reads(backend, ledger, people, policy, clock).page(10)
    known = (await ledger.known_peers(ME, [ANNA], NOW))[ANNA]
    credits = await ledger.credits(ME, NOW)
    await ledger.close()
    assert [message.conversation_id for message in page.messages] == [GROUP]
    assert (known.last_inbound_at, credits) == (None, ())


@pytest.mark.parametrize("asked", [{}, {"with_user": ANNA}, {"conversation_id": PAIR}])
async def test_messages_of_another_account_are_never_taken_for_ours(asked: dict[str, str]) -> None:
    """The service keeps many accounts: what it says is another's is not shown and not kept."""
    told = [listed(), listed(said(0), userId="77")]
    backend = getxapi_over(lambda request: reply(200, told.pop(0))(request))
    told.insert(1, {"status": "success", "data": {"id": ME, "userName": "me"}})
    assert (await backend.me()).id == ME
    with pytest.raises(BackendUnavailable, match="another account"):
        await backend.messages(limit=10, **asked)  # type: ignore[arg-type]
