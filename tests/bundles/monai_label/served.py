"""A MONAI Label server that is started for real, and what is asked of it."""

import os
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager

import numpy as np

from tests.common.data.orthanc import free_port

NAME = "segresnet_auto3dseg"
MODEL = f"model/{NAME}/models/model.pt"
LABELS = {"tumour or lymph node": 1}


@contextmanager
def running_server(python, app, studies, **settings):
    """Address of a server of `studies`; it listens on this machine alone."""
    port = free_port()
    command = [python, "-P", "-B", "-m", "monailabel.main", "start_server", "--app", app, "--studies", studies]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    for key, value in {"models": NAME, "zoo_source": "local", "sam2": "false"}.items():
        command += ["--conf", key, value]
    log = app.parent / f"server_{port}.log"
    with log.open("w") as stream:
        hidden = {**environment(), **settings}
        process = subprocess.Popen(command, cwd=app, env=hidden, stdout=stream, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/info/", process, log), seconds=600)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def environment():
    hidden = ("PYTHONPATH", "LABEL_PYTHON", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    return {**kept, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TQDM_DISABLE": "1", "PYTHONPATH": ""}


def request(address, *, data=None, content_type="application/json", **query):
    url = f"{address}?{urllib.parse.urlencode(query)}" if query else address
    body = urllib.request.Request(url, data=data, headers={"Content-Type": content_type})
    with urllib.request.urlopen(body, timeout=300) as answer:
        return answer.read()


def answers(address, process, log):
    assert process.poll() is None, f"the server ended:\n{log.read_text()[-4000:]}"
    try:
        return bool(request(address))
    except OSError:
        return False


def wait_for(condition, *, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"nothing after {seconds} s"
        time.sleep(1)


def dice(first, second):
    a, b = (np.asarray(image.dataobj) > 0 for image in (first, second))
    return 2 * np.sum(a & b) / (a.sum() + b.sum())


def assert_same_mask(found, expected):
    assert np.asarray(expected.dataobj).any(), "an empty mask shows nothing"
    assert dice(found, expected) == 1
    assert np.array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    assert np.allclose(found.affine, expected.affine, atol=1e-4)
