import pytest
from ignite.engine import Engine, Events

from common.handlers.adaptive_augment import AdaptiveAugment
from common.transforms.diff_augment import DiffAugment

# batch of 10, images 200, interval 2: p moves by 0.1 every second step
OPTIONS = {"batch_size": 10, "images": 200, "interval": 2}
# mean signs of the steps, target: p after each
SEQUENCES = [
    ([1.0, 1.0, 1.0, 1.0], 0.6, [0.0, 0.1, 0.1, 0.2]),
    ([1.0, 0.4, 0.9, 0.2], 0.6, [0.0, 0.1, 0.1, 0.0]),  # means 0.7 and 0.55
    ([0.0, 0.0], 0.6, [0.0, 0.0]),  # not below 0
    ([0.0, 0.2], 0.0, [0.0, 0.1]),
]


def train(signs, *, adapt=None, augment=None, **options):
    """p after each step of a training in which D's mean sign is `signs`."""
    augment = augment or DiffAugment()
    adapt = adapt or AdaptiveAugment(augment, **{**OPTIONS, **options})
    engine = Engine(lambda engine, sign: {"d": 1.0, "d_sign": sign})
    adapt.attach(engine)
    seen = []

    @engine.on(Events.ITERATION_COMPLETED)
    def look(engine):
        seen.append(engine.state.output["augment_p"])
        assert adapt.augment.probability == seen[-1]

    engine.run(signs)
    return seen


@pytest.mark.parametrize(("signs", "target", "expected"), SEQUENCES)
def test_p_follows_the_sign(signs, target, expected):
    assert train(signs, target=target) == pytest.approx(expected)


def test_p_ends_at_one():
    assert train([1.0] * 26)[-1] == 1.0


def test_it_goes_on_in_the_middle_of_an_interval():
    signs = [1.0, 1.0, 1.0, 0.5, 0.1, 0.0]
    first = AdaptiveAugment(DiffAugment(), **OPTIONS)
    head = train(signs[:3], adapt=first)
    again = AdaptiveAugment(DiffAugment(), **OPTIONS)
    again.load_state_dict(first.state_dict())
    assert again.augment.probability == head[-1]
    assert head + train(signs[3:], adapt=again) == train(signs)


def test_nothing_is_augmented_before_the_first_step():
    augment = DiffAugment(probability=1.0)
    AdaptiveAugment(augment, **OPTIONS)
    assert augment.probability == 0


@pytest.mark.parametrize("options", [{"target": 1.0}, {"images": 0}, {"interval": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="expected a target in"):
        AdaptiveAugment(DiffAugment(), **{**OPTIONS, **options})


def test_an_objective_without_a_sign_is_refused():
    engine = Engine(lambda engine, batch: {"d": 1.0})
    AdaptiveAugment(DiffAugment(), **OPTIONS).attach(engine)
    with pytest.raises(ValueError, match="use bce or hinge"):
        engine.run([0])
