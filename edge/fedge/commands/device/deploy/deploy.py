"""The steps of `fedge deploy`: each looks whether it is done already, and says what it did."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from fedge.commands.device.deploy.machine import Machine, examine, require_fit
from fedge.commands.device.deploy.remote import Remote, Target
from fedge.commands.device.deploy.wheel import NAME, build_wheel
from fedge.errors import DeployError
from fedge.model import file as model_file
from fedge.system.files import sha256
from fedge.system.json_types import JsonObject

SERVICE_STORE = "/var/lib/fedge/models"
EXTRAS = ("web", "mqtt")
_DIGITS = 12
_EXTRA = re.compile(r"[a-z0-9-]+")

State = Literal["was there", "done", "would be done"]


@dataclass(frozen=True)
class Step:
    """A step: what is to be there, and whether it was there, was done, or would be done."""

    name: str
    what: str
    state: State


@dataclass(frozen=True)
class Deployment:
    """What is to be on the device.

    Attributes:
        wheel: fedge's wheel.
        extras: fedge's extras that are installed too.
        model: a model file's bytes and its name; None for the one that comes along.
        service: the arguments of `fedge run` as a service; None for no service.
    """

    wheel: bytes
    extras: tuple[str, ...]
    model: tuple[bytes, str] | None
    service: tuple[str, ...] | None


def plan(model: Path | None, extras: Sequence[str], service: Sequence[str] | None) -> Deployment:
    """Reads what is to be sent. Raises ModelFileError, DeployError."""
    wrong = next((extra for extra in extras if not _EXTRA.fullmatch(extra)), None)
    if wrong is not None:
        raise DeployError(f"{wrong!r} is no extra", "give --extra a name like web or mqtt")
    sent = None
    if model is not None:
        data = model_file.read_bytes(model)
        sent = data, model_file.parse_named(model, data).manifest.name
    return Deployment(build_wheel(), tuple(extras), sent, None if service is None else tuple(service))


def deploy(target: Target, wanted: Deployment, dry_run: bool, say: Callable[[Step], None]) -> list[Step]:
    """Brings a machine to what is wanted, step by step; `say` is told each as it is over. Raises DeployError.

    A step that fails ends it: what was done before stays, and the next call goes on from there.
    """
    steps: list[Step] = []

    def tell(step: Step) -> None:
        steps.append(step)
        say(step)

    with Remote(target) as remote:
        machine = examine(remote)
        require_fit(machine, target.name, wanted.service is not None)
        if not machine.has_venv:
            _venv_package(remote, machine, dry_run, tell)
        _install(remote, machine, wanted, dry_run, tell)
        if wanted.service is not None:
            _service(remote, machine, wanted.service, dry_run, tell)
        if wanted.model is not None:
            _model(remote, machine, *wanted.model, wanted.service is not None, dry_run, tell)
    return steps


def _venv_package(remote: Remote, machine: Machine, dry_run: bool, tell: Callable[[Step], None]) -> None:
    if not dry_run:
        apt = f"{machine.as_root}env DEBIAN_FRONTEND=noninteractive apt-get"
        remote.run(f"{apt} -qq update && {apt} -qq install -y python3-venv", "there: sudo apt-get install python3-venv")
    tell(Step("python", "the package python3-venv", _state(False, dry_run)))


def _install(remote: Remote, machine: Machine, wanted: Deployment, dry_run: bool, tell: Callable[[Step], None]) -> None:
    extras = ",".join([*wanted.extras, *(["tflite-runtime"] if machine.bits == 32 else [])])
    stamp = sha256(wanted.wheel + extras.encode())
    there = machine.wheel == stamp
    if not there and not dry_run:
        folder = shlex.quote(machine.folder)
        remote.run(f"mkdir -p {folder} && rm -f {folder}/wheel.sha256")
        remote.send(wanted.wheel, f"{machine.folder}/{NAME}")
        pip = "venv/bin/python -m pip install -q --disable-pip-version-check"
        wheel = shlex.quote(f"./{NAME}[{extras}]" if extras else f"./{NAME}")
        # The camera module's picamera2 is a package of the system's Python.
        remote.run(
            f"cd {folder} && python3 -m venv --system-site-packages venv && {pip} --upgrade {wheel}"
            f" && {pip} --force-reinstall --no-deps ./{NAME}",
            "see whether it reaches the package index, and has room",
        )
        remote.run(f"{machine.fedge} verify", "it is not the same classifier there: see `fedge doctor` on it")
        remote.send(stamp.encode(), f"{machine.folder}/wheel.sha256")
    tell(Step("fedge", f"{NAME} with {extras or 'no extras'} in ~/.local/share/fedge/venv", _state(there, dry_run)))


def _service(
    remote: Remote, machine: Machine, arguments: tuple[str, ...], dry_run: bool, tell: Callable[[Step], None]
) -> None:
    words = shlex.join(arguments)
    stamp = sha256(f"{machine.folder} {words}".encode())
    active = "systemctl is-active -q fedge && echo active || true"
    there = machine.service == stamp and remote.run(active).strip() == "active"
    if not there and not dry_run:
        remote.run(f"{machine.as_root}{machine.fedge} service install -- {words}", "see `fedge doctor` on it")
        remote.send(stamp.encode(), f"{machine.folder}/service.sha256")
    tell(Step("service", f"fedge run {words}", _state(there, dry_run)))


def _model(
    remote: Remote,
    machine: Machine,
    data: bytes,
    name: str,
    service: bool,
    dry_run: bool,
    tell: Callable[[Step], None],
) -> None:
    sha = sha256(data)
    # The service runs as the user who called sudo, and its store is that user's.
    store = f" --store {SERVICE_STORE}" if service else ""
    listed = f"{machine.fedge} models list --json{store}"
    current = f'test -x {machine.fedge} && {listed} | grep -c \'"current": *"{sha}"\' || true'
    there = remote.run(current).strip() not in ("", "0")
    if not there and not dry_run:
        place = f"{machine.folder}/{sha[:_DIGITS]}.tflite"
        remote.send(data, place)
        path = shlex.quote(place)
        # The service's own user must be able to go back in it.
        owned = f" && chown -R --reference=/var/lib/fedge/ {SERVICE_STORE}" if service and machine.root else ""
        remote.run(
            f"{machine.fedge} models add {path}{store} && {machine.fedge} models use {sha}{store}"
            f" && rm -f {path}{owned}",
            "see `fedge models list` on it",
        )
    tell(Step("model", f"{name} {sha[:_DIGITS]} is current in the store", _state(there, dry_run)))


def _state(there: bool, dry_run: bool) -> State:
    return "was there" if there else "would be done" if dry_run else "done"


def as_text(step: Step) -> str:
    """A step in a line."""
    return f"{step.state}: {step.what}"


def as_json(steps: Sequence[Step]) -> JsonObject:
    """All steps, and whether anything changed."""
    return {"steps": [asdict(step) for step in steps], "changed": any(step.state == "done" for step in steps)}
