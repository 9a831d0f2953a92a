"""The event bus: everyone hears, the slow lose the oldest, closing ends all."""

import asyncio

from sidecar.events import QUEUE_SIZE, EventBus


async def test_every_subscriber_hears_every_event() -> None:
    bus = EventBus()
    with bus.subscribe() as first, bus.subscribe() as second:
        bus.model("m", "loaded")
        for events in (first, second):
            event = await anext(events)
            assert (event.type, event.model, event.state) == ("model", "m", "loaded")


async def test_a_slow_subscriber_loses_the_oldest_not_the_newest() -> None:
    bus = EventBus()
    with bus.subscribe() as events:
        for number in range(QUEUE_SIZE + 10):
            bus.model(str(number), "loaded")
        assert (await anext(events)).model == "10"


async def test_closing_ends_every_subscription_after_what_was_published() -> None:
    bus = EventBus()
    with bus.subscribe() as events:
        bus.model("last", "unloaded")
        bus.close()
        assert [event.model async for event in events] == ["last"]


async def test_who_has_left_costs_nothing() -> None:
    bus = EventBus()
    with bus.subscribe():
        assert bus.has_listeners
    assert not bus.has_listeners
    bus.model("m", "loaded")
    await asyncio.sleep(0)
