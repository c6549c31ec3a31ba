"""A small study, shared by the tests of this folder."""

import numpy as np
import pytest

from common.reader_study.app import create_app
from common.reader_study.store import create_study
from common.web.neutral_nifti import neutral_nifti

SETTINGS = {
    "answer": "score",
    "layout": "scroll",
    "windows": {"soft tissue": [-160, 240], "bone": [-500, 1300], "whole": [-1024, 600]},
    "labels": {"0": "background", "1": "tumour", "2": "lymph node"},
    "seed": 7,
}
SOURCES = ("generated", "generated", "real", "real", "generated", "real", "real", "real", "generated", "generated")


def body(number, size=(24, 24, 18)):
    """Ellipsoid of soft tissue with a bone in air, and a lesion of label 1 or 2."""
    x, y, z = (np.linspace(-1, 1, n).reshape(shape) for n, shape in zip(size, _SHAPES, strict=True))
    image = np.full(size, -1000, np.int16)
    image[(x / 0.8) ** 2 + (y / 0.7) ** 2 + 0 * z < 1] = 40 + number
    image[x**2 + (y + 0.4) ** 2 + 0 * z < 0.03] = 500
    mask = np.zeros(size, np.uint8)
    mask[(x - 0.3) ** 2 + (y - 0.2) ** 2 + (z - 0.2) ** 2 < 0.06] = 2 - number % 2
    return image, mask


_SHAPES = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))


@pytest.fixture
def study_file(tmp_path):
    """Function (**settings) -> SQLite file of a study of ten volumes, 5 of them real, in the thesis's order."""

    def build(**settings):
        path = tmp_path / "study.sqlite"
        items = []
        for number, source in enumerate(SOURCES, 1):
            files = (neutral_nifti(volume, spacing=(2, 2, 3)) for volume in body(number))
            items.append((source, f"secret_case_{number}", *files))
        create_study(path, settings={**SETTINGS, **settings}, items=items)
        return path

    return build


@pytest.fixture
def app(study_file):
    """The study's application."""
    return create_app(study_file())


ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def read(app):
    """Function name -> a client of a new reader."""

    def begin(name):
        client = app.test_client()
        assert client.post("/readers", data={"name": name}, headers=ORIGIN).status_code == 303
        return client

    return begin
