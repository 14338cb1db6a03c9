"""A servo that turns to an angle for each class: `fedge run --exec` starts it on each change of the decision.

    fedge run --camera --exec "python servo.py cup=-60 plant=60"

The servo is at GPIO 18, with a supply of its own and a common ground. On the Pi: pip install gpiozero lgpio
"""

import json
import sys
import time

from gpiozero import AngularServo

PIN = 18
# A servo takes so long from one end to the other; then it holds by itself.
TURN_SECONDS = 0.5


def turn(servo: AngularServo, label: str | None, angles: dict[str, float]) -> None:
    """Turns to the angle of the class; to the middle for any other and for what is unknown."""
    servo.angle = angles.get(label or "", 0.0)


if __name__ == "__main__":
    pairs = [argument.rsplit("=", 1) for argument in sys.argv[1:]]
    change = json.loads(sys.stdin.readline())
    with AngularServo(PIN, initial_angle=None) as servo:
        turn(servo, change["label"], {name: float(angle) for name, angle in pairs})
        print(f"{change['label'] or 'unknown'}: {servo.angle:.0f} degrees", flush=True)
        time.sleep(TURN_SECONDS)
