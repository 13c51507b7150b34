"""Who wants to know that something changed: one small bus per process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

What = Literal["inbox", "conversation", "message", "approvals", "quota", "policy"]


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that a client may have read is different now; `id` names it where there are
    many."""

    what: What
    id: str | None = None


Listener = Callable[[Changed], None]


class Bus:
    """Tells every listener of every change, in order, on the event loop. Listeners must not
    raise or block."""

    def __init__(self) -> None:
        """Start with no listeners."""
        self._listeners: dict[object, Listener] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each change from now on; return what ends that."""
        token = object()
        self._listeners[token] = listener

        def unsubscribe() -> None:
            self._listeners.pop(token, None)

        return unsubscribe

    def publish(self, *changes: Changed) -> None:
        """Tell the listeners of each change."""
        for change in changes:
            for listener in tuple(self._listeners.values()):
                listener(change)
