"""Presets: who must approve what is held, in one word; the owner's own tables go over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from xdm_mcp.sources import over

Preset = Literal["default", "balanced", "strict"]
"""The presets by their names in the policy file."""

Tables = Mapping[str, Mapping[str, object]]
"""Tables of the guard, such as a preset or an owner writes them."""

HOLDING = ("quiet_hours", "first_contact", "links", "leak", "taint", "confirmation")
"""Every rule whose approval the owner sets, by `least`. What a person rejected takes `person`."""

PRESETS: Mapping[Preset, Tables] = {
    "default": {},
    "balanced": {"confirmation": {"least_for_replies": "client"}},
    "strict": {rule: {"least": "passkey"} for rule in HOLDING},
}
"""What each preset writes into the tables that the owner leaves open."""


def with_preset(raw: Mapping[str, object]) -> dict[str, object]:
    """Return the owner's tables over those of the preset that `raw` names.

    An unknown name changes nothing here: it is refused where `raw` is checked.
    """
    chosen = raw.get("preset")
    below = next((tables for name, tables in PRESETS.items() if name == chosen), {})
    return over(raw, below)
