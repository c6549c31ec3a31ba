#!/usr/bin/env bash
# A value that does not fit, put into an int16 CT by numpy.where: it wraps round in silence, where all else refuses it.
#
# Version:  numpy 2.4.6.
# Input:    an int16 CT, whose metal is to be marked as 40000, and an unsigned mask, whose background is to be -1.
# Guess:    since NumPy 2 a Python number takes the array's type, and one that does not fit is an OverflowError, as
#           `ct + 40000` and `ct[metal] = 40000` are.
# Came:     numpy.where gives -25536 HU, darker than air, and 255, both without an error or a warning.
#           numpy.where(metal, numpy.array(40000), ct) gives 40000, in a wider type.
# Seen:     where: [-1000, 40, -25536] int16 and [1, 255] uint8, 0 warnings
#           ct + 40000: OverflowError
#           ct[metal] = 40000: OverflowError
#           where of an array: [-1000, 40, 40000] int64
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import warnings

import numpy as np

ct, mask = np.array([-1000, 40, 1200], np.int16), np.array([1, 0], np.uint8)
metal = ct > 1000


def outcome(change):
    try:
        change()
    except Exception as error:
        return type(error).__name__
    return "no error"


def assign():
    ct.copy()[metal] = 40000


with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    marked, background = np.where(metal, 40000, ct), np.where(mask == 0, -1, mask)
wide = np.where(metal, np.array(40000), ct)
added, assigned = outcome(lambda: ct + 40000), outcome(assign)
print(f"where: {marked.tolist()} {marked.dtype} and {background.tolist()} {background.dtype}, {len(told)} warnings")
print(f"ct + 40000: {added}\nct[metal] = 40000: {assigned}\nwhere of an array: {wide.tolist()} {wide.dtype}")
assert marked.tolist() == [-1000, 40, -25536] and background.tolist() == [1, 255] and not told
assert added == assigned == "OverflowError" and wide.tolist() == [-1000, 40, 40000]
PY
