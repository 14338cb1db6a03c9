"""The repository that a static server shows: TUF metadata with consistent snapshots, and the model files.

    metadata/N.root.json N.targets.json N.snapshot.json timestamp.json   targets/CHANNEL/SHA256.NUMBER.tflite

timestamp.json is written last, in one step, and names all the others: until then devices see the old state.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Signer
from tuf.api.exceptions import RepositoryError, StorageError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, T, Targets, Timestamp

from fedge.errors import ReleaseError
from fedge.system.files import write_bytes
from fedge.system.locks import locked
from fedge.updates.keys import ROLES, Keys
from fedge.updates.release import Release, from_target, to_target

METADATA, TARGETS = "metadata", "targets"
ROOT_FOR_DEVICES = "root.json"
_TARGETS_META = "targets.json"


@dataclass
class Published:
    """What a repository has published: its signed metadata."""

    root: Metadata[Root]
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]

    @property
    def releases(self) -> tuple[Release, ...]:
        """All releases that devices may see."""
        return tuple(from_target(target) for target in self.targets.signed.targets.values())


def load(folder: Path) -> Published:
    """Reads what is published. Raises ReleaseError."""
    metadata = folder / METADATA
    if not (metadata / "timestamp.json").is_file():
        raise ReleaseError(
            f"{folder} is no repository of releases", f"make one with `fedge release init --repo {folder}`"
        )
    try:
        timestamp = Metadata[Timestamp].from_file(str(metadata / "timestamp.json"))
        snapshot = Metadata[Snapshot].from_file(
            str(metadata / f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
        )
        targets = Metadata[Targets].from_file(
            str(metadata / f"{snapshot.signed.meta[_TARGETS_META].version}.targets.json")
        )
        newest = max(int(path.name.partition(".")[0]) for path in metadata.glob("*.root.json"))
        root = Metadata[Root].from_file(str(metadata / f"{newest}.root.json"))
        published = Published(root, targets, snapshot, timestamp)
        _ = published.releases
    except (RepositoryError, StorageError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{folder} is damaged ({error})", "take it from a copy") from error
    return published


def create(folder: Path, keys: Keys, days: int) -> None:
    """Makes keys and an empty repository. Raises ReleaseError where there is one already."""
    if (folder / METADATA / "timestamp.json").exists():
        raise ReleaseError(f"{folder} is a repository already", "add to it with `fedge release add`")
    if any(each.resolve().is_relative_to(folder.resolve()) for each in keys.folders):
        raise ReleaseError("the keys would be served with the repository", "name a folder outside it with --keys")
    root = Root(consistent_snapshot=True)
    for role in ROLES:
        root.add_key(keys.make(role).public_key, role)
    published = Published(Metadata(root), Metadata(Targets()), Metadata(Snapshot()), Metadata(Timestamp()))
    _sign_root(folder, published.root, keys.signers("root", root), days)
    publish(folder, published, keys, days, ())


def publish(
    folder: Path, published: Published, keys: Keys, days: int, releases: Sequence[Release] | None = None
) -> None:
    """Signs and writes a new state that expires after `days`; all of it is seen by devices at once, or none.

    Args:
        folder: the repository.
        published: the state before, which becomes the new one.
        keys: the keys of snapshot and timestamp, and those of targets where these change.
        days: from now on.
        releases: what replaces the releases; None: they stay as they are.
    """
    root, targets, snapshot, timestamp = (
        published.root.signed,
        published.targets,
        published.snapshot,
        published.timestamp,
    )
    # All keys are loaded before the first file of this state is written.
    snapshot_signers, timestamp_signers = (keys.signers(each, root) for each in (Snapshot.type, Timestamp.type))
    if releases is not None or not root.get_verification_result(Targets.type, targets.signed_bytes, targets.signatures):
        targets_signers = keys.signers(Targets.type, root)
        if releases is not None:
            targets.signed.targets = {each.path: to_target(each) for each in releases}
        data = _sign(targets, targets_signers, days)
        write_bytes(folder / METADATA / f"{targets.signed.version}.targets.json", data)
        snapshot.signed.meta[_TARGETS_META] = MetaFile.from_data(targets.signed.version, data, ["sha256"])
    data = _sign(snapshot, snapshot_signers, days)
    write_bytes(folder / METADATA / f"{snapshot.signed.version}.snapshot.json", data)
    timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, data, ["sha256"])
    write_bytes(folder / METADATA / "timestamp.json", _sign(timestamp, timestamp_signers, days))


def rotate(folder: Path, published: Published, keys: Keys, roles: Sequence[str], days: int) -> None:
    """Gives roles new keys, and signs all anew that they sign; devices follow by the root's chain of signatures."""
    root = published.root.signed
    before = keys.signers(Root.type, root)
    for role in roles:
        fresh = keys.make(role).public_key
        for keyid in list(root.roles[role].keyids):
            root.revoke_key(keyid, role)
        root.add_key(fresh, role)
    for role in ROLES if Targets.type in roles else (Snapshot.type, Timestamp.type):
        # What follows must not stop for a key that is not here, once the new root is public.
        keys.signers(role, root)
    after = [
        each for each in keys.signers(Root.type, root) if each.public_key not in [old.public_key for old in before]
    ]
    _sign_root(folder, published.root, [*before, *after], days)
    publish(folder, published, keys, days, published.releases if Targets.type in roles else None)


@contextlib.contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Holds the repository's lock."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / ".lock"
    lock.touch()
    with locked(lock):
        yield


def _sign_root(folder: Path, root: Metadata[Root], signers: Sequence[Signer], days: int) -> None:
    data = _sign(root, signers, days)
    write_bytes(folder / METADATA / f"{root.signed.version}.root.json", data)
    write_bytes(folder / ROOT_FOR_DEVICES, data)


def _sign(metadata: Metadata[T], signers: Sequence[Signer], days: int) -> bytes:
    if metadata.signatures:
        metadata.signed.version += 1
    metadata.signed.expires = (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes()
