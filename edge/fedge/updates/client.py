"""The device's side of signed releases: what is offered, and fetching it, all checked by python-tuf.

STORE/updates/trust.json   the root that was given once      STORE/updates/tuf/   what was trusted last
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata, Targets
from tuf.ngclient import Updater

from fedge.errors import UpdateError
from fedge.system.files import write_bytes
from fedge.updates.fetch import Fetcher, base_url, within
from fedge.updates.refusals import no_room, refusal
from fedge.updates.release import Release, from_target
from fedge.updates.repository import METADATA, TARGETS

ROOT = "root.json"
_TRUST, _CACHE = "trust.json", "tuf"
# Slower than any network that is worth waiting for.
_LEAST_BYTES_A_SECOND = 2000


class Client:
    """A repository as a device sees it.

    Args:
        folder: the client's own folder; made if need be.
        url: an http or https address, or a folder.
        root: the root to trust from now on; None: the one that was given before, or root.json beside the models.
        seconds: how long a server may take; a model gets more by its size.
    """

    def __init__(self, folder: Path, url: str, root: Path | None, seconds: float) -> None:
        self._folder, self._seconds, self._fetcher = folder, seconds, Fetcher(seconds)
        base, self._root = base_url(url), _read_root(folder, root)
        (folder / _CACHE).mkdir(parents=True, exist_ok=True)
        with self._refusing():
            self._updater = Updater(
                str(folder / _CACHE),
                f"{base}/{METADATA}",
                target_base_url=f"{base}/{TARGETS}",
                fetcher=self._fetcher,
                bootstrap=self._root,
            )

    def releases(self) -> tuple[Release, ...]:
        """All releases that are offered now. Raises UpdateError for whatever may not be trusted."""
        with self._refusing(), within(self._seconds):
            self._updater.refresh()
        if not (self._folder / _TRUST).is_file() or (self._folder / _TRUST).read_bytes() != self._root:
            write_bytes(self._folder / _TRUST, self._root)
        targets = Metadata[Targets].from_file(str(self._folder / _CACHE / f"{Targets.type}.json"))
        return tuple(_parse(targets.signed))

    def fetch(self, release: Release, path: Path) -> None:
        """Writes a release's model file to `path`, or nothing. Raises UpdateError."""
        try:
            with self._refusing(), within(self._seconds + release.bytes / _LEAST_BYTES_A_SECOND):
                target = self._updater.get_targetinfo(release.path)
                if target is None:
                    raise RepositoryError("it is gone")
                self._updater.download_target(target, str(path))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (RepositoryError, DownloadError) as error:
            raise refusal(error, self._fetcher.asked) from error
        except OSError as error:
            raise (no_room(error) or error) from error
        finally:
            self._fetcher.hang_up()


def _read_root(folder: Path, given: Path | None) -> bytes:
    for path in (given,) if given else (folder / _TRUST, folder.parent / ROOT):
        if path.is_file():
            return path.read_bytes()
    if given:
        raise UpdateError(f"there is no file {given}", "give the root.json of whoever releases")
    raise UpdateError(
        "this device trusts nobody's releases yet", "give the root.json of whoever releases once, with --root FILE"
    )


def _parse(targets: Targets) -> Iterator[Release]:
    for target in targets.targets.values():
        try:
            yield from_target(target)
        except (ValueError, KeyError, TypeError) as error:
            raise UpdateError(
                f"the release {target.path} cannot be read ({error})", "it may need a later fedge: see its maker"
            ) from error
