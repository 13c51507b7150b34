"""A pretend X: one world, told by a story and a journal, behind one wire façade per service.

Begin with `serve.build_app`; the page `docs/sandbox.md` says what is imitated and what is chosen.
"""

SANDBOX_TOKEN = "sandbox-token"  # noqa: S105 - the pretend X's own word, of no use anywhere else
"""The bearer token that speaks for the owner of the sandbox, with every scope."""

SANDBOX_APP_TOKEN = "sandbox-app-token"  # noqa: S105 - as above
"""The bearer token of the app alone, without a user: refused wherever X wants a user."""

SANDBOX_COOKIE = "sandbox-session-cookie"  # as above
"""The session cookie of the owner's X account, for the pretend services that act through it."""

SANDBOX_URL = "http://sandbox"
"""The base URL of the sandbox when it is served in process."""

SANDBOX_KEYS = (
    "sandbox-consumer-key",
    "sandbox-consumer-secret",
    "2200000001-sandbox-oauth-token",
    "sandbox-oauth-token-secret",
)
"""The four values of OAuth 1.0a that speak for the owner of the sandbox: the app's key and secret,
the user's token and its secret."""
