"""What CONTRIBUTING.md says a new GAN needs is enough: its code trains and generates."""

import re
from pathlib import Path

import pytest
import torch

from common import networks
from common.data.generated_set import read_generated_set

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "baseline_gans" / "configs"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Folder with the files of the section "A new GAN", by their names; the Python among them can be imported."""
    section = (ROOT / "CONTRIBUTING.md").read_text().split("## A new GAN\n")[1].split("\n## ")[0]
    for path, text in re.findall(r"```\w+\n# (\S+)\n(.*?)```", section, flags=re.DOTALL):
        (tmp_path / Path(path).name).write_text(text)
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])
    return tmp_path


def test_the_new_gan_trains_and_generates(written, run_files, phantom_dir, causes):
    def run(name, overlays, **options):
        files = [CONFIGS / f"{name}.yaml", *overlays, CONFIGS / "smoke.yaml"]
        return run_files(files, output_dir=str(written / name), **options)

    overlay = written / "tiny_gan.yaml"
    model = run("train", [overlay], dataset_dir=str(phantom_dir)) / "model.pt"
    assert torch.load(model, weights_only=True)["settings"]["network"] == "tiny_gan"
    options = {"workflow_type": "infer", "checkpoint": str(model)}
    made = read_generated_set(run("inference", [overlay], **options))
    assert made.has_labels and len(made.cases) == 2
    with pytest.raises(RuntimeError) as caught:
        run("inference", [], **options)
    assert "holds the weights of a network 'tiny_gan'" in causes(caught)
