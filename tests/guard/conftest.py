"""How long a property may take: a busy machine is no fault of a rule."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
