import pytest

from app.domain.errors import StripeUnavailable
from app.stripe.circuit import Circuit, CircuitState


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(failures=3, open_s=5.0, clock=clock)


def fail(circuit: Circuit, times: int) -> None:
    for _ in range(times):
        circuit.enter()
        circuit.failed()


def test_it_stays_closed_while_failures_are_not_in_a_row(circuit: Circuit) -> None:
    for _ in range(5):
        fail(circuit, 2)
        circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED


def test_it_opens_after_that_many_failures_and_says_when_to_come_back(circuit: Circuit) -> None:
    fail(circuit, 3)
    assert circuit.state is CircuitState.OPEN
    with pytest.raises(StripeUnavailable) as refused:
        circuit.enter()
    assert refused.value.retry_after == 5
    assert not refused.value.unsure


def test_after_its_time_one_call_alone_finds_out(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 5.0
    assert circuit.state.value == "half_open"
    circuit.enter()
    assert circuit.state.value == "open"  # to all others
    with pytest.raises(StripeUnavailable):
        circuit.enter()
    circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED
    circuit.enter()


def test_a_probe_that_fails_opens_it_again(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 5.0
    fail(circuit, 1)
    assert circuit.state is CircuitState.OPEN
    assert circuit.opens_in_s == 5.0


def test_a_probe_that_was_given_up_lets_the_next_one_try(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 5.0
    circuit.enter()
    circuit.undecided()
    circuit.enter()
    circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED


def test_a_late_answer_from_before_closes_it(circuit: Circuit) -> None:
    fail(circuit, 3)
    circuit.succeeded()
    assert circuit.state is CircuitState.CLOSED
