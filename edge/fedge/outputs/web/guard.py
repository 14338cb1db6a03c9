"""Who may see the page: checked before anything else, on every request."""

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fedge.outputs.network.addresses import names_loopback
from fedge.outputs.web.api import PREFIX, refusal

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_PUBLIC = frozenset({"/page.css"})
_LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>fedge</title><link rel="stylesheet" href="/page.css">
<body class="login"><form class="card" action="/" method="get"><h1>fedge</h1>
<label for="token">This page asks for its token.</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button></form></body></html>"""


class Guard:
    """Wraps an ASGI application: security headers on all answers, and refusal of what has no business here.

    With a token, a request must carry it as `Authorization: Bearer`, or as the cookie that a visit with `?token=` gets
    before it is sent on to the same address without; under `/api/` no token is taken from the address. Without a token,
    the page is for this machine only: a Host header that names another is refused, as a web site that points its name
    here would send, and so is what other sites embed or send by a form.

    Args:
        application: what is guarded.
        token: ASCII, or None.
        cookie: the cookie's name; browsers share cookies among the ports of a host.
    """

    def __init__(self, application: ASGIApp, token: str | None, cookie: str) -> None:
        self._application, self._cookie = application, cookie
        self._token = token.encode() if token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or refuses a request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._application)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        # A link may lead here; a form of another site may not.
        link = headers.get("sec-fetch-mode") == "navigate" and scope["method"] in ("GET", "HEAD")
        if foreign and not link:
            return PlainTextResponse("this page is not for other sites", 403)
        if self._token is None:
            return None if names_loopback(headers.get("host", "")) else PlainTextResponse("not this host", 403)
        if scope["path"].startswith(PREFIX):
            return self._refusal_of_program(headers)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token")
        if given is not None and self._is_token(given):
            return self._remember(scope["path"], [(key, value) for key, value in query if key != "token"])
        if scope["path"] in _PUBLIC or self._is_token(_bearer(headers)) or self._is_token(self._from_cookie(headers)):
            return None
        return HTMLResponse(_LOGIN, 401, {"WWW-Authenticate": "Bearer"})

    def _refusal_of_program(self, headers: Headers) -> Response | None:
        # A token in an address would stand in logs, and the way round by a cookie would turn a POST into a GET.
        if self._is_token(_bearer(headers)) or self._is_token(self._from_cookie(headers)):
            return None
        response = refusal(401, "the page's token is missing or wrong", "send the header Authorization: Bearer TOKEN")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _is_token(self, given: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(given.encode(), self._token)

    def _remember(self, path: str, query: list[tuple[str, str]]) -> Response:
        # A path that begins with two slashes would be another host's address.
        where = "/" + path.lstrip("/") + (f"?{urlencode(query)}" if query else "")
        response = RedirectResponse(where, 303)
        assert self._token is not None
        # Lax, not Strict: a link in a mail or chat must work, and nothing here changes anything.
        response.set_cookie(self._cookie, self._token.decode(), max_age=31_536_000, httponly=True, samesite="lax")
        return response

    def _from_cookie(self, headers: Headers) -> str:
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return ""
        return cookies[self._cookie].value if self._cookie in cookies else ""


def _bearer(headers: Headers) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""
