#!/usr/bin/env bash
# The same seed, sampler and search space draw other trials under Optuna 5 than under Optuna 4.
#
# Versions: optuna 4.9.0 and 5.0.0.
# Input:    TPESampler(seed=0), two floats and a choice, 14 trials.
# Guess:    a named sampler with a seed is reproducible across versions, for as long as nobody changes its arguments.
# Came:     the 10 random start-up trials are the same, and the first that TPE proposes differs: `multivariate`, off by
#           default in 4, is on in 5. Optuna 5 with multivariate=False goes back to the trials of 4. Nothing warns; a
#           study that is continued from a database under the new version goes on in another way than it began.
# Seen:     4.9.0 default            first trials 0.4881 -0.7635 ..., eleventh  2.6634
#           5.0.0 default            first trials 0.4881 -0.7635 ..., eleventh -3.7303
#           5.0.0 multivariate=False first trials 0.4881 -0.7635 ..., eleventh  2.6634
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/study.py" <<'PY'
import sys

import optuna


def cost(trial):
    x = trial.suggest_float("x", -5, 5)
    rate = trial.suggest_float("rate", 1e-5, 1e-1, log=True)
    return (x - 1) ** 2 + (rate - 1e-3) ** 2 + (trial.suggest_categorical("net", ["a", "b"]) == "b")


optuna.logging.set_verbosity(optuna.logging.ERROR)
options = {"multivariate": False} if "multivariate=False" in sys.argv else {}
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, **options))
study.optimize(cost, n_trials=14)
print(*(f"{trial.params['x']:.4f}" for trial in study.trials))
PY
declare -A trials
for version in 4.9.0 5.0.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -qq "optuna==$version" numpy==2.4.6
    trials[$version]=$("$work/$version/bin/python" -W ignore "$work/study.py")
    echo "$version ${trials[$version]}"
done
former=$("$work/5.0.0/bin/python" -W ignore "$work/study.py" multivariate=False)
echo "5.0.0 multivariate=False $former"
[ "$(cut -d' ' -f1-10 <<<"${trials[4.9.0]}")" = "$(cut -d' ' -f1-10 <<<"${trials[5.0.0]}")" ]
[ "${trials[4.9.0]}" != "${trials[5.0.0]}" ]
[ "${trials[4.9.0]}" = "$former" ]
