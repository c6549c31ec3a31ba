import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from common.reports.dark_figure import COLOURS
from common.reports.embedding import embed, plot_embedding


def clusters(count=15, distance=20.0):
    """Two clouds of `count` cases in 5 × 2 dimensions, `distance` apart."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2 * count, 5, 2))
    features[count:] += distance
    return features


def test_clusters_stay_apart():
    points = embed(clusters())
    assert points.shape == (30, 2)
    groups = points[:15], points[15:]
    middles = [group.mean(axis=0) for group in groups]
    radius = max(np.linalg.norm(group - middle, axis=1).max() for group, middle in zip(groups, middles, strict=True))
    assert np.linalg.norm(middles[0] - middles[1]) > 2 * radius


def test_the_seed_decides():
    features = clusters()
    np.testing.assert_array_equal(embed(features, seed=3), embed(features, seed=3))


def test_one_feature_is_enough():
    assert np.isfinite(embed(np.linspace(0, 1, 12)[:, None])).all()


@pytest.mark.parametrize(("count", "perplexity"), [(10, 10), (1, 10), (0, 10), (5, 7.5)])
def test_too_few_cases_say_what_to_do(count, perplexity):
    message = f"t-SNE of {count} cases: needs more than its perplexity, {perplexity}; add cases, or set a lower"
    with pytest.raises(ValueError, match=message):
        embed(np.zeros((count, 3)), perplexity=perplexity)


def test_just_enough_cases():
    assert embed(clusters()[:11], perplexity=10).shape == (11, 2)


def test_nan_is_refused():
    features = clusters()
    features[[2, 5], 0, 0] = np.nan
    with pytest.raises(ValueError, match="2 of 30 cases have NaN or infinite features"):
        embed(features)


def pixels(picture, colour):
    """Number of pixels that are near `colour` on the dark background, as points with alpha 0.8 are."""
    background = picture[0, 0, :3]
    return (np.abs(picture[..., :3] - (0.8 * np.asarray(to_rgb(colour)) + 0.2 * background)).max(axis=-1) < 0.02).sum()


def test_each_group_has_its_colour(tmp_path):
    points = np.random.default_rng(0).uniform(size=(20, 2))
    path = plot_embedding(points, ["real"] * 5 + ["generated"] * 15, path=tmp_path / "p.png", title="t-SNE")
    picture = matplotlib.image.imread(path)
    generated, real = (pixels(picture, colour) for colour in COLOURS[:2])  # in the order of the names
    assert generated > 1.5 * real > 0
    assert pixels(picture, COLOURS[2]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["p.png"]


def test_unequal_counts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="3 points, but 2 groups"):
        plot_embedding(np.zeros((3, 2)), ["a", "b"], path=tmp_path / "p.png")
