"""The look at a data set before anything is trained on it: tables, pictures and one page (thesis 3.2, 3.3)."""

import itertools
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from ..data.ambiguous import ambiguous_files
from ..data.cases import BadCasesError, find_problems
from ..data.check import Limits, Problem, problem_table
from ..data.datalist import Folds, foreground_names, read_datalist, select_cases
from ..files import write_csv
from ..metrics.case_statistics import (
    HU_EDGES,
    USUAL_HU,
    CaseStatistics,
    centre_histograms,
    centre_rows,
    describe_cases,
    unusual_cases,
)
from .case_figures import (
    load_example,
    plot_all_slices,
    plot_hu_histograms,
    plot_label_volumes,
    plot_slice_counts,
    sagittal_overlays,
)
from .centre_tables import frequent_table, geometry_table, intensity_table, label_table
from .embedding import embed, plot_embedding
from .page import Page
from .slices import pair_grid

logger = logging.getLogger(__name__)
_UNREADABLE = {"missing file", "unreadable file", "not a volume", "unusable affine"}
_LISTED = 100  # warnings on the page; warnings.csv has all


def list_cases(datalist: str | Path, *, dataset_dir: str | Path, folds: Folds = None) -> list[dict[str, Any]]:
    """Unchecked entries with absolute paths: all of the list, or as `select_cases` where `folds` is given."""
    folds = "everything" if folds is None else folds
    return select_cases(read_datalist(datalist), folds=folds, dataset_dir=dataset_dir)


class DataAnalysis:
    """Measures every case, and writes tables (CSV), figures (PNG) and `analysis.html` into a folder.

    Cases that cannot be read are warned of and left out; all others are measured, whatever is wrong with them.

    Args:
        cases: Entries with absolute paths, see `list_cases`.
        output_dir: Folder of the results.
        labels: Value to name; 0 is background.
        name: Of the data set, for the heading.
        window: HU shown as black and white, and seen by the t-SNE.
        hu_range, spacing_factor: What needs no warning, see `unusual_cases`.
        perplexity, learning_rate, seed: Of the t-SNE.
        num_workers: Threads that read, each one pair at a time; 0 is one, as for loaders of data.
        known: JSON file that remembers good pairs, see `find_problems`.
    """

    def __init__(
        self,
        cases: Sequence[Mapping[str, Any]],
        output_dir: str | Path,
        *,
        labels: Mapping[str, str],
        name: str = "data set",
        window: Sequence[float] = (-1024, 600),
        hu_range: Sequence[float] = USUAL_HU,
        spacing_factor: float = 1.5,
        perplexity: float = 10,
        learning_rate: float = 200,
        seed: int = 0,
        num_workers: int = 2,
        known: str | Path | None = None,
    ) -> None:
        self.cases = cases
        self.output_dir = Path(output_dir)
        self.labels = labels
        self.name = name
        self.window = tuple(window)
        self.hu_range = hu_range
        self.spacing_factor = spacing_factor
        self.perplexity = perplexity
        self.learning_rate = learning_rate
        self.seed = seed
        self.num_workers = num_workers
        self.known = known

    def run(self) -> Path:
        """Measure, draw and write; the path of the page.

        Raises:
            BadCasesError: No case can be read.
        """
        problems, statistics = self.measure()
        files = {case["case_id"]: case["image"] for case in self.cases}
        measured = [case for case in self.cases if case["case_id"] in {each.case_id for each in statistics}]
        warnings = (
            problems
            + ambiguous_files(measured)
            + unusual_cases(statistics, files, hu_range=self.hu_range, spacing_factor=self.spacing_factor)
        )
        centres = centre_rows(statistics)
        self.write_tables(statistics, centres, warnings)
        many = f"{len(centres) - 1} centre{'s' if len(centres) > 2 else ''}"  # the last row is that of all
        subtitle = f"{len(statistics)} of {len(self.cases)} cases measured, {many}"
        page = Page(f"Data analysis: {self.name}", subtitle=subtitle)
        self._add_warnings(page, warnings)
        self._add_geometry(page, statistics, centres)
        self._add_intensities(page, statistics, centres)
        self._add_labels(page, statistics, centres)
        self._add_embedding(page, statistics)
        self._add_pictures(page, statistics, problems)
        path = page.write(self.output_dir / "analysis.html")
        logger.info("analysed %d of %d cases: %s", len(statistics), len(self.cases), path)
        return path

    def measure(self) -> tuple[list[Problem], list[CaseStatistics]]:
        """What is wrong with the cases, and the statistics of all that can be read."""
        limits = Limits(labels=tuple(int(value) for value in self.labels))
        problems = find_problems(self.cases, limits=limits, workers=self.num_workers, known=self.known)
        unreadable = {problem.case_id for problem in problems if problem.kind in _UNREADABLE}
        readable = [case for case in self.cases if case["case_id"] not in unreadable]
        if not readable:
            raise BadCasesError(f"none of {len(self.cases)} cases can be read:\n{problem_table(problems)}")
        return problems, describe_cases(readable, self.labels, workers=self.num_workers, window=self.window)

    def write_tables(
        self, statistics: Sequence[CaseStatistics], centres: Sequence[Mapping[str, Any]], warnings: Sequence[Problem]
    ) -> None:
        """``cases.csv``, ``centres.csv``, ``hu_histogram.csv`` (share of voxels a bin) and ``warnings.csv``."""
        shares = centre_histograms(statistics)
        bins = [
            {"hu_from": int(low), "hu_to": int(high), **{c: float(share[i]) for c, share in shares.items()}}
            for i, (low, high) in enumerate(itertools.pairwise(HU_EDGES))
        ]
        write_csv([case.row() for case in statistics], self.output_dir / "cases.csv")
        write_csv(centres, self.output_dir / "centres.csv")
        write_csv(bins, self.output_dir / "hu_histogram.csv")
        columns = [field.name for field in fields(Problem)]
        write_csv([asdict(warning) for warning in warnings], self.output_dir / "warnings.csv", columns=columns)

    def _add_warnings(self, page: Page, warnings: Sequence[Problem]) -> None:
        page.section("Warnings")
        if not warnings:
            page.text("None: every pair can be read, is in HU, has a mask on its grid and a usual spacing.")
            return
        kinds = Counter(warning.kind for warning in warnings)
        page.text("; ".join(f"{kind}: {count}" for kind, count in kinds.most_common()) + ". All are in warnings.csv.")
        rows = [
            {"case": w.case_id, "warning": w.kind, "found": w.found, "expected": w.expected, "what to do": w.remedy}
            for w in warnings[:_LISTED]
        ]
        page.table(rows, caption=f"The first {_LISTED} of {len(warnings)}" if len(warnings) > _LISTED else "")

    def _add_geometry(
        self, page: Page, statistics: Sequence[CaseStatistics], centres: Sequence[Mapping[str, Any]]
    ) -> None:
        page.section("Sizes and spacing")
        page.table(
            geometry_table(centres),
            caption="Minimum to maximum (mean) by centre; axes in RAS order, so z runs from feet to head. "
            "Orientation as stored.",
        )
        slices = {c: [s.size[2] for s in statistics if s.centre == c] for c in _centres(statistics)}
        page.figure(plot_slice_counts(slices, path=self.output_dir / "slices.png"), caption="Slices by centre")

    def _add_intensities(
        self, page: Page, statistics: Sequence[CaseStatistics], centres: Sequence[Mapping[str, Any]]
    ) -> None:
        page.section("Hounsfield units")
        page.table(
            intensity_table(centres),
            caption="Minimum to maximum (mean) by centre of each case's lowest, highest and mean HU; "
            "slope and intercept as in the headers, already applied.",
        )
        page.table(
            frequent_table(statistics),
            caption="The five most frequent of the cases' lowest HU, highest HU, and HU that most voxels have; "
            "in brackets the number of cases",
        )
        path = plot_hu_histograms(centre_histograms(statistics), HU_EDGES, path=self.output_dir / "hu.png")
        page.figure(path, caption="HU by centre, the mean over its cases; the outermost bins hold all beyond")

    def _add_labels(
        self, page: Page, statistics: Sequence[CaseStatistics], centres: Sequence[Mapping[str, Any]]
    ) -> None:
        names = foreground_names(self.labels)
        if not names:
            return
        page.section("Labels")
        page.table(
            label_table(centres, names),
            caption="Volume (mean ± standard deviation) and number of parts (mean, maximum), "
            "over the cases that hold the label",
        )
        volumes = {name: [case.volumes[name] for case in statistics] for name in names}
        path = plot_label_volumes(volumes, path=self.output_dir / "labels.png")
        page.figure(path, caption="Volume of each label per case")

    def _add_embedding(self, page: Page, statistics: Sequence[CaseStatistics]) -> None:
        page.section("t-SNE")
        path = self.output_dir / "tsne.png"
        try:
            points = embed(
                np.stack([case.thumbnail for case in statistics]),
                perplexity=self.perplexity,
                learning_rate=self.learning_rate,
                seed=self.seed,
            )
        except ValueError as error:
            logger.warning("left out: %s", error)
            path.unlink(missing_ok=True)  # of an earlier run
            page.text(f"Left out. {error}.")
            return
        plot_embedding(points, [case.centre for case in statistics], path=path)
        side = statistics[0].thumbnail.shape[0]
        page.figure(
            path,
            caption=f"t-SNE of the cases by centre (perplexity {self.perplexity:g}, learning rate "
            f"{self.learning_rate:g}). Input: each image cropped to the patient's box, HU {self.window[0]:g} "
            f"to {self.window[1]:g}, averaged down to {side}×{side}×{side}; no network. Distances between clusters "
            "mean little.",
        )

    def _add_pictures(self, page: Page, statistics: Sequence[CaseStatistics], problems: Sequence[Problem]) -> None:
        page.section("Pictures")
        chosen = _examples(statistics, {problem.case_id for problem in problems})
        examples = [load_example(case) for case in self.cases if case["case_id"] in chosen]
        if not examples:
            page.text("Left out: the check found something wrong with every case, see the warnings.")
            return
        label_names = foreground_names(self.labels)
        path = pair_grid(
            [example.image for example in examples],
            [example.label for example in examples],
            path=self.output_dir / "planes.png",
            window=self.window,
            spacing=[example.spacing for example in examples],
            names=[example.name for example in examples],
            label_names=label_names,
        )
        page.figure(path, caption="One case of each centre in three planes, through the slices with most mask voxels")
        path = self.output_dir / "sagittal.png"
        sagittal_overlays(examples, path=path, window=self.window, label_names=label_names)
        page.figure(path, caption="The same cases: the sagittal slice with most mask voxels")
        first = examples[0]
        path = plot_all_slices(first, path=self.output_dir / "montage.png", window=self.window)
        thinned = f", one in {first.step[2]}" if first.step[2] > 1 else ""
        page.figure(path, caption=f"{first.name}: all axial slices{thinned}, from the head down")


def _centres(statistics: Sequence[CaseStatistics]) -> list[str]:
    return sorted({case.centre for case in statistics})


def _examples(statistics: Sequence[CaseStatistics], bad: set[str]) -> set[str]:
    """For each centre the good case whose number of slices is nearest to the centre's median."""
    chosen = set()
    for centre in _centres(statistics):
        group = [case for case in statistics if case.centre == centre and case.case_id not in bad]
        if group:
            median = np.median([case.size[2] for case in group])
            chosen.add(min(group, key=lambda case: abs(case.size[2] - median)).case_id)
    return chosen
