"""What a server counts and measures, in the words of Prometheus. What a user said is never a label.

Every server has a registry of its own, so that several can live in one process.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from signaling.census import Census
from signaling.effects import Adopt, Asked, Effect, Entered, Exited, Send, Settled
from signaling.messages import (
    ClientMessage,
    Error,
    ErrorCode,
    ExitRoom,
    Farewell,
    Message,
    RemoteUserLeave,
    ServerMessage,
)
from signaling.observer import Observer
from signaling.reasons import Detection
from signaling.webhooks import Receiver

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # that of `generate_latest`
FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # seconds
SLOW = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0)  # seconds


class Metrics(Observer):
    """Counts what it sees. `census` is asked at every reading of the metrics, and so are webhooks' `receivers`."""

    def __init__(
        self,
        census: Callable[[], Census],
        receivers: Callable[[], Iterable[Receiver]] = tuple,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = registry = CollectorRegistry()
        self._clock = clock
        self._began = clock()  # when what is being done was heard, lost, asked or due
        self._notices = 0  # of those who left, in what is being done
        self._inside: set[str] = set()  # sessions
        self._unreachable: dict[str, float] = {}  # session → since when
        self._waiting: dict[str, float] = {}  # who waits for acknowledgements: sessions and questions → since when
        registry.register(_Asked(census, receivers))
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._joins = _counter(registry, "joins", "Users who came in.")
        self._resumes = _counter(registry, "resumes", "Sessions that went on at another socket.")
        self._leaves = _counter(registry, "leaves", "Users who are gone for good.", "reason", "detected_by")
        self._refusals = _counter(registry, "refusals", "Users who were not let in.", "code")
        self._errors = _counter(registry, "errors", "Anything else that clients said and that cannot be done.", "code")
        self._received = _per_type(registry, "messages_received", "Messages of clients.", ClientMessage)
        self._sent = _per_type(registry, "messages_sent", "Messages to clients, each counted for each.", ServerMessage)
        self._limits = _counter(registry, "limits", "Clients who met a limit.", "limit")
        self._notice = Histogram(
            "exeunt_notice_seconds",
            "From the event that ends a stay to the moment when the notice of it was with the others' sockets.",
            buckets=FAST,
            registry=registry,
        )
        self._acknowledged = Histogram(
            "exeunt_acknowledged_seconds",
            "From a leave to the moment when all had acknowledged it (complete) or the time for that was over.",
            ["complete"],
            buckets=FAST,
            registry=registry,
        )
        self._away = Histogram(
            "exeunt_unreachable_seconds",
            "How long users were unreachable before they were back or gone.",
            ["outcome"],
            buckets=SLOW,
            registry=registry,
        )
        self._bus_lag = Histogram(
            "exeunt_bus_lag_seconds",
            "From the writing of an entry on the bus between nodes to its reading.",
            buckets=FAST,
            registry=registry,
        )
        for code in ErrorCode:
            self._refusals.labels(code)

    def text(self) -> bytes:
        """Return everything, as Prometheus reads it."""
        return generate_latest(self.registry)

    def lost(self, session: str, detected_by: Detection, silent_for: float, grace: float) -> None:
        """Begin to measure how long a user is away."""
        self._began = self._clock()
        if session in self._inside:
            self._unreachable[session] = self._began

    def restored(self, session: str, room: str, user: str) -> None:
        """Know of somebody who came before this server was started."""
        self._inside.add(session)
        self._unreachable[session] = self._clock()

    def heard(self, session: str, message: ClientMessage) -> None:
        """Count a message."""
        self._began = self._clock()
        self._received[type(message)].inc()

    def kick_asked(self, room: str, user: str, /, **how: object) -> None:
        """Note when."""
        self._began = self._clock()

    def dismiss_asked(self, room: str, /, **how: object) -> None:
        """Note when."""
        self._began = self._clock()

    def farewell(self, farewell: Farewell) -> None:
        """Note when."""
        self._began = self._clock()

    def due(self, at: float) -> None:
        """Note when it should have been: a busy loop comes late."""
        self._began = at

    def refused(self, limit: str) -> None:
        """Count a client who met a limit."""
        self._limits.labels(limit).inc()

    def bus_lag(self, seconds: float) -> None:
        """Count how late an entry of another node was read."""
        self._bus_lag.observe(seconds)

    def did(self, effect: Effect) -> None:
        """Count what is being done."""
        if isinstance(effect, Send):
            self._sent[type(effect.message)].inc(len(effect.to))
            self._said(effect.message, effect.to)
        elif isinstance(effect, Entered):
            self._inside.add(effect.session)
            self._joins.inc()
        elif isinstance(effect, Exited):
            self._inside.discard(effect.session)
            self._leaves.labels(effect.reason, effect.detected_by).inc()
            self._end_absence(effect.session, "gone")
        elif isinstance(effect, Adopt):
            self._resumes.inc()
            self._end_absence(effect.session, "back")
        elif isinstance(effect, Asked):
            self._waiting[effect.about] = self._began
        elif isinstance(effect, Settled):
            self._end_wait(effect.about, effect.unacknowledged)

    def handed_over(self) -> None:
        """Measure how long the notices took that have just been given to the sockets."""
        took = self._clock() - self._began
        for _ in range(self._notices):
            self._notice.observe(took)
        self._notices = 0

    def _said(self, message: ServerMessage, to: tuple[str, ...]) -> None:
        match message:
            case RemoteUserLeave(session=session, wants_ack=wants_ack):
                self._notices += 1
                if wants_ack:
                    self._waiting[session] = self._began
            case ExitRoom(unacknowledged=unacknowledged):
                for session in to:
                    self._end_wait(session, unacknowledged)
            case Error(code=code, about=about):
                (self._refusals if about == "join" else self._errors).labels(code).inc(len(to))
            case _:
                pass  # counted by its type, as everything is

    def _end_wait(self, who: str, unacknowledged: Sequence[str]) -> None:
        # Who is let go at once, by a kick, has waited for nobody: then a program may have, which `Settled` says.
        if (since := self._waiting.pop(who, self._began)) != self._began:
            self._acknowledged.labels("no" if unacknowledged else "yes").observe(self._clock() - since)

    def _end_absence(self, session: str, outcome: str) -> None:
        if (since := self._unreachable.pop(session, None)) is not None:
            self._away.labels(outcome).observe(self._clock() - since)


class _Asked(Collector):
    """What is kept elsewhere, and looked up when it is read."""

    def __init__(self, census: Callable[[], Census], receivers: Callable[[], Iterable[Receiver]]) -> None:
        self._census = census
        self._receivers = receivers

    def describe(self) -> Iterable[Metric]:
        return ()  # nothing is looked up while the registry is filled

    def collect(self) -> Iterable[Metric]:
        yield from self._count()
        yield from self._webhooks()

    def _count(self) -> Iterable[Metric]:
        now = self._census()
        users = GaugeMetricFamily("exeunt_users", "Users in rooms.", labels=["presence"])
        users.add_metric(["here"], now.here)
        users.add_metric(["unreachable"], now.unreachable)
        yield users
        yield GaugeMetricFamily("exeunt_rooms", "Rooms.", now.rooms)
        yield GaugeMetricFamily("exeunt_sockets", "WebSockets, of those who are in no room, too.", now.sockets)
        yield GaugeMetricFamily("exeunt_outbox_messages", "Messages that wait for slow clients.", now.waiting)
        yield GaugeMetricFamily(
            "exeunt_outbox_messages_max", "Messages that wait for the slowest client.", now.waiting_most
        )

    def _webhooks(self) -> Iterable[Metric]:
        receivers = tuple(self._receivers())
        outcomes = [
            ("deliveries", "Events that a receiver has taken.", sum(r.deliveries.delivered for r in receivers)),
            ("failures", "Attempts that failed.", sum(r.deliveries.failed for r in receivers)),
            ("losses", "Events that were given up.", sum(r.deliveries.given_up for r in receivers)),
        ]
        for name, text, value in outcomes:
            yield CounterMetricFamily(f"exeunt_webhook_{name}", text, value)
        waiting = sum(receiver.waiting for receiver in receivers)
        yield GaugeMetricFamily("exeunt_webhook_queue", "Events that are not delivered yet.", waiting)


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"exeunt_{name}", text, labels, registry=registry)


def _per_type(registry: CollectorRegistry, name: str, text: str, union: object) -> dict[type[Message], Counter]:
    """Return one child for each type of message: looked up for every message, so once is enough."""
    counter = _counter(registry, name, text, "type")
    return {kind: counter.labels(str(kind.__struct_config__.tag)) for kind in get_args(union)}
