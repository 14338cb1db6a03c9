"""What holds where the user says nothing."""

from typing import Literal

Rotation = Literal[0, 90, 180, 270]
RejectMode = Literal["off", "normal", "strict"]
REJECT_MODES: tuple[RejectMode, ...] = ("off", "normal", "strict")
DEFAULT_REJECT: RejectMode = "normal"
WINDOW_SECONDS, ENTER, LEAVE = 1.0, 0.6, 0.4
# Seconds: without a frame, of the same picture, and of a frame's age.
STALL_SECONDS, FROZEN_SECONDS, AGE_SECONDS = 2.0, 10.0, 1.0
RECORD_MEGABYTES = 500
CSV_MEGABYTES, CSV_FILES, SQLITE_ROWS = 10, 5, 1_000_000
UNSURE_MEGABYTES, UNSURE_SECONDS = 200, 5.0
COLLECT_COUNT, COLLECT_SECONDS, COLLECT_COUNTDOWN, COLLECT_MEGABYTES = 50, 1.0, 3.0, 1000
# What of a folder without a `test` folder is kept for the test.
TEST_SHARE = 0.20
# How long `fedge train` may hold networks against each other before it trains the one that it chose.
TRIAL_MINUTES = 5.0
# The most accuracy, in points, that quantization may lose, and the epochs of quantization-aware training.
MAX_DROP_PP, QAT_EPOCHS = 0.5, 3
# Of 341 photographs it refuses none; 96% of them once a Gaussian blur, sigma 2 pixels, was applied where their longer
# side has 320, and 99% at sigma 3.
LEAST_SHARPNESS = 0.3
MEGABYTE = 1_000_000
# How long a new model answers beside the running one before it is swapped in, and how long it may be rolled back after.
SHADOW_SECONDS, TRIAL_SECONDS = 30.0, 600.0
# The networks that `fedge train --arch` knows; `fedge_train` builds them, and a test holds the two against each other.
ARCHITECTURES = ("lite0", "nano", "small", "base", "wide", "camera", "classic", "leaky")
