"""Latency over the last minutes, for a chart."""

from collections import deque

BUCKET_SECONDS, BUCKETS = 0.5, 240

Point = tuple[int, float, float, float]
"""The bucket's number; mean and largest age, and mean inference time, in milliseconds."""


class LatencyHistory:
    """Gathers measurements in buckets of half a second and keeps the last two minutes of them."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=BUCKETS)
        self._count = 0

    def add(self, now: float, age_ms: float, infer_ms: float) -> None:
        """Takes a measurement made at `now`, in seconds on the monotonic clock."""
        bucket = self.bucket(now)
        if not self._points or self._points[-1][0] != bucket:
            self._points.append((bucket, age_ms, age_ms, infer_ms))
            self._count = 1
            return
        self._count += 1
        _, mean, largest, infer = self._points[-1]
        mean += (age_ms - mean) / self._count
        infer += (infer_ms - infer) / self._count
        self._points[-1] = (bucket, mean, max(largest, age_ms), infer)

    def bucket(self, now: float) -> int:
        """The number of the bucket of `now`, in seconds on the monotonic clock, which moves on in a stall too."""
        return int(now / BUCKET_SECONDS)

    def points(self) -> list[Point]:
        """All buckets, oldest first; those without a measurement are missing."""
        return [_rounded(point) for point in self._points]

    def newest(self) -> Point | None:
        """The bucket that is being filled."""
        return _rounded(self._points[-1]) if self._points else None


def _rounded(point: Point) -> Point:
    bucket, mean, largest, infer = point
    return bucket, round(mean, 2), round(largest, 2), round(infer, 3)
