"""The `fedge capture` command's work."""

import math
import sys

import cv2

from fedge.commands.capture.checks import NEAR_DUPLICATE, Refusal, find_refusal, measure_quality
from fedge.commands.capture.class_folder import ClassFolder, Kept
from fedge.commands.capture.reporter import CaptureReporter, Tally
from fedge.errors import FedgeError
from fedge.images.near_duplicates import NearDuplicates, difference_hash, hashes_of
from fedge.model import file as model_file
from fedge.model.shipped import find_model
from fedge.options import CollectOptions, FaultLimits
from fedge.runner.health import Health
from fedge.sources.base import Fault, Frame, Source
from fedge.sources.factory import open_asked
from fedge.system.console import stop_writing


def capture(options: CollectOptions) -> int:
    """Collects until there are enough pictures, the source ends, or Ctrl-C, which goes on up; tells the counts."""
    # On pictures of a camera's size, handing work to a second thread takes longer than the work.
    cv2.setNumThreads(1)
    recipe = model_file.read(find_model(options.model)).manifest.preprocessing
    folder = ClassFolder(options.out, options.label, options.limit_bytes, recipe)
    limits = FaultLimits(wait=options.wait)
    source = open_asked(options.source, options.device, options.camera, None, Health(), limits)
    reporter, tally = CaptureReporter(options.label, str(folder.path), options.count, options.as_json), Tally()
    try:
        try:
            collect(source, folder, reporter, tally, options)
        except (KeyboardInterrupt, FedgeError) as stop:
            if tally.looked_at or isinstance(stop, KeyboardInterrupt):
                reporter.end(tally, len(folder.pictures()))
            raise
        reporter.end(tally, len(folder.pictures()))
    except BrokenPipeError:
        stop_writing(sys.stdout)
    return 0


def collect(
    source: Source, folder: ClassFolder, reporter: CaptureReporter, tally: Tally, options: CollectOptions
) -> None:
    """Keeps pictures of the source that are worth it, and closes it; raises SourceError and CaptureError.

    Where frames move, one is looked at every `options.every` seconds, the first after the countdown if it is live.
    """
    known = NearDuplicates(hashes_of(folder.pictures()))
    due: float | None = None
    try:
        for item in source.frames():
            if isinstance(item, Fault):
                reporter.fault(item.message)
            if not isinstance(item, Frame):
                continue
            due = item.moment + (options.countdown if source.live else 0) if due is None else due
            if source.moving and item.moment < due:
                if not tally.looked_at:
                    reporter.countdown(math.ceil(due - item.moment))
                continue
            due = item.moment + options.every
            _judge(item, folder, known, reporter, tally, options.least_sharpness)
            if tally.kept == options.count:
                break
    finally:
        source.close()


def _judge(
    frame: Frame,
    folder: ClassFolder,
    known: NearDuplicates,
    reporter: CaptureReporter,
    tally: Tally,
    least_sharpness: float,
) -> None:
    quality, fingerprint = measure_quality(frame.picture), difference_hash(frame.picture)
    refusal = find_refusal(quality, least_sharpness) or (
        NEAR_DUPLICATE if known.has_near_duplicate(fingerprint) else None
    )
    outcome: Kept | Refusal
    if refusal is None:
        outcome = folder.keep(frame.picture, frame.time)
        known.add(fingerprint)
        tally.kept += 1
    else:
        outcome = refusal
        tally.refusals[refusal.reason] += 1
    reporter.picture(frame, quality, outcome, tally)
