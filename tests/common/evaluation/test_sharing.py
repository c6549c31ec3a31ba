"""What parts say they read is all that they read of each case: nothing is left to the first process alone."""

import pytest

from common.evaluation import sets as module
from common.evaluation.copies import Copies
from common.evaluation.evaluation import Evaluation
from common.evaluation.features import FeatureReader
from common.evaluation.fidelity import Fidelity
from common.evaluation.masks import MaskRealism
from common.evaluation.pictures import Embedding, Pictures
from common.evaluation.sharing import share
from common.metrics.frechet import frechet_distance

PARTS = {
    "pictures": Pictures(count=1),
    "fidelity": Fidelity({"fid": frechet_distance}, replicates=2, splits=1),
    "masks": MaskRealism(replicates=2, splits=1),
    "copies": Copies(count=1),
    "embedding": Embedding(perplexity=3),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_reads_nothing_that_was_not_shared(name, build_sets, monkeypatch, tmp_path):
    sets = build_sets()
    share(sets, [PARTS[name]])
    compute = FeatureReader._compute

    def only_nothing(reader, volumes, extractor, missing, names):
        assert not missing
        return compute(reader, volumes, extractor, missing, names)

    monkeypatch.setattr(FeatureReader, "_compute", only_nothing)
    monkeypatch.setattr(module, "read_facts", None)
    PARTS[name](sets, tmp_path)


def test_the_first_process_alone_writes(build_sets, monkeypatch, tmp_path):
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: 1)
    monkeypatch.setattr("ignite.distributed.all_gather", lambda own: [own])
    sets = build_sets()
    assert Evaluation(sets, {"masks": PARTS["masks"]}, output_dir=tmp_path / "out").run() == {}
    assert not (tmp_path / "out").exists()
    own = [i for i in range(24) if i % 4 in (2, 3)]  # every second batch of two
    keys = [volumes.keys[i] for volumes in (sets.real, sets.generated) for i in own if i < len(volumes)]
    assert set(sets._facts) == set(keys)
