"""The defaults of options, and the words that some of them take."""

from typing import Literal

Rotation = Literal[0, 90, 180, 270]
RejectMode = Literal["off", "normal", "strict"]
REJECT_MODES: tuple[RejectMode, ...] = ("off", "normal", "strict")
DEFAULT_REJECT: RejectMode = "normal"
WINDOW_SECONDS, ENTER, LEAVE = 1.0, 0.6, 0.4
# Seconds: without a frame, and of the same picture, until that is a fault; and a frame's age until it is too old.
STALL_SECONDS, FROZEN_SECONDS, AGE_SECONDS = 2.0, 10.0, 1.0
RECORD_MEGABYTES = 500
CSV_MEGABYTES, CSV_FILES, SQLITE_ROWS = 10, 5, 1_000_000
UNSURE_MEGABYTES, UNSURE_SECONDS = 200, 5.0
VIDEO_MEGABYTES = 1000
PROGRAMS_AT_ONCE, PROGRAM_SECONDS = 2, 10.0
COLLECT_COUNT, COLLECT_SECONDS, COLLECT_COUNTDOWN, COLLECT_MEGABYTES = 50, 1.0, 3.0, 1000
# The share of the pictures kept for the test where there is no `test` folder.
TEST_SHARE = 0.20
# How long `fedge train` may compare networks before it trains the one that it chose.
TRIAL_MINUTES = 5.0
# The most accuracy, in points, that quantization may lose, and the epochs of quantization-aware training.
MAX_DROP_PP, QAT_EPOCHS = 0.5, 3
# The most that few pictures may leave open where nobody says how much.
MOST_DEFAULT_DROP_PP = 5.0
# Below it `fedge capture` refuses a picture as blurred: none of 341 photographs, but 96% of them after a Gaussian blur
# of sigma 2 pixels where the longer side has 320, and 99% after one of sigma 3.
LEAST_SHARPNESS = 0.3
MEGABYTE = 1_000_000
# How long a new model answers beside the running one before it is swapped in, and how long it may be rolled back after.
SHADOW_SECONDS, TRIAL_SECONDS = 30.0, 600.0
# The networks that `fedge train --arch` knows; `fedge_train` builds them, and a test compares the two.
ARCHITECTURES = ("lite0", "nano", "small", "base", "wide", "camera", "classic", "leaky")
