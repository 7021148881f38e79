"""examples/monitoring: alert rules that fire when they should, and a dashboard that asks for what is there.

That each metric which they name is exported is asked of a running daemon, in test_serve.py.
"""
import re
import subprocess

import pytest
import yaml

import guide
import monitoring
from monitoring import FOLDER


def promtool(*arguments, folder=FOLDER):
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True,
                          check=False)


def test_the_rules_are_rules_and_fire_as_they_should():
    checked = promtool("check", "rules", "alerts.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool("test", "rules", "alerts_test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_each_alert_is_seen_to_fire_and_to_be_quiet():
    fires, quiet = set(), set()
    for test in yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]:
        for case in test["alert_rule_test"]:
            (fires if case["exp_alerts"] else quiet).add(case["alertname"])
    assert fires == quiet == set(monitoring.alerts())


def always(rule):
    """As if it knew no bound, and did not wait."""
    return re.sub(r" (==|<|>) .*", "", rule["expr"].split(" unless ")[0].strip("(")) + " > -1"


def never(rule):
    return f"({rule['expr']}) > 1e15"


@pytest.mark.parametrize("broken", [always, never])
def test_a_rule_that_says_always_or_never_is_noticed(tmp_path, broken):
    (tmp_path / "alerts_test.yml").write_text((FOLDER / "alerts_test.yml").read_text())
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())
    for rule in rules["groups"][0]["rules"]:
        rule |= {"expr": broken(rule), "for": "0m"}
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules))
    checked = promtool("check", "rules", "alerts.yml", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool("test", "rules", "alerts_test.yml", folder=tmp_path)
    noticed = set(re.findall(r"alertname:\s*(\w+)", tested.stdout + tested.stderr))
    assert noticed == set(monitoring.alerts()), tested.stdout + tested.stderr


def test_each_alert_is_explained():
    page = (guide.GUIDE / "monitoring.md").read_text()
    assert re.findall(r"^### (\w+)$", page, re.MULTILINE) == list(monitoring.alerts())
    for name, rule in monitoring.alerts().items():
        told = page.split(f"### {name}\n")[1].split("\n#")[0]
        assert f"`{rule['labels']['severity']}`" in told, name


def test_the_dashboard_is_one():
    dashboard = monitoring.dashboard()
    assert {"uid", "title", "schemaVersion", "templating", "time", "panels"} <= dashboard.keys()
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        assert {"type", "title", "description", "targets", "fieldConfig"} <= panel.keys()
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not taken & cells, panel["title"]
        taken |= cells
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            used = set(re.findall(r"\$\{?(\w+)", target["expr"]))
            assert used <= variables | {"__rate_interval"}, panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_each_expression_is_one(tmp_path):
    rules = [{"record": f"tried:{number}", "expr": expression}
             for number, expression in enumerate(monitoring.expressions())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tried", "rules": rules}]}))
    checked = promtool("check", "rules", "rules.yml", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
