"""An archive of DICOM on this machine: Orthanc with DICOMweb, as clinics have, for MONAI Label and OHIF to read."""

import json
import logging
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import replacing
from ..progress import Progress
from .cli_options import require_options

logger = logging.getLogger(__name__)
HOST = "127.0.0.1"
_FOLDERS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"  # Debian's lies where users have no path to
_PLUGINS = tuple(Path(f"/usr{part}/share/orthanc/plugins/libOrthancDicomWeb.so") for part in ("", "/local"))
_FILLED = "filled.txt"
_SECONDS = 60  # until it answers, on a busy machine


def archive(input: str, output: str, *, port: int = 8042, run: str | None = None) -> None:
    """Serve a folder of DICOM by Orthanc's DICOMweb, to this machine alone, until RUN or Control-C ends.

    Args:
        input: Folder of DICOM files, in any nesting; read once, and what the archive gets later stays in it.
        output: Folder of the archive.
        port: Of this machine.
        run: Command to run meanwhile; its status is the end of this one.
    """
    require_options(dict(locals()), further={}, known=(), of="archive")
    files = sorted(path for path in Path(input).rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise ValueError(f"{input} has no files, expected a folder of DICOM: name another --input")
    folder = Path(output)
    with running_archive(folder, port=port) as address:
        if not (folder / _FILLED).exists():
            count = fill_archive(address, files)
            with replacing(folder / _FILLED) as temporary:
                temporary.write_text(f"{count} files of {Path(input).resolve()}\n")
        logger.info("%s/dicom-web: %s", address, (folder / _FILLED).read_text().strip())
        status = _run(shlex.split(run) if run else ["sleep", "infinity"])
    if status:
        raise SystemExit(status)


def find_orthanc() -> tuple[Path, Path]:
    """Orthanc's program and its plugin for DICOMweb.

    Raises:
        RuntimeError: One of them is not installed.
    """
    program = shutil.which("Orthanc", path=_FOLDERS)
    plugin = next(filter(Path.exists, _PLUGINS), None)
    if program is None or plugin is None:
        raise RuntimeError(
            f"{'Orthanc' if program is None else 'its plugin for DICOMweb'} is not installed, expected both: "
            "`apt-get install orthanc orthanc-dicomweb`"
        )
    return Path(program), plugin


@contextmanager
def running_archive(folder: Path, *, port: int) -> Iterator[str]:
    """Orthanc's address while it runs on the files of `folder`; DICOMweb is below ``/dicom-web``.

    It listens to DICOM's own protocol nowhere, and to other machines not at all; so it asks for no password.

    Raises:
        RuntimeError: Orthanc is not installed, or ends at once; the port is taken.
    """
    program, plugin = find_orthanc()
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise RuntimeError(f"port {port} is in use, expected a free one: name another, or stop what runs there")
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "Name": "archive",
        "StorageDirectory": str(folder.resolve() / "files"),
        "IndexDirectory": str(folder.resolve() / "files"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(plugin)],
        "DicomWeb": {"Enable": True},
    }
    path, log = folder / "orthanc.json", folder / "orthanc.log"
    path.write_text(json.dumps(settings, indent=1))
    with log.open("w") as stream:
        # a session of its own: Control-C ends what reads from it first
        server = subprocess.Popen([program, path], stdout=stream, stderr=stream, start_new_session=True)
    try:
        _wait_for(f"http://{HOST}:{port}/system", server, log)
        yield f"http://{HOST}:{port}"
    finally:
        server.terminate()
        server.wait(30)


def fill_archive(address: str, files: list[Path]) -> int:
    """Store `files`; those that are no DICOM are left out. How many are there now.

    Raises:
        ValueError: None of them is DICOM.
    """
    stored = sum(Progress((_store(address, path) for path in files), "storing DICOM", len(files)))
    if not stored:
        raise ValueError(f"none of {len(files)} files, such as {files[0]}, is DICOM: name another folder")
    return stored


def _store(address: str, path: Path) -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(f"{address}/instances", data=path.read_bytes()), timeout=60)
    except urllib.error.HTTPError as error:
        if error.code == 400:  # no DICOM
            return False
        raise
    return True


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                lines = log.read_text(errors="replace").strip().splitlines() or ["(nothing)"]
                raise RuntimeError(f"Orthanc did not start, and {log} ends with '{lines[-1]}': see there") from None
        time.sleep(0.1)


def _run(command: list[str]) -> int:
    """Status of a command; it ends with this process, and Control-C is a good end."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        process.terminate()
        process.wait(30)
        signal.signal(signal.SIGTERM, before)
