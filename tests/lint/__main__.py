"""Rules about the repository's texts that no tool knows: configs, docs, sizes of files, imports between rooms.

``python -m tests.lint`` prints a line for each finding and exits with 1 where there is one. A rule is a generator of
findings in a folder that is laid out as this checkout. Names, docstrings and line lengths of Python are ruff's matter.
"""

import sys
from pathlib import Path

from tests.lint import code, configs, declared, docs, experiments, reference

RULES = (*configs.RULES, *declared.RULES, *experiments.RULES, *docs.RULES, *reference.RULES, *code.RULES)


def main(root: Path) -> int:
    """Print what the rules find, and return how the process ends."""
    findings = sorted({finding for rule in RULES for finding in rule(root)})
    for path, line, what, remedy in findings:
        print(f"{path.relative_to(root)}:{line}: {what}; {remedy}")
    print(f"{len(findings)} findings of {len(RULES)} rules")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[2]))
