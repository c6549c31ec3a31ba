from functools import partial

import torch
from ignite.engine import Engine, Events
from monai.inferers import SimpleInferer

from common.handlers.sample_previews import SamplePreviews


class Writer:
    def __init__(self):
        self.images = {}

    def add_image(self, tag, image, step, dataformats):
        self.images[tag, step] = image


def split(sample):
    image, label = sample["pred"].chunk(2, dim=-1)
    return {"image": 812 * image - 212, "label": (label > 0).to(torch.uint8)}


def test_the_same_latents_are_drawn_as_training_goes_on(hagan_training, networks, tmp_path):
    nets, writer = networks(), Writer()
    nets["generator"].train()
    handler = SamplePreviews(
        tmp_path,
        nets["generator"],
        inferer=SimpleInferer(),
        postprocessing=split,
        latent_dim=16,
        count=2,
        interval=2,
        spacing=lambda: (1, 1, 2),
        writer=writer,
    )
    before = handler.generate(torch.device("cpu"))
    hagan_training(nets=nets, max_steps=3, handlers=[handler]).run()
    after = handler.generate(torch.device("cpu"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_00000002.png", "step_00000003.png"]
    assert {tag for tag, _ in writer.images} == {"sample/axial", "sample/coronal", "sample/sagittal"}
    assert all(image.min() >= 0 and image.max() <= 1 for image in writer.images.values())
    assert before[0]["image"].shape == (1, 32, 32, 16)
    assert not torch.equal(before[0]["image"], before[1]["image"])
    assert not torch.equal(before[0]["image"], after[0]["image"])
    assert nets["generator"].training


def test_what_a_kill_has_kept_from_being_drawn_is_drawn_at_the_next_start(networks, tmp_path):
    generator = networks()["generator"]
    options = {"inferer": SimpleInferer(), "postprocessing": split, "latent_dim": 16, "count": 1, "interval": 2}
    for step, expected in ((0, []), (3, []), (4, ["step_00000004.png"])):
        engine = Engine(lambda *_: None)
        engine.state.device = torch.device("cpu")
        engine.add_event_handler(Events.STARTED, partial(setattr, engine.state, "iteration", step))  # a checkpoint
        SamplePreviews(tmp_path, generator, **options).attach(engine)
        engine.add_event_handler(Events.STARTED, engine.terminate, skip_completed=True)
        engine.run([0], max_epochs=9)
        assert [path.name for path in tmp_path.iterdir()] == expected


def test_samples_of_a_conditional_network_go_through_its_classes(networks, tmp_path):
    seen = []

    def inferer(z, network):
        seen.append(z)
        return network(z)

    def handler(classes, count):
        generator = networks(classes=classes)["generator"]
        return SamplePreviews(tmp_path, generator, inferer=inferer, postprocessing=split, latent_dim=16, count=count)

    handler(0, 3).generate(torch.device("cpu"))
    plain = seen.copy()
    for classes, count, expected in ((2, 3, [0, 1, 0]), (4, 3, [0, 1, 2, 3])):
        seen.clear()
        assert len(handler(classes, count).generate(torch.device("cpu"))) == len(expected)
        assert [int(z[0, 16:].argmax()) for z in seen] == expected
        assert all(torch.equal(z[:, :16], before) for z, before in zip(seen, plain, strict=False))
