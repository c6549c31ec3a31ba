"""Where Orthanc is not installed, tests that need it are skipped."""

import socket

import pytest

from common.data.archive import find_orthanc


def _is_there():
    try:
        return bool(find_orthanc())
    except RuntimeError:
        return False


needs_orthanc = pytest.mark.skipif(not _is_there(), reason="needs Orthanc: `apt-get install orthanc orthanc-dicomweb`")


def free_port():
    """A port of this machine that nothing listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
