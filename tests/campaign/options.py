"""Wrong options: unknown keys, wrong types, choices and ranges, of every command that has the key."""

from collections.abc import Iterator
from pathlib import Path

from .commands import COMMANDS, Command
from .wrong_input import Wrong

_WHOLE, _NUMBER = ("whole", "integer", "int"), ("number", "float")
_POSITIVE = ("> 0", "≥ 1", ">= 1", "positive", "at least", "from 1", "above 0", "between", "from 0.05")
_AT_LEAST_0 = ("≥ 0", ">= 0", "from 0", "at least", "not negative", "positive", "> 0", "≥ 1", "between")
_LIST = ("list", "3 ", "2 ", "numbers", "integers", "words")
_SWITCH = ("True or False", "true or false", "boolean")

# key → wrong values as typed, with words of what is allowed; written down here, not read from the declarations
VALUES: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "max_steps": [("ten", _WHOLE), ("-5", _AT_LEAST_0), ("2.5", _WHOLE)],
    "max_epochs": [("-1", _AT_LEAST_0), ("many", _WHOLE)],
    "epochs": [("'3'", _WHOLE), ("-2", _AT_LEAST_0)],
    "batch_size": [("0", _POSITIVE), ("two", _WHOLE), ("[2]", _WHOLE)],
    "accumulation": [("0", _POSITIVE), ("1.5", _WHOLE)],
    "seed": [("x1", _WHOLE), ("1.5", _WHOLE)],
    "workers": [("0", _POSITIVE), ("two", _WHOLE)],
    "scheduler": [("7", ("text", "string", "address"))],
    "resources": [("GPU", ("mapping", "object")), ("{'GPU':0}", ("> 0", "positive", "above 0"))],
    "num_workers": [("-1", _AT_LEAST_0), ("all", _WHOLE)],
    "cache": [("disc", ("disk", "ram")), ("true", ("disk", "ram"))],
    "amp": [("fp8", ("bf16", "fp16")), ("bfloat16", ("bf16",)), ("True", ("bf16",))],
    "compile": [("7", ("off", "inductor", "text", "string", "word"))],
    "slab": [("seemless", ("seamless", "official")), ("Official", ("official",))],
    "objective": [("hinged", ("hinge", "bce")), ("7", ("hinge", "bce", "text", "string", "word"))],
    "pairing": [("zconcat", ("z_concat",)), ("interleaved", ("interleave",))],
    "fit": [("stretch", ("resize", "zoom"))],
    "zoom": [("-0.5", _POSITIVE), ("small", _NUMBER)],
    "crop": [("boddy", ("body",)), ("None", ("none", "body"))],
    "on_bad_case": [("Error", ("error", "skip")), ("ignore", ("error", "skip"))],
    "lr": [("-0.1", ("> 0", "≥ 0", "positive")), ("fast", _NUMBER)],
    "lr_g": [("-0.1", ("> 0", "≥ 0", "positive")), ("2e-4x", _NUMBER)],
    "lr_d": [("[0.1]", _NUMBER)],
    "lr_e": [("nan", _NUMBER)],
    "betas": [("0.9", _LIST), ("[0.9]", _LIST), ("[0.9,1.5]", ("< 1", "to 1", "numbers", "between"))],
    "latent_dim": [("0", _POSITIVE), ("-3", _POSITIVE), ("12.5", _WHOLE)],
    "channels": [("0", (*_POSITIVE, "≥ 8")), ("2.5", _WHOLE)],
    "g_iterations": [("0", _POSITIVE), ("-1", _POSITIVE)],
    "gp_weight": [("-10", _AT_LEAST_0), ("big", _NUMBER)],
    "ema": [("1.5", ("< 1", "to 1", "between", "from 0")), ("on", _NUMBER)],
    "image_size": [
        ("[32.5,32,16]", (*_WHOLE, "integers")),
        ("[32,32]", _LIST),
        ("32", _LIST),
        ("[0,32,16]", _POSITIVE),
    ],
    "feature_size": [("[32,32]", _LIST), ("small", _LIST)],
    "roi_size": [("[32,32]", _LIST), ("[0,0,0]", _POSITIVE)],
    "spacing": [("[0,0,0]", _POSITIVE), ("[1,1]", _LIST), ("[-1,1,1]", _POSITIVE), ("1mm", _LIST)],
    "hu_window": [("[600,-1024]", ("increasing", "below", "low", "<")), ("[1]", _LIST), ("wide", _LIST)],
    "hu_range": [("[3071,-2048]", ("increasing", "below", "low", "<")), ("5", _LIST)],
    "binary_mask": [("false", _SWITCH), ("2", _SWITCH)],
    "binary": [("yes", _SWITCH)],
    "fill_holes": [("no", _SWITCH)],
    "checkpointing": [("false", _SWITCH)],
    "spectral_norm": [("0", _SWITCH)],
    "resize_pair": [("maybe", _SWITCH)],
    "original": [("false", _SWITCH)],
    "affine": [("1", _SWITCH)],
    "allow_leakage": [("yes", _SWITCH), ("1", _SWITCH)],
    "use_real": [("false", _SWITCH)],
    "declared": [("x", _SWITCH)],
    "retry_failed": [("false", _SWITCH)],
    "copies": [("-1", _AT_LEAST_0), ("one", _WHOLE)],
    "mask_share": [("2", ("≤ 1", "<= 1", "to 1", "between")), ("half", _NUMBER)],
    "elastic_sigma": [("[5]", _LIST), ("x", _LIST)],
    "num_samples": [("-4", (*_AT_LEAST_0, "from 1")), ("some", _WHOLE), ("1.5", _WHOLE)],
    "threshold": [("high", _NUMBER)],
    "min_size": [("-1", _AT_LEAST_0), ("x", _WHOLE)],
    "preview_count": [("-1", _AT_LEAST_0), ("few", _WHOLE)],
    "checkpoint_interval": [("-1", _AT_LEAST_0), ("often", _WHOLE)],
    "preview_interval": [("1.5", _WHOLE)],
    "val_interval": [("0", _POSITIVE), ("x", _WHOLE)],
    "overlap": [("1.5", ("< 1", "to 1", "between", "from 0", "≤")), ("half", _NUMBER)],
    "real_fraction": [("1.5", ("≤ 1", "to 1", "between")), ("-0.5", _AT_LEAST_0)],
    "weight_decay": [("-1", _AT_LEAST_0)],
    "blocks_down": [("3", _LIST), ("[0,2]", _POSITIVE)],
    "norm": [("instanc", ("instance",))],
    "depth": [("12", ("10", "18"))],
    "widths": [("[4,4]", ("4 ", "four", "list")), ("wide", _LIST)],
    "organs": [("larynx", _LIST)],
    "replicates": [("-1", (*_AT_LEAST_0, "from 1")), ("x", _WHOLE)],
    "splits": [("0", _POSITIVE)],
    "neighbours": [("0", _POSITIVE), ("few", _WHOLE)],
    "perplexity": [("-3", _POSITIVE)],
    "sections": [("fidelitty", ("fidelity", "list")), ("['fidelitty']", ("fidelity",))],
    "views": [("['pairs']", ("pair", "image"))],
    "blur": [("-1", _AT_LEAST_0)],
    "noise": [("loud", _NUMBER)],
    "n_real": [("-1", (*_AT_LEAST_0, "1 …")), ("five", _WHOLE)],
    "n_generated": [("2.5", _WHOLE)],
    "answer": [("scores", ("score", "real_fake")), ("7", ("score",))],
    "layout": [("halves", ("scroll", "thirds"))],
    "port": [("99999", ("65535",)), ("-1", ("65535",)), ("http", _WHOLE)],
    "allowed_hosts": [("x.example", ("list",))],
    "host": [("7", ("address", "name", "text"))],
    "sampler": [("random", ("grid", "tpe"))],
    "direction": [("min", ("minimize",))],
    "pruner": [("medium", ("median",))],
    "trials": [("0", _POSITIVE), ("x", _WHOLE)],
    "interval": [("0", _POSITIVE)],
    "hu_step": [("0", _POSITIVE), ("1.5", _WHOLE)],
    "air_share": [("2", ("≤ 1", "to 1", "between"))],
    "candidates": [("0", _POSITIVE)],
    "copy_quantile": [("2", ("≤ 1", "< 1", "to 1", "between"))],
    "generator_options": [("seed", ("mapping",)), ("[3]", ("mapping",))],
    "nsd_tolerance": [("0", _POSITIVE), ("near", _NUMBER)],
    "lesion_iou": [("2", ("≤ 1", "to 1", "between")), ("half", _NUMBER)],
    "prepared": [("yes", _SWITCH)],
    "scores": [("cases.csv", (*_LIST, "mapping")), ("7", (*_LIST, "mapping"))],
    "num_fold": [("0", _POSITIVE), ("x", _WHOLE)],
    "ensemble": [("best", ("best_by_fold", "best_n"))],
    "templates": [("their", ("ours", "monai"))],
}
# options of the command line that YAML 1.1 takes for something else, and numbers that it takes for texts
OVERLAYS = {
    "lr_g": ("lr_g: 2e-4", "2e-4", _NUMBER),
    "lr": ("lr: 2e-4", "2e-4", _NUMBER),
    "amp": ("amp: on", "True", ("bf16",)),
    "batch_size": ('batch_size: "4"', "'4'", _WHOLE),
    "seed": ("seed: 1e3", "1e3", _WHOLE),
    "num_samples": ("num_samples: [3]", "[3]", _WHOLE),
    "overlap": ('overlap: "0.5"', "0.5", _NUMBER),
    "n_real": ("n_real: null", "None", _WHOLE),
}


def option_inputs() -> Iterator[Wrong]:
    """Unknown keys and wrong values of all commands."""
    for command in COMMANDS:
        yield from _unknown_keys(command)
        yield from _wrong_values(command)
        yield from _wrong_overlays(command)


def _unknown_keys(command: Command) -> Iterator[Wrong]:
    keys = [
        key for key in command.options_known if len(key) > 5 and key not in ("bundle_root", "imports", "initialize")
    ]
    number = COMMANDS.index(command)
    cut, doubled, swapped = (keys[(number * 7 + step) % len(keys)] for step in (0, 3, 5))
    misspelt = {
        cut[:-1]: cut,
        doubled + doubled[-1]: doubled,
        swapped[:2] + swapped[3] + swapped[2] + swapped[4:]: swapped,
    }
    for name, meant in misspelt.items():
        if name in keys or name == meant:
            continue
        arguments = command.arguments(f"--{name}", "5")
        yield Wrong("unknown key", command.name, name, arguments, (name,), ("5",), (meant,), ("did you mean", "set "))
    spoil = _overlay(f"{cut[:-1]}: 5\n")
    arguments = command.arguments(overlay="{here}/mine.yaml")
    name = f"{cut[:-1]} in an overlay"
    yield Wrong(
        "unknown key", command.name, name, arguments, (cut[:-1],), ("5",), (cut,), ("did you mean", "set "), spoil
    )


def _wrong_values(command: Command) -> Iterator[Wrong]:
    for key in command.options_known:
        if key == "objective" and command.run_id == "searching":
            continue  # there it is a place in a file
        for typed, allowed in VALUES.get(key, []):
            found = tuple({typed, typed.strip("'"), typed.replace(",", ", ")})
            if typed in ("false", "true"):
                found = (f"/\\b{typed}\\b/",)
            arguments = command.arguments(f"--{key}", typed)
            yield Wrong("type, choice or range", command.name, f"{key} {typed}", arguments, (key,), found, allowed)


def _wrong_overlays(command: Command) -> Iterator[Wrong]:
    keys = command.options_known
    for key, (line, found, allowed) in OVERLAYS.items():
        if key in keys and f"--{key}" not in command.options:
            arguments = command.arguments(overlay="{here}/mine.yaml")
            spoil = _overlay(line + "\n")
            yield Wrong("value in an overlay", command.name, line, arguments, (key,), (found,), allowed, spoil=spoil)


def _overlay(text: str):
    def write(here: Path) -> None:
        (here / "mine.yaml").write_text(text)

    return write
