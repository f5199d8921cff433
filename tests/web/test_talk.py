"""What is said between a page and a Python peer, and between two pages: the same words, both ways."""

import asyncio

import pytest

from peer import Delivery, Message, NoResponder, Peer, Request, RequestFailed
from tests.browser import OpenTab
from tests.cable import Cable
from tests.journal import Journal

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LARGE = bytes(n * 7 % 256 for n in range(200 * 1024))
SUM = "(bytes) => bytes.reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 0)"
# The page keeps what it hears: bytes as their number and their sum, anything else as it is.
LISTEN = f"""{{
    const sum = {SUM};
    const plain = (data) => data instanceof Uint8Array ? {{ bytes: data.length, sum: sum(data) }} : data;
    window.said = [];
    exeunt.me.on("message", ({{ user, topic, data }}) => said.push([user, topic, plain(data)]));
    exeunt.me.respond("double", ({{ data }}) => data instanceof Uint8Array ? data : data * 2);
    exeunt.me.respond("fail", async () => {{ throw new RangeError("no such lamp"); }});
}}"""
SEND = "exeunt.me.send(%s).catch(({ code, message }) => [code, message])"
ASK = "exeunt.me.request(%s).catch(({ code, message }) => [code, message])"
SAY_LARGE = "Uint8Array.from({ length: 200 * 1024 }, (_, n) => (n * 7) % 256)"


def checksum(data: bytes) -> int:
    total = 0
    for byte in data:
        total = (total * 31 + byte) % 1_000_003
    return total


async def until_straight(me: Peer, user: str) -> None:
    async with asyncio.timeout(20):
        while (await me.send(None, to=user, topic="probe", reliable=False)).path != "channel":  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("page_comes_first", [True, False])
async def test_a_page_and_a_python_peer_say_and_ask_each_other_the_same_things(
    open_tab: OpenTab, base_url: str, page_comes_first: bool
) -> None:
    journal = Journal()
    bot = Peer(f"{base_url.replace('http', 'ws', 1)}/ws", room="lobby", user="bot")
    for hook in (bot.on_remote_user_join, bot.on_remote_user_leave, bot.on_message, bot.on_exit_room):
        hook(lambda event: journal.add("bot", event))

    @bot.respond("double")
    def double(request: Request) -> object:
        return request.data * 2

    @bot.respond("fail")
    async def fail(_: Request) -> object:
        raise KeyError("no such lamp")

    if page_comes_first:
        ana = await open_tab("ana")
        await ana.until_inside()
    async with bot:
        if not page_comes_first:
            ana = await open_tab("ana")
            await ana.until_inside()
        await journal.until("bot", "remoteUserJoin ana")
        await ana.value(LISTEN)
        early = await bot.send({"early": 1}, to="ana")
        assert early.path in ("server", "channel")
        await until_straight(bot, "ana")
        for data in (LARGE, "ä", b"\x00\xff", None):
            assert await bot.send(data, to="ana", topic="chat") == Delivery("ana", "channel")
        large = {"bytes": len(LARGE), "sum": checksum(LARGE)}
        await ana.until("said.filter(([, topic]) => topic === 'chat').length === 4")
        assert await ana.value("said.filter(([, topic]) => topic !== 'probe')") == [
            ["bot", "message", {"early": 1}],
            *(["bot", "chat", data] for data in (large, "ä", {"bytes": 2, "sum": 255}, None)),
        ]
        straight = {"user": "bot", "path": "channel"}
        for words in (SAY_LARGE, "{ n: [1, null, 'ä'] }", "new Uint8Array()"):
            assert await ana.value(SEND % f"{words}, {{ to: 'bot', topic: 'chat' }}") == straight
        assert await ana.value(SEND % "7, { topic: 'pose', reliable: false }") == [straight]
        await journal.until_true(lambda: journal.of("bot").count("message") == 4)
        heard = [event for _, event in journal.events if isinstance(event, Message)]
        assert [one.data for one in heard if one.topic == "chat"] == [LARGE, {"n": [1, None, "ä"]}, b""]
        assert Message(user="ana", topic="pose", data=7) in heard

        assert await bot.request("ana", "double", 21, timeout=20) == 42
        assert await bot.request("ana", "double", LARGE, timeout=20) == LARGE
        with pytest.raises(RequestFailed, match="RangeError: no such lamp"):
            await bot.request("ana", "fail", timeout=20)
        with pytest.raises(NoResponder, match="nobody answers 'sing'"):
            await bot.request("ana", "sing", timeout=20)
        assert await ana.value(ASK % "'bot', 'double', 'ab'") == "abab"
        assert await ana.value(ASK % "'bot', 'fail'") == ["request_failed", "bot: KeyError: 'no such lamp'"]
        assert await ana.value(ASK % "'bot', 'sing'") == ["no_responder", "bot: nobody answers 'sing'"]
        assert await ana.value(ASK % "'cleo', 'sing'") == ["user_gone", "cleo is not in the room."]

        await ana.value(f"exeunt.me.send({SAY_LARGE}, {{ topic: 'last' }}).then(() => exeunt.me.leave())")
        await journal.until("bot", "remoteUserLeave ana left")
        assert journal.of("bot")[-2:] == ["message", "remoteUserLeave ana left"]
        assert [event.data for _, event in journal.events if getattr(event, "topic", "") == "last"] == [LARGE]


async def test_a_letter_that_the_server_said_into_a_dead_socket_is_asked_for_at_the_return(
    open_tab: OpenTab, base_url: str, cable: Cable
) -> None:
    """The server has not noticed that the page was cut off, so nobody tells the bot to say it again."""
    url = f"{base_url.replace('http', 'ws', 1)}/ws"
    async with Peer(url, room="lobby", user="bot", ice_transport_policy="relay") as bot:  # no relay, and so no channel
        ana = await open_tab("ana", url=cable.url)
        await ana.until_inside()
        await ana.value(LISTEN)
        await bot.user("ana", timeout=20)
        cable.swallow()
        assert await bot.send("first", to="ana") == Delivery("ana", "server")
        cable.snap()
        cable.mend()
        await ana.until("said.length === 1")
        assert await ana.value("said") == [["bot", "message", "first"]]


async def test_two_pages_talk_and_one_that_leaves_ends_what_waits_for_it(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ana.until_channels(1)
    await ben.until_channels(1)
    await ben.value(LISTEN)
    await ben.value("exeunt.me.respond('wait', () => new Promise(() => {}))")
    assert await ana.value(f"exeunt.me.request('ben', 'double', {SAY_LARGE}).then({SUM})") == checksum(LARGE)
    assert await ana.value(ASK % "'ben', 'wait', null, { timeout: 50 }") == [
        "no_answer",
        "ben did not answer “wait” within 50 ms.",
    ]
    waiting = ASK % "'ben', 'wait', null, { timeout: 20_000 }"
    await ana.value(f"{{ window.waiting = {waiting}; void 0; }}")
    refused = "exeunt.me.send(new Float32Array(2)).catch(({ message }) => message)"
    assert await ana.value(refused) == "Say the bytes of an array: new Uint8Array(array.buffer)."
    await ben.value("exeunt.me.leave()")
    await ana.until_event("remoteUserLeave ben left notice")
    assert await ana.value("waiting") == ["user_gone", "ben has left the room."]
