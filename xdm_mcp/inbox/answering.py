"""What needs an answer: pure rules over messages that were read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdm_mcp.inbox.courtesies import courtesy
from xdm_mcp.models.messages import Message


def unanswered(
    messages: Sequence[Message], account_id: str, opted_out: Callable[[str], bool]
) -> Message | None:
    """Return the first of their messages (given newest first) that waits for an answer, None where
    none does.

    Whatever we wrote answers all that came before. Bare thanks wait for nothing, but do not take
    back the question before them. Whoever asked for silence last waits for nothing.
    """
    theirs: list[Message] = []
    for message in messages:
        if message.sender_id == account_id:
            break
        theirs.append(message)
    if not theirs or (theirs[0].text is not None and opted_out(theirs[0].text)):
        return None
    return next((message for message in reversed(theirs) if not _courtesy(message)), None)


def _courtesy(message: Message) -> bool:
    return message.text is not None and not message.has_attachment and courtesy(message.text)
