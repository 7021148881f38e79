"""Every kind of probe, from the command line to the verdict: the examples of the guide as they are,
what fires a trigger on a number, and what is refused before anything is touched."""
import json
import re
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from project import BLOCKED, DONE, HERE, ROLLED_BACK, told, wait_until

GUIDE = HERE.parent.parent / "docs/guide/probes-and-triggers.md"
BLOCKS = re.findall(r"## ([^\n]*)\n(?:(?!## ).)*?```yaml\n(.*?)```", GUIDE.read_text(), re.S)


class Prometheus:
    """A real server that scrapes the project's service, with a folder and a port of its own."""

    def __init__(self, folder, target):
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
            "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [target]}]}]}))
        self.log = open(folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=self.log, stderr=subprocess.STDOUT)

    def ask(self, expression):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?query="
                                        + urllib.parse.quote(expression), timeout=5) as reply:
                return json.load(reply)["data"]["result"]
        except OSError:
            return []

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


@pytest.fixture
def prometheus(project):
    server = Prometheus(project.folder / "prometheus", f"127.0.0.1:{project.port}")
    try:
        wait_until("Prometheus has scraped the service", lambda: server.ask("shop_writes"), 60)
        yield server
    finally:
        server.end()


def readings(project):
    """What was measured before the change, by probe."""
    folder = sorted((project.folder / ".belay/operations").iterdir())[-1]
    found = {}
    for line in (folder / "journal").read_text(errors="replace").splitlines():
        if at := re.search(r"\{.*\}", line):
            record = json.loads(at[0])
            found |= {each["probe"]: each for each in record.get("baseline") or []}
    return found


def with_checks(project, text, watch="1500ms"):
    text = text.replace(":8080/", f":{project.port}/")
    project.write_yaml(extra=re.sub(r"\b(for|failing_for|over): \d+(s|m)\b", r"\1: 300ms", text),
                       watch=watch)


@pytest.mark.parametrize("title,text", BLOCKS, ids=[title.split()[-1] for title, _ in BLOCKS])
def test_the_examples_of_the_guide_measure_and_stay_quiet(request, project, title, text):
    if ":9090" in text:
        text = text.replace(":9090", f":{request.getfixturevalue('prometheus').port}")
    with_checks(project, text)
    project.release("2.0")
    ended = project.upgrade("2.0")
    assert "' fired" not in ended.stdout, told(ended)
    measured = readings(project)
    for name in re.findall(r"checks:.*?(?=triggers:|$)", text, re.S):
        for check in re.findall(r"name: ([a-z-]+)", name):
            reading = measured[check]
            assert reading["verdict"] == "ok" or "window" in reading["detail"], reading


def test_the_guide_has_an_example_of_every_kind():
    every = "".join(text for _, text in BLOCKS)
    for key in ("http:", "run:", "metric:", "promql:", "log:", "disk:", "memory:", "over:",
                "share_of:", "as: age", "above:", "below:", "growth:", "growth_percent:", "for:",
                "failing_for:", "severity:"):
        assert key in every, key


METRIC = '''checks:
  - {{ name: it, {probe} }}
triggers:
  - {{ name: told, probe: it, {rule} }}
'''
PAGE = 'at: "http://127.0.0.1:8080/metrics"'
FIRES = [
    ("json", 'http: "http://127.0.0.1:8080/ops", value: pendingOutboxEvents',
     "growth: 10, growth_percent: 100, for: 1s", {"queue": 50}),
    ("gauge", f"metric: shop_queue, labels: {{ queue: mail }}, {PAGE}", "above: 40", {"queue": 50}),
    ("share", f'metric: shop_requests_total, labels: {{ status: "~5.." }}, {PAGE}, '
              "share_of: shop_requests_total, over: 300ms", "above: 0.1", {"errors": 10}),
    ("rate", f'metric: shop_requests_total, labels: {{ status: "503" }}, {PAGE}, over: 300ms',
     "above: 5", {"errors": 10}),
    ("log", 'log: { service: shop, pattern: "service .* listens" }', "above: 0", {}),
    ("disk", "disk: ./data", "below: 100.5", {}),
    ("memory", "memory: shop, unit: mebibytes", "above: 1", {}),
    ("start", f"metric: process_start_time_seconds, {PAGE}, as: age", "below: 60, for: 300ms", {}),
]


@pytest.mark.parametrize("probe,rule,numbers", [each[1:] for each in FIRES],
                         ids=[each[0] for each in FIRES])
def test_a_number_of_the_new_release_fires(project, probe, rule, numbers):
    with_checks(project, METRIC.format(probe=probe, rule=rule))
    project.release("2.0", **numbers)
    ended = project.upgrade("2.0", status=ROLLED_BACK)
    assert "trigger 'told' fired: 'it' at " in ended.stdout, told(ended)
    assert project.version() == "1.0"
    assert not project.lost()


def test_a_question_to_prometheus_fires(project, prometheus):
    with_checks(project, METRIC.format(
        probe=f'promql: "max(last_over_time(shop_queue[1m]))", at: "http://127.0.0.1:{prometheus.port}"',
        rule="growth: 10, for: 300ms"), watch="3s")
    project.release("2.0", queue=50)
    ended = project.upgrade("2.0", status=ROLLED_BACK)
    assert "trigger 'told' fired: 'it' at 50 is 47 more than the 3 of the baseline" in ended.stdout


def test_a_metric_that_may_be_absent_is_not_judged_until_it_is_there(project):
    with_checks(project, METRIC.format(
        probe=f"metric: shop_queue, labels: {{ queue: fax }}, absent: wait, {PAGE}", rule="above: 1"))
    project.release("2.0")
    ended = project.upgrade("2.0")
    assert "'it' could not be judged during the watch: there is no sample of" in \
        project.belay("report").stdout, told(ended)


REFUSED = [
    (f"metric: shop_qeue, {PAGE}", "there is no metric 'shop_qeue'; did you mean 'shop_queue'?"),
    (f"metric: shop_queue, {PAGE}", "2 samples match; name more labels"),
    (f"metric: shop_queue, labels: {{ que: mail }}, {PAGE}", "has a label 'que'"),
    (f"metric: shop_queue, labels: {{ queue: fax }}, {PAGE}", "there is no sample"),
    ('metric: shop_queue, at: "http://127.0.0.1:8080/health"', "is no Prometheus text"),
    ('metric: shop_queue, at: "http://127.0.0.1:8080/nothing"', "status 404"),
    ('http: "http://127.0.0.1:8080/ops", value: pendingOutboxEvnts', "has no 'pendingOutboxEvnts'"),
    ('http: "http://127.0.0.1:8080/ops", value: status, as: age', "not a time"),
    ('promql: up, at: "http://127.0.0.1:8080/"', "not of a Prometheus server"),
]


@pytest.mark.parametrize("probe,said", REFUSED, ids=range(len(REFUSED)))
def test_a_number_that_is_not_there_is_refused_at_plan_time(project, probe, said):
    with_checks(project, METRIC.format(probe=probe, rule="above: 1"))
    project.release("2.0")
    ended = project.belay("plan", "shop", "--to", "2.0")
    assert ended.returncode == BLOCKED, told(ended)
    assert said in ended.stdout + ended.stderr, told(ended)
    assert project.upgrade("2.0", status=BLOCKED)


def test_a_question_that_prometheus_cannot_answer_is_refused(project, prometheus):
    at = f'at: "http://127.0.0.1:{prometheus.port}"'
    project.release("2.0")
    for expression, said in (("shop_writse", "the query gives nothing"),
                             ("sum(", "parse error"), ("shop_queue", "2 samples match"),
                             ("shop_queue[1m]", "no instant values")):
        with_checks(project, METRIC.format(probe=f'promql: "{expression}", {at}', rule="above: 1"))
        ended = project.belay("plan", "shop", "--to", "2.0")
        assert ended.returncode == BLOCKED and said in ended.stdout + ended.stderr, told(ended)


def test_a_metric_that_is_gone_after_the_change_is_not_ok(project):
    with_checks(project, METRIC.format(
        probe='metric: shop_queue, labels: { queue: mail }, at: "http://127.0.0.1:8080/metrics"',
        rule="above: 1000"))
    project.release("2.0")
    service = project.folder / "dist/2.0/service.py"
    service.write_text(service.read_text().replace("shop_queue", "shop_backlog"))
    ended = project.upgrade("2.0", status=ROLLED_BACK)
    assert "check 'it' is unknown" in ended.stdout and "no metric 'shop_queue'" in ended.stdout
