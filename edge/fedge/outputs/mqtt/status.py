"""What a device says of itself, as one retained message: which model runs, how well, and which one waits."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from fedge import __version__
from fedge.errors import FedgeError
from fedge.model.description import doubt
from fedge.model.file import read
from fedge.runner.health import HealthSnapshot
from fedge.store.journal import Entry
from fedge.store.newest import last_failure, waiting_model
from fedge.store.store import Store
from fedge.system.json_types import JsonObject
from fedge.system.machine import temperature, throttling
from fedge.system.timing import stamp

_DIGITS = 12


@dataclass(frozen=True)
class DeviceStatus:
    """A device at one moment.

    Attributes:
        device: the topic that it publishes under.
        fedge: the version of fedge.
        state: as in the health: `starting`, `running`, `waiting`, `stopped`; `offline` by the broker's word.
        healthy: whether frames come and no output fails.
        model: what the model that answers calls itself.
        version: its version in the device's store; without a store the first digits of `model_sha256`.
        model_sha256: the first twelve digits of its file's SHA-256.
        latest_version: of the model that waits in the store to be installed, or of the current one.
        trial: whether the model is on trial.
        failed: why the last model was rolled back; empty where it was not.
        fps: frames answered a second.
        unknown_rate: the share of the last frames that were answered as unknown, 0..1; None before the first.
        faults: how many faults of the source there were.
        message: the last fault in words.
        temperature_c: of the processor; None where the machine does not say.
        throttled: what slows a Raspberry Pi down, or has; None where the machine does not say.
        time: UTC, ISO 8601.
    """

    device: str
    fedge: str
    state: str
    healthy: bool
    model: str
    version: str
    model_sha256: str
    latest_version: str
    trial: bool
    failed: str
    fps: float
    unknown_rate: float | None
    faults: int
    message: str
    temperature_c: float | None
    throttled: tuple[str, ...] | None
    time: str

    def to_json(self) -> JsonObject:
        """All of it as JSON."""
        return asdict(self)


class StatusReporter:
    """Makes a device's status, and what Home Assistant's update entity shows.

    Args:
        topic: the device's.
        store: the one whose current model the run follows; None where it follows none.
    """

    def __init__(self, topic: str, store: Store | None) -> None:
        self._topic, self.store = topic, store
        self._summaries: dict[str, str] = {}

    def report(self, snapshot: HealthSnapshot) -> tuple[DeviceStatus, JsonObject | None]:
        """The device's status now, and the state of Home Assistant's update entity in its words.

        The second is None without a store. Raises StoreError where the store cannot be read.
        """
        if self.store is None:
            return self._status(snapshot), None
        journal, current = self.store.journal(), self.store.current
        waiting = waiting_model(journal, current)
        entry = next((each for each in journal.entries if each.sha256 == current), None)
        status = self._status(snapshot, entry, waiting, last_failure(journal))
        return status, {
            "installed_version": status.version,
            "latest_version": status.latest_version,
            "title": waiting.name if waiting is not None else status.model,
            "release_summary": self._summary(self.store, waiting) if waiting is not None else status.failed,
            "in_progress": snapshot.update_percent is not None,
            "update_percentage": snapshot.update_percent,
        }

    def _status(
        self, snapshot: HealthSnapshot, current: Entry | None = None, waiting: Entry | None = None, failed: str = ""
    ) -> DeviceStatus:
        facts = snapshot.model
        build = facts.build if facts is not None else ""
        version = current.version if current is not None else build
        return DeviceStatus(
            device=self._topic,
            fedge=__version__,
            state=snapshot.state,
            healthy=snapshot.healthy,
            model=facts.name if facts is not None else "",
            version=version,
            model_sha256=build,
            latest_version=waiting.version if waiting is not None else version,
            trial=snapshot.trial,
            failed=failed,
            fps=round(snapshot.frames_per_second, 2),
            unknown_rate=None if snapshot.unknown_rate is None else round(snapshot.unknown_rate, 4),
            faults=sum(snapshot.faults.values()),
            message=snapshot.message,
            temperature_c=temperature(),
            throttled=throttling(),
            time=stamp(datetime.now(UTC)),
        )

    def _summary(self, store: Store, entry: Entry) -> str:
        if entry.sha256 not in self._summaries:
            self._summaries = {entry.sha256: _parity(store, entry)}
        return self._summaries[entry.sha256]


def _parity(store: Store, entry: Entry) -> str:
    try:
        manifest = read(store.path(entry.sha256)).manifest
    except (FedgeError, OSError) as error:
        return f"{entry.name} {entry.sha256[:_DIGITS]} cannot be read: {error}"
    parity = manifest.parity
    if parity is None or doubt(manifest):
        return f"{doubt(manifest)}."
    # Home Assistant takes 255 characters.
    return (
        f"{entry.name}: int8 {parity.int8_accuracy:.1%} on {parity.n} pictures, at most "
        f"{parity.drop_upper95_pp:.2f} points below float (95%)."
    )
