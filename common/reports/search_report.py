"""What a hyperparameter search found: a table of its trials, the best one's settings, figures, and a page with all."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean

from optuna.importance import FanovaImportanceEvaluator, get_param_importances

from ..files import write_csv, write_json
from ..metrics.main_effects import cells
from ..runs.search.search import Row, Search
from .combinations import combination_table, effect_table
from .page import Page
from .search_figures import plot_importance, plot_parallel

logger = logging.getLogger(__name__)
_EXPLAINED = (
    "Each trial is one training of one seed: two neighbours in this table may change places with another seed. Train "
    "the best few again with other seeds before one of them is called the best.",
    "The best of many trials looks better than it is on the cases that chose it. Score it once more on cases that had "
    "no part in the search.",
)
_EFFECTS = (
    "Difference of the means of two levels over all combinations of the others, with its 95 % interval; chance is what "
    "repetitions of one combination differ by. Many intervals are looked at here: one in twenty misses by chance."
)
_NO_IMPORTANCE = "Importance needs complete trials that differ in their objective, and a key that varies."


class SearchReport:
    """Leaves ``trials.csv``, ``best.json``, ``importance.png``, ``parallel.png`` and ``search.html`` in its folder.

    ``best.json`` holds the sampled keys of the best trial: lay it over the config that it was trained with. Where a key
    repeats combinations, the best has the best mean, and ``combinations.csv`` and ``effects.csv`` join the files: mean
    scores, and what each factor changes.

    Args:
        search: Whose study is reported; it may still run.
        scores: Name → key of further numbers of the objective's file, for all tables.
        repeat: The sampled key, such as the seed, in which repetitions of a combination differ.

    Raises:
        ValueError: `repeat` is not sampled.
    """

    def __init__(self, search: Search, *, scores: Mapping[str, str] | None = None, repeat: str | None = None) -> None:
        if repeat is not None and repeat not in search.plan.space.content:
            raise ValueError(
                f"repeat: '{repeat}' is not sampled, expected one of {', '.join(search.plan.space.content)}"
            )
        self.search = search
        self.scores = dict(scores or {})
        self.repeat = repeat
        self.directory = search.output_dir

    def write(self, rows: Sequence[Row]) -> Row | None:
        """Write all of it from `Search.rows`; the best trial's row, None where none is complete."""
        rows = [{**row, **self._scores(row)} for row in rows]
        best = self.search.best(self._of_best_combination(rows))
        if rows:
            write_csv(rows, self.directory / "trials.csv")
        if best is not None:
            write_json({key: best[key] for key in self.search.plan.space.content}, self.directory / "best.json")
        objective = self.search.plan.objective
        counts = Counter(row["state"] for row in rows)
        states = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        page = Page("Hyperparameter search", subtitle=f"{objective.key}, {objective.direction}d; trials: {states}")
        page.section("Trials, the best first")
        page.text(*_EXPLAINED)
        page.table(self._ranked(rows))
        self._combinations(page, rows)
        self._figures(page, rows, best)
        page.write(self.directory / "search.html")
        logger.info("wrote %s", self.directory / "search.html")
        return best

    def importance(self) -> dict[str, float]:
        """Share of the objective's variance that each varying key explains, by fANOVA; empty where it says nothing."""
        study, keys = self.search.study(), self.search.plan.space.varying()
        values = {trial.value for trial in study.trials if trial.state.name == "COMPLETE"}
        if len(values) < 2 or not keys:
            return {}
        return get_param_importances(
            study, params=keys, evaluator=FanovaImportanceEvaluator(seed=self.search.plan.seed)
        )

    def _of_best_combination(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Runs of the combination with the best mean; all rows where nothing is repeated."""
        found = cells(rows, self._factors(), "value") if self.repeat else []
        if not found:
            return rows
        sign = 1 if self.search.plan.objective.direction == "minimize" else -1
        most = max(len(cell.scores) for cell in found)  # a run that was pruned would have been a bad one
        best = min((cell for cell in found if len(cell.scores) == most), key=lambda cell: sign * mean(cell.scores))
        return [row for row in rows if best.levels.items() <= row.items()]

    def _factors(self) -> list[str]:
        return [key for key in self.search.plan.space.varying() if key != self.repeat]

    def _scores(self, row: Row) -> dict[str, float | None]:
        """Further numbers of a complete trial; None where it has none, such as the Dice of a mask that is empty."""
        if row["state"] != "complete":
            return dict.fromkeys(self.scores)
        found = self.search.plan.objective.numbers(self.search.folder(row["trial"]))
        return {name: found.get(key) for name, key in self.scores.items()}

    def _combinations(self, page: Page, rows: Sequence[Row]) -> None:
        factors = self._factors()
        if self.repeat is None or not factors:
            return
        names = ["value", *self.scores]
        combinations, effects = (make(rows, factors, names) for make in (combination_table, effect_table))
        for name, table in (("combinations", combinations), ("effects", effects)):
            if table:
                write_csv(table, self.directory / f"{name}.csv")
        page.section(f"Combinations, mean and standard deviation over {self.repeat}")
        page.table(combinations)
        page.section("What each factor changes")
        page.text(_EFFECTS)
        page.table(effects)

    def _ranked(self, rows: Sequence[Row]) -> list[Row]:
        sign = 1 if self.search.plan.objective.direction == "minimize" else -1
        ranked = sorted(rows, key=lambda row: (row["value"] is None, sign * (row["value"] or 0), row["trial"]))
        return [
            {key: value.splitlines()[0] if isinstance(value, str) and value else value for key, value in row.items()}
            for row in ranked
        ]

    def _figures(self, page: Page, rows: Sequence[Row], best: Row | None) -> None:
        keys = self.search.plan.space.varying()
        if best is not None and keys:
            name = self.search.plan.objective.key.rsplit("scores.", 1)[-1]
            path = plot_parallel(rows, keys, objective=name, path=self.directory / "parallel.png", best=best)
            page.section("Parallel coordinates")
            page.figure(path, caption="A line for each complete trial, coloured by its objective; red is the best.")
        page.section("Importance")
        importance = self.importance()
        if importance:
            page.figure(plot_importance(importance, path=self.directory / "importance.png"))
        else:
            page.text(_NO_IMPORTANCE)
