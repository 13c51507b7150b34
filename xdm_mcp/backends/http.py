"""One bounded HTTP client for every backend.

A call ends within its deadline, goes to one host, follows no redirect, reads no proxy setting and
no `.netrc`, keeps no cookie, decompresses nothing and holds at most `MAX_BODY` bytes, of a page
`MAX_PAGE`. It leaves at most once: services count and bill each request, so only what never left is
tried again, and that only for a read. Whatever goes wrong on the way is one exception, `NoAnswer`,
which knows whether a byte of the request can have left.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import anyio

from xdm_mcp import __version__
from xdm_mcp.backends.auth import Credential, Keys
from xdm_mcp.backends.origins import checked_origin, host_of
from xdm_mcp.backends.strict_json import parse, parse_page
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BackendUnavailable, Refused, XdmError
from xdm_mcp.models.quota import DEADLINE
from xdm_mcp.steps import in_force

if TYPE_CHECKING:
    import httpx2
    from pydantic import SecretStr

log = logging.getLogger(__name__)

MAX_BODY = 4 * 1024 * 1024
"""How many bytes of the answer to a write are read."""

MAX_PAGE = 16 * 1024 * 1024
"""How many bytes of the answer to a read: 100 messages of 10,000 emoji have 12 MB in escapes."""

KEEP_ALIVE = 5.0
"""Seconds for which an idle connection is reused: shorter than servers keep theirs, so that a write
seldom meets one that was just closed, which would leave its outcome unknown."""

FIRST_WAIT = 0.5
RETRIES = 2
"""A read that found no connection is tried at most `RETRIES` times more, after a random wait of up
to 0.5 s and then 1 s."""


JSON: Mapping[str, str] = {"Content-Type": "application/json"}
"""What a body that is JSON is called."""


class NoAnswer(BackendUnavailable):
    """The request failed on the way. `left` is False only if none of its bytes can have left."""

    def __init__(self, says: str, *, left: bool) -> None:
        """Say `says`, one sentence of ours."""
        super().__init__(says)
        self.left = left


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In the place of a body that cannot be trusted; `why` is a clause of ours."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers by lower-case name, and the JSON value of the body.

    `renewed` is True where it is a 401 and the credential could be renewed since: a new attempt may
    succeed. The repr shows no private part.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: object = field(repr=False)
    renewed: bool = False

    @property
    def ok(self) -> bool:
        """Whether the status is a success."""
        return 200 <= self.status < 300


class Wire:
    """The connection to one origin. Opened by the first request; may be closed and used again."""

    def __init__(
        self,
        origin: str,
        credential: Credential | Keys | None,
        clock: Clock,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        seed: int | None = None,
        deadline: timedelta = DEADLINE,
    ) -> None:
        """Talk to `origin` (scheme, host and port) as `credential`.

        Over `transport`, if given, instead of the network; then the origin may have any host.
        `seed` fixes the random waits between reads. Raises ConfigError for an origin that is not
        https, unless it is on this machine.
        """
        self.origin = checked_origin(origin, anywhere=transport is not None)
        self._credential = credential
        self._clock = clock
        self._transport = transport
        self._random = random.Random(seed)  # noqa: S311 - spreads retries, guards no secret
        self._deadline = deadline.total_seconds()
        self._client: httpx2.AsyncClient | None = None
        self._steps = in_force()
        self._untried: SecretStr | None = None  # what a read's 401 was renewed to
        self.skew: timedelta | None = None
        """How far the other side's clock is ahead of ours by its newest `Date`, which has whole
        seconds; None before one."""

    async def ready(self) -> None:
        """Make sure that the credential will hold for one call. Raises what `Bearer.token` does."""
        if isinstance(self._credential, Credential):
            await self._credential.token()

    async def read(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        share: float = 1.0,
    ) -> Answer:
        """Return the answer to a GET, tried again only while nothing of it left.

        With `body`, which is JSON, it is a POST: some services read so. Raises NoAnswer. `share` is
        the part of the deadline that all tries together may use. A credential that is refused is
        renewed where it can be, but not one that a refusal brought and that no answer has taken
        since: that would never end.
        """
        ends_at = self._begin(share)
        secret = await self._secret(ends_at)
        asked: dict[str, Any] = {"method": "GET", "path": path, "params": params, "page": True}
        if body is not None:
            asked |= {"method": "POST", "content": body, "headers": JSON}
        answer = await self._tried(ends_at, secret, asked)
        if answer.status != 401 or secret is None:
            self._untried = None
            return answer
        if secret == self._untried:
            return answer
        self._untried = await self._renew(secret)
        return replace(answer, renewed=self._untried is not None)

    async def write(
        self, path: str, *, method: str = "POST", share: float = 1.0, **body: Any
    ) -> Answer:
        """Return the answer to one request that changes something, made once whatever happens.

        `body` is what httpx2 takes: `content` and `headers`, or `data` and `files`, or `params`.
        `share` is the part of the deadline that this call may use. Raises NoAnswer.
        """
        ends_at = self._begin(share)
        secret = await self._secret(ends_at)
        answer = await self._once(method, path, ends_at, secret, **body)
        if answer.status == 401 and secret is not None:
            return replace(answer, renewed=await self._renewable(secret, ends_at))
        return answer

    async def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _begin(self, share: float = 1.0) -> float:
        """Return when a call that begins now must end.

        The first one makes the client, which may take a while on a busy machine: that is our own
        work and takes nothing from the deadline.
        """
        try:
            self._client = self._client or self._open()
        except OSError as error:  # certificates that cannot be read
            failure = _failure(error, self.origin, _Evidence())
        else:
            return anyio.current_time() + self._deadline * share
        raise failure

    async def _secret(self, ends_at: float) -> SecretStr | None:
        who = self._credential
        if not isinstance(who, Credential):
            return None
        with anyio.move_on_after(ends_at - anyio.current_time()):
            try:
                return await who.token()
            except XdmError as error:
                error.left = False  # the login failed before there was a request
                raise
        raise NoAnswer("The login could not be renewed in time; try again later.", left=False)

    async def _renew(self, refused: SecretStr) -> SecretStr | None:
        who = self._credential
        return await who.renewed(refused) if isinstance(who, Credential) else None

    async def _renewable(self, refused: SecretStr, ends_at: float) -> bool:
        with anyio.move_on_after(ends_at - anyio.current_time()):  # it goes on without us
            try:
                return await self._renew(refused) is not None
            except Refused:
                return False
            except BackendUnavailable:
                pass
        return True  # not now, which is no reason to ask a person

    async def _tried(
        self, ends_at: float, secret: SecretStr | None, request: Mapping[str, Any]
    ) -> Answer:
        for tries in range(RETRIES):
            try:
                return await self._once(ends_at=ends_at, secret=secret, **request)
            except NoAnswer as failure:
                if failure.left or anyio.current_time() >= ends_at:
                    raise
            await self._clock.sleep(self._random.uniform(0, FIRST_WAIT * 2**tries))
        return await self._once(ends_at=ends_at, secret=secret, **request)

    def _auth(self, secret: SecretStr | None) -> httpx2.Auth | None:
        from xdm_mcp.backends.signing import HeaderAuth, SignedAuth

        who = self._credential
        if isinstance(who, Keys):
            return SignedAuth(who, self._clock)
        return HeaderAuth(secret, who.header, who.prefix) if who and secret else None

    async def _once(
        self,
        method: str,
        path: str,
        ends_at: float,
        secret: SecretStr | None,
        *,
        page: bool = False,
        **request: Any,
    ) -> Answer:
        evidence = _Evidence()
        seconds = max(0.0, ends_at - anyio.current_time())
        try:
            with self._steps.step("request", method) as step, anyio.fail_after(seconds):
                answer = await self._exchange(
                    method, path, evidence, seconds, self._auth(secret), page=page, **request
                )
                step.outcome = str(answer.status)
                return answer
        except NoAnswer:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a transport raises, it is one failure
            failure = _failure(error, self.origin, evidence)
        raise failure  # outside the handler: the cause holds the request and its secrets

    async def _exchange(
        self,
        method: str,
        path: str,
        evidence: _Evidence,
        seconds: float,
        auth: httpx2.Auth | None,
        *,
        page: bool,
        **request: Any,
    ) -> Answer:
        client = self._client = self._client or self._open()
        made = client.build_request(
            method,
            self.origin + path,
            timeout=_timeouts(seconds),
            extensions={"trace": evidence.note},
            **request,
        )
        if f"{made.url.scheme}://{made.url.netloc.decode()}" != self.origin:
            raise NoAnswer(f"A request went astray from {host_of(self.origin)}.", left=False)
        evidence.left = self._transport is not None
        response = await client.send(made, stream=True, auth=auth)
        try:
            content = await _content(response, page=page)
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        dated = _date(headers.get("date"))
        self.skew = dated - self._clock.now() if dated else self.skew
        return Answer(response.status_code, headers, content)

    def _open(self) -> httpx2.AsyncClient:
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx2

        # At INFO the first two log URLs, at DEBUG headers; the third logs what it signs.
        for name in ("httpx2", "httpcore2", "oauthlib"):
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        return httpx2.AsyncClient(
            transport=self._transport,
            trust_env=False,
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=8, keepalive_expiry=KEEP_ALIVE),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"xdm-mcp/{__version__}",
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )


class _Evidence:
    """Whether a byte of one request can have left.

    Our own connections tell when they begin to write; of another transport we know nothing, so
    there everything may have left.
    """

    left = False

    async def note(self, event: str, _: Mapping[str, Any]) -> None:
        """Hear from the connection what it does."""
        if event.endswith(".send_request_headers.started"):
            self.left = True


def _timeouts(seconds: float) -> httpx2.Timeout:
    """Return the bounds of single steps: a connection is given up well before the deadline, because
    one that is cancelled in the middle of its TLS handshake would stay open."""
    import httpx2

    return httpx2.Timeout(seconds, connect=seconds / 4, pool=seconds / 4)


async def _content(response: httpx2.Response, *, page: bool) -> object:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        return Unreadable("compressed though we asked for plain text")
    kind = response.headers.get("content-type", "json").partition(";")[0].strip().lower()
    if not kind.endswith("json"):
        return Unreadable("not JSON")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > (MAX_PAGE if page else MAX_BODY):
            return Unreadable("too large")
    try:
        return parse_page(bytes(body)) if page else parse(bytes(body))
    except ValueError:
        return Unreadable("not JSON with one meaning")


def _failure(error: Exception, origin: str, evidence: _Evidence) -> NoAnswer:
    import httpx2

    host, name = host_of(origin), type(error).__name__
    never = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    if never or not evidence.left:
        says = f"{host} could not be reached ({name}); check the network, then try again."
        return NoAnswer(says, left=False)
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return NoAnswer(f"{host} did not answer in time; try again later.", left=True)
    log.warning("a request to %s broke off: %s", host, name)
    return NoAnswer(f"The connection to {host} broke off ({name}); try again later.", left=True)


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    if date.year == MAXYEAR:  # no time could be reckoned from it
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
