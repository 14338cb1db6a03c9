"""File systems by the URLs of what is on them, and the names that URLs are shown by."""

import os
import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from fedge.errors import SourceError
from fedge.system.extras import needs_extra

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def is_remote(source: str) -> bool:
    """Whether a source is a URL."""
    return bool(_REMOTE.match(source))


def shown(url: str) -> str:
    """A URL without its query, in which services put keys; raises SourceError for one with a user or a password."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise SourceError(
            f"a {parts.scheme} address has a user or a password in it",
            "leave it out, and give it as the service's own tools take it: by the environment or a file",
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")) if parts.scheme in ("http", "https") else url


def open_filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path on it. Raises SourceError where nothing knows the scheme.

    Amazon's and Google's stores are opened by pyarrow, which takes their keys from the environment or their files.
    """
    scheme, _, rest = url.partition("://")
    with needs_extra("scale", f"a {scheme} address"):
        if scheme in ("s3", "gs", "gcs"):
            from fsspec.implementations.arrow import ArrowFSWrapper

            return ArrowFSWrapper(_s3(rest) if scheme == "s3" else _gcs()), rest
        import fsspec

        try:
            found: tuple[Any, str] = fsspec.core.url_to_fs(url)
        except ValueError as error:
            raise SourceError(
                f"{scheme} is no kind of address that is known", "give s3, gs, https or another of fsspec"
            ) from error
        except ImportError as error:
            raise ModuleNotFoundError(str(error), name=f"what opens {scheme} addresses") from error
        return found


def _s3(path: str) -> Any:
    from pyarrow import fs

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and not any(os.environ.get(name) for name in _ENDPOINTS):
        region = fs.resolve_s3_region(path.split("/")[0])
    endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    scheme, _, host = (endpoint or "https://").rpartition("://")
    return fs.S3FileSystem(region=region, scheme=scheme or "https", endpoint_override=host or None)


def _gcs() -> Any:
    from pyarrow import fs

    return fs.GcsFileSystem()
