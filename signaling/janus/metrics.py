"""What is counted of Janus servers, looked up when it is read. A server is called by its host and port."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from signaling.janus.placing import Health, Placing


class JanusMetrics(Collector):
    """The Janus servers of one node; nothing for a node that knows none."""

    def __init__(self, placing: Placing) -> None:
        self._placing = placing

    def describe(self) -> Iterable[Metric]:
        """Return nothing: nothing is looked up while the registry is filled."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return what is so now."""
        if not self._placing.servers:
            return
        up = GaugeMetricFamily("exeunt_janus_up", "Whether a Janus can carry rooms.", labels=["server"])
        rooms = GaugeMetricFamily("exeunt_janus_rooms", "Rooms of this node that a Janus carries.", labels=["server"])
        users = GaugeMetricFamily("exeunt_janus_users", "Users of this node in them.", labels=["server"])
        for server in self._placing.servers.values():
            name = urlsplit(server.url).netloc.rpartition("@")[2]
            up.add_metric([name], server.health is Health.ALIVE)
            rooms.add_metric([name], server.care.rooms)
            users.add_metric([name], server.care.users)
        yield from (up, rooms, users)
        text = "Rooms that were placed anew because their Janus was lost."
        yield CounterMetricFamily("exeunt_janus_replacements", text, self._placing.replaced)
