"""A server that answers as Amazon's S3 does, for reading: listing a bucket, and objects or parts of them."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_MODIFIED = "Fri, 27 Nov 2026 00:00:00 GMT"


@contextmanager
def s3_server(root: Path) -> Iterator[str]:
    """Serves the folders in `root` as buckets; gives the endpoint's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._object()

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            if "list-type" in asked:
                self._list(asked.get("prefix", [""])[0], asked.get("delimiter", [""])[0])
            else:
                self._object()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

        def _object(self) -> None:
            path = root / unquote(urlsplit(self.path).path).strip("/")
            if not path.is_file():
                # A bucket is there; a folder in it is no object.
                self._answer(200 if path.is_dir() and path.parent == root else 404, b"")
                return
            content = path.read_bytes()
            part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if part is None:
                self._answer(200, content)
                return
            first, last = int(part[1]), min(int(part[2] or len(content) - 1), len(content) - 1)
            self._answer(206, content[first : last + 1], f"bytes {first}-{last}/{len(content)}")

        def _list(self, prefix: str, delimiter: str) -> None:
            bucket = root / urlsplit(self.path).path.strip("/")
            keys = sorted(str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file())
            found, folders = [], set()
            for key in keys:
                if key.startswith(prefix):
                    head, cut, _ = key[len(prefix) :].partition(delimiter or "\0")
                    if cut:
                        folders.add(prefix + head + cut)
                    else:
                        found.append(key)
            objects = "".join(
                f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-27T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;e&quot;</ETag><Size>{(bucket / key).stat().st_size}</Size></Contents>"
                for key in found
            )
            prefixes = "".join(
                f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)
            )
            count = len(found) + len(folders)
            self._answer(
                200,
                f"<ListBucketResult><KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>"
                f"{objects}{prefixes}</ListBucketResult>".encode(),
            )

        def _answer(self, status: int, content: bytes, part: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Last-Modified", _MODIFIED)
            self.send_header("ETag", '"e"')
            self.send_header("Accept-Ranges", "bytes")
            if part is not None:
                self.send_header("Content-Range", part)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
