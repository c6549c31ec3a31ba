"""The model zoo's style checks of a bundle's Python files, where its tools are installed."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from .finding import Finding, from_problems

# as its runtests.sh, pyproject.toml and setup.cfg call them; pytype, which it runs too, ended with Python 3.12
_TOOLS = {
    "black": ("--check", "--quiet", "--line-length=120", "--skip-magic-trailing-comma", "--target-version=py39"),
    "isort": ("--check", "--quiet", "--profile=black", "--line-length=120"),
    "flake8": (
        *("--isolated", "--quiet", "--max-line-length=120", "--select=B,C,E,F,N,P,T4,W,B9"),
        "--ignore=E203,E501,E741,W503,W504,C408,N812,B023,B905,B028,B907,C419",
        "--per-file-ignores=__init__.py:F401 __main__.py:F401",
    ),
}


def check_style(bundle: Path) -> Finding:
    """Black, isort and flake8 change and find nothing; not checked where one of them is missing."""
    if missing := [tool for tool in _TOOLS if find_spec(tool) is None]:
        return Finding("code style", "not checked", f"the model zoo's tools are not installed: {', '.join(missing)}")
    failed = []
    for tool, options in _TOOLS.items():
        command = [sys.executable, "-m", tool, *options, "."]
        done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(" ".join([tool, *(done.stdout + done.stderr).split()])[:200])
    return from_problems("code style", failed, ", ".join(_TOOLS))
