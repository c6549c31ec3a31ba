"""Which generated cases train, and what the leakage guard says of them."""

import json

import numpy as np
import pytest

from common.data.cases import BadCasesError
from common.data.leakage import LeakageError
from tests.common.data.pair_files import FOLDS, PROVENANCE, SHAPE, ids, mix_of, save_pair, write


def test_as_many_generated_as_real_cases_by_default(datalist, generated_dir):
    mix = mix_of(datalist, fold=0, generated_dir=generated_dir)
    assert mix.counts == {"real": 6, "generated": 6, "validation": 3}
    half = mix_of(datalist, fold=0, generated_dir=generated_dir, real_fraction=0.5)
    assert half.counts == {"real": 3, "generated": 3, "validation": 3}


def test_a_share_draws_from_the_whole_set(datalist, generated_dir):
    options = {"generated_dir": generated_dir, "generated_share": 0.25, "real_count": 2}
    mix = mix_of(datalist, fold=0, **options)
    assert mix.counts == {"real": 2, "generated": 8, "validation": 3}
    assert mix.describe()["generated_share"] == [0.25, 0.25]
    alone = mix_of(datalist, fold=0, generated_dir=generated_dir, generated_count="all", use_real=False)
    assert alone.counts == {"real": 0, "generated": 8, "validation": 3}
    annealed = mix_of(datalist, fold=0, **options, generated_share_end=0, generated_count=3)
    assert annealed.counts["generated"] == 3
    assert annealed.describe()["generated_share"] == [0.25, 0.0]
    save_pair(generated_dir, "generated_3", label=np.full(SHAPE, 7, np.uint8))
    assert mix_of(datalist, fold=0, **options, on_bad_case="skip").counts["generated"] == 7


def test_a_generator_of_the_same_site_is_refused_where_another_was_asked_for(datalist, generated_dir):
    """It was trained on a3 and a4, of the folds 1 and 2, and on b2 of fold 2."""
    options = {"fold": 0, "generated_dir": generated_dir, "generated_count": 3, "real_count": 1, "other_site": True}
    with pytest.raises(LeakageError, match=r"trained on 2 of the 3 cases of the folds .*, such as a4: .*--real_folds"):
        mix_of(datalist, **options, real_folds=[2])
    write(generated_dir / "provenance.json", PROVENANCE | {"training": {"case_ids": FOLDS[1]}})
    mix = mix_of(datalist, **options, real_folds=[2])
    assert mix.describe()["generated"]["generator_cases_beyond_real"] == len(FOLDS[1])


def test_generated_cases_are_nested_and_seeded(datalist, generated_dir):
    def drawn(count, seed):
        mix = mix_of(datalist, fold=0, generated_dir=generated_dir, generated_count=count, seed=seed)
        return ids(mix.training, "generated")

    small, large = drawn(2, 0), drawn(5, 0)
    assert (len(small), len(large)) == (2, 5)
    assert small < large == drawn(5, 0)
    assert len({frozenset(drawn(2, seed)) for seed in range(6)}) > 1


def test_leakage_is_refused_or_stamped(datalist, generated_dir):
    with pytest.raises(LeakageError, match=r"trained on 2 of the 5 held-out cases .*: a4, b2\. .*--folds"):
        mix_of(datalist, fold=2, generated_dir=generated_dir)
    mix = mix_of(datalist, fold=2, generated_dir=generated_dir, allow_leakage=True)
    assert (
        mix.stamp
        == mix.describe()["leakage"]
        == "LEAKAGE: the generator of hagan was trained on 2 of the 5 " + ("held-out cases")
    )
    assert mix.describe()["generated"]["leaked"] == ["a4", "b2"]


def test_a_final_model_may_use_a_generator_of_all_folds_but_not_of_test_cases(datalist, generated_dir):
    assert mix_of(datalist, fold=None, generated_dir=generated_dir, generated_count=4).stamp is None
    write(generated_dir / "provenance.json", PROVENANCE | {"training": {"case_ids": ["a0", "t1"]}})
    with pytest.raises(LeakageError, match=r"1 of the 2 held-out cases .*: t1"):
        mix_of(datalist, fold=None, generated_dir=generated_dir, generated_count=4)


def test_a_set_without_provenance_must_be_declared(datalist, generated_dir):
    (generated_dir / "provenance.json").unlink()
    with pytest.raises(LeakageError, match="--declared True"):
        mix_of(datalist, fold=0, generated_dir=generated_dir)
    facts = mix_of(datalist, fold=0, generated_dir=generated_dir, declared=True).describe()["generated"]
    assert (facts["provenance"], facts["generator_case_ids"]) == ("declared", None)


def test_the_real_list_is_no_generated_set(datalist):
    (datalist.parent / "dataset.json").write_text(datalist.read_text())
    with pytest.raises(LeakageError, match="holds 9 cases of the real data list, such as a0"):
        mix_of(datalist, fold=0, generated_dir=datalist.parent, declared=True)


def test_bad_generated_cases_stop_or_are_replaced(datalist, generated_dir, tmp_path):
    wrong = np.full(SHAPE, 7, np.uint8)
    save_pair(generated_dir, "generated_3", label=wrong)
    options = {"fold": 0, "generated_dir": generated_dir, "generated_count": 7}
    for seed in range(8):  # whichever the seeded order leaves out
        mix = mix_of(datalist, **options, on_bad_case="skip", seed=seed, record=tmp_path / "left_out.json")
        assert len(ids(mix.training, "generated") - {"generated_3"}) == 7
    few = mix_of(datalist, **(options | {"generated_count": 3}), on_bad_case="skip", seed=0)
    every = mix_of(datalist, **options, on_bad_case="skip", seed=0)
    assert few.counts["generated"] == 3
    assert ids(few.training, "generated") < ids(every.training, "generated")
    left_out = json.loads((tmp_path / "left_out_generated.json").read_text())
    assert [(problem["case_id"], problem["found"]) for problem in left_out] == [("generated_3", "7")]
    with pytest.raises(BadCasesError, match=r"unknown label values +7 +only \[0, 1, 2\](.|\n)*--on_bad_case skip"):
        mix_of(datalist, **(options | {"generated_count": 8}))
    with pytest.raises(ValueError, match="has 7 good cases, 8 are asked for"):
        mix_of(datalist, **(options | {"generated_count": 8}), on_bad_case="skip")


def test_empty_generated_masks_are_kept_and_counted(datalist, generated_dir, caplog):
    for number in (1, 2, 5):
        save_pair(generated_dir, f"generated_{number}", label=np.zeros(SHAPE, np.uint8))
    mix = mix_of(datalist, fold=0, generated_dir=generated_dir, generated_count=8)
    assert (mix.generated.empty_masks, mix.counts["generated"]) == (3, 8)
    assert mix.describe()["generated"]["empty_masks"] == 3
    assert "3 of 8 generated cases have an empty mask" in caplog.text
