"""Making the next batch while the last one is trained on."""

import threading
from collections.abc import Iterator

import pytest

from fedge_train.training.prefetch import prefetch


def test_the_items_and_their_order_stay_and_another_thread_makes_them() -> None:
    makers = set()

    def numbers() -> Iterator[int]:
        for number in range(100):
            makers.add(threading.current_thread())
            yield number

    assert list(prefetch(numbers())) == list(range(100))
    assert len(makers) == 1 and threading.current_thread() not in makers
    assert list(prefetch(iter(()))) == []


def test_the_next_item_is_made_while_the_last_one_is_in_use() -> None:
    second = threading.Event()

    def two() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    items = prefetch(two())
    assert next(items) == 1
    # Nothing has asked for the second item yet; ten seconds are for a machine that is busy.
    assert second.wait(10)
    assert list(items) == [2]


def test_what_goes_wrong_is_raised_in_its_place() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("no second")

    items = prefetch(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no second"):
        next(items)


def test_leaving_early_leaves_no_thread() -> None:
    items = prefetch(iter(range(1000)))
    assert next(items) == 0
    items.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fedge-ahead")]
