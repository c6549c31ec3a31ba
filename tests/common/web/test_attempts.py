from common.web.attempts import Attempts


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def attempts(**options):
    clock = Clock()
    return Attempts(clock=clock, **options), clock


def test_a_client_has_five_tries_and_then_one_every_five_seconds():
    codes, clock = attempts()
    assert [codes.wait("a") for _ in range(7)] == [0, 0, 0, 0, 0, 5, 5]  # refused ones do not add up
    clock.now += 4
    assert codes.wait("a") == 1
    clock.now += 1
    assert [codes.wait("a"), codes.wait("a")] == [0, 5]
    assert codes.wait("b") == 0


def test_200_wrong_codes_in_2_seconds_are_5_tries():
    codes, clock = attempts()
    tried = 0
    for _ in range(200):
        tried += codes.wait("a") == 0
        clock.now += 0.01
    assert tried == 5


def test_a_right_code_is_not_held_against_its_client():
    codes, _ = attempts()
    for _ in range(20):
        assert codes.wait("a") == 0
        codes.succeed("a")


def test_guesses_from_many_addresses_slow_down_those_who_failed_and_nobody_else():
    """60 together, and one more a second; then an address has one try a minute."""
    codes, clock = attempts()
    assert [codes.wait(f"bot {number}") for number in range(100)] == [0] * 100
    assert codes.wait("bot 3") == 60
    assert codes.wait("reader") == 0
    codes.succeed("reader")
    assert codes.wait("reader") == 0  # never wrong
    clock.now += 59
    assert codes.wait("bot 3") == 0  # calm again


def test_a_lasting_attack_has_few_tries():
    """One a second for all, beside the first of each address, and one a minute of each."""
    codes, clock = attempts()
    tried = 0
    for _ in range(300):  # five minutes, each second 100 addresses
        tried += sum(codes.wait(f"bot {number}") == 0 for number in range(100))
        clock.now += 1
    assert tried <= 300 + 60 + 100 * (1 + 5)  # of 30,000


def test_clients_are_forgotten_in_the_end():
    codes, _ = attempts()
    for number in range(10_050):
        codes.wait(f"bot {number}")
    assert len(codes._debts) == 10_000
