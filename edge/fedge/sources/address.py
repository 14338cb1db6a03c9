"""What a source is called in names and messages: an address without what may be secret in it."""

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from fedge.errors import SourceError
from fedge.system.console import file_name

# Cameras take passwords and tokens in their paths too, in as many ways as there are makers: `/user=admin_password=x`,
# `/admin/x/1`, `/5f3a9c`. So a step of a path is shown only where it is made of these words and short numbers.
_WORDS = frozenset(
    """
    api asf av avc axis bin cam camera cgi ch channel channels codec feed frame h hd hevc high http image
    images img index input isapi jpeg jpg live low m main media mjpeg mjpg mkv mov mp mpeg mpg onvif playlist
    preview primary profile realmonitor rtsp sd sdp secondary shot snap snapshot snapshots stream streaming
    streams sub substream ts unicast v video videos view webcam x
    """.split()  # noqa: SIM905
)
_TOKENS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|.", re.DOTALL)
_LONGEST_NUMBER = 3
_HIDDEN = "..."
_SPELL_IT = "write @ in it as %40, / as %2F, # as %23 and ? as %3F"


def split_address(url: str) -> SplitResult:
    """The parts of a URL; raises SourceError, which shows nothing of it, where it is malformed.

    An @ behind its host is taken for a part of a password that was cut at its /, # or ?.
    """
    try:
        parts = urlsplit(url)
        # Read for its ValueError: what follows a colon and is no port may be a part of a password.
        _ = parts.port
    except ValueError:
        parts = None
    if parts is None or "@" in parts.path + parts.query + parts.fragment:
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", url)
        raise SourceError(f"the {scheme[0] if scheme else 'source'} address is malformed", _SPELL_IT) from None
    return parts


def display_name(target: str | int) -> str:
    """The name of a camera's index, a path, or a URL: of that scheme, host, port and what of the path is no secret.

    A camera's user and password stand before its host, in its path or in its query. Raises SourceError.
    """
    if isinstance(target, int):
        return f"camera {target}"
    if "://" not in target:
        return file_name(Path(target))
    parts = split_address(target)
    path = parts.path if parts.scheme == "file" else "/".join(map(_shown_step, parts.path.split("/")))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"


def require_no_address(text: str) -> None:
    """Raises SourceError, which shows nothing of it, for an address without a scheme: it may hold a password."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", text) or re.search(r":.*@", text):
        raise SourceError(
            "this is no file, and as an address it has no scheme", "begin it with rtsp://, http:// or https://"
        )


def _shown_step(step: str) -> str:
    return step if all(map(_is_known, _TOKENS.findall(step))) else _HIDDEN


def _is_known(token: str) -> bool:
    number = token.isascii() and token.isdigit() and len(token) <= _LONGEST_NUMBER
    return number or token.lower() in _WORDS or token in "._-"
