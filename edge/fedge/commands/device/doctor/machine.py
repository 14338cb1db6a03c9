"""Heat, voltage, disk, clock, service and the network around this machine."""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from fedge.commands.device.doctor.finding import Finding
from fedge.system.machine import THERMAL_SENSOR, temperature, throttling
from fedge.system.state import store_folder

# A Raspberry Pi slows down from 80 °C on (its soft limit) and is throttled from 85 °C.
_HOT = 80.0
_LEAST_FREE, _LOW_FREE = 50 << 20, 500 << 20
_SERVICE = "fedge.service"
_SECONDS = 5.0
PORTS = {8080: "--web", 9464: "--metrics"}


def check_power(sensor: Path = THERMAL_SENSOR) -> Finding | None:
    """Heat and voltage as a Raspberry Pi tells them; None where the machine tells neither."""
    flags = throttling()
    celsius = temperature(sensor)
    if flags is None and celsius is None:
        return None
    heat = "" if celsius is None else f"{celsius:.0f} °C"
    if flags:
        mend = "use the power supply made for it, a short cable, and a heat sink or fan; then restart"
        return Finding("power and heat", "wrong", ", ".join([*([heat] if heat else []), *flags]), mend)
    if celsius is not None and celsius >= _HOT:
        return Finding("power and heat", "note", heat, "add a heat sink or a fan")
    return Finding("power and heat", "ok", heat or "not throttled")


def check_disk() -> Finding:
    """The free space where models and outputs are written."""
    folder = store_folder()
    while not folder.is_dir():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e6:,.0f} MB are free in {folder}"
    if free < _LEAST_FREE:
        return Finding("disk", "wrong", found, "remove what you do not need: `sudo du -xh / | sort -h | tail`")
    if free < _LOW_FREE:
        return Finding("disk", "note", found, "give --record-mb and --unsure-mb less than this")
    return Finding("disk", "ok", found)


def check_clock() -> Finding | None:
    """Whether the clock is set from the network; None where systemd does not say."""
    answer = _said("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    if answer not in ("yes", "no"):
        return None
    if answer == "yes":
        return Finding("clock", "ok", "set from the network")
    return Finding("clock", "note", "not set from the network", "sudo timedatectl set-ntp true")


def check_service() -> Finding | None:
    """Whether the installed service runs; None where it is not installed."""
    if _said("systemctl", "is-enabled", _SERVICE) not in ("enabled", "disabled"):
        return None
    state = _said("systemctl", "is-active", _SERVICE)
    if state == "active":
        return Finding("service", "ok", f"{_SERVICE} runs")
    return Finding("service", "wrong", f"{_SERVICE} is {state}", f"journalctl -u {_SERVICE} -n 20")


def check_ports() -> list[Finding]:
    """Whether the ports that the page and the metrics take are free."""
    taken = [port for port in PORTS if _taken(port)]
    if not taken:
        return [Finding("ports", "ok", f"{' and '.join(map(str, PORTS))} are free")]
    return [
        Finding("ports", "note", f"port {port} is in use", f"give {PORTS[port]} 127.0.0.1:{port + 1}") for port in taken
    ]


def check_address(check: str, url: str) -> Finding:
    """Whether something listens at a URL's host and port."""
    try:
        parts = urlsplit(url)
        usual = {"mqtt": 1883, "mqtts": 8883, "http": 80, "https": 443}
        host, port = parts.hostname, parts.port or usual.get(parts.scheme)
    except ValueError:
        host = port = None
    if host is None or port is None:
        return Finding(check, "wrong", "the address is malformed", "give SCHEME://HOST[:PORT]")
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        return Finding(check, "wrong", f"{host}:{port} does not answer ({error.strerror or error})", f"ping {host}")
    return Finding(check, "ok", f"{host}:{port} answers")


def _taken(port: int) -> bool:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _said(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, env={**os.environ, "LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip()
