"""The lab's guard: one ASGI layer around the whole app. What it refuses, no route sees.

A page on the internet that the reader visits may send requests to the lab's port, also under a name of its own that it
lets resolve to 127.0.0.1 (DNS rebinding). So each request must name the lab's own host, must not come from another
origin, and must carry the secret of this run, which only the address printed in the terminal gives away.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import RungError

MOST_BYTES = 4 << 20
"""Bytes of a request's body: a record of a model with a thousand heads fits."""
MOST_QUERY_BYTES = 16 << 10

LOOPBACK = ("127.0.0.1", "::1", "localhost")

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # sizes of bars and cells, which Lit sets as attributes
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types lit-html",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Access:
    """Who may talk to the lab: under which host names, with which secret."""

    port: int
    names: tuple[str, ...] = LOOPBACK
    """Host names, without the port, that a request may name."""
    token: str = ""

    @classmethod
    def fresh(cls, port: int, names: Iterable[str] = ()) -> Access:
        """Access to a new run: with a token of its own."""
        return cls(port, (*LOOPBACK, *names), secrets.token_urlsafe(24))

    @property
    def cookie(self) -> str:
        """The cookie's name. Browsers share cookies between ports, so two labs need two names."""
        return f"rung-lab-{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """The `Host` headers that are answered, exactly."""
        names = (f"[{name}]" if ":" in name else name.lower() for name in self.names)
        bare = self.port == 80
        return frozenset(
            host for name in names for host in ((name, f"{name}:80") if bare else (f"{name}:{self.port}",))
        )

    def has_token(self, given: str) -> bool:
        """Whether it is the secret of this run, compared in constant time."""
        return hmac.compare_digest(given.encode(), self.token.encode())


def check_name(name: str) -> str:
    """A host name as a `Host` header would give it, without a port. Raises RungError."""
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:]+", name):
        raise RungError(f"{name!r} is no host name; write one without scheme, port or *, as in lab.example.org")
    return name


class TooLarge(Exception):
    """A body beyond MOST_BYTES."""


class Guard:
    """Answers what may not pass, and passes on the rest with the headers of a page that trusts nobody."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no route is a web socket
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        await self.app(scope, _counted(receive), send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that may not pass, or that asks for the cookie."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.access.hosts:
            # Says nothing of the lab: who asks may be a page that means another host.
            return PlainTextResponse("This host is not served here.\n", 421)
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is not None and origin.lower() != f"http://{hosts[0].lower()}":
            return _refuse(403, "origin", "this request comes from another page; open the lab's own address")
        if site not in ("none", "same-origin"):
            return _refuse(
                403, "origin", "this request comes from another page; paste the address from the terminal instead"
            )
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _refuse(405, "method", f"{scope['method']} is not answered here")
        if len(scope.get("query_string", b"")) > MOST_QUERY_BYTES:
            return _refuse(414, "size", "the address is too long")
        return self._without_token(scope, headers) or _bad_body(scope, headers)

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        if scope["path"] == "/" and scope["method"] == "GET" and "token" in query:
            if len(query["token"]) != 1 or not self.access.has_token(query["token"][0]):
                return PlainTextResponse(
                    _STRANGER.format("The token in this address is not that of the running lab."), 403
                )
            answer = RedirectResponse("/" + _rest(scope), 303)
            answer.set_cookie(self.access.cookie, self.access.token, httponly=True, samesite="strict", path="/")
            return answer
        given = _cookie(headers, self.access.cookie)
        if given is not None and self.access.has_token(given):
            return None
        if scope["path"] == "/":
            return PlainTextResponse(_STRANGER.format("This browser has no key to the running lab."), 401)
        if given is None:
            return _refuse(401, "no token", "open the address that rung lab printed: it holds the key to this run")
        return _refuse(
            401,
            "restarted",
            "the lab was restarted since this page was opened; open the address that rung lab printed last",
        )


_STRANGER = "{} Open the address that `rung lab` printed in its terminal.\n"


def _rest(scope: Scope) -> str:
    """The query without the token, so that a link to a state of the page can be opened with it."""
    kept = [part for part in scope["query_string"].decode("latin-1").split("&") if part.partition("=")[0] != "token"]
    return f"?{'&'.join(kept)}" if any(kept) else ""


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        found = SimpleCookie("; ".join(headers.getlist("cookie"))).get(name)
    except CookieError:
        return None
    return None if found is None else found.value


def _bad_body(scope: Scope, headers: Headers) -> Response | None:
    if scope["method"] != "POST":
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        return _refuse(415, "type", f"a request's body is application/json here, not {kind or 'untyped'}")
    length = headers.get("content-length")
    if length is not None and (not length.isdecimal() or int(length) > MOST_BYTES):
        return too_large()
    return None


def _counted(receive: Receive) -> Receive:
    """`receive`, which raises TooLarge for a body that is longer than was said."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST_BYTES:
            raise TooLarge
        return message

    return counted


def too_large() -> Response:
    """The answer to a body that is too large."""
    return _refuse(413, "size", f"the request is larger than {MOST_BYTES >> 20} MiB")


def _refuse(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"message": message, "kind": kind}, status)
