"""Pages are pushed to, and a page that lags is told to start anew instead of being waited for."""

import asyncio

from edge.station.hub import QUEUE, Hub


async def _begin(hub):
    stream = hub.listen()
    assert await anext(stream) == "retry: 1000\n\n"
    return stream


def test_every_page_gets_every_message_in_order():
    async def play():
        hub = Hub()
        pages = [await _begin(hub), await _begin(hub)]
        hub.push("door", {"unit": "door-1", "name": "门"})
        hub.push("record", {"n": 1})
        return [[await anext(page), await anext(page)] for page in pages]

    for first, second in asyncio.run(play()):
        assert first == 'event: door\ndata: {"unit": "door-1", "name": "门"}\n\n'
        assert second == 'event: record\ndata: {"n": 1}\n\n'


def test_a_page_that_lags_too_far_behind_is_ended_and_the_others_go_on():
    async def play():
        hub = Hub()
        slow, quick = await _begin(hub), await _begin(hub)
        got = 0
        for n in range(QUEUE + 1):
            hub.push("record", n)
            got += bool(await anext(quick))
        return got, [message async for message in slow]

    got, rest = asyncio.run(play())
    assert got == QUEUE + 1
    assert rest == []


def test_closing_ends_every_stream():
    async def play():
        hub = Hub()
        page = await _begin(hub)
        hub.close()
        return [message async for message in page]

    assert asyncio.run(play()) == []


def test_a_page_that_went_away_is_forgotten():
    async def play():
        hub = Hub()
        page = await _begin(hub)
        await page.aclose()
        hub.push("door", {})
        return len(hub._pages)

    assert asyncio.run(play()) == 0
