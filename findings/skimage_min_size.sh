#!/usr/bin/env bash
# scikit-image 0.26 removes a component that has exactly `min_size` voxels; 0.25 kept it.
#
# Versions: scikit-image 0.25.2 and 0.26.0; MONAI 1.6.1 hands its own min_size on to whichever is installed.
# Input:    a component of 10 voxels, `remove_small_objects(mask, min_size=10)`.
# Guess:    0.26 renames min_size to max_size ("the largest size that goes") and says in its documentation and in the
#           FutureWarning that the old name only removes smaller ones. So min_size=10 still keeps the component of 10.
# Came:     the old name is handed on as max_size before the line that would treat it differently is reached: the
#           component of 10 is gone, against what the warning says, and a program that looks unchanged is not.
# Seen:     0.25.2 keeps 10 of 10 voxels
#           0.26.0 keeps 0 of 10 voxels
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/count.py" <<'PY'
import sys

import numpy as np
import skimage
from skimage.morphology import remove_small_objects

mask = np.zeros((4, 16), bool)
mask[1, :10] = True
kept = int(remove_small_objects(mask, min_size=10).sum())
print(f"{skimage.__version__} keeps {kept} of 10 voxels")
assert kept == int(sys.argv[1])
PY
for version_and_kept in "0.25.2 10" "0.26.0 0"; do
    read -r version kept <<<"$version_and_kept"
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -qq "scikit-image==$version" numpy==2.4.6
    "$work/$version/bin/python" -W ignore "$work/count.py" "$kept"
done
