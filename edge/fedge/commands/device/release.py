"""`fedge release`: signed releases of models, in a folder that any static server can show."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fedge.commands.verify import require_passed
from fedge.errors import ReleaseError
from fedge.evaluation.verification import verify_model
from fedge.model import file as model_file
from fedge.system.files import sha256, write_bytes
from fedge.system.json_types import JsonObject
from fedge.updates import repository
from fedge.updates.keys import ROLES, Keys
from fedge.updates.release import Release, in_channel
from fedge.updates.repository import TARGETS, Published, changing, load, publish

KEPT = 20
"""How many releases a channel keeps; with the next one the oldest is no longer offered."""
_DIGITS = 12


@dataclass(frozen=True)
class RoleStatus:
    """A role that signs: the version of what it signed, and when that expires.

    Attributes:
        name: `root`, `targets`, `snapshot` or `timestamp`.
        version: of its metadata, counted up.
        expires: ISO 8601 in UTC.
        days_left: whole days until then, negative once it is past.
    """

    name: str
    version: int
    expires: str
    days_left: int


@dataclass(frozen=True)
class ReleaseStatus:
    """What a repository offers.

    Attributes:
        repo: its folder.
        roles: who signs.
        releases: by channel, the newest first.
    """

    repo: str
    roles: tuple[RoleStatus, ...]
    releases: tuple[Release, ...]


def default_keys(repo: Path) -> Path:
    """The folder of keys where none is named: beside the repository."""
    return repo.with_name(f"{repo.name}.keys")


def open_keys(repo: Path, folders: Iterable[Path] | None) -> Keys:
    """The keys in these folders, or in the one beside the repository."""
    return Keys(tuple(folders or ()) or (default_keys(repo.absolute()),))


def init(repo: Path, keys: Keys, days: int) -> Path:
    """Makes an empty repository and its keys; gives the root.json that each device needs once. Raises ReleaseError."""
    with changing(repo):
        repository.create(repo, keys, days)
    return repo / repository.ROOT_FOR_DEVICES


def add(
    repo: Path, keys: Keys, days: int, file: Path, channel: str, percent: int, notes: str, version: str | None
) -> Release:
    """Releases a model file that passes its self-test. Raises ReleaseError, ModelFileError, SelfTestFailed."""
    data = model_file.read_bytes(file)
    manifest = model_file.parse_named(file, data).manifest
    require_passed(verify_model(str(file)))
    with changing(repo):
        published = load(repo)
        sha = sha256(data)
        mine = in_channel(published.releases, channel)
        if mine and mine[0].model_sha256 == sha:
            raise ReleaseError(
                f"{file} is already the newest release in {channel}",
                "give it to more devices with `fedge release promote`",
            )
        parity = asdict(manifest.parity) if manifest.parity else None
        number = mine[0].number + 1 if mine else 1
        try:
            release = Release(
                number, channel, version or sha[:_DIGITS], percent, manifest.name, sha, len(data), manifest.least_fedge,
                notes, parity,
            )  # fmt: skip
        except ValueError as error:
            raise ReleaseError(f"the release cannot be signed: {error}", "change what was given") from error
        _put(repo, published, keys, days, release, data, mine)
    return release


def promote(repo: Path, keys: Keys, days: int, channel: str, percent: int) -> Release:
    """Offers a channel's newest release to so many devices in 100. Raises ReleaseError."""
    with changing(repo):
        published = load(repo)
        newest = _newest(published, channel)
        release = replace(newest, percent=percent)
        publish(repo, published, keys, days, [release if each == newest else each for each in published.releases])
    return release


def withdraw(repo: Path, keys: Keys, days: int, channel: str) -> Release:
    """Takes a channel's newest release back: a new release names the file of the one before. Raises ReleaseError."""
    with changing(repo):
        published = load(repo)
        bad, *older = in_channel(published.releases, channel) or [_newest(published, channel)]
        good = next((each for each in older if each.model_sha256 != bad.model_sha256), None)
        if good is None:
            raise ReleaseError(
                f"{channel} has no release before {bad.version} to go back to",
                "add a better one with `fedge release add`",
            )
        path = repo / TARGETS / good.stored_path
        data = path.read_bytes()
        if sha256(data) != good.model_sha256:
            raise ReleaseError(f"{path} is not the file that was released", "take it from a copy")
        release = replace(good, number=bad.number + 1, percent=100, notes=f"withdraws {bad.version}")
        _put(repo, published, keys, days, release, data, older)
    return release


def rotate(repo: Path, keys: Keys, days: int, role: str) -> tuple[str, ...]:
    """Replaces the keys of a role, or of both online ones, and gives their names. Raises ReleaseError."""
    roles = ("snapshot", "timestamp") if role == "online" else (role,)
    with changing(repo):
        repository.rotate(repo, load(repo), keys, roles, days)
    return roles


def renew(repo: Path, keys: Keys, days: int) -> None:
    """Signs the same releases anew with the online keys, so that they do not expire. Raises ReleaseError."""
    with changing(repo):
        publish(repo, load(repo), keys, days)


def status(repo: Path) -> ReleaseStatus:
    """What a repository offers, and when that expires. Raises ReleaseError."""
    published, now = load(repo), datetime.now(UTC)
    roles = []
    for role in ROLES:
        signed = getattr(published, role).signed
        expires = signed.expires.isoformat().replace("+00:00", "Z")
        roles.append(RoleStatus(role, signed.version, expires, (signed.expires - now).days))
    channels = sorted({each.channel for each in published.releases}, reverse=True)
    releases = [each for channel in channels for each in in_channel(published.releases, channel)]
    return ReleaseStatus(str(repo), tuple(roles), tuple(releases))


def as_json(report: ReleaseStatus) -> JsonObject:
    """The report as JSON has it."""
    return asdict(report)


def as_text(report: ReleaseStatus) -> str:
    """The report as text: a line per release, then a line per role."""
    lines = [
        f"{each.channel:7} {each.number:3} {each.version} {each.model} {each.model_sha256[:_DIGITS]}, "
        f"{each.percent}% of the devices{': ' + each.notes if each.notes else ''}"
        for each in report.releases
    ]
    lines = lines or ["no release; add one with `fedge release add FILE`"]
    lines += [
        f"{role.name} {role.version} expired; sign it anew with `fedge release {_renewal(role.name)}`"
        if role.days_left < 0
        else f"{role.name} {role.version} expires in {role.days_left} days"
        for role in report.roles
    ]
    return "\n".join(lines)


def _renewal(role: str) -> str:
    return {"root": "rotate root", "targets": "rotate targets"}.get(role, "renew")


def _newest(published: Published, channel: str) -> Release:
    found = in_channel(published.releases, channel)
    if not found:
        raise ReleaseError(f"{channel} has no release", "add one with `fedge release add FILE`")
    return found[0]


def _put(
    repo: Path, published: Published, keys: Keys, days: int, release: Release, data: bytes, kept: list[Release]
) -> None:
    """Writes a release's file, and then what names it."""
    write_bytes(repo / TARGETS / release.stored_path, data)
    others = [each for each in published.releases if each.channel != release.channel]
    publish(repo, published, keys, days, [*others, *kept[: KEPT - 1], release])
