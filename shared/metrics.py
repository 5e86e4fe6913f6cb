"""A service's metrics in Prometheus' form: what its parts show, what was counted, the process itself."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.readings import COUNTS, SECONDS, Readable, Reading
from shared.version import this_build

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What `/metrics` shows of the service `name`. Every sample carries the service's name."""

    def __init__(self, name: str, *parts: Readable) -> None:
        self._registry: Final = CollectorRegistry()
        self._registry.register(_Samples(name, [reading for part in parts for reading in part.readings()]))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self) -> bytes:
        return generate_latest(self._registry)


class _Samples(Collector):
    def __init__(self, service: str, readings: list[Reading]) -> None:
        self._service: Final = service
        self._readings: Final[dict[str, list[Reading]]] = defaultdict(list)
        for reading in readings:
            self._readings[reading.name].append(reading)

    def describe(self) -> list[Metric]:
        """Nothing: names are looked at when there is something to collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("mtas_build_info", "What runs", labels=["service", "version", "commit"])
        build.add_metric([self._service, *this_build()], 1)
        yield build
        for name, readings in self._readings.items():
            labels = ["service", *readings[0].labels]
            family = _FAMILY[readings[0].kind](name, readings[0].help, labels=labels)
            for reading in readings:
                family.add_metric([self._service, *reading.labels.values()], reading.read())
            yield family
        yield from self._counted()

    def _counted(self) -> Iterator[Metric]:
        for count in COUNTS:
            if count.values:
                counter = CounterMetricFamily(count.name, count.help, labels=["service", *count.labels])
                for values, times in count.values.items():
                    counter.add_metric([self._service, *values], times)
                yield counter
        for seconds in SECONDS:
            if seconds.values:
                histogram = HistogramMetricFamily(
                    seconds.name, seconds.help, labels=["service", *seconds.labels]
                )
                bounds = [*map(str, seconds.BOUNDS), "+Inf"]
                for values, row in seconds.values.items():
                    buckets = list(zip(bounds, accumulate(row[:-1]), strict=True))
                    histogram.add_metric([self._service, *values], buckets, row[-1])
                yield histogram


_FAMILY: Final = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}
