"""An LED that is on while a class is seen: reads what `fedge run --json` prints.

    fedge run --camera --json | python led.py cup

The LED is at GPIO 17, with a resistor of 330 ohm. On the Pi: pip install gpiozero lgpio
"""

import json
import sys
from collections.abc import Iterable

from gpiozero import LED

PIN = 17


def follow(lines: Iterable[str], led: LED, label: str) -> None:
    """Switches the LED with the decision on each line, until there are no more."""
    for line in lines:
        led.value = json.loads(line)["decision"] == label


if __name__ == "__main__":
    with LED(PIN) as led:
        follow(sys.stdin, led, sys.argv[1])
