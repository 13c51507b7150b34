"""One of many processes that ask at once: what a standing rule covers, and what would be held.

`python -m tests.contract.ledger.crowd URL WORKER` waits for a line on stdin, asks under the default
policy, and prints how its asking ended as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from functools import partial

import anyio

from tests.contract.ledger.desk import ANNA, BEN, LIMITS, ME, START, Desk, draft, message
from tests.starting import start_together
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.standing_rules import Terms

PROCESSES = 8
"""How many ask at once."""

ATTEMPTS = 3
"""How often each asks, about Anna whom the rule covers, and about Ben whom it does not."""

PER_DAY = 4
"""How many messages the rule allows."""


async def prepare(url: str) -> str:
    """Have two people write to us and the owner allow `PER_DAY` to one of them; return the rule."""
    desk = Desk(open_ledger(url))
    wrote = START - timedelta(minutes=5)
    await desk.record(message(wrote), message(wrote, sender=BEN, peer=BEN, serial=2))
    terms = Terms(user_id=ANNA, until=START + timedelta(days=1), per_day=PER_DAY)
    rule = await desk.ledger.add_standing_rule(ME, terms, Assurance.PERSON, "owner", desk.now)
    await desk.ledger.close()
    return rule.id


def together(url: str) -> Counter[str]:
    """Let all processes ask at once; return how the asking ended, over all of them."""
    children = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, url, str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(PROCESSES)
    ]
    start_together(children)
    ends: Counter[str] = Counter()
    for child in children:
        ends.update(json.loads(child.communicate(timeout=60)[0]))
    return ends


async def _ask(url: str, worker: int) -> Counter[str]:
    policy, desk = Policy.load({}), Desk(open_ledger(url), holds=worker * 100)
    ends: Counter[str] = Counter()
    for number in range(ATTEMPTS):
        for name, who in (("anna", ANNA), ("ben", BEN)):
            words = "".join("abcdefghij"[int(digit)] for digit in f"{worker}{number}")
            wanted = draft(f"{words} for {name}", who)
            judge = partial(policy.decide, wanted)
            made = await desk.ledger.reserve(wanted, LIMITS, judge, desk.hold, desk.now)
            state = made.entry.state.value if made.entry else "denied"
            ends[f"{name} {state}"] += 1
    await desk.ledger.close()
    return ends


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(anyio.run(_ask, sys.argv[1], int(sys.argv[2]))))
