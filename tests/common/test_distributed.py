import pytest
import torch

from common import distributed
from common.distributed import begin_together, end_together, own_device

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)
DAY = 24 * 60 * 60
# device, exchange, expected: backend, timeout in seconds if one is asked for
BEGINNINGS = [
    (CPU, "gradients", "gloo", None),
    (GPU, "gradients", "nccl", None),
    (CPU, "results", "gloo", DAY),
    (GPU, "results", "gloo", DAY),
]


@pytest.fixture
def calls(monkeypatch):
    """Calls of torch, in order, which then has two GPUs, in a process of torchrun."""
    made = []
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: made.append(("set_device", device)))
    for name in ("init_process_group", "barrier", "destroy_process_group"):
        monkeypatch.setattr(
            distributed.distributed, name, lambda *args, name=name, **options: made.append((name, *args, options))
        )
    return made


@pytest.mark.parametrize(("number", "expected"), [(None, 0), ("0", 0), ("3", 3)])
def test_each_process_has_the_gpu_of_its_number(calls, monkeypatch, number, expected):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if number is not None:
        monkeypatch.setenv("LOCAL_RANK", number)
    assert own_device() == torch.device("cuda", expected)


def test_without_gpus_all_are_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert own_device() == CPU


@pytest.mark.parametrize(("device", "exchange", "backend", "seconds"), BEGINNINGS)
def test_what_they_exchange_decides_how(calls, device, exchange, backend, seconds):
    begin_together(device, exchange=exchange)
    *before, (name, found, options) = calls
    assert before == ([("set_device", device)] if device.type == "cuda" else [])
    assert (name, found) == ("init_process_group", backend)
    assert {key: value.total_seconds() for key, value in options.items()} == ({"timeout": seconds} if seconds else {})


def test_another_exchange_is_refused(calls):
    with pytest.raises(ValueError, match="exchange is 'weights', expected gradients or results"):
        begin_together(CPU, exchange="weights")
    assert not calls


def test_they_wait_for_each_other_before_they_part(calls):
    end_together()
    assert [name for name, _ in calls] == ["barrier", "destroy_process_group"]


def test_a_process_that_was_started_alone_is_told_of_torchrun(calls, monkeypatch):
    monkeypatch.delenv("RANK")
    with pytest.raises(ValueError, match=r"no RANK, expected .* torchrun .*: start it with .*, or leave the overlay"):
        begin_together(CPU, exchange="gradients")
    assert not calls
