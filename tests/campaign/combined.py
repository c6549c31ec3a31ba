"""Files of configs that do not go together, options that nothing reads, and what MONAI refuses before a bundle."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from .commands import COMMANDS, Command
from .wrong_input import Wrong

_OF = {command.name: command for command in COMMANDS}


def combined_inputs() -> Iterator[Wrong]:
    """Wrong combinations of files and of options."""
    for command, configs, found in _FILES:
        yield _of_files(_OF[command], configs, found)
    for command, options, key, found, expected in _OPTIONS:
        arguments = _OF[command].arguments(*options.split())
        yield Wrong("no effect or no range", command, options, arguments, (key,), found, expected)
    for name in ("hagan_128 training", "evaluation evaluating"):
        yield from _names(_OF[name])


def before_inputs() -> Iterator[Wrong]:
    """Files that MONAI cannot load: it ends before any line of this project is read, in words of its own."""
    yield from _before(_OF["hagan_128 training"])


# command, its configs, words of what is found
_FILES = (
    ("hagan_128 inferring", ("inference", "conditional"), ("conditional.yaml",)),
    ("hagan_128 inferring", ("inference", "diff_augment"), ("diff_augment.yaml",)),
    ("hagan_128 inferring", ("inference", "augment"), ("augment.yaml",)),
    ("hagan_128 training", ("smoke", "train"), ("smoke.yaml",)),
    ("hagan_128 training", ("train", "inference"), ("inference.yaml",)),
    ("hagan_128 training", ("train", "smoke", "../../segresnet_auto3dseg/configs/copy_paste"), ("copy_paste.yaml",)),
    ("hagan_256 inferring", ("inference", "conditional"), ("conditional.yaml",)),
    ("baseline_gans training", ("train", "wgan_gp_3d", "stylegan2", "smoke"), ("wgan_gp_3d.yaml",)),
    ("baseline_gans training", ("train", "fastgan", "vanilla_gan_1", "smoke"), ("fastgan.yaml",)),
    ("baseline_gans inferring", ("inference", "diff_augment"), ("diff_augment.yaml",)),
    ("evaluation evaluating", ("smoke", "evaluate"), ("smoke.yaml",)),
    ("segresnet_auto3dseg training", ("train", "smoke", "copy_paste", "drawn_lesions"), ("drawn_lesions.yaml",)),
    ("segresnet_auto3dseg inferring", ("inference", "copy_paste"), ("copy_paste.yaml",)),
    ("segresnet_auto3dseg evaluating", ("evaluate", "multi_gpu_train"), ("multi_gpu_train.yaml",)),
    ("segresnet_auto3dseg experiment", ("experiment", "other_site", "learning_curve"), ("learning_curve.yaml",)),
)
# command, options, the key of the message, words of what is found and of what is expected
_OPTIONS = (
    ("hagan_128 training", "--gp_weight 5", "gp_weight", ("5",), ("wgan_gp",)),
    ("hagan_128 training", "--folds [0,0]", "folds", ("[0, 0]",), ("once",)),
    ("hagan_128 augmenting", "--lesion_scale [1.2,0.8]", "lesion_scale", ("[1.2, 0.8]",), ("low",)),
    ("hagan_128 augmenting", "--elastic_sigma [8,5]", "elastic_sigma", ("[8, 5]",), ("low",)),
    ("hagan_128 dataset", "--min_dice 0.4", "min_dice", ("0.4",), ("segmenter",)),
    ("hagan_128 searching", "--pruner_options {'n_startup_trials':1}", "pruner_options", ("n_startup",), ("median",)),
    ("baseline_gans training", "--zoom 0.4", "zoom", ("0.4",), ("fit",)),
    ("evaluation evaluating", "--segmenter_cases 3", "segmenter_cases", ("3",), ("segmenter",)),
    ("segresnet_auto3dseg training", "--generated_count 4", "generated_count", ("4",), ("generated_dir",)),
    ("segresnet_auto3dseg training", "--generated_share_end 0.2", "generated_share", ("0.2",), ("generated_share",)),
    ("segresnet_auto3dseg training", "--generator_options {'seed':1}", "generator_options", ("seed",), ("generator",)),
    ("segresnet_auto3dseg training", "--dsdepth 7", "dsdepth", ("7",), ("at most", "3")),
    ("segresnet_auto3dseg auto3dseg", "--generated_count 4", "generated_count", ("4",), ("generated_dir",)),
    ("segresnet_auto3dseg auto3dseg", "--n_best 3", "n_best", ("3",), ("best_n",)),
    ("segresnet_auto3dseg experiment", "--folds [0,0]", "folds", ("[0, 0]",), ("once",)),
)


def _of_files(command: Command, configs: tuple[str, ...], found: tuple[str, ...]) -> Wrong:
    name = " + ".join(config.rpartition("/")[2] for config in configs)
    arguments = replace(command, configs=configs).arguments()
    return Wrong("files together", command.name, name, arguments, ("config_file",), found, ("expected",))


def _names(command: Command) -> Iterator[Wrong]:
    """Run ids and metadata that are not the config's."""
    wrong = f"{command.run_id}g"
    arguments = replace(command, run_id=wrong).arguments()
    words = (("run_id",), (wrong,), ("expected",))
    if command.run_id == "training":  # the check of the others is in the list that the run id names, see the page
        yield Wrong("files together", command.name, "a run id that there is not", arguments, *words)
    meta = "bundles/segresnet_auto3dseg/configs/metadata.json"
    for name, option, value, found in (
        ("metadata of another bundle", "--meta_file", meta, "SegResNet"),
        ("metadata are not there", "--meta_file", "{here}/none.json", "no metadata"),
    ):
        key = option.strip("-")
        arguments = command.arguments(option, value)
        yield Wrong("files together", command.name, name, arguments, (key,), (found,), ("expected",))


def _before(command: Command) -> Iterator[Wrong]:
    """What MONAI refuses by itself, with its own words."""
    files: dict[str, tuple[str, str]] = {
        "no YAML": ("mine.yaml", "a: [1,\nb: }"),
        "an empty file": ("mine.yaml", ""),
        "a list": ("mine.yaml", "- seed"),
        "a text file": ("mine.txt", "seed: 3"),
        "a part that there is not": ("mine.yaml", "nowhere::there: 3"),
    }
    for name, (file, text) in files.items():
        arguments = command.arguments(overlay=f"{{here}}/{file}")
        yield Wrong("before the bundle", command.name, name, arguments, (file,), *_WORDS, spoil=_written(file, text))
    for option in ("--logging_file", "--args_file"):
        arguments = command.arguments(option, "{here}/none.json")
        yield Wrong("before the bundle", command.name, f"no {option[2:]}", arguments, ("none.json",), *_WORDS)
    arguments = command.arguments("--meta_file", "{here}/mine.json")
    spoil = _written("mine.json", "{a")
    yield Wrong("before the bundle", command.name, "metadata no JSON", arguments, ("mine.json",), *_WORDS, spoil=spoil)
    arguments = command.arguments(overlay="{here}/none.yaml")
    yield Wrong("before the bundle", command.name, "config is not there", arguments, ("none.yaml",), *_WORDS)


_WORDS = ("found", "find", "missing", "no such"), ("expected", "must be")


def _written(name: str, text: str) -> Callable[[Path], None]:
    return lambda here: (here / name).write_text(text) and None
