#!/usr/bin/env bash
# MONAI's DiffusionModelUNet attends even where no level shall, and then a head of 0 channels divides by zero.
#
# Versions: MONAI 1.6.1.
# Input:    attention_levels of only False, once with num_head_channels 8, once with 0, which nothing should need.
# Guess:    a network without attention, which needs neither einops, an optional package of MONAI's, nor heads.
# Came:     the block in the middle has attention whatever the levels say: without einops the network cannot be built
#           at all, with einops num_head_channels 0 ends in a ZeroDivisionError.
# Seen:     without einops OptionalImportError; attention blocks 1; heads of 0 channels ZeroDivisionError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 numpy==2.4.6
cat > "$work/build.py" <<'PY'
import sys

from monai.networks.nets import DiffusionModelUNet

try:
    network = DiffusionModelUNet(
        spatial_dims=3, in_channels=1, out_channels=1, channels=[8, 8], num_res_blocks=1, norm_num_groups=8,
        attention_levels=[False, False], num_head_channels=int(sys.argv[1]),
    )
    print(sum("Attention" in type(module).__name__ for module in network.modules()))
except Exception as error:
    print(type(error).__name__)
PY
cd "$work"
without=$(venv/bin/python -W ignore build.py 8)
venv/bin/pip install -qq einops==0.8.2
blocks=$(venv/bin/python -W ignore build.py 8)
zero=$(venv/bin/python -W ignore build.py 0)
echo "without einops $without; attention blocks $blocks; heads of 0 channels $zero"
test "$without $blocks $zero" = "OptionalImportError 1 ZeroDivisionError"
