"""examples/monitoring: what it names, for those who ask a daemon whether it exports that."""
import json
import pathlib
import re

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples/monitoring"
# Of Prometheus itself.
OTHERS = {"up"}


def alerts():
    """Name to rule."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def dashboard():
    return json.loads((FOLDER / "dashboard.json").read_text())


def expressions():
    """What a Prometheus is asked, with a range in place of Grafana's variables."""
    found = [rule["expr"] for rule in alerts().values()]
    for panel in dashboard()["panels"]:
        found += [target["expr"].replace("$__rate_interval", "5m") for target in panel["targets"]]
    for variable in dashboard()["templating"]["list"]:
        if asked := re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition", "")):
            found.append(asked[1])
    return found


def assert_exported(page):
    """Every metric and every label that is named is on this page of /metrics."""
    families = set(re.findall(r"^# TYPE (\w+) ", page, re.MULTILINE))
    labels = set(re.findall(r'(\w+)="', page)) | {"job", "instance"}
    for expression in expressions():
        named = set(re.findall(r"\b(?:belay_\w+|up)\b", expression))
        assert named, expression
        assert named - OTHERS <= families, (expression, named - families)
        matched = set(re.findall(r"(\w+)=~?\"", expression))
        for listed in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
            matched |= {word.strip() for word in listed.split(",")}
        assert matched <= labels, (expression, matched - labels)
    checks = set(re.findall(r'check="(\w+)"', page))
    for expression in expressions():
        assert set(re.findall(r'check="(\w+)"', expression)) <= checks, expression
