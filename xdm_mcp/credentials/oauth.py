"""OAuth 2.0 with PKCE as X has it (docs.x.com OAuth 2.0, 2026-08).

An authorization code lives for 30 seconds, an access token for two hours, and a refresh token is
good for one renewal: using it again can end the whole login.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hmac import compare_digest
from urllib.parse import parse_qs, urlencode, urlsplit

from xdm_mcp.credentials.forms import NoAnswer, Reply, post
from xdm_mcp.credentials.record import ACCESS, CLIENT, REFRESH, Record
from xdm_mcp.errors import BackendUnavailable, Refused

ORIGIN = "https://api.x.com"
PAGES = "https://x.com"
"""Where X's own consent page is; another authorization server has it at its one origin."""

SCOPES = ("dm.read", "dm.write", "tweet.read", "users.read", "offline.access", "media.write")
"""What is asked for: every call about messages, renewal, and attachments (docs.x.com, 2026-08)."""

WITHOUT: Mapping[str, str] = {
    "dm.read": "no message can be read",
    "dm.write": "nothing can be sent",
    "tweet.read": "X refuses every call about messages",
    "users.read": "nobody can be looked up",
    "offline.access": "the login ends after two hours",
    "media.write": "no image can be attached",
}
"""What cannot be done without each of them."""

SPENT = frozenset({"invalid_request", "invalid_grant", "unauthorized_client", "invalid_client"})
"""What a refused renewal says when only a person can go on. X answers a refresh token that was used
before with `invalid_request` (recorded by integrators, 2026-05)."""

USUAL_LIFE = timedelta(hours=2)
AHEAD = timedelta(minutes=5)
"""How long before its end an access token is renewed, a quarter of its life at most."""


class LoginFailed(Refused):
    """The login did not come about; nothing was stored."""

    def __init__(self, says: str) -> None:
        """Say `says`."""
        super().__init__("auth", says)


class Broken(Exception):
    """The authorization server will not renew this login any more."""


class NotNow(Exception):
    """The authorization server definitely did not renew: the old tokens are what they were."""


@dataclass(frozen=True, slots=True)
class Client:
    """The app that asks: public without a `secret`, confidential with one."""

    id: str
    secret: str = field(default="", repr=False)

    def authenticated(self, form: dict[str, str]) -> tuple[dict[str, str], tuple[str, str] | None]:
        """Return the form and the Basic credentials with which this app makes a request."""
        if self.secret:
            return form, (self.id, self.secret)
        return {**form, "client_id": self.id}, None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to log in: the page to open, and what its answer must fit. Good for one code."""

    url: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted. Its repr shows no token."""

    secrets: Mapping[str, str] = field(repr=False)
    scopes: tuple[str, ...]
    renew_at: datetime
    expires_at: datetime

    @property
    def missing(self) -> tuple[str, ...]:
        """The scopes that were asked for and not granted."""
        return tuple(scope for scope in SCOPES if scope not in self.scopes)


def begin(client: Client, redirect_uri: str, origin: str) -> Attempt:
    """Return a new attempt, with a state and a verifier that nobody can guess."""
    from oauthlib.oauth2 import WebApplicationClient

    pkce = WebApplicationClient(client.id)
    verifier = pkce.create_code_verifier(64)
    state = secrets.token_urlsafe(32)
    asked = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": pkce.create_code_challenge(verifier, "S256"),
        "code_challenge_method": "S256",
    }
    pages = PAGES if origin == ORIGIN else origin
    return Attempt(f"{pages}/i/oauth2/authorize?{urlencode(asked)}", redirect_uri, state, verifier)


def answers(attempt: Attempt, url: str) -> bool:
    """Whether a redirected address belongs to the attempt: same place, same state."""
    given, ours = urlsplit(url), urlsplit(attempt.redirect_uri)
    same = (given.scheme, given.netloc, given.path) == (ours.scheme, ours.netloc, ours.path)
    return same and compare_digest(_one(given.query, "state").encode(), attempt.state.encode())


def code_in(attempt: Attempt, url: str) -> str:
    """Return the code that a redirected address carries.

    Raises LoginFailed where it answers another attempt or X's user said no.
    """
    if not answers(attempt, url):
        raise LoginFailed("That address answers another login; run `xdm-mcp login` again.")
    query = urlsplit(url).query
    if _one(query, "error") == "access_denied":
        raise LoginFailed("Access was denied on X's page; nothing was stored.")
    code = _one(query, "code")
    if not code:
        raise LoginFailed("X's page gave no code; check the app's settings and try again.")
    return code


def exchange(attempt: Attempt, code: str, client: Client, origin: str, now: datetime) -> Grant:
    """Return the tokens for a code, which is spent by that. Raises LoginFailed and
    BackendUnavailable."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.verifier,
    }
    try:
        reply = post(f"{origin}/2/oauth2/token", *client.authenticated(form))
    except NoAnswer:
        reply = None
    if reply is None:
        raise BackendUnavailable("X did not answer in time; run `xdm-mcp login` again.")
    grant = _grant(reply, now)
    if grant is None:
        raise LoginFailed(
            "X did not take the code: it lives for 30 seconds, and the client id, the client secret"
            " and the callback address must be those of the app. Run `xdm-mcp login` again."
        )
    return grant


def renew(record: Record, now: datetime) -> Record:
    """Return the login with a new pair of tokens; its refresh token is spent by that.

    Raises Broken, NotNow, and NoAnswer where it is unknown whether the token was spent.
    """
    form = {"grant_type": "refresh_token", "refresh_token": record.refresh}
    client = client_of(record)
    reply = post(f"{record.origin}/2/oauth2/token", *client.authenticated(form))
    grant = _grant(reply, now)
    if grant is not None:
        kept = {**record.secrets, **grant.secrets}
        scopes = grant.scopes or record.scopes
        return replace(
            record,
            secrets=kept,
            scopes=scopes,
            renew_at=grant.renew_at,
            expires_at=grant.expires_at,
        )
    if reply.status in (400, 401) and reply.fields.get("error") in SPENT:
        raise Broken
    if reply.status < 400:
        raise NoAnswer(left=True)
    raise NotNow


def revoke(record: Record) -> bool:
    """Have the authorization server forget both tokens; whether it said that it did."""
    client, done = client_of(record), True
    for token in filter(None, (record.refresh, record.access)):
        try:
            reply = post(
                f"{record.origin}/2/oauth2/revoke", *client.authenticated({"token": token})
            )
        except NoAnswer:
            return False
        done = done and reply.status == 200
    return done


def client_of(record: Record) -> Client:
    """Return the app that a login was made with."""
    return Client(record.client_id, record.secrets.get(CLIENT, ""))


def _grant(reply: Reply, now: datetime) -> Grant | None:
    access, refresh = reply.fields.get("access_token"), reply.fields.get("refresh_token")
    if reply.status != 200 or not _token(access) or not (refresh is None or _token(refresh)):
        return None
    life = _life(reply.fields.get("expires_in"))
    scope = reply.fields.get("scope")
    return Grant(
        secrets={ACCESS: str(access), **({REFRESH: str(refresh)} if refresh else {})},
        scopes=tuple(scope.split()) if isinstance(scope, str) else (),
        renew_at=now + life - min(AHEAD, life / 4),
        expires_at=now + life,
    )


def _life(seconds: object) -> timedelta:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 10**8:
        return USUAL_LIFE
    return timedelta(seconds=seconds)


def _token(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value


def _one(query: str, name: str) -> str:
    """Return the one value of a parameter, empty where it is missing or there are several."""
    found = parse_qs(query).get(name, [])
    return found[0] if len(found) == 1 else ""
