"""Who is let in, for how long, and who may act: pairing, sessions, control, replay."""

from __future__ import annotations

import pytest

from acquisition.stream import Refused
from flexor.dashboard.access import CODE_LETTERS, CODE_N, Access
from flexor.dashboard.guard import set_cookie
from flexor.dashboard.policy import Policy, Request, Why
from tests.access_rig import HOST, TOKEN, Clock, ask


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    return Access(Policy((HOST,), secure=True), TOKEN, clock)


def test_programs_on_this_computer_read_the_figures_and_no_others_do(access: Access) -> None:
    def read(address: str) -> Why | None:
        return access.judge(Request("GET", "/metrics", {"host": HOST}, address))

    assert read("127.0.0.1") is None
    assert read("10.0.0.9") is Why.NO_SESSION


def test_a_short_code_works_once_and_for_a_while(access: Access, clock: Clock) -> None:
    code = access.new_code()
    assert len(code) == CODE_N
    assert set(code) <= set(CODE_LETTERS)
    cookie, why = access.pair("10.0.0.9", f" {code[:4].lower()}-{code[4:]} ")
    assert why is None
    assert access.session(cookie) is not None
    assert access.pair("10.0.0.9", code)[1] is Why.WRONG_CODE
    late = access.new_code()
    clock.now_s += access.policy.code_s + 1
    assert access.pair("10.0.0.9", late)[1] is Why.WRONG_CODE
    first, second = access.new_code(), access.new_code()
    assert access.pair("10.0.0.9", first)[1] is Why.WRONG_CODE
    assert access.pair("10.0.0.9", second)[1] is None


def test_who_guesses_has_to_wait_and_then_may_try_again(access: Access, clock: Clock) -> None:
    for _ in range(access.policy.tries_n):
        assert access.pair("10.0.0.9", "WRONG")[1] is Why.WRONG_CODE
    assert access.pair("10.0.0.9", TOKEN)[1] is Why.OFTEN
    assert access.pair("10.0.0.10", TOKEN)[1] is None
    clock.now_s += 61
    assert access.pair("10.0.0.9", TOKEN)[1] is None


def test_many_addresses_that_guess_together_have_to_wait_too(access: Access) -> None:
    for k in range(access.policy.tries_all_n):
        access.pair(f"10.0.1.{k}", "WRONG")
    assert access.pair("10.0.2.1", TOKEN)[1] is Why.OFTEN


def test_a_flood_of_requests_is_refused_and_others_are_not(access: Access, clock: Clock) -> None:
    cookie, _ = access.pair("10.0.0.9", TOKEN)
    statuses = [ask(access, cookie=cookie)[0] for _ in range(access.policy.rate_n + 1)]
    assert statuses[-2:] == [200, 429]
    clock.now_s += 11
    assert ask(access, cookie=cookie)[0] == 200


def test_sessions_end_by_themselves(access: Access, clock: Clock) -> None:
    idle, _ = access.pair("a", TOKEN)
    clock.now_s += access.policy.idle_s + 1
    assert access.session(idle) is None
    busy, _ = access.pair("a", TOKEN)
    for _ in range(20):
        clock.now_s += access.policy.idle_s - 1
        if clock.now_s > 1000.0 + access.policy.session_s + 2 * access.policy.idle_s:
            break
        access.session(busy)
    clock.now_s += access.policy.session_s
    assert access.session(busy) is None
    left, _ = access.pair("b", TOKEN)
    access.leave(left)
    assert access.session(left) is None


def test_there_are_only_so_many_sessions(access: Access) -> None:
    cookies = [access.pair(f"h{k}", TOKEN)[0] for k in range(access.policy.sessions_n + 3)]
    assert len(access.sessions) == access.policy.sessions_n
    assert access.session(cookies[-1]) is not None


def test_one_session_acts_at_a_time_and_everybody_may_stop(access: Access) -> None:
    one, _ = access.pair("a", TOKEN)
    two, _ = access.pair("b", TOKEN)
    assert access.act(one, 1) is Why.NOT_CONTROLLER
    assert access.take_control(one) is None
    assert access.act(one, 1) is None
    assert access.take_control(two) is Why.NOT_CONTROLLER
    assert access.act(two, 1) is Why.NOT_CONTROLLER
    assert access.act(two, 1, stop=True) is None
    assert access.take_control(two, force=True) is None
    assert access.act(one, 2) is Why.NOT_CONTROLLER
    access.give_control(two)
    assert access.take_control(one) is None
    access.leave(one)
    assert access.take_control(two) is None


def test_an_action_that_comes_twice_is_done_once(access: Access) -> None:
    cookie, _ = access.pair("a", TOKEN)
    access.take_control(cookie)
    assert access.act(cookie, 5) is None
    assert access.act(cookie, 5) is Why.REPLAYED
    assert access.act(cookie, 4) is Why.REPLAYED
    assert access.act(cookie, 6) is None
    assert access.act(cookie, 6, stop=True) is None
    assert access.act("", 7, stop=True) is Why.NO_SESSION


def test_no_secret_is_kept(access: Access) -> None:
    code, (cookie, _) = access.new_code(), access.pair("a", TOKEN)
    kept = repr(access)
    assert not any(secret in kept for secret in (TOKEN, code, cookie))


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_pages() -> None:
    header = set_cookie("x", secure=True)
    assert {"HttpOnly", "SameSite=Strict", "Secure"} <= set(header.split("; "))
    assert "Secure" not in set_cookie("x", secure=False)


def test_a_policy_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="at least one address"):
        Policy(())
    with pytest.raises(Refused, match="idles no longer"):
        Policy((HOST,), idle_s=10.0, session_s=5.0)
