"""Every option of every config is refused where it is misspelt, or has a value that it may not have.

The cases are made from the declarations; a few are run as a user runs them.
"""

import itertools
from pathlib import Path

import pytest
from monai.bundle import ConfigParser, ConfigWorkflow

from common.options.ahead import problems_ahead
from common.options.declaration import read_declaration, read_sections
from common.options.problems import find_problems
from common.packaging.export import export_bundle
from common.packaging.relocate import workflow_ids
from tests.fresh_process import run_fresh
from tests.lint.finding import read_config

ROOT = Path(__file__).parents[2]
BUNDLES = sorted(path.name for path in (ROOT / "bundles").iterdir() if (path / "configs").is_dir())
SECTIONS = [(bundle, name) for bundle in BUNDLES for name in read_sections(bundle) if "/" not in name]


def location(bundle, config):
    return ROOT / "bundles" / bundle / "configs" / f"{config}.yaml"


def content_of(bundle, config):
    return read_config(location(bundle, config))


# of every workflow, each run id: (bundle, config, id)
RUNS = [(*case, key) for case in SECTIONS for key in [*workflow_ids(location(*case).read_text()), "run"]]


def problems(bundle, config, **given):
    content = content_of(bundle, config)
    return find_problems(read_declaration(bundle, config), {**content, **given}, base=content, typed=given)


def wrong_values(schema):
    """Values that are not what the schema says: of another kind, beyond its range, none of its choices."""
    if "anyOf" not in schema:
        yield {"a": [5]} if schema.get("type") != "object" else 5
    if "enum" in schema:
        yield from ("nonsense", [schema["enum"][0]], 5.5)
    elif "anyOf" in schema:
        yield from (-1.5, True)
    elif schema["type"] in ("integer", "number"):
        yield from (schema[key] - 1 for key in ("minimum", "exclusiveMinimum") if key in schema)
        yield from (schema[key] + 1 for key in ("maximum", "exclusiveMaximum") if key in schema)
        yield from (schema[key] for key in ("exclusiveMinimum", "exclusiveMaximum") if key in schema)
        yield from ("nonsense", "2e-4", True, float("nan"), [1])
        yield from [1.5] if schema["type"] == "integer" else []
    elif schema["type"] == "array":
        yield from ("nonsense", 5, *([wrong] for wrong in itertools.islice(wrong_values(schema["items"]), 2)))
    elif schema["type"] != "object":
        yield from {"boolean": ("false", 0, 1), "string": ("", 5, ["a"])}.get(str(schema["type"]), (["a"], "nonsense"))


@pytest.mark.parametrize(("bundle", "config"), SECTIONS)
def test_configs_are_right_as_they_are(bundle, config):
    assert problems(bundle, config) == []


@pytest.mark.parametrize(("bundle", "config"), SECTIONS)
def test_every_wrong_value_of_every_option_is_refused(bundle, config):
    declared = read_declaration(bundle, config)
    cases = [(key, value) for key, option in declared.options.items() for value in wrong_values(option.schema)]
    assert len(cases) > 2 * len(declared.options)
    for key, value in cases:
        lines = problems(bundle, config, **{key: value})
        assert len(lines) == 1 and lines[0].startswith(f"{key}: found "), (key, value, lines)
        assert ", expected " in lines[0] and lines[0].partition("; ")[2], lines[0]
    assert [
        key
        for key, option in declared.options.items()
        if not option.nullable and problems(bundle, config, **{key: "$None"}) == []
    ] == []


@pytest.mark.parametrize(("bundle", "config"), SECTIONS)
def test_every_misspelt_option_is_refused_with_the_one_that_is_meant(bundle, config):
    known = content_of(bundle, config).keys()
    for key in read_declaration(bundle, config).options:
        for misspelt in {key + key[-1], key[:-1], key[1:], key.replace("_", "", 1), key.upper()} - {"", *known}:
            lines = problems(bundle, config, **{misspelt: 1})
            assert len(lines) == 1 and f"{misspelt}: found 1, but {config}.yaml has no key {misspelt}, " in lines[0]
        assert key in problems(bundle, config, **{key + key[-1]: 1})[0].partition("did you mean")[2]


@pytest.mark.parametrize(("bundle", "config", "run_id"), RUNS)
def test_each_run_refuses_before_it_does_anything(bundle, config, run_id, causes, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    files = [str(location(bundle, config))]
    work = ConfigWorkflow(files, run_id=run_id, logging_file=False, output_dir=str(tmp_path / "out"), seeed=1, seed=-1)
    with pytest.raises(RuntimeError) as error:
        work.initialize()
        work.run()
    assert "seeed: found 1, but" in causes(error)
    assert "seed: found -1, expected integer" in causes(error) or "seed" not in read_declaration(bundle, config).options
    assert not (tmp_path / "out").exists()


OVERLAYS = [
    path
    for path in sorted((ROOT / "bundles").glob("*/configs/**/*.yaml"))
    if path.parent.name in ("configs", "experiments") and not {"imports", "run"} <= read_config(path).keys()
]


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_shipped_overlays_are_right_on_a_config_of_their_bundle(overlay):
    """Overlays named ``evaluate`` go on the config of that name in the evaluation."""
    bundle = "evaluation" if overlay.stem == "evaluate" else overlay.relative_to(ROOT / "bundles").parts[0]
    found = []
    for config in (location(*case) for case in SECTIONS if case[0] == bundle):
        try:
            found.append(problems_ahead([config, overlay], {}))
        except (KeyError, ValueError):  # it changes parts that this config does not have
            continue
    assert [] in found, found


def test_overlays_that_undo_each_other_are_refused_in_either_order():
    names = ["copy_paste", "drawn_lesions"]
    for first, last in (names, names[::-1]):
        lines = problems_ahead([location("segresnet_auto3dseg", name) for name in ("train", first, "smoke", last)], {})
        found = f"found {first}.yaml and {last}.yaml, which both set train::lesion"
        assert lines == [f"config_file: {found}, expected one of them; leave the other out"]


def test_an_overlay_of_parts_that_a_config_lacks_is_named_ahead():
    files = [location("segresnet_auto3dseg", name) for name in ("evaluate", "copy_paste")]
    (line,) = problems_ahead(files, {})
    what = "found copy_paste.yaml, which changes run_settings, but evaluate.yaml has no run_settings"
    assert line == f"config_file: {what}, expected overlays of evaluate.yaml; leave {files[1]} out"


SHIPPED = [path for path in OVERLAYS if path.stem not in ("monai_label", "evaluate") and "::" in path.read_text()]


@pytest.mark.filterwarnings("ignore:Can't merge entry")
@pytest.mark.parametrize("overlay", SHIPPED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_run_can_name_an_overlay_of_parts_that_its_config_lacks(overlay):
    """MONAI would end in a KeyError while it reads the files, before the run's check."""
    bundle = overlay.relative_to(ROOT / "bundles").parts[0]
    for config in (location(*case) for case in SECTIONS if case[0] == bundle):
        ConfigParser.load_config_files([str(config), str(overlay)])


def test_what_monai_and_monai_label_add_is_known():
    handlers = [{"_target_": "MLFlowHandler", "tracking_uri": "@tracking_uri"}]
    files = [location("segresnet_auto3dseg", name) for name in ("train", "monai_label")]
    given = {"tracking_uri": "x", "experiment_name": "x", "run_name": "x", "bundle_root": ".", "device": "cpu"}
    given |= {
        "train#trainer#max_epochs": 2,
        "train#dataset#data": [],
        "validate#dataset#data": [],
        "train#handlers": handlers,
    }
    assert problems_ahead(files, given) == []


def stderr_of(arguments, folder):
    done = run_fresh(["-m", "monai.bundle", "run", *arguments], folder=folder)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stderr.splitlines()


def test_a_user_reads_the_reasons_last(tmp_path):
    config = "bundles/hagan_128/configs/train.yaml"
    options = ["--max_step", "5", "--lr_g=-0.1", "--output_dir", tmp_path / "out"]
    *_, first, second, third = stderr_of(["training", "--config_file", config, *options], ROOT)
    assert first == "nothing was run, as 2 wrong in the options of train.yaml:"
    assert second == "max_step: found 5, but train.yaml has no key max_step, did you mean max_steps?"
    assert third.startswith("lr_g: found -0.1, expected number > 0; ")
    assert not (tmp_path / "out").exists()


def test_a_users_overlay_is_checked_too(tmp_path):
    (tmp_path / "mine.yaml").write_text("lr: 2e-4\nlearning_rate: 1\n")
    files = f"['bundles/segresnet_auto3dseg/configs/train.yaml','{tmp_path}/mine.yaml']"
    lines = stderr_of(["training", "--config_file", files], ROOT)
    assert lines[-2].startswith("learning_rate: found 1, but train.yaml has no key learning_rate, ")
    assert lines[-1].startswith("lr: found '2e-4', expected number > 0; it is a text") and "write 0.0002" in lines[-1]


def test_an_exported_bundle_checks_as_well(tmp_path):
    export_bundle("hagan_128", tmp_path)
    for run_id, config in {"training": "train", "inferring": "inference", "run": "augmenting"}.items():
        options = [run_id, "--config_file", f"configs/{config}.yaml", "--sede", "1", "--seed=-1"]
        lines = stderr_of(options, tmp_path / "hagan_128")
        assert f"{config}.yaml has no key sede, did you mean seed" in lines[-2]
        assert lines[-1].startswith("seed: found -1, expected integer from 0 to 4294967295; ")
