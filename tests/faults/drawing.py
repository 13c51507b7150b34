"""What random lives are drawn from: people, words, quotas, endings, and how the clock moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from hypothesis import strategies as st

from tests.contract.ledger.desk import ANNA, BEN, CARA, ME
from xdm_mcp.models.quota import Limit

PEERS = (ANNA, BEN, CARA)
LINKS = ("See https://one.example", "See https://two.example")
"""Two texts that differ in a link alone, which X rewrites."""

TEXTS = (*(f"Words number {number}." for number in range(7)), *LINKS)

ENDINGS = ("sent", "unknown", "refused", "not sent", "limited", "trouble", "lie")
"""How an attempt may end: accepted, of which nobody knows, refused, of which no byte left, refused
until later, refused with a halt, and called refused although it was delivered."""

STAGES = ("reserved", "left", "arrived")
"""Where an attempt may stop half way: before its request, before X acts, before the answer."""

Counts = Literal["attempts", "messages"]

SPANS = [timedelta(minutes=15), timedelta(hours=1), timedelta(hours=24)]

STEPS = st.one_of(
    st.integers(0, 90), st.integers(-3_600, 86_400), st.sampled_from([900, 940, 86_400, 86_440])
).map(lambda seconds: timedelta(seconds=seconds))
"""How far the clock moves at once."""


@st.composite
def quotas(draw: st.DrawFn) -> tuple[Limit, ...]:
    """Limits as no owner would choose them: few, small, of every kind; requests always have one."""
    per, count = st.sampled_from(SPANS), st.integers(1, 7)
    counts: st.SearchStrategy[Counts] = st.sampled_from(("attempts", "messages"))
    limits = [Limit(f"{ME}/requests", draw(st.integers(3, 12)), SPANS[0], draw(counts))]
    for _ in range(draw(st.integers(0, 2))):
        exempt = draw(st.booleans())
        limits.append(Limit(f"{ME}/messages", draw(count), draw(per), draw(counts), exempt))
    if draw(st.booleans()):
        scope = f"{ME}/first_contacts"
        limits.append(Limit(scope, draw(count), draw(per), first_contacts_only=True))
    return tuple(limits)
