"""fedge: labelled pictures to an int8 classifier on a Raspberry Pi camera, proved at each step."""

import os

__version__ = "0.1.0"

# A picture of 875 KB can claim gigabytes of pixels. OpenCV reads this cap once, when it is first imported.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "50000000")
# OpenCV's own log would break into one-line errors; what it reports also comes back as a value or an exception.
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# A V4L2 read that gets nothing blocks for ten seconds otherwise; a hanging camera is opened again long before.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
