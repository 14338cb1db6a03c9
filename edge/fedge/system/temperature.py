"""How hot the processor is."""

from pathlib import Path

_ZONE = Path("/sys/class/thermal/thermal_zone0/temp")


def temperature(zone: Path = _ZONE) -> float | None:
    """Degrees Celsius, from a file of thousandths of them; None where this machine does not say."""
    try:
        return round(int(zone.read_text(encoding="ascii")) / 1000, 1)
    except (OSError, ValueError):
        return None
