import logging

import pytest
import torch

from common.handlers.training_checkpoint import TrainingCheckpoint
from common.torch_file import DamagedFileError


@pytest.fixture
def train(hagan_training, networks, adam, tmp_path):
    """Function (max_steps, …) -> (weights, trainer): trains with a checkpoint a step in tmp_path."""

    def run(max_steps, *, seed=0, lr=1e-3, settings=None, keep=2, save=True, prepare=None, amp="off"):
        nets = networks(seed=seed)
        optimizers = adam(nets, lr=lr)
        checkpoint = TrainingCheckpoint(
            tmp_path,
            {"networks": nets, "optimizers": optimizers, "ema": None},
            settings=settings or {"size": 32},
            interval=1,
            keep=keep,
            save=save,
        )
        trainer = hagan_training(nets=nets, optimizers=optimizers, max_steps=max_steps, handlers=[checkpoint], amp=amp)
        if prepare:
            prepare(nets)
        trainer.run()
        return {f"{n}.{k}": v.clone() for n, net in nets.items() for k, v in net.state_dict().items()}, trainer

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_files_are_kept_and_no_temporary_ones(train, tmp_path):
    train(4, keep=2)
    assert names(tmp_path) == ["checkpoint_00000003.pt", "checkpoint_00000004.pt"]


def test_a_cut_file_is_passed_over_for_the_one_before(train, tmp_path, caplog):
    whole, _ = train(3)
    newest = tmp_path / "checkpoint_00000003.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        resumed, trainer = train(4, seed=1)
    assert "checkpoint_00000003.pt cannot be read" in caplog.text
    assert trainer.state.iteration == 4
    newest.unlink(missing_ok=True)
    assert not torch.equal(whole["generator.g_a.fc.weight"], resumed["generator.g_a.fc.weight"])


def test_a_flipped_bit_is_noticed(train, tmp_path, caplog):
    train(2)
    newest = tmp_path / "checkpoint_00000002.pt"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    train(3, seed=1)
    assert "checkpoint_00000002.pt is damaged: the checksum" in caplog.text
    assert "trying the one before" in caplog.text


def test_where_none_can_be_read_nothing_is_trained_over_them(train, tmp_path):
    train(2)
    for path in tmp_path.iterdir():
        path.write_bytes(b"cut")
    with pytest.raises(DamagedFileError, match=r"none of the 2 checkpoints in .* can be read.*to start afresh"):
        train(3)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"cut", b"cut"]


def test_what_an_earlier_version_did_not_keep_begins_anew(train, tmp_path, caplog):
    train(1)
    path = tmp_path / "checkpoint_00000001.pt"
    state = torch.load(path, weights_only=True)
    del state["objects"]["optimizers.d"]
    torch.save(state, path)
    _, trainer = train(2)
    assert trainer.state.iteration == 2
    assert "checkpoint_00000001.pt, of an earlier version, knows nothing of optimizers.d" in caplog.text


def test_other_settings_are_refused_by_name(train, tmp_path):
    train(1, settings={"size": 32, "lr_g": 0.1})
    with pytest.raises(ValueError, match=r"(?s) other settings:\n  lr_g: found 0.1, expected 0.2\n.*--output_dir"):
        train(2, settings={"size": 32, "lr_g": 0.2})


def test_a_run_may_go_on_with_other_learning_rates(train):
    first, _ = train(1)
    second, trainer = train(2, seed=1, lr=0.0)
    assert [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers.values()] == [0.0] * 4
    assert trainer.optimizers["g"].state_dict()["state"][0]["step"] == 2  # moments came from the file and went on
    assert torch.equal(first["generator.g_a.fc.weight"], second["generator.g_a.fc.weight"])


@pytest.mark.parametrize("before,after", [("off", "fp16"), ("fp16", "off")])
def test_a_run_may_go_on_with_another_precision(train, before, after):
    train(1, amp=before)
    _, trainer = train(2, amp=after)
    assert trainer.state.iteration == 2


def test_files_load_without_unpickling_objects(train, tmp_path):
    train(1)
    state = torch.load(tmp_path / "checkpoint_00000001.pt", weights_only=True)
    assert state["iteration"] == 1
    assert {"networks.generator", "networks.encoder_g", "optimizers.d", "optimizers.e_sub"} <= set(state["objects"])


def test_a_state_that_is_not_finite_is_not_written(train, tmp_path, caplog):
    def spoil(nets):
        with torch.no_grad():
            nets["generator"].g_l[2].bias.fill_(float("inf"))  # tanh makes a finite 1 of it

    train(1, prepare=spoil)
    assert names(tmp_path) == []
    assert "NaN or infinite, no checkpoint is written" in caplog.text


def test_other_ranks_load_but_do_not_write(train, tmp_path):
    train(1)
    _, trainer = train(2, save=False)
    assert trainer.state.iteration == 2
    assert names(tmp_path) == ["checkpoint_00000001.pt"]
