"""Inception score of one set, as the thesis defines it for an extractor without classes."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from .feature_sets import checked_features


def inception_score(features: np.ndarray) -> float:
    """exp of the mean KL divergence from p(y|x) to p(y), where p(y|x) is the softmax over the features of one volume.

    A convention, kept to compare with the thesis: MedicalNet is an encoder without a classifier, so each pooled
    feature stands for a class. It cannot mean "recognisable and diverse" as Salimans' score does; it grows with the
    scale of the features, knows nothing of the real set (noise may score higher than real volumes), and values of two
    extractors do not compare. Read it beside the real set's own.

    Args:
        features: Pooled features (N, d), not normalised.

    Returns:
        From 1 (all volumes alike) to min(N, d).

    Raises:
        ValueError: See `feature_sets.checked_features`.

    Salimans et al. 2016, arXiv 1606.03498; thesis 2.7.1 and 3.9.2, equation 17.
    """
    conditional = log_softmax(checked_features(features, "given"), axis=1)  # log p(y|x), (N, d)
    marginal = logsumexp(conditional, axis=0) - np.log(len(conditional))  # log p(y), (d,)
    divergences = (np.exp(conditional) * (conditional - marginal)).sum(axis=1)
    return float(np.exp(divergences.mean()))
