from types import SimpleNamespace

import pytest

from common.handlers.loss_csv import LossCSV


def engine(step, **losses):
    return SimpleNamespace(state=SimpleNamespace(iteration=step, output=losses))


def test_a_row_is_on_disk_as_soon_as_it_is_written(tmp_path):
    handler = LossCSV(tmp_path / "losses.csv")
    handler.write(engine(1, d=0.5, g=1.25))
    assert (tmp_path / "losses.csv").read_text() == "step,d,g\n1,0.5,1.25\n"


def test_a_resumed_run_drops_what_came_after_its_checkpoint_and_a_cut_row(tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text("step,d,g\n1,0.5,1.0\n2,0.4,1.0\n3,0.3,1.0\n4,0.")
    LossCSV(path).write(engine(3, d=9.0, g=9.0))
    assert path.read_text() == "step,d,g\n1,0.5,1.0\n2,0.4,1.0\n3,9.0,9.0\n"


def test_the_diagram_is_drawn_at_the_end(tmp_path):
    handler = LossCSV(tmp_path / "losses.csv")
    for step in range(1, 4):
        handler.write(engine(step, d=1 / step, g=step))
    handler.close(engine(3))
    assert (tmp_path / "losses.png").read_bytes()[:4] == b"\x89PNG"


def test_losses_are_those_of_a_training(hagan_training, tmp_path):
    handler = LossCSV(tmp_path / "losses.csv")
    trainer = hagan_training(max_steps=2, handlers=[handler])
    trainer.run()
    rows = (tmp_path / "losses.csv").read_text().splitlines()
    assert rows[0] == "step,d,d_real,d_fake,g,e,e_sub"
    step, d, d_real, d_fake, *_ = map(float, rows[2].split(","))
    assert step == 2
    assert d == pytest.approx(d_real + d_fake, rel=1e-6)


def test_a_loss_that_a_step_does_not_have_is_left_empty(tmp_path):
    path = tmp_path / "losses.csv"
    handler = LossCSV(path)
    for step, losses in enumerate([{"d": 1.0, "g": 2.0}, {"d": 0.5}, {"d": 0.25, "g": 1.0}], start=1):
        handler.write(engine(step, **losses))
    assert path.read_text() == "step,d,g\n1,1.0,2.0\n2,0.5,\n3,0.25,1.0\n"
    handler.close(engine(3))
    assert path.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"


def test_a_run_resumed_at_a_step_without_a_loss_keeps_the_header(tmp_path):
    path = tmp_path / "losses.csv"
    path.write_text("step,d,g\n1,1.0,2.0\n2,0.5,\n3,0.25,\n")
    handler = LossCSV(path)
    handler.write(engine(3, d=9.0))
    handler.write(engine(4, d=9.0, g=3.0))
    assert path.read_text() == "step,d,g\n1,1.0,2.0\n2,0.5,\n3,9.0,\n4,9.0,3.0\n"


def test_a_loss_that_comes_later_gets_a_column(tmp_path):
    path = tmp_path / "losses.csv"
    handler = LossCSV(path)
    handler.write(engine(7, d=9.0))
    handler.write(engine(8, d=8.0, g=3.0))
    assert path.read_text() == "step,d,g\n7,9.0,\n8,8.0,3.0\n"
