"""What is looked for in the past of a send."""

from __future__ import annotations

from dataclasses import dataclass

from xdm_mcp.digests import match_digest, similar_digest
from xdm_mcp.ledger.rows import Stored
from xdm_mcp.marks import Marked, marked
from xdm_mcp.models.sends import Draft, Target


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in the past of a send: the same key, the same request, the same match,
    nearly the same text; the digest of its content; the marks of its text, None where a person saw
    it already: then what it carries and what was read before is no question."""

    account_id: str
    target: Target
    key: str
    content: str
    request: str
    match: str
    similar: str
    own_id: int = 0
    marks: Marked | None = None


def wanted_by(draft: Draft, key: bytes) -> Wanted:
    """Return what to look for before `draft`, its text marked under the ledger's `key`. Digests and
    marks take a while: make them before the hold of the ledger."""
    content = draft.content
    request = draft.request_for(content)
    drafted, match, similar = (
        draft.key_for(request),
        match_digest(draft.text),
        similar_digest(draft.text),
    )
    return Wanted(
        draft.account_id, draft.target, drafted, content, request, match, similar,
        marks=marked(draft.text, key, draft.account_id),
    )  # fmt: skip


def wanted_again(stored: Stored) -> Wanted:
    """Return what to look for before a stored send goes out."""
    entry = stored.entry
    return Wanted(
        entry.account_id,
        entry.target,
        entry.draft_key,
        entry.content,
        entry.request,
        entry.match,
        stored.similar,
        entry.id,
    )
