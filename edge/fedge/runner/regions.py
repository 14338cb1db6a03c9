"""Several named parts of a picture: each frame is decoded once, and each part has answers and decisions of its own."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from fedge.errors import SourceError
from fedge.model.classifier import Classifier
from fedge.options import Region
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.loop import Successor, kept
from fedge.runner.motion import Gate
from fedge.runner.result import Result
from fedge.sources.base import Fault, Frame, Source

Box = tuple[int, int, int, int]


@dataclass
class Watched:
    """A part of the picture, and what is known of it.

    Attributes:
        region: where it is; has a name.
        decider: of its decision.
        gate: says which frames are classified in it.
        last: its newest result; None before the first.
    """

    region: Region
    decider: Decider
    gate: Gate
    last: Result | None = None


def classify_regions(
    classifier: Classifier,
    source: Source,
    watched: Sequence[Watched],
    health: Health,
    successor: Successor | None = None,
) -> Generator[Result | Fault | None]:
    """Like `classify_frames`, with a result for each region of each frame, in their order and of one number.

    A region that is not inside the first picture raises SourceError; one that is not inside a later, smaller one is a
    fault of that frame. A frame counts as still where no region of it was classified.
    """
    number = 0
    try:
        for item in source.frames():
            if successor is not None and successor.must_restart:
                return
            if isinstance(item, Frame):
                if successor is not None and (fresh := successor.take()) is not None:
                    classifier = fresh
                    for each in watched:
                        each.last = None
                height, width = item.picture.shape[:2]
                try:
                    boxes = [each.region.pixels(width, height) for each in watched]
                except SourceError as error:
                    if number == 0:
                        raise
                    health.count_fault("region", error.what)
                    yield Fault("region", error.what)
                    continue
                results = [
                    _classify(classifier, each, number, item, box, successor)
                    for each, box in zip(watched, boxes, strict=True)
                ]
                if all(result.still for result in results):
                    health.count_still()
                health.count_frame(item.captured, all(result.answer.rejected for result in results))
                yield from results
                number += 1
                continue
            if item is not None:
                health.count_fault(item.kind, item.message)
            yield item
    finally:
        source.close()


def _classify(
    classifier: Classifier, watched: Watched, number: int, frame: Frame, box: Box, successor: Successor | None
) -> Result:
    left, top, right, bottom = box
    part = replace(frame, picture=frame.picture[top:bottom, left:right])
    if watched.gate.is_open(part) or watched.last is None:
        answer = classifier.classify(part.picture)
        decision = watched.decider.update(answer.evidence, frame.moment, frame.time)
        age_ms = (monotonic() - frame.captured) * 1e3
        sha, name = classifier.model.sha256, watched.region.name
        watched.last = Result(number, frame, answer, age_ms, decision, sha, region=name, box=box)
        if successor is not None:
            successor.answered(part.picture, answer)
    else:
        watched.last = replace(kept(watched.last, number, frame), box=box)
    return watched.last
