"""segresnet_auto3dseg as an algorithm of Auto3DSeg: what is filled from the data statistics, command, score."""

import importlib
import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from monai.bundle import ConfigParser

from common.data.datalist import read_datalist, select_cases

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "segresnet_auto3dseg"
# image size, factor, voxels that fit -> patch
ROIS = [
    ([128, 128, 64], 16, 1e9, [128, 128, 64]),  # the whole image
    ([130.7, 127.9, 40], 16, 1e9, [128, 112, 32]),  # whole multiples below it
    ([512, 512, 300], 16, 1e9, [224, 224, 144]),  # Auto3DSeg's largest
    ([128, 128, 64], 16, 64**3, [64, 64, 64]),  # the longest sides give way first
    ([128, 96, 64], 16, 80 * 80 * 64, [80, 80, 64]),
    ([10, 40, 40], 16, 1e9, [16, 32, 32]),  # smaller images are padded
    ([128, 128, 128], 32, 1, [32, 32, 32]),  # never below one factor
]
DEFAULTS = {"init_filters": 32, "blocks_down": [1, 2, 2, 4, 4], "batch_size": 2, "hu_window": [-1024, 600]}
STATISTICS = {
    "stats_summary": {
        "image_stats": {"spacing": {"median": [1.0, 1.0, 2.00049]}, "sizemm": {"median": [128.0, 128.0, 128.0]}},
        "image_foreground_stats": {"intensity": {"percentile_00_5": -110.4, "percentile_99_5": 173.8}},
        "label_stats": {"labels": [0, 1]},
    }
}


@pytest.fixture
def scripts(monkeypatch):
    """Function that imports a module of the bundle's scripts as AutoRunner does, from the folder above the bundle."""
    monkeypatch.syspath_prepend(ROOT / "bundles")
    return lambda name: importlib.import_module(f"segresnet_auto3dseg.scripts.{name}")


@pytest.fixture
def filling(scripts):
    return scripts("filling")


@pytest.fixture
def fold_bundle(scripts, phantom_dir, tmp_path):
    """Function (source keys) -> the algorithm of fold 1, generated in a folder."""
    algo_class = scripts("algo").Segresnet_auto3dsegAlgo

    def build(statistics=STATISTICS, **source):
        given = {"modality": "CT", "datalist": str(phantom_dir / "datalist.json"), "dataroot": str(phantom_dir)}
        ConfigParser.export_config_file({**given, **source}, tmp_path / "input.yaml", fmt="yaml")
        ConfigParser.export_config_file(statistics, tmp_path / "stats.yaml", fmt="yaml")
        algo = algo_class(template_path=ROOT / "bundles")
        algo.name = "segresnet_auto3dseg"
        algo.set_data_stats(str(tmp_path / "stats.yaml"))
        algo.set_data_source(str(tmp_path / "input.yaml"))
        algo.export_to_disk(str(tmp_path / "work"), "segresnet_auto3dseg_1", fold=1)
        return algo

    return build


@pytest.mark.parametrize(("size", "factor", "voxels", "expected"), ROIS)
def test_patch_fits_image_network_and_memory(filling, size, factor, voxels, expected):
    assert filling.fit_roi(size, factor=factor, voxels=voxels) == expected


def test_settings_follow_from_the_statistics(filling):
    settings = filling.fill_settings(STATISTICS, defaults=DEFAULTS, given={}, memory=1000)
    assert settings == {"spacing": [1.0, 1.0, 2.0], "hu_window": [-110, 174], "roi_size": [128, 128, 64]}


def test_given_settings_win_and_the_rest_follows_from_them(filling):
    given = {"spacing": [2, 2, 2], "hu_window": [-200, 300], "blocks_down": [1, 1], "lr": 0.1}
    settings = filling.fill_settings(STATISTICS, defaults=DEFAULTS, given=given, memory=1000)
    assert settings == {**given, "roi_size": [64, 64, 64]}


def test_more_memory_or_fewer_filters_give_larger_patches(filling):
    def voxels(memory, **given):
        roi = filling.fill_settings(STATISTICS, defaults=DEFAULTS, given=given, memory=memory)["roi_size"]
        assert np.prod(roi) * filling.BYTES_PER_VOXEL * given.get("init_filters", 32) * 2 <= memory * 2**30
        return np.prod(roi)

    assert voxels(0.5) < voxels(2) < voxels(2, init_filters=8)


def test_with_a_generated_set_the_window_is_the_generators(filling):
    settings = filling.fill_settings(STATISTICS, defaults=DEFAULTS, given={"generated_dir": "g"}, memory=4)
    assert settings["hu_window"] == [-1024, 600]


def test_statistics_without_foreground_are_refused(filling):
    broken = {"stats_summary": {"image_stats": STATISTICS["stats_summary"]["image_stats"]}}
    with pytest.raises(ValueError, match="image_foreground_stats"):
        filling.fill_settings(broken, defaults=DEFAULTS, given={}, memory=4)


def test_plain_auto3dseg_list_is_completed(filling, tmp_path):
    plain = {
        "training": [{"image": "a/im_1.nii.gz", "label": "a/lb_1.nii.gz", "fold": 1}],
        "testing": [{"image": "b/im_1.nii.gz", "label": "b/lb_1.nii.gz"}],
    }
    completed = filling.complete_datalist(plain, labels=[0, 2])
    (tmp_path / "list.json").write_text(json.dumps(completed))
    listed = read_datalist(tmp_path / "list.json")
    assert [entry["case_id"] for entry in (*listed["training"], *listed["testing"])] == ["a_im_1", "b_im_1"]
    assert listed["labels"] == {"0": "background", "2": "label 2"}
    assert listed["training"][0]["fold"] == 1
    assert filling.complete_datalist(completed, labels=[0, 2]) == completed


def test_fold_bundle_overlays_the_template(fold_bundle):
    algo = fold_bundle(max_epochs=7, memory_gb=1, train=False, class_names=["tumour"])
    bundle = Path(algo.output_path)
    assert bundle.name.split("_")[1] == "1"  # where AlgoEnsembleBestByFold reads the fold
    assert not {"output", "models"} & {path.name for path in bundle.iterdir()}
    for name in ("train.yaml", "inference.yaml"):
        assert (bundle / "configs" / name).read_bytes() == (BUNDLE / "configs" / name).read_bytes()
    filled = ConfigParser.load_config_file(bundle / "configs" / "filled.yaml")
    assert (filled["fold"], filled["max_epochs"], filled["hu_window"]) == (1, 7, [-110, 174])
    assert not {"train", "memory_gb", "class_names", "modality"} & set(filled)
    assert set(filled) <= set(ConfigParser.load_config_file(bundle / "configs" / "train.yaml"))


def test_fold_bundle_of_a_plain_list_has_a_completed_copy(fold_bundle, phantom_dir, tmp_path):
    listed = json.loads((phantom_dir / "datalist.json").read_text())
    keys = ("image", "label", "fold")
    plain = {"training": [{key: entry[key] for key in keys} for entry in listed["training"]]}
    (tmp_path / "plain.json").write_text(json.dumps(plain))
    algo = fold_bundle(datalist=str(tmp_path / "plain.json"))
    filled = ConfigParser.load_config_file(Path(algo.output_path) / "configs" / "filled.yaml")
    assert len(select_cases(read_datalist(filled["datalist"]), dataset_dir=filled["dataset_dir"])) == 8


@pytest.mark.parametrize(("modality", "skipped"), [("CT", False), ("ct", False), ("MRI", True)])
def test_other_modalities_are_skipped(fold_bundle, modality, skipped):
    assert fold_bundle(modality=modality).pre_check_skip_algo()[0] is skipped


def test_command_and_its_environment(fold_bundle, monkeypatch):
    algo = fold_bundle()
    command = shlex.split(algo._create_cmd({"lr": 0.5, "roi_size": [16, 16, 16]})[0])
    assert command[:5] == [sys.executable, "-m", "monai.bundle", "run", "training"]
    flags = dict(zip(command[5::2], command[6::2], strict=True))
    configs = f"{algo.output_path}/configs"
    assert flags["--config_file"] == str([f"{configs}/train.yaml", f"{configs}/filled.yaml"])
    assert (flags["--lr"], flags["--roi_size"]) == ("0.5", "[16, 16, 16]")
    algo.device_setting.update(n_devices=2, CUDA_VISIBLE_DEVICES="0,1")
    two = algo._create_cmd()[0]
    assert "torch.distributed.run --standalone --nproc_per_node=2 -m monai.bundle" in two
    assert "multi_gpu_train.yaml" in two
    algo.device_setting["NUM_NODES"] = 2
    with pytest.raises(NotImplementedError, match="one machine"):
        algo._create_cmd()


def test_a_misspelt_or_wrong_key_of_the_input_is_refused_and_those_of_others_are_not(fold_bundle):
    with pytest.raises(ValueError, match="the input of Auto3DSeg has max_epoch, did you mean max_epochs"):
        fold_bundle(max_epoch=3)
    with pytest.raises(ValueError, match="the input of Auto3DSeg: max_epochs: found 0, expected integer ≥ 1; "):
        fold_bundle(max_epochs=0)
    fold_bundle(name="x", task="segmentation", class_names=["a"], multigpu=True, memory_gb=4, learning_rate=1)


def test_failed_training_says_why_and_has_no_score(fold_bundle):
    algo = fold_bundle()
    code = "import common, os; print(os.environ['CUDA_VISIBLE_DEVICES']); raise SystemExit('out of patience')"
    algo._create_cmd = lambda params: (shlex.join([sys.executable, "-c", code]), "")
    with pytest.raises(RuntimeError, match=r"_1 failed[\s\S]*\n7\nout of patience"):
        algo.train({}, {"CUDA_VISIBLE_DEVICES": "7"})
    with pytest.raises(ValueError, match="not trained"):
        algo.get_score()


def test_common_of_an_exported_bundle_comes_first(scripts, tmp_path, monkeypatch):
    common_root = scripts("algo").common_root
    assert common_root(tmp_path) == ROOT
    (tmp_path / "common").mkdir()
    assert common_root(tmp_path) == tmp_path
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="exported bundle"):
        common_root(tmp_path / "elsewhere")


@pytest.mark.parametrize(("rows", "best"), [(["1,0.5", "2,0.75", "3,nan"], 0.75), (["1,nan"], None), ([], None)])
def test_score_is_the_best_finite_dice(scripts, tmp_path, rows, best):
    path = tmp_path / "validation.csv"
    path.write_text("\n".join(["epoch,dice", *rows]))
    if best is None:
        with pytest.raises(ValueError, match="no validation Dice"):
            scripts("algo").best_dice(path)
    else:
        assert scripts("algo").best_dice(path) == best
