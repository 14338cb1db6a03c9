"""Making the next item while the last one is used."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items in the same order, each made in one other thread while the one before it is used.

    Raises what making an item raised, in its place. None cannot be an item.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="fedge-ahead") as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item
