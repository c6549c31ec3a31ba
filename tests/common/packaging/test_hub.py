"""Push to and download from a Hugging Face repository, against a stand-in for its HTTP interface."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.packaging.archive import all_files, wrong_sums
from common.packaging.cli import main
from common.packaging.export import CHECKOUT, export_bundle
from common.packaging.hub import fetch_bundle, push_bundle

TOKEN = "hf_" + "z9" * 17  # in the form of a real one
ROUND_TRIP = """
import sys
from common.packaging.cli import main
bundle, output = sys.argv[1:]
main(["push", bundle, "--repo_id", "me/bundle"])
main(["download", "evaluation", "--repo_id", "me/bundle", "--output", output])
"""


def load_server():
    spec = importlib.util.spec_from_file_location("hub_server", Path(__file__).with_name("hub_server.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Hub()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The bundle that has weights."""
    folder = tmp_path_factory.mktemp("exported")
    export_bundle("evaluation", folder)
    return folder / "evaluation"


@pytest.fixture(scope="module")
def round_trip(bundle, tmp_path_factory):
    """(hub, finished process, folder of the download, home folder) of a push and a download by the command line."""
    output, home = tmp_path_factory.mktemp("downloaded"), tmp_path_factory.mktemp("home")
    with load_server() as hub:
        environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HOME": str(home / "hf")}
        environment |= {"NO_PROXY": "127.0.0.1", "HOME": str(home), "OMP_NUM_THREADS": "1", "HF_HUB_DISABLE_XET": "1"}
        command = [sys.executable, "-c", ROUND_TRIP, str(bundle), str(output)]
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    return hub, done, output, home


def test_what_is_pushed_comes_back(bundle, round_trip):
    hub, done, output, _ = round_trip
    assert done.returncode == 0, done.stderr[-3000:] + "\n".join(hub.asked[-5:])
    pushed = {path.relative_to(bundle).as_posix(): path.read_bytes() for path in all_files(bundle)}
    assert {name: content for name, content in hub.files.items() if name != "README.md"} == pushed
    assert hub.files["README.md"].startswith(b"---\ntags:\n- monai\n")
    assert hub.tags == ["0.1.0", "latest_version"]
    downloaded = output / "evaluation"
    assert all((downloaded / name).read_bytes() == content for name, content in pushed.items())
    assert wrong_sums(downloaded) == []
    assert not (bundle / "README.md").exists()  # the folder is left as it was


def test_the_token_goes_to_the_hub_and_nowhere_else(bundle, round_trip):
    hub, done, output, home = round_trip
    assert hub.tokens - {None} == {f"Bearer {TOKEN}"}
    assert TOKEN not in done.stdout + done.stderr + "".join(hub.asked)
    for folder in (bundle, output, home):
        assert not [path for path in all_files(folder) if TOKEN.encode() in path.read_bytes()]


def test_nothing_is_pushed_without_a_token_or_with_credentials_inside(tmp_path, monkeypatch):
    monkeypatch.setattr("common.packaging.hub.push_to_hf_hub", lambda *args, **options: pytest.fail("pushed"))
    with pytest.raises(PermissionError, match="into the environment as HF_TOKEN"):
        push_bundle(tmp_path, "me/bundle", version="1", environment={})
    (tmp_path / "notes.md").write_text(f"{TOKEN}\n")
    with pytest.raises(ValueError, match=r"is not pushed: layout: .*no credentials: notes.md:1$") as error:
        push_bundle(tmp_path, "me/bundle", version="1", environment={"HF_TOKEN": TOKEN})
    assert TOKEN not in str(error.value)


def test_a_damaged_download_is_refused(tmp_path, monkeypatch, capsys):
    """MONAI's function stands for a server that sends something else."""

    def download(*, name, bundle_dir, **options):
        (bundle_dir / name).mkdir(parents=True)
        (bundle_dir / name / "SHA256SUMS").write_text(f"{'0' * 64}  LICENSE\n")
        (bundle_dir / name / "LICENSE").write_text("half of it")

    monkeypatch.setattr("common.packaging.hub.download", download)
    with pytest.raises(ValueError, match="1 files differ, such as LICENSE: download again"):
        fetch_bundle("hagan_128", tmp_path, url="https://example.org/hagan_128_v0.1.0.zip")
    for arguments in ([], ["--url", "u", "--repo_id", "me/x"]):
        with pytest.raises(SystemExit) as error:
            main(["download", "hagan_128", "--output", str(tmp_path), *arguments])
        assert str(error.value) == "error: name either --repo_id or --url"


def test_an_archive_is_downloaded_from_an_address(bundle, tmp_path):
    """file:// in place of a server: MONAI opens both by the same function."""
    archive = bundle.parent / "evaluation_v0.1.0.zip"
    fetched = fetch_bundle("evaluation", tmp_path, url=archive.as_uri())
    assert {path.relative_to(fetched) for path in all_files(fetched)} == {
        path.relative_to(bundle) for path in all_files(bundle)
    }


def test_an_address_without_an_archive_is_named(tmp_path):
    address = (tmp_path / "nowhere.zip").as_uri()
    with pytest.raises(SystemExit) as error:
        main(["download", "evaluation", "--output", str(tmp_path / "out"), "--url", address])
    assert f"error: --url {address}: " in str(error.value) and "name another, or try again later" in str(error.value)
