"""Each guard by what it must refuse, and by the same request without the fault, which must pass."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rung.errors import RungError
from rung.lab.security import MOST_BYTES, Access, Guard, TooLarge, check_name, too_large

ACCESS = Access(7864, token="the-token-of-this-run")
HOST = "127.0.0.1:7864"
COOKIE = f"{ACCESS.cookie}={ACCESS.token}"
XSS = "</script><img onerror=alert(1)>"


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"in: {len(await request.body())}")


def guard(access: Access = ACCESS) -> Guard:
    routes = [Route(path, echo, methods=["GET", "POST"]) for path in ("/", "/api/session", "/api/run")]
    return Guard(Starlette(routes=routes, exception_handlers={TooLarge: lambda request, error: too_large()}), access)


async def send(method: str, path: str, access: Access = ACCESS, content=None, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=guard(access))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7864", trust_env=False) as client:
        return await client.request(method, path, content=content, headers=named)


def call(method: str, path: str, access: Access = ACCESS, content=None, **headers: str) -> httpx.Response:
    import asyncio

    return asyncio.run(send(method, path, access, content, **headers))


def get(path: str = "/api/session", **headers: str) -> httpx.Response:
    return call("GET", path, **({"cookie": COOKIE} | headers))


def post(content=b"{}", **headers: str) -> httpx.Response:
    return call(
        "POST", "/api/run", content=content, **({"cookie": COOKIE, "content_type": "application/json"} | headers)
    )


def passed(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.text.startswith("in: ")


def refused(answer: httpx.Response, status: int, kind: str | None = None) -> bool:
    assert not answer.text.startswith("in: ")
    return answer.status_code == status and (kind is None or answer.json()["kind"] == kind)


def test_the_page_itself_passes():
    assert passed(get())
    assert passed(get("/"))
    assert passed(post())
    assert passed(post(origin=f"http://{HOST}", sec_fetch_site="same-origin"))
    assert passed(get(sec_fetch_site="none"))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:7864", "127.0.0.1", "127.0.0.1:7865", "localhost", "localhost:80", "0.0.0.0:7864",
        "127.0.0.1:7864.evil.example", "evil.example@127.0.0.1:7864", "127.0.0.2:7864", "", "[::1]", "127.1:7864",
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused(host):
    answer = get(host=host)
    assert refused(answer, 421)
    assert "lab" not in answer.text.lower() and "token" not in answer.text


@pytest.mark.parametrize("host", [HOST, "localhost:7864", "LOCALHOST:7864", "[::1]:7864"])
def test_its_own_hosts_pass(host):
    assert passed(get(host=host))


def test_two_host_headers_are_refused():
    import asyncio

    sent = []
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"",
        "headers": [(b"host", HOST.encode()), (b"host", b"evil.example"), (b"cookie", COOKIE.encode())],
    }  # fmt: skip

    async def collect(message):
        sent.append(message)

    asyncio.run(guard()(scope, None, collect))
    assert sent[0]["status"] == 421


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "https://127.0.0.1:7864", "http://127.0.0.1", "http://127.0.0.1:7865", "null", "",
        "http://localhost:7864", f"http://{HOST}.evil.example", "file://",
    ],
)  # fmt: skip
def test_a_foreign_origin_is_refused(origin):
    assert refused(post(origin=origin), 403, "origin")
    assert refused(get(origin=origin), 403, "origin")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_request_from_another_site_is_refused(site):
    assert refused(post(sec_fetch_site=site), 403, "origin")
    assert refused(get("/", sec_fetch_site=site), 403, "origin")
    # Even with the token: a page that knows it must not open the lab in a frame or a window of its own.
    assert refused(call("GET", f"/?token={ACCESS.token}", sec_fetch_site=site), 403, "origin")


def test_without_a_token_nothing_passes():
    assert refused(call("GET", "/api/session"), 401, "no token")
    assert refused(call("POST", "/api/run", content=b"{}", content_type="application/json"), 401, "no token")
    page = call("GET", "/")
    assert refused(page, 401)
    assert "rung lab" in page.text


@pytest.mark.parametrize("token", ["", "wrong", ACCESS.token[:-1], f"{ACCESS.token}x", XSS, "é", "%00"])
def test_a_wrong_token_is_refused(token):
    address = call("GET", str(httpx.URL("/", params={"token": token})))
    assert refused(address, 403)
    assert "set-cookie" not in address.headers
    assert address.headers["content-type"].startswith("text/plain")
    assert XSS not in address.text
    if token.isascii() and ";" not in token:
        assert get(cookie=f"{ACCESS.cookie}={token}").status_code == 401


def test_a_page_of_an_earlier_run_is_told_that_the_lab_was_restarted():
    answer = get(cookie=f"{ACCESS.cookie}=token-of-the-run-before")
    assert refused(answer, 401, "restarted")
    assert "restarted" in answer.json()["message"]
    # Another lab's cookie, on another port, is not this one's.
    assert refused(get(cookie=f"rung-lab-7865={ACCESS.token}"), 401, "no token")


def test_the_address_with_the_token_sets_a_strict_cookie_and_drops_the_token():
    answer = call("GET", f"/?token={ACCESS.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE};")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=strict"}
    kept = call("GET", f"/?model=two-layer&token={ACCESS.token}&seed=3")
    assert kept.headers["location"] == "/?model=two-layer&seed=3"
    # Nowhere else, and not twice.
    assert call("GET", f"/api/session?token={ACCESS.token}").status_code == 401
    assert call("GET", f"/?token={ACCESS.token}&token={ACCESS.token}").status_code == 403
    assert call("POST", f"/?token={ACCESS.token}").status_code == 401


def test_tokens_differ_between_runs():
    tokens = {Access.fresh(7864).token for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 32 for token in tokens)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"]
)
def test_only_json_is_read(kind):
    assert refused(post(content_type=kind), 415, "type")
    assert passed(post(content_type="Application/JSON; charset=utf-8"))


def test_a_body_that_is_too_large_is_refused():
    assert refused(post(b" " * (MOST_BYTES + 1)), 413, "size")
    assert passed(post(b" " * MOST_BYTES))

    async def pieces():
        for _ in range((MOST_BYTES >> 16) + 1):
            yield b" " * (1 << 16)

    assert refused(post(pieces()), 413, "size")  # no length was said
    assert refused(post(content_length="12x"), 413, "size")


def test_an_address_that_is_too_long_is_refused():
    assert refused(get("/api/session?x=" + "y" * (17 << 10)), 414, "size")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(method):
    answer = call(method, "/api/run", cookie=COOKIE)
    assert refused(answer, 405, "method")
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_every_answer_trusts_nobody():
    for answer in (get(), get("/"), post(), get(host="evil.example"), call("GET", "/api/session"), get("/nothing")):
        policy = dict(part.partition(" ")[::2] for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'" and policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'"
        assert not any("http" in value or "*" in value for value in policy.values())
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


def test_a_web_socket_is_closed():
    import asyncio

    sent = []

    async def collect(message):
        sent.append(message)

    asyncio.run(guard()({"type": "websocket", "path": "/", "headers": []}, None, collect))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_names_off_this_machine_are_answered_when_they_are_given():
    access = Access(8000, names=("lab.example.org",), token="t")
    headers = {"cookie": f"{access.cookie}=t"}
    assert passed(call("GET", "/", access, host="lab.example.org:8000", **headers))
    assert call("GET", "/", access, host="other.example.org:8000", **headers).status_code == 421
    assert Access(80, names=("a",)).hosts == {"a", "a:80"}


@pytest.mark.parametrize("name", ["*", "http://x", "x:80", "a b", "", "-x", "x/"])
def test_what_is_no_host_name_is_refused(name):
    with pytest.raises(RungError, match="is no host name"):
        check_name(name)
    assert check_name("lab-1.example.org") == "lab-1.example.org"
    assert check_name("::1") == "::1" and check_name("10.0.0.3") == "10.0.0.3"
