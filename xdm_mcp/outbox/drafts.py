"""From what a caller asks to a draft in numbers: recipients resolved, conversations told apart,
the price known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xdm_mcp.backends.base import Backend, Picture
from xdm_mcp.errors import BadInput, NotFound, Unsupported
from xdm_mcp.models.messages import CONVERSATION_ID, one_to_one
from xdm_mcp.models.people import USER_ID, User
from xdm_mcp.models.sends import Attachment, Draft, Entry, Target
from xdm_mcp.outbox.attachments import load
from xdm_mcp.people import People, normalise

UNRESOLVED = "0"
"""Stands for a person whom a preview did not look up, because a preview spends nothing. X has no
user 0."""


class Drafts:
    """Makes drafts for one account and one backend."""

    def __init__(self, backend: Backend, people: People, attachments: Path, max_bytes: int) -> None:
        """Resolve through `people`; take images of at most `max_bytes` from the folder
        `attachments`."""
        self._backend = backend
        self._people = people
        self._attachments = attachments
        self._max_bytes = max_bytes

    async def make(
        self,
        *,
        text: str,
        to: str | None,
        conversation_id: str | None,
        new_group: Sequence[str] | None,
        attachment: str | None,
        idempotency_key: str | None,
        look_up: bool = True,
    ) -> Draft:
        """Return the draft, everybody in it looked up; without `look_up` nothing is spent, and whom
        we do not know stands in as `UNRESOLVED`.

        Raises BadInput, NotFound, Unsupported or Unavailable.
        """
        if [to, conversation_id, new_group].count(None) != 2:
            raise BadInput("Give exactly one of to, conversation_id and new_group.")
        image = self._image(attachment)
        account = await self._people.account()
        handle: str | None = None
        if new_group is not None:
            target = await self._group(new_group, account, look_up=look_up)
        else:
            other = one_to_one(conversation_id, account.id) if conversation_id else to
            if other is None:
                target = self._conversation(conversation_id or "", account)
            else:
                user = await self._one(other, look_up=look_up)
                target, handle = Target(user_ids=(user.id,)), user.handle
        prices = self._backend.capabilities.prices
        return Draft(
            account_id=account.id,
            backend=self._backend.name,
            origin=self._backend.origin,
            target=target,
            text=text,
            cost=prices.send + (prices.picture if image else 0),
            attachment=image,
            handle=handle,
            idempotency_key=idempotency_key,
        )

    def picture_of(self, wanted: Draft | Entry) -> Picture | None:
        """Return the very image that a send was made or decided with. Raises BadInput if it changed
        since."""
        if wanted.attachment is None:
            return None
        attachment, picture = load(self._attachments, wanted.attachment.name, self._max_bytes)
        if attachment != wanted.attachment:
            raise BadInput(
                "The attachment changed after it was approved; ask again with the new one."
            )
        return picture

    def _image(self, name: str | None) -> Attachment | None:
        if name is None:
            return None
        if not self._backend.capabilities.attachments:
            raise Unsupported(
                f"The backend {self._backend.name} cannot attach images; send text alone."
            )
        return load(self._attachments, name, self._max_bytes)[0]

    def _conversation(self, conversation_id: str, account: User) -> Target:
        if not CONVERSATION_ID.match(conversation_id):
            raise BadInput("A conversation_id is the id that list_dms gave; use it unchanged.")
        if "-" in conversation_id:
            raise NotFound(
                f"That conversation is not one of account {account.id}; list yours with list_dms."
            )
        if not self._backend.capabilities.conversations:
            raise Unsupported(
                f"The backend {self._backend.name} cannot send to a group; "
                "write to its people one by one."
            )
        return Target(conversation_id=conversation_id)

    async def _group(self, whos: Sequence[str], account: User, *, look_up: bool) -> Target:
        if not self._backend.capabilities.new_groups:
            raise Unsupported(
                f"The backend {self._backend.name} cannot open a group; "
                "write to its people one by one."
            )
        if not 2 <= len(whos) <= 49:
            raise BadInput("new_group takes 2 to 49 people beside you.")
        if look_up:
            found = await self._people.find_many(list(whos))
            lost = [who for who, user in zip(whos, found, strict=True) if user is None]
            if lost:
                raise NotFound(
                    f"{len(lost)} of the {len(whos)} people of new_group do not exist on X; "
                    "check each with check_can_dm."
                )
            ids = [user.id for user in found if user is not None]
        else:
            ids = [(await self._one(who, look_up=False)).id for who in whos]
        if look_up and len(set(ids)) != len(ids):
            raise BadInput("new_group names somebody twice; name each person once.")
        if account.id in ids:
            raise BadInput(
                "new_group names your own account; you belong to the group anyway, leave it out."
            )
        return Target(user_ids=tuple(sorted(ids, key=int)))

    async def _one(self, who: str, *, look_up: bool) -> User:
        if look_up:
            return await self._people.find(who)
        known = await self._people.known(who)
        name = normalise(who)
        unknown = User(UNRESOLVED, handle=name.removeprefix("@"))
        return known or (User(name) if USER_ID.match(name) else unknown)


def draft_of(entry: Entry) -> Draft:
    """Return the draft that a waiting entry was made from."""
    return Draft(
        account_id=entry.account_id,
        backend=entry.backend,
        origin=entry.origin,
        target=entry.target,
        text=entry.text or "",
        cost=entry.cost,
        attachment=entry.attachment,
        handle=entry.handle,
        idempotency_key=entry.draft_key.removeprefix("k:")
        if entry.draft_key.startswith("k:")
        else None,
    )
