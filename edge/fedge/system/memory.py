"""Keeping the C library's allocator from holding on to memory that was freed."""

import ctypes

# mallopt's numbers in glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Large enough for the cut-out's arrays to be used again, small enough for pictures to be given back.
_KEPT, _PICTURE = 4 << 20, 512 << 10


def return_freed_memory() -> None:
    """Has glibc give freed pictures back to the system at once, and all threads share one heap; elsewhere nothing.

    By default each thread has a heap of its own, and after the first freed picture none is given back: 2 MB of 80.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _PICTURE), (_TRIM_THRESHOLD, _KEPT)):
            mallopt(parameter, value)
