import json

import nibabel as nib
import numpy as np
import pytest

from common.handlers.pair_preview import PairPreview


@pytest.fixture
def generated(tmp_path):
    """Function (labels) -> folder of a set of three pairs, with labels or images alone."""

    def build(labels=True):
        rng = np.random.default_rng(0)
        entries = []
        for number in range(3):
            entry = {"case_id": str(number), "centre": "generated", "fold": 0}
            for key in ("image", "label") if labels else ("image",):
                entry[key] = f"{key}_{number}.nii.gz"
                volume = rng.integers(0, 2, (8, 8, 8)).astype(np.int16)
                nib.save(nib.Nifti1Image(volume, np.eye(4)), tmp_path / entry[key])
            entries.append(entry)
        content = {"training": entries, "testing": [], "labels": {"0": "background", "1": "tumour"}}
        (tmp_path / "dataset.json").write_text(json.dumps(content))
        return tmp_path

    return build


@pytest.mark.parametrize("labels", [True, False])
def test_the_first_pairs_of_the_written_set_are_drawn(generated, labels, monkeypatch):
    folder, drawn = generated(labels), {}
    grid = lambda images, masks, **_: drawn.update(images=images, masks=masks)  # noqa: E731
    monkeypatch.setattr("common.handlers.pair_preview.pair_grid", grid)
    PairPreview(folder / "pairs.png", directory=folder, count=2).draw(None)
    for key, volumes in drawn.items():
        if key == "masks" and not labels:
            assert volumes is None
            continue
        assert len(volumes) == 2
        expected = nib.load(folder / f"{key.removesuffix('s').replace('mask', 'label')}_1.nii.gz").get_fdata()
        np.testing.assert_array_equal(volumes[1], expected)


def test_none_are_drawn_where_none_are_wanted(tmp_path):
    PairPreview(tmp_path / "pairs.png", directory=tmp_path, count=0).draw(None)
    assert not list(tmp_path.iterdir())
