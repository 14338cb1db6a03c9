"""The `fedge quantize` command's work."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from fedge.data.dataset import join
from fedge.errors import FedgeError, RunError
from fedge.evaluation.parity import compare
from fedge.images.preprocess import Recipe
from fedge.making.frames import compare_answers, read_frames
from fedge.making.graph.metadata import with_metadata
from fedge.making.proof import carrier, refusal_of
from fedge.model import file as model_file
from fedge.model.description import PICTURES_OF
from fedge.model.file import LABELS
from fedge.system.console import echo, file_name
from fedge.system.files import short_name, write_json
from fedge_quantize.calibration import BACKBONE_PICTURES, PICTURES, calibration_set
from fedge_quantize.candidates import Candidate, Candidates, QuantizeOptions, emitted_logits, methods_for
from fedge_quantize.conversion.compact import compact
from fedge_quantize.flips import plot_flips
from fedge_quantize.out_of_fold import Answers, compare_all, out_of_fold_answers
from fedge_quantize.packing import ProvedBy, pack_candidate
from fedge_quantize.report import Calibration, QuantizeReport, as_json
from fedge_quantize.risk_coverage import plot_risk_coverage, risk_coverage_report
from fedge_train.networks.predict import predictor
from fedge_train.runs.lock import reading
from fedge_train.runs.page import write_page
from fedge_train.runs.run_folder import (
    REPORT,
    load_float_model,
    load_run_data,
    read_config,
    require_learned,
    weights_path,
)


def quantize(options: QuantizeOptions) -> QuantizeReport:
    """Quantizes a run, passes the gate, writes the model file, and gives the report.

    Raises ParityRefused where the gate says no: then the report is kept and no model file is written.
    """
    with reading(options.run):
        return _quantize(options)


def _quantize(options: QuantizeOptions) -> QuantizeReport:
    config = read_config(options.run)
    weights_path(options.run)
    out = options.out or options.run / f"{short_name(options.run.resolve().name)}.tflite"
    if out.is_dir():
        raise FedgeError(f"{out} is a folder", "give the model file's name to --out")
    if not (options.with_test or config.sealed):
        raise RunError(
            f"{options.run} was trained with its test pictures open", "leave out --no-test, or train with --no-test"
        )
    if config.backbone is not None and options.method == "qat":
        raise RunError(f"the backbone of {options.run} cannot be trained", "leave out --method qat")
    if config.final_fit and not options.with_test:
        raise RunError(f"{options.run} has learned the held-out pictures too", "leave out --no-test")
    dataset = load_run_data(options.run, config, options.data, with_test=options.with_test)
    judged, pictures = dataset.judged, PICTURES_OF[dataset.judged_on]
    frames = read_frames(options.frames, config.recipe) if options.frames else None
    pool = join([dataset.train, dataset.held_out])
    # A head that learned from the held-out pictures is not judged by them.
    new = judged if dataset.judged_on == "test" else judged.take(np.arange(0))
    labelled = len(pool) + len(new) if config.head is not None else 0
    carried = carrier(len(judged), frames, options.max_drop_pp, options.unproved, dataset.judged_on, labelled)
    proof, max_drop_pp = carried.by, carried.max_drop_pp
    float_model = load_float_model(options.run, config)
    most = PICTURES if config.head is None else BACKBONE_PICTURES
    calibration = calibration_set(dataset.train, config.seed, most)
    work = Candidates(options, config, dataset, float_model, calibration, max_drop_pp)
    by_float = predictor(float_model)
    float_logits = by_float(judged.images)
    require_learned(options.run, float_logits)
    float_test = float_logits.argmax(-1)
    float_frames = by_float(frames.images).argmax(-1) if frames else None
    folds = None
    if proof == "out-of-fold" and config.head is not None:
        folds = out_of_fold_answers(float_model, pool, config.head, config.seed)
    methods, name = methods_for(work), file_name(Path(out.stem))
    for method in methods:
        candidate = _described(work.candidate(method), name, config.recipe)
        echo(f"running the emitted {method} file over {len(judged):,} {pictures}")
        logits = emitted_logits(candidate.flatbuffer, judged.images)
        int8_test = logits.argmax(-1)
        parity = compare(judged.right, float_test, int8_test, dataset.labels)
        risk_coverage = risk_coverage_report(candidate.confidence, logits, judged, config.data)
        changed = None
        if frames is not None and float_frames is not None:
            by_int8 = emitted_logits(candidate.flatbuffer, frames.images).argmax(-1)
            changed = compare_answers(frames, float_frames, by_int8)
            echo(
                f"{changed.changed} of {changed.n:,} frames changed: a loss of at most {changed.upper95_pp:.2f} points"
            )
        by_folds = None
        if folds is not None:
            tested = Answers(new.right, float_test, int8_test) if len(new) else None
            by_folds = compare_all(folds, tested, dataset.labels)
        refusal = refusal_of(proof, parity, changed, max_drop_pp, by_folds)
        unproved = options.unproved and refusal is not None and method == methods[-1]
        if unproved:
            echo(f"unproved: {refusal.what if refusal else ''}")
            refusal = None
        proved_by = ProvedBy("none" if unproved else proof, changed, by_folds)
        if refusal is None:
            # Before the report, which says that there is one.
            model_file.write(out, pack_candidate(work, candidate, parity, proved_by, name))
        report = QuantizeReport(
            parity=parity,
            max_drop_pp=max_drop_pp,
            accepted=refusal is None and not unproved,
            method=candidate.method,
            methods_before_the_gate=methods[: methods.index(candidate.method) + 1],
            bytes=len(candidate.flatbuffer),
            calibration=Calibration(len(work.calibration.images), work.calibration.sha256),
            confidence=candidate.confidence,
            model=None if refusal else str(out),
            risk_coverage=risk_coverage,
            proof=proved_by.by,
            frames=changed,
            by_folds=by_folds,
            judged_on=dataset.judged_on,
        )
        folder = options.run / "quantize"
        write_json(folder / REPORT, as_json(report))
        plot_flips(folder / "flips.png", dataset, float_test, int8_test)
        plot_risk_coverage(folder / "doubt.png", risk_coverage)
        write_page(options.run)
        if refusal is None:
            break
        if method != methods[-1]:
            echo(f"{method} refused: {refusal.what}")
    if refusal is not None:
        raise refusal
    return report


def _described(candidate: Candidate, name: str, recipe: Recipe) -> Candidate:
    """The candidate with metadata for other tools, before it is judged: what is judged is what is packed."""
    return replace(candidate, flatbuffer=compact(with_metadata(candidate.flatbuffer, name, recipe, LABELS)))
