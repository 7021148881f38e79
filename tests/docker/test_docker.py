"""Runtime `docker`: plain containers."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess

import pytest
from project import BLOCKED, DONE, NEEDS_OPERATOR, ROLLED_BACK, UNCHANGED, told, wait_until

CHECKED = ["--health-cmd", "wget -q -O /dev/null http://127.0.0.1/cgi-bin/health",
           "--health-interval", "1s", "--health-retries", "1", "--health-timeout", "5s"]


def held_files(shop):
    return list((shop.folder / ".belay/run").glob("*.held"))


def same_but_for_the_release(before, after):
    """What the owner has said of a container; not what comes with it."""
    def said(container):
        config, host = dict(container["Config"]), dict(container["HostConfig"])
        for key in ("Image", "Hostname", "Labels", "Env", "ExposedPorts"):
            config.pop(key)
        networks = {name: (sorted(set(end["Aliases"] or []) - {container["Id"][:12]}), end["IPAMConfig"])
                    for name, end in container["NetworkSettings"]["Networks"].items()}
        labels = {key: value for key, value in container["Config"]["Labels"].items()
                  if not key.startswith("belay.")}
        env = [entry for entry in container["Config"]["Env"] if not entry.startswith("SHOP=")]
        return config, host, networks, labels, env, sorted(m["Destination"] for m in container["Mounts"])
    for one, other in zip(said(before), said(after), strict=True):
        assert one == other


def test_upgrade_keeps_everything_but_the_image(make_shop):
    shop = make_shop()
    engine = shop.engine
    engine.docker("network", "create", "front")
    engine.docker("network", "create", "--subnet", "10.77.0.0/24", "back")
    shop.run("--restart", "on-failure:3", "-e", "GREETING=hello", "-e", "EMPTY=", "--label", "owner=me",
             "--cap-add", "NET_ADMIN", "--cap-drop", "MKNOD", "--memory", "64m", "--ulimit", "nofile=512:512",
             "--user", "0:0", "--log-opt", "max-size=1m", "--add-host", "there:10.0.0.9",
             "--tmpfs", "/scratch:size=1m", "--stop-timeout", "4", "--shm-size", "8m", "--network", "front",
             "--network-alias", "shop", "--init=false", "--sysctl", "net.ipv4.tcp_fin_timeout=20", *CHECKED)
    engine.docker("network", "connect", "--alias", "store", "--ip", "10.77.0.9", "back", "web")
    shop.upgrade("1")
    before = shop.live()
    shop.write()
    ended = shop.upgrade("2")
    assert "committed" in ended.stdout
    after = shop.live()
    assert shop.version() == "2" and shop.health()["greeting"] == "hello"
    same_but_for_the_release(before, after)
    assert "SHOP=2" in after["Config"]["Env"] and "SHOP=1" not in after["Config"]["Env"]
    assert after["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    kept = [name for name in engine.names() if name.startswith("web.belay-")]
    assert len(kept) == 2 and not any(engine.inspect(name)["State"]["Running"] for name in kept)
    assert all(engine.inspect(name)["HostConfig"]["RestartPolicy"]["Name"] == "no" for name in kept)
    assert not held_files(shop)


def test_an_upgrade_that_changes_nothing_has_failed(shop):
    shop.engine.docker("tag", "shop/web:1", "shop/web:1-again")
    before = shop.live()["Id"]
    ended = shop.upgrade("1-again", status=UNCHANGED)
    assert "nothing would change" in ended.stdout + ended.stderr
    assert shop.live()["Id"] == before and shop.version() == "1"


def test_never_healthy_goes_back(shop):
    before = shop.live()
    shop.write_yaml(within="2s")
    ended = shop.upgrade("sick", status=ROLLED_BACK)
    assert "did not become good within" in ended.stdout
    after = shop.live()
    assert after["Id"] == before["Id"] and shop.version() == "1"
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert not held_files(shop)


def test_one_that_exits_goes_back_with_its_last_words(shop):
    ended = shop.upgrade("exits", status=ROLLED_BACK)
    assert "ended with exit status 3" in ended.stdout
    operation = re.search(r"\bo-[0-9A-Za-z.-]+", ended.stdout)[0]
    assert "shop exits starts" in shop.belay("report", operation).stdout
    assert shop.version() == "1"


def test_the_engine_s_own_health_is_heeded(make_shop):
    shop = make_shop(ready="      process: true\n", within="4s")
    shop.run("--health-cmd", "cat /mode | { read m; [ $m = good ]; }", "--health-interval", "500ms",
             "--health-retries", "1")
    shop.upgrade("1")
    shop.upgrade("2")
    ended = shop.upgrade("sick", status=ROLLED_BACK)
    assert "health check" in ended.stdout
    assert shop.version() == "2"


def test_a_way_back_brings_the_data(shop):
    ended = shop.upgrade("damages", status=ROLLED_BACK)
    assert "smoke test 'writes' is bad" in ended.stdout
    assert shop.version() == "1"
    assert (shop.data / "writes").read_text().split() == [f"w-{n}" for n in range(1, shop.count + 1)]
    assert json.loads((shop.data / "layout.json").read_text()) == {"layout": 1}


def test_the_first_upgrade_fails_and_what_ran_before_runs_again(make_shop):
    shop = make_shop(within="2s")
    shop.run("--restart", "always")
    before = shop.live()
    shop.write()
    ended = shop.upgrade("sick", status=ROLLED_BACK)
    assert "runs as before the first upgrade" in ended.stdout
    wait_until("it answers", shop.answers)
    after = shop.live()
    assert after["Id"] == before["Id"] and shop.version() == "1"
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert not held_files(shop)
    shop.upgrade("2")
    assert shop.version() == "2"


def test_rollback_after_somebody_s_prune(shop):
    shop.upgrade("2")
    shop.engine.docker("rmi", "shop/web:1")
    shop.engine.docker("container", "prune", "-f")
    shop.engine.docker("image", "prune", "-f")
    assert shop.engine.names() == ["web"]
    ended = shop.belay("rollback", "shop", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert shop.version() == "1" and shop.health()["greeting"] == "hello"
    assert shop.live()["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    shop.engine.image("shop/web:1", "1")


def test_retention_lets_go_of_containers_and_pins(shop):
    for number in range(4, 8):
        shop.engine.image(f"shop/web:{number}", str(number))
        shop.upgrade(str(number))
    pins = shop.engine.say("images", "belay/shop.web", "--format", "{{.Tag}}").split()
    kept = [name for name in shop.engine.names() if name.startswith("web.belay-")]
    assert len(pins) == 5 and len(kept) == 4, (pins, kept)  # one of them ran before belay
    ended = shop.belay("rollback", "shop", "--yes")
    assert ended.returncode == DONE and shop.version() == "6", told(ended)


def test_what_does_not_stop_is_killed(make_shop):
    shop = make_shop(stop="1s")
    shop.run(signal="TERM")
    shop.upgrade("1")
    shop.upgrade("2")
    assert shop.version() == "2"


def test_variables_of_belay_yaml_win(make_shop):
    shop = make_shop(service='    env: { GREETING: "moin", SECRET: "file:./secret" }\n')
    (shop.folder / "secret").write_text("pssst-42\n")
    (shop.folder / "secret").chmod(0o600)
    shop.run("-e", "GREETING=hello")
    shop.upgrade("1")
    assert shop.health()["greeting"] == "moin"
    assert "SECRET=pssst-42" in shop.live()["Config"]["Env"]
    ended = shop.upgrade("2")
    assert "pssst-42" not in ended.stdout + ended.stderr
    assert "pssst-42" not in "".join(path.read_text(errors="replace") for path in
                                     (shop.folder / ".belay").rglob("*") if path.is_file()
                                     and path.name != "container.json")
    shop.write_yaml(service='    env: { GREETING: "salut" }\n')
    shop.upgrade("2")  # the same image, other variables
    assert shop.health()["greeting"] == "salut"


def test_a_volume_without_a_name_goes_along(make_shop):
    shop = make_shop()
    shop.run("-v", "/more")
    shop.engine.docker("exec", "web", "sh", "-c", "echo here >/more/it")
    shop.upgrade("1")
    ended = shop.upgrade("2")
    assert "volume without a name" in ended.stdout + ended.stderr
    assert shop.engine.say("exec", "web", "cat", "/more/it") == "here"


def test_a_container_that_is_removed_when_it_stops(make_shop):
    shop = make_shop(within="2s")
    shop.run("--rm", "-e", "GREETING=hello")
    ended = shop.upgrade("sick", status=ROLLED_BACK)
    assert "--rm" in ended.stdout + ended.stderr
    wait_until("it answers", shop.answers)
    assert shop.version() == "1" and shop.health()["greeting"] == "hello"


# --- bad input


def blocked(shop, to="2"):
    ended = shop.upgrade(to, status=BLOCKED)
    return ended.stdout + ended.stderr


def test_a_socket_that_is_not_there(make_shop, tmp_path):
    shop = make_shop(socket=tmp_path / "none.sock")
    said = blocked(shop)
    assert "no container engine listens" in said and "docker_socket" in said
    shop.write_yaml(socket=tmp_path / "dead.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    assert "no container engine listens" in blocked(shop)


def test_images_that_are_not_there(shop):
    assert "there is no image 'shop/web:9' here" in blocked(shop, "9")
    shop.write_yaml()
    text = (shop.folder / "belay.yaml").read_text()
    (shop.folder / "belay.yaml").write_text(text.replace("shop/web:", "127.0.0.1:1/shop/web:"))
    ended = shop.upgrade("2", status=UNCHANGED)  # its registry is down
    assert "127.0.0.1:1" in ended.stdout + ended.stderr
    assert shop.version() == "1"


def test_no_container_of_that_name(make_shop):
    assert "there is no container 'web'" in blocked(make_shop())


def test_a_port_that_is_taken(make_shop):
    shop = make_shop()
    shop.run()
    shop.upgrade("1")
    shop.engine.docker("stop", "web")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", shop.port))
        taken.listen()
        said = blocked(shop)
        assert f"port {shop.port}" in said
    shop.engine.docker("start", "web")


def test_a_name_that_is_taken(shop):
    shop.engine.docker("create", "--name", "web.belay-making", "shop/web:2")
    ended = shop.upgrade("2", status=ROLLED_BACK)
    assert "the name 'web.belay-making' is taken by another container" in ended.stdout
    assert shop.version() == "1"


def test_two_projects_and_one_container(shop, make_shop):
    other = make_shop()
    assert "belongs to service 'web' of stack 'shop' of another belay.yaml" in blocked(other)
    assert shop.version() == "1"


def test_what_has_the_engine_s_socket_is_named(shop):
    shop.engine.docker("run", "-d", "--name", "watchtower", "-v", f"{shop.engine.socket}:/run/docker.sock",
                       "shop/web:3")
    checked = shop.belay("plan", "shop", "--to", "2")
    assert "container 'watchtower' (shop/web:3) has the engine's socket" in checked.stdout, told(checked)


# --- in the middle of it


def effects_of(shop, to, **options):
    log = shop.folder / "effects"
    shop.upgrade(to, env={"BELAY_EFFECTS_LOG": str(log)}, **options)
    return log.read_text().splitlines()


def killed_at(shop, to, at):
    """Upgrade until this effect, and kill -9 there. False: it ended before."""
    process = shop.begin("upgrade", "shop", "--to", to, "--yes", env={"BELAY_PAUSE_AT": at})
    with contextlib.suppress(ChildProcessError):
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        process.kill()
        process.wait()
        process.communicate()
        return os.WIFSTOPPED(status)
    return False


def resumed(shop, to):
    """It ends in the old release or in the new one, whole."""
    ended = shop.belay("resume")
    assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
    wait_until("it answers", shop.answers)
    live = shop.live()
    assert live["State"]["Running"] and shop.version() == (to if ended.returncode == DONE else "1")
    assert live["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert len((shop.data / "writes").read_text().split()) == shop.count
    assert not held_files(shop)
    assert "web.belay-making" not in shop.engine.names()
    return ended


def sample(effects, every):
    """Around each change of the engine; without the rest, unless all are wanted."""
    numbers = [number for number, line in enumerate(effects, 1) if every or " http." in line]
    return numbers if every else numbers[::3]


def test_kill_9_between_any_two_changes(make_shop, request):
    every = request.config.getoption("--every-effect")
    for to, status in (("2", DONE), ("sick", ROLLED_BACK)):
        shop = make_shop(within="800ms", watch="0s")
        shop.run("--restart", "unless-stopped")
        shop.upgrade("1")
        shop.write()
        effects = effects_of(shop, to, status=status)
        for at in sample(effects, every):
            back = shop.belay("rollback", "shop", "--yes") if shop.version() != "1" else None
            assert back is None or back.returncode == DONE, told(back)
            if killed_at(shop, to, f"{at}:{'after' if at % 4 else 'before'}"):
                if shop.belay("status").stdout.find("in progress") >= 0:
                    resumed(shop, to)
            assert shop.version() in ("1", to)
        shop.engine.clear()


def test_the_engine_is_killed_in_the_middle(shop):
    effects = effects_of(shop, "2")
    creates = [number for number, line in enumerate(effects, 1) if "/containers/create" in line]
    assert shop.belay("rollback", "shop", "--yes").returncode == DONE
    assert shop.version() == "1"
    shop.engine.docker("rm", *[name for name in shop.engine.names() if name != "web"])
    process = shop.begin("upgrade", "shop", "--to", "2", "--yes",
                         env={"BELAY_PAUSE_AT": f"{creates[0]}:before"})
    os.waitpid(process.pid, os.WUNTRACED)
    shop.engine.kill()
    os.kill(process.pid, signal.SIGCONT)
    shop.engine.begin()
    out, err = process.communicate(timeout=120)
    assert process.returncode == DONE, f"{out}\n{err}"
    assert shop.version() == "2"


def test_the_engine_stays_away(shop):
    effects = effects_of(shop, "2")
    stop = next(number for number, line in enumerate(effects, 1) if "/stop?" in line)
    assert shop.belay("rollback", "shop", "--yes").returncode == DONE
    assert killed_at(shop, "2", f"{stop}:before")
    shop.engine.kill()
    ended = shop.belay("resume")
    assert ended.returncode == NEEDS_OPERATOR, told(ended)
    assert "no container engine listens" in ended.stdout + ended.stderr
    shop.engine.begin()
    resumed(shop, "2")


def test_nothing_restarts_it_while_it_is_held(shop):
    effects = effects_of(shop, "2")
    stop = next(number for number, line in enumerate(effects, 1) if "/stop?" in line)
    assert shop.belay("rollback", "shop", "--yes").returncode == DONE
    assert killed_at(shop, "2", f"{stop}:after")
    shop.engine.kill()
    shop.engine.begin()
    live = shop.live()
    assert not live["State"]["Running"] and live["HostConfig"]["RestartPolicy"]["Name"] == "no"
    resumed(shop, "2")
