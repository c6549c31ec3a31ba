import matplotlib.image
import pytest

from common.reports.search_figures import plot_importance, plot_parallel


def row(number, value, **keys):
    return {"trial": number, "state": "complete" if value is not None else "failed", "value": value, **keys}


def reddish(path):
    picture = matplotlib.image.imread(path)
    return ((picture[..., 0] > 0.8) & (picture[..., 1] < 0.5)).sum()


def test_the_best_is_drawn_in_red(tmp_path):
    rows = [row(n, n / 9, lr=10.0**-n, amp=n % 2 == 0, dim=n) for n in range(9)]
    drawn = [
        plot_parallel(rows, ["lr", "amp", "dim"], objective="fid", path=tmp_path / f"{number}.png", best=best)
        for number, best in enumerate((None, rows[0]))
    ]
    assert reddish(drawn[0]) == 0
    assert reddish(drawn[1]) > 500


def test_bars_are_as_long_as_their_shares(tmp_path):
    picture = matplotlib.image.imread(plot_importance({"a": 0.8, "b": 0.2}, path=tmp_path / "a.png"))
    blue = (picture[..., 2] > 0.8) & (picture[..., 0] < 0.5)
    rows = blue.sum(1)
    upper, lower = rows[rows > 0][:5].mean(), rows[rows > 0][-5:].mean()
    assert upper / lower == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("rows", [[], [row(0, None, lr=1)]])
def test_nothing_to_plot_is_refused(rows, tmp_path):
    with pytest.raises(ValueError, match="parallel coordinates need"):
        plot_parallel(rows, ["lr"], objective="fid", path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="no importance"):
        plot_importance({}, path=tmp_path / "a.png")
