"""The runner's loop: frames in, answers out; each frame is decoded once, whatever is watched of it."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Protocol

from fedge.errors import SourceError
from fedge.images.picture import Picture
from fedge.model.classifier import Answer, Classifier
from fedge.options import Region
from fedge.runner.decisions import Decider
from fedge.runner.health import Health, HealthSnapshot
from fedge.runner.motion import Gate
from fedge.runner.result import Result
from fedge.sources.base import Fault, Frame, Source

HEALTH_SECONDS = 1.0

Box = tuple[int, int, int, int]


class Sink(Protocol):
    """Where answers go: one output, or all of them behind queues so that the loop never waits."""

    def show(self, result: Result) -> None:
        """Takes the answer to a frame."""

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the runner's health: about once a second, and on each fault."""

    def close(self) -> None:
        """Ends; called once, after the last answer."""


class Successor(Protocol):
    """What may put another classifier in the running one's place, between two frames."""

    @property
    def must_restart(self) -> bool:
        """Whether the next classifier needs a source, or outputs, that are opened for it."""

    def take(self) -> Classifier | None:
        """The classifier that is to answer from this frame on; None where it is the one before."""

    def answered(self, parts: Sequence[tuple[Picture, Answer]]) -> None:
        """Is told what was classified of a frame, one part of it or more, and the answers."""


@dataclass
class Watched:
    """What is classified of each frame, and what is known of it.

    Attributes:
        classifier: answers it.
        decider: of its decision.
        gate: says which frames are classified in it; None: all of them.
        region: a part of the picture; None for all of it.
        name: what its results are told apart by; empty where there is only one.
        last: its newest result; None before the first.
    """

    classifier: Classifier
    decider: Decider
    gate: Gate | None = None
    region: Region | None = None
    name: str = ""
    last: Result | None = None


def classify_frames(
    classifier: Classifier,
    source: Source,
    decider: Decider,
    health: Health,
    gate: Gate | None = None,
    successor: Successor | None = None,
) -> Generator[Result | Fault | None]:
    """Classifies each frame that the source gives, until it ends, and counts frames and faults in `health`.

    A frame that the `gate` does not let through keeps answer and decision of the one before, and is `still`.
    Between the results come the source's faults, and None where it has nothing new. Closes the source in any case.
    Ends early where a `successor` has to be started with a source of its own. Raises SourceError.
    """
    return classify_regions(source, [Watched(classifier, decider, gate)], health, successor)


def classify_regions(
    source: Source,
    watched: Sequence[Watched],
    health: Health,
    successor: Successor | None = None,
) -> Generator[Result | Fault | None]:
    """Like `classify_frames`, with a result for each of `watched` of each frame, in their order and of one number.

    A `successor` takes the place of the classifiers of all of them. A region that is not inside the first picture
    raises SourceError; one that is not inside a later, smaller one is a fault of that frame. A frame counts as still
    where no region of it was classified.
    """
    number = 0
    try:
        for item in source.frames():
            if successor is not None and successor.must_restart:
                return
            if isinstance(item, Frame):
                if successor is not None and (fresh := successor.take()) is not None:
                    for each in watched:
                        each.classifier, each.last = fresh, None
                try:
                    boxes = [_box(each.region, item) for each in watched]
                except SourceError as error:
                    if number == 0:
                        raise
                    health.count_fault("region", error.what)
                    yield Fault("region", error.what)
                    continue
                results = [_classify(each, number, item, box) for each, box in zip(watched, boxes, strict=True)]
                fresh_parts = [(_part(item, each.box).picture, each.answer) for each in results if not each.still]
                if not fresh_parts:
                    health.count_still()
                elif successor is not None:
                    successor.answered(fresh_parts)
                health.count_frame(item.captured, all(result.answer.rejected for result in results))
                yield from results
                number += 1
                continue
            if item is not None:
                health.count_fault(item.kind, item.message)
            yield item
    finally:
        source.close()


def _box(region: Region | None, frame: Frame) -> Box | None:
    height, width = frame.picture.shape[:2]
    return None if region is None else region.pixels(width, height)


def _part(frame: Frame, box: Box | None) -> Frame:
    """A part of a frame, a view of its pixels."""
    if box is None:
        return frame
    left, top, right, bottom = box
    return replace(frame, picture=frame.picture[top:bottom, left:right])


def _classify(watched: Watched, number: int, frame: Frame, box: Box | None) -> Result:
    part = _part(frame, box)
    if watched.gate is None or watched.gate.is_open(part) or watched.last is None:
        answer = watched.classifier.classify(part.picture)
        decision = watched.decider.update(answer.evidence, frame.moment, frame.time)
        age_ms = (monotonic() - frame.captured) * 1e3
        sha = watched.classifier.model.sha256
        watched.last = Result(number, frame, answer, age_ms, decision, sha, region=watched.name, box=box)
    else:
        watched.last = replace(_kept(watched.last, number, frame), box=box)
    return watched.last


def _kept(last: Result, number: int, frame: Frame) -> Result:
    """The result of a frame that keeps the answer and decision of the one before."""
    answer = replace(last.answer, preprocess_ms=0.0, infer_ms=0.0)
    age_ms = (monotonic() - frame.captured) * 1e3
    decision = replace(last.decision, changed=False)
    return replace(last, number=number, frame=frame, answer=answer, age_ms=age_ms, decision=decision, still=True)


def show(
    results: Iterator[Result | Fault | None],
    sink: Sink,
    health: Health,
    limit: int | None = None,
    health_seconds: float = HEALTH_SECONDS,
) -> None:
    """Hands results to the sink, `limit` of them or all; and the health, every `health_seconds` and on a new fault."""
    shown_at, shown_kind = -health_seconds, ""
    shown = 0
    while limit is None or shown < limit:
        try:
            item = next(results)
        except StopIteration:
            break
        if isinstance(item, Result):
            sink.show(item)
            shown += 1
        fault = item.kind if isinstance(item, Fault) else ""
        # A stream of damaged frames alone would otherwise report one kind of fault thirty times a second.
        if monotonic() - shown_at >= health_seconds or (fault and fault != shown_kind):
            sink.health(health.snapshot())
            shown_at = monotonic()
        shown_kind = fault or (shown_kind if item is None else "")
