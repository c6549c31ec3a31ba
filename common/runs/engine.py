"""Independent runs at once: dask.distributed places them on workers, of this machine or of any cluster."""

import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..stopping import PARENT
from .workflow_run import PATIENCE

if TYPE_CHECKING:
    from distributed import Client, Future

logger = logging.getLogger(__name__)
_INSTALL = "pip install -r requirements-cluster.txt (in an exported bundle: pip install distributed cryptography)"
WANTED = 1.0  # seconds between two looks whether a run on a worker is still wanted
_ANSWER = 30.0  # seconds that a scheduler gets to answer
_GPU = "GPU"  # the resource of which each run of a local worker sees its own
_working: set[str] = set()  # in a worker: what it works on, wanted or not


class UnwantedError(RuntimeError):
    """Whoever asked for a run has left, or has asked for it no longer."""


@dataclass(frozen=True)
class Engine:
    """Where independent runs are worked on; by default in this process, one after the other.

    Attributes:
        workers: On this machine, each with one run at a time.
        scheduler: Address of a dask scheduler, which has workers of its own; None starts one for this run.
        resources: Of a worker that a run takes while it runs, such as ``{"GPU": 1}``. Local workers have as much.

    Raises:
        ValueError: Both several workers and a scheduler, or more GPUs than there are.
    """

    workers: int = 1
    scheduler: str | None = None
    resources: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.scheduler is not None and self.workers != 1:
            raise ValueError(
                f"workers is {self.workers} and scheduler {self.scheduler}, which has workers of its own: leave "
                "--workers out, and start as many of them"
            )

    @property
    def one_by_one(self) -> bool:
        """Whether this process does all the work, as without dask."""
        return self.workers == 1 and self.scheduler is None

    @property
    def slots(self) -> int:
        """Into how many parts a work is best cut: the workers there are."""
        if self.scheduler is None:
            return self.workers
        with self.pool() as pool:
            return max(1, pool.slots)

    @contextmanager
    def pool(self) -> Iterator["Pool"]:
        """Workers for the block; when it ends, all that they still work on is ended, and keeps its state.

        Raises:
            ValueError: dask.distributed is not installed, or no scheduler answers.
        """
        try:
            import distributed
        except ImportError as error:
            asked = f"scheduler is {self.scheduler}" if self.scheduler else f"workers is {self.workers}"
            raise ValueError(f"{asked}, which needs dask.distributed ({error}): {_INSTALL}, or leave it out") from error
        logging.getLogger("distributed").setLevel(logging.WARNING)
        if self.scheduler is None:
            gpus = self._gpus()
            with _local_cluster(self.workers, self.resources) as cluster, distributed.Client(cluster) as client:
                client.register_plugin(_unmoved_by_signals())
                with Pool(client, self.resources, gpus=gpus).ending() as pool:
                    yield pool
            return
        try:
            client = distributed.Client(self.scheduler, timeout=_ANSWER)
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(
                f"scheduler is {self.scheduler!r}, where none answers ({error}), expected the address that `dask "
                "scheduler` prints, such as tcp://HOST:8786: mend it, or leave it out for workers of this machine"
            ) from error
        with client, Pool(client, self.resources).ending() as pool:
            yield pool

    def _gpus(self) -> list[str]:
        """What each local worker finds in CUDA_VISIBLE_DEVICES; nothing where runs take no GPU."""
        each = int(self.resources.get(_GPU, 0))
        if not each:
            return []
        import torch

        named = os.environ.get("CUDA_VISIBLE_DEVICES")
        there = named.split(",") if named else [str(number) for number in range(torch.cuda.device_count())]
        if len(there) < each * self.workers:
            raise ValueError(
                f"workers is {self.workers}, each with {each} GPU, but this machine has {len(there)}: set --workers to "
                f"{len(there) // each or 1}, or leave --resources out"
            )
        return [",".join(there[n * each : (n + 1) * each]) for n in range(self.workers)]


class Pool:
    """Workers that runs can be given to.

    Args:
        client: Of their scheduler.
        resources: Of a worker that each run takes.
        gpus: What the worker of each number finds in CUDA_VISIBLE_DEVICES.
    """

    def __init__(self, client: "Client", resources: Mapping[str, float], *, gpus: Sequence[str] = ()) -> None:
        self.client = client
        self.resources = dict(resources)
        self.gpus = list(gpus)
        self.futures: list[Future] = []
        if self.slots:
            logger.info("%d workers at %s", self.slots, client.scheduler_info(n_workers=0)["address"])
        else:
            logger.warning("no worker yet at %s: runs wait for one", client.scheduler_info(n_workers=0)["address"])

    @property
    def slots(self) -> int:
        """Runs that the workers of now can work on at once."""
        return sum(self.client.nthreads().values())

    def submit(self, name: str, call: Callable[..., Any], *given: Any, after: Sequence["Future"] = ()) -> "Future":
        """Have a worker call ``call(*given, watch=…)``, where `watch` raises what ends a run that nobody wants.

        A call is repeated on another worker if its own is lost, up to three times (``allowed-failures`` of dask).

        Args:
            name: For dask's dashboard and messages.
            call: Of a module that the worker can import.
            given: What it is given.
            after: What must have been done before.
        """
        key = f"{name}-{uuid.uuid4().hex[:8]}"  # of this start: a killed one's may still be at work
        future = self.client.submit(
            _work,
            key,
            call,
            given,
            list(after),
            str(Path.cwd()),
            self.gpus,
            key=key,
            pure=False,
            resources=self.resources,
        )
        self.futures.append(future)
        return future

    def wait(self, futures: Collection["Future"], *, timeout: float | None = None) -> list["Future"]:
        """Those that are done, as soon as one is, or after so many seconds."""
        from distributed import wait

        with suppress(TimeoutError):
            wait(list(futures), timeout=timeout, return_when="FIRST_COMPLETED")
        return [future for future in futures if future.done()]

    def cancel(self, future: "Future") -> None:
        """Want it no longer: its worker ends it soon."""
        self.client.cancel([future])

    @staticmethod
    def result(future: "Future") -> Any:
        """What the call has given back.

        Raises:
            RuntimeError: Its workers were lost, one after the other, or the scheduler has not this code.
            Exception: What it raised.
        """
        from distributed import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise RuntimeError(
                f"{future.key}: every worker that worked on it was lost ({error}). Look at their logs; a lack of "
                "memory is the most frequent cause: start fewer, and the same command goes on"
            ) from error
        except RuntimeError as error:
            if isinstance(error.__cause__, ImportError) and "deserializ" in str(error):
                raise RuntimeError(
                    f"the scheduler cannot import what it is to place ({error.__cause__}): start it and its workers in "
                    "the folder of this command, by `python -m distributed.cli.dask_scheduler` and `… dask_worker`"
                ) from error
            raise

    @contextmanager
    def ending(self) -> Iterator["Pool"]:
        """Ends, when the block does, what is still worked on."""
        try:
            yield self
        finally:
            self.client.cancel([future for future in self.futures if not future.done()])
            until = time.monotonic() + PATIENCE
            ours = {future.key for future in self.futures}
            while any(ours & set(found) for found in self._at_work()) and time.monotonic() < until:
                time.sleep(0.5)

    def _at_work(self) -> list[list[str]]:
        """What each worker works on, wanted or not; those that do not answer are lost."""
        return [found for found in self.client.run(_at_work, on_error="ignore").values() if found]


def _work(
    key: str, call: Callable[..., Any], given: Sequence[Any], _: Sequence[Any], folder: str, gpus: Sequence[str]
) -> Any:
    """In a thread of a worker: the call, in the folder of whoever asks for it."""
    from distributed import get_worker

    worker = get_worker()
    os.environ[PARENT] = str(os.getpid())
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus[int(worker.name)]
    if not Path(folder).is_dir():
        raise RuntimeError(
            f"worker {worker.address} has no folder {folder}: it must see the same files as this machine"
        )
    os.chdir(folder)

    def watch() -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise UnwantedError(f"{key} is wanted no longer")

    _working.add(key)
    try:
        return call(*given, watch=watch)
    finally:
        _working.discard(key)


def _at_work() -> list[str]:
    return sorted(_working)


@contextmanager
def _local_cluster(workers: int, resources: Mapping[str, float]) -> Iterator[Any]:
    """A scheduler in this process and workers in processes of their own, which end with it, however that ends.

    They talk encrypted, with keys made for this run: any user of the machine could have them run code otherwise.
    """
    from distributed import LocalCluster

    threads = max(1, len(os.sched_getaffinity(0)) // workers) if hasattr(os, "sched_getaffinity") else 1
    # dask gives its workers one thread, and so all that they start
    shared_out = {name: os.environ.get(name, str(threads)) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")  # a worker imports it, and MONAI with it: 7 s for nothing
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=None,  # of the worker alone: it says nothing of what it starts
            dashboard_address="127.0.0.1:0",
            security=True,
            resources=dict(resources),
            env=shared_out,
        )
    finally:
        sys.modules["__main__"] = main
    with cluster:
        yield cluster


def _unmoved_by_signals() -> Any:
    """Plugin of local workers: Ctrl-C and a job's end reach the run and its parts, which end in order, workers last."""
    from distributed import WorkerPlugin

    class Unmoved(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: None)  # not SIG_IGN, which a training would inherit
            logging.getLogger("distributed").setLevel(logging.CRITICAL)  # of heartbeats that the end cuts off

    return Unmoved()
