"""X's refusals, body by body, and the names under which a fault can ask for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

INVALID = "One or more parameters to your request was invalid."
CLOSED = "You do not have permission to DM one or more participants."
RESTRICTED = "This operation is not permitted."
ENROLLMENT = "https://developer.x.com/en/portal/projects-and-apps"

Body = dict[str, Any]


class Problem(Exception):
    """An answer that refuses: its status and body."""

    def __init__(self, status: int, body: Body) -> None:
        """Answer `status` with `body`."""
        super().__init__(status)
        self.status = status
        self.body = body


class Problems:
    """The refusals of one world; the types of errors begin with `base`."""

    def __init__(self, base: str) -> None:
        """Write types that begin with `base`, such as `https://api.x.com/2/problems/`."""
        self._base = base
        self.named: Mapping[str, Callable[[], Problem]] = {
            "invalid_request": lambda: self.invalid("text", [""], "is not valid"),
            "unauthorized": self.unauthorized,
            "credits_depleted": self.credits_depleted,
            "recipient_closed": self.recipient_closed,
            "sender_restricted": lambda: self._blank(403, "Forbidden", RESTRICTED),
            "unsupported_authentication": lambda: self.unsupported_authentication(),
            "oauth1_permissions": self._oauth1_permissions,
            "client_not_enrolled": lambda: self._client_forbidden("client-not-enrolled"),
            "official_client_forbidden": lambda: self._client_forbidden(
                "official-client-forbidden"
            ),
            "missing_scopes": self.missing_scopes,
            "not_authorized_for_resource": lambda: self.not_authorized("", ""),
            "not_authorized_for_field": self._not_authorized_for_field,
            "not_found": lambda: self.not_found("", ""),
            "too_many_requests": self.too_many_requests,
            "rate_limit_exceeded": self._rate_limit_exceeded,
            "rate_limit_88": lambda: Problem(
                429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
            ),
            "usage_capped": self._usage_capped,
            "internal_error": lambda: self._blank(500, "Internal Server Error"),
            "unavailable": lambda: self._blank(503, "Service Unavailable"),
        }

    def type_of(self, name: str) -> str:
        """Return the full type of a problem."""
        return self._base + name

    def invalid(self, name: str, values: list[str], says: str) -> Problem:
        """400 about one parameter; `says` follows its name in the message."""
        return self.invalid_many([{"parameters": {name: values}, "message": f"{name}: {says}"}])

    def invalid_many(self, errors: list[Body]) -> Problem:
        """400 with an entry for each thing that is wrong."""
        return Problem(
            400,
            {
                "title": "Invalid Request",
                "detail": INVALID,
                "type": self.type_of("invalid-request"),
                "errors": errors,
            },
        )

    def unauthorized(self) -> Problem:
        """401: no token, or none that we know."""
        return self._blank(401, "Unauthorized", "Unauthorized")

    def credits_depleted(self) -> Problem:
        """402: the balance is spent."""
        return Problem(
            402,
            {
                "title": "CreditsDepleted",
                "detail": "Your enrolled account does not have any credits"
                " to fulfill this request.",
            },
        )

    def recipient_closed(self) -> Problem:
        """403: somebody cannot be written to, for whatever reason."""
        return self._blank(403, "Forbidden", CLOSED)

    def missing_scopes(self) -> Problem:
        """403: the token lacks a scope."""
        return self._blank(403, "Forbidden", "Forbidden")

    def unsupported_authentication(self, kinds: str = "OAuth 1.0a User Context") -> Problem:
        """403: the wrong kind of token."""
        return Problem(
            403,
            {
                "title": "Unsupported Authentication",
                "detail": "Authenticating with OAuth 2.0 Application-Only is forbidden for this"
                f" endpoint.  Supported authentication types are [{kinds},"
                " OAuth 2.0 User Context].",
                "type": self.type_of("unsupported-authentication"),
                "status": 403,
            },
        )

    def not_authorized(self, parameter: str, value: str) -> Problem:
        """403: it exists and is not the caller's."""
        return Problem(
            403,
            {
                "title": "Authorization Error",
                "detail": f"Sorry, you are not authorized to see the resource [{value}].",
                "type": self.type_of("not-authorized-for-resource"),
                "status": 403,
                "parameter": parameter,
                "value": value,
            },
        )

    def not_found(self, parameter: str, value: str, kind: str = "resource") -> Problem:
        """404: it does not exist."""
        return Problem(404, {**self.missing(parameter, value, kind), "status": 404})

    def missing(self, parameter: str, value: str, kind: str) -> Body:
        """Return an entry of `errors` for something that does not exist."""
        return {
            "title": "Not Found Error",
            "detail": f"Could not find {kind} with {parameter}: [{value}].",
            "parameter": parameter,
            "value": value,
            "resource_type": kind,
            "type": self.type_of("resource-not-found"),
        }

    def suspended(self, parameter: str, value: str) -> Body:
        """Return an entry of `errors` for a suspended user."""
        return {
            "title": "Forbidden",
            "detail": f"User has been suspended: [{value}].",
            "parameter": parameter,
            "value": value,
            "resource_type": "user",
            "type": self.type_of("resource-not-found"),
        }

    def no_such_route(self) -> Problem:
        """404: no endpoint has this path."""
        return self._blank(404, "Not Found", "Not Found")

    def wrong_method(self) -> Problem:
        """405: an endpoint has this path, not this method."""
        return self._blank(405, "Method Not Allowed", "Method Not Allowed")

    def too_many_requests(self) -> Problem:
        """429: a window is full."""
        return self._blank(429, "Too Many Requests")

    def _blank(self, status: int, title: str, detail: str | None = None) -> Problem:
        body: Body = {"title": title, "type": "about:blank", "status": status}
        return Problem(status, body if detail is None else {**body, "detail": detail})

    def _oauth1_permissions(self) -> Problem:
        return Problem(
            403,
            {
                "title": "Forbidden",
                "detail": "Your client app is not configured with the appropriate oauth1 app"
                " permissions for this endpoint.",
                "type": self.type_of("oauth1-permissions"),
                "status": 403,
            },
        )

    def _client_forbidden(self, reason: str) -> Problem:
        return Problem(
            403,
            {
                "title": "Client Forbidden",
                "detail": "This request must be made using an approved developer account that is"
                " enrolled in the requested endpoint.",
                "type": self.type_of("client-forbidden"),
                "reason": reason,
                "required_enrollment": "Appropriate Level of API Access",
                "registration_url": ENROLLMENT,
            },
        )

    def _not_authorized_for_field(self) -> Problem:
        return Problem(
            403,
            {
                "title": "Field Authorization Error",
                "detail": "Sorry, you are not authorized to access a field of this resource.",
                "type": self.type_of("not-authorized-for-field"),
                "status": 403,
            },
        )

    def _rate_limit_exceeded(self) -> Problem:
        return Problem(
            429,
            {
                "title": "Rate Limit Exceeded",
                "detail": "You have exceeded the rate limit of this endpoint.",
                "type": self.type_of("rate-limit-exceeded"),
                "status": 429,
            },
        )

    def _usage_capped(self) -> Problem:
        return Problem(
            429,
            {
                "title": "UsageCapExceeded",
                "detail": "Usage cap exceeded: Daily product cap",
                "type": self.type_of("usage-capped"),
                "status": 429,
                "period": "Daily",
                "scope": "Product",
            },
        )
