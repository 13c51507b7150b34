"""Who we are to the services: logging in, keeping secrets, renewing tokens, hiding them.

Begin with `store.py`; `docs/credentials.md` says what happens to a token, and in a crash.
"""
