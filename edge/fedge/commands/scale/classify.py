"""The `fedge classify` command's work."""

import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

from fedge.bulk.classify import classify_all
from fedge.bulk.cluster import open_cluster
from fedge.bulk.filesystems import is_remote, shown
from fedge.bulk.items import partitions
from fedge.bulk.known_labels import Counts, KnownLabels, count
from fedge.bulk.listing import Listing
from fedge.bulk.results import Results, open_results
from fedge.bulk.worker import Asked, ModelPlugin
from fedge.data.label_map import read_label_map
from fedge.model.classifier import Classifier, load
from fedge.model.description import doubt
from fedge.model.file import read_bytes
from fedge.model.shipped import find_model
from fedge.options import DEFAULT_REJECT, RejectMode
from fedge.system.console import echo, printable
from fedge.system.json_types import JsonObject
from fedge.system.progress import Progress

FOLDERS = "folders"
PARTITION = 512


@dataclass(frozen=True)
class ClassifyOptions:
    """What `fedge classify` is asked for.

    Attributes:
        sources: see `fedge.bulk.listing.Listing`.
        out: the folder of results.
        model: a model file, a run folder, a shipped model's name, or None for the default one.
        reject: how certain an answer must be.
        labels: where known labels are, `folders` or a column of tables; None where nothing is compared.
        map: a label map's file.
        column: of tables, the column with the pictures.
        partition: how many pictures are classified and written together.
        workers: how many processes a local cluster has; one a core if None.
        cluster: a scheduler's address; None for a local cluster.
    """

    sources: tuple[str, ...]
    out: Path
    model: str | None = None
    reject: RejectMode = DEFAULT_REJECT
    labels: str | None = None
    map: Path | None = None
    column: str | None = None
    partition: int = PARTITION
    workers: int | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class ClassifyReport:
    """What `fedge classify` did.

    Attributes:
        results: the folder.
        model, model_sha256: the model's name, and the SHA-256 of its file.
        pictures: how many rows there are.
        errors: how many pictures could not be read.
        rejected, empty: how many answers are "unknown", and in how many pictures no object was found.
        labels: how many pictures have which answer, the most frequent first.
        partitions, partitions_before: how many there are, and how many of these an earlier run had written.
        classified: how many pictures this run classified.
        seconds: how long that took.
        pictures_per_second: the rate.
        workers: how many threads the cluster had at the end.
        known: how the answers meet the known labels; None where they were not asked for.
    """

    results: str
    model: str
    model_sha256: str
    pictures: int
    errors: int
    rejected: int
    empty: int
    labels: dict[str, int]
    partitions: int
    partitions_before: int
    classified: int
    seconds: float
    pictures_per_second: float
    workers: int
    known: KnownLabels | None


def classify(options: ClassifyOptions) -> ClassifyReport:
    """Classifies all pictures of the sources; goes on where an earlier run with the same `out` stopped.

    Raises SourceError, BulkError, ModelFileError or DataError.
    """
    label_map = read_label_map(options.map)
    classifier = load(options.model, options.reject)
    if unproved := doubt(classifier.model.manifest):
        echo(unproved)
    listing = Listing(options.sources, options.labels, options.column)
    # What is not there is told before a folder is made.
    next(iter(listing))
    with open_results(options.out, _settings(options, classifier)) as results:
        done = _run(options, classifier, listing, results)
        counts = count(results, classifier.labels, label_map, options.labels is not None)
    return _report(options, classifier, counts, done)


@dataclass(frozen=True)
class _Done:
    partitions: int
    before: int
    classified: int
    seconds: float
    workers: int


def _run(options: ClassifyOptions, classifier: Classifier, listing: Listing, results: Results) -> _Done:
    sha256 = classifier.model.sha256
    asked = Asked(sha256, options.reject, options.labels is not None)
    plugin = ModelPlugin(read_bytes(find_model(options.model)), sha256)
    workers = options.workers or len(os.sched_getaffinity(0))
    classified = 0
    with open_cluster(options.cluster, workers, plugin) as client, Progress("classify", 0) as progress:
        echo(f"dashboard: {client.dashboard_link}")
        _count_ahead(listing, progress)
        started = monotonic()

        def report(pictures: int, before: bool) -> None:
            nonlocal classified
            classified += 0 if before else pictures
            progress.advance(pictures, f"{classified / max(monotonic() - started, 1e-9):,.0f} pictures/s")

        total, before = classify_all(client, partitions(listing, options.partition), asked, results, report)
        seconds = monotonic() - started
        threads = sum(client.nthreads().values())
    results.require_no_more(total)
    return _Done(total, before, classified, seconds, threads)


def _count_ahead(listing: Listing, progress: Progress) -> None:
    """Counts the pictures while the first are classified, so that the time that is left can be told."""

    def work() -> None:
        # An error is raised where the pictures are listed to be classified.
        try:
            progress.expect(sum(1 for _ in listing))
        except Exception:
            return

    threading.Thread(target=work, name="fedge-count", daemon=True).start()


def _settings(options: ClassifyOptions, classifier: Classifier) -> JsonObject:
    return {
        "sources": [shown(source) if is_remote(source) else printable(source) for source in options.sources],
        "model_sha256": classifier.model.sha256,
        "reject": options.reject,
        "labels": options.labels,
        "column": options.column,
        "partition": options.partition,
    }


def _report(options: ClassifyOptions, classifier: Classifier, counts: Counts, done: _Done) -> ClassifyReport:
    return ClassifyReport(
        results=str(options.out),
        model=classifier.model.manifest.name,
        model_sha256=classifier.model.sha256,
        pictures=counts.pictures,
        errors=counts.errors,
        rejected=counts.rejected,
        empty=counts.empty,
        labels=dict(counts.labels.most_common()),
        partitions=done.partitions,
        partitions_before=done.before,
        classified=done.classified,
        seconds=done.seconds,
        pictures_per_second=done.classified / done.seconds if done.classified else 0.0,
        workers=done.workers,
        known=counts.known_labels() if options.labels is not None else None,
    )


def as_text(report: ClassifyReport) -> str:
    """The report for people."""
    lines = [
        f"{report.pictures:,} pictures in {report.results}: {report.rejected:,} unknown, {report.errors:,} unreadable",
        f"{report.classified:,} classified now in {report.seconds:.1f} s, {report.pictures_per_second:,.0f} a second, "
        f"by {report.workers} workers",
    ]
    if report.partitions_before:
        lines.append(f"{report.partitions_before:,} of {report.partitions:,} partitions were there already")
    width = max(map(len, report.labels), default=0)
    lines += [f"{label:{width}}  {count:12,}" for label, count in report.labels.items()]
    if report.known is not None:
        lines += _known_as_text(report.known)
    return "\n".join(map(printable, lines))


def _known_as_text(known: KnownLabels) -> list[str]:
    lines = [
        _share("accuracy", known.right, known.n, known.accuracy_lower95, known.accuracy_upper95),
        _share(
            "of what is answered",
            known.answered_right,
            known.answered,
            known.answered_accuracy_lower95,
            known.answered_accuracy_upper95,
        ),
    ]
    if known.foreign:
        names = ", ".join(list(known.foreign)[:5])
        lines.append(f"{sum(known.foreign.values()):,} pictures have labels that the model lacks: {names}")
    return lines


def _share(what: str, right: int, n: int, lower: float, upper: float) -> str:
    if not n:
        return f"{what}: no pictures"
    return f"{what} {right / n:.2%} of {n:,} pictures, {lower:.2%} to {upper:.2%} (95% bounds, each one-sided)"


def as_json(report: ClassifyReport) -> JsonObject:
    """The report's fields; `known` is null where no labels were asked for."""
    return asdict(report)
