"""A stack that has a PostgreSQL server of its own: its data folder as a store, while the server runs.

What needs a moment in the middle of a copy gets it by a `tools:` folder with the real programs, where pg_basebackup is a
script that runs the real one slowly, or damages what it made.
"""
import os
import re
import shutil
import signal
import subprocess

import pytest

from pg_shop import (PHYSICAL, TOOLS, USER, Writer, as_server, damage, left_over, made, make_shop, run_server,  # noqa: F401
                     sql, throwaways)
from project import BELAY, BLOCKED, DONE, NEEDS_OPERATOR, UNCHANGED, told, wait_until

WITH_TOOLS = "{ postgres: { data: ./data, tools: ./tools } }"
SLOW = f'exec {TOOLS}/pg_basebackup --max-rate=1M "$@"\n'
# The last WAL of the copy is lost, after all went well.
LOSSY = f'''{TOOLS}/pg_basebackup "$@" || exit
for word; do case $word in --pgdata=*) folder=${{word#--pgdata=}};; esac; done
rm "$(ls "$folder"/pg_wal/0* | tail -n 1)"
'''


def with_tools(shop, **scripts):
    folder = shop.folder / "tools"
    folder.mkdir()
    for program in os.listdir(TOOLS):
        if program not in scripts:
            (folder / program).symlink_to(f"{TOOLS}/{program}")
    for program, text in scripts.items():
        (folder / program).write_text("#!/bin/sh\n" + text)
        (folder / program).chmod(0o755)


@pytest.fixture
def running(make_shop):
    """Makes shops whose server runs by itself: there is no service that belay has started."""
    shops = []

    def make(store=PHYSICAL, settings="", **more):
        shop = make_shop(store, **more)
        with open(shop.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(settings)
        run_server(shop.data, shop.sockets, on=True)
        shops.append(shop)
        shop.must(DONE, "repo", "init")
        return shop

    yield make
    for shop in shops:
        if (shop.data / "postmaster.pid").exists():
            run_server(shop.data, shop.sockets, on=False)


def point_of(said):
    return re.search(r"p-[0-9TZ.]+-[0-9a-f]{4}", said).group()


def is_copying(shop):
    return sql(shop.sockets, "SELECT 1 FROM pg_stat_progress_basebackup WHERE phase = 'streaming database files'") != []


def begin_backup(shop):
    running = subprocess.Popen([BELAY, "backup", "--config", shop.folder / "belay.yaml"], cwd=shop.folder, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={**os.environ, "NO_COLOR": "1", "E2E_MARK": str(shop.folder)})
    wait_until("the copy is under way", lambda: is_copying(shop) or running.poll() is not None, 60)
    assert running.poll() is None, running.communicate()[0]
    return running


def end_of(running):
    said = running.communicate(timeout=120)[0]
    return running.returncode, said


def nothing_left(shop):
    """Neither here nor in the server."""
    wait_until("the server is in no backup", lambda: sql(
        shop.sockets, "SELECT pid FROM pg_stat_progress_basebackup UNION ALL SELECT 1 FROM pg_replication_slots") == [])
    return left_over(shop) == [] and throwaways(shop) == [] and list(shop.folder.glob(".belay-data/p-*")) == []


def has_all(ids, least, most):
    """What one writer wrote, up to some moment: h1, h2, ... without a gap."""
    return least <= len(ids) <= most and set(ids) == {f"h{number}" for number in range(1, len(ids) + 1)}


def test_a_running_server_is_copied_and_comes_back(make_shop):
    shop = make_shop(PHYSICAL)
    shop.must(DONE, "repo", "init")
    shop.must(DONE, "upgrade", "shop", "--to", "1.0", "--yes")
    with Writer(shop.sockets) as writer:
        writer.reach(300)
        before = writer.acknowledged
        kept_here = set(shop.folder.glob(".belay-data/p-*"))
        point = point_of(shop.must(DONE, "backup"))
        after = writer.acknowledged + 1
        writer.reach(after + 100)
    assert left_over(shop) == [] and throwaways(shop) == []
    assert set(shop.folder.glob(".belay-data/p-*")) == kept_here
    # By hand: the server's own tool, and the server itself, on what comes out of the repository.
    shop.must(DONE, "restore", "shop", point, "--into", str(shop.folder / "then"))
    restored, = (shop.folder / "then").glob("**/stores/db")
    for folder in (shop.folder / "then", *restored.parents):
        if folder.is_relative_to(shop.folder / "then"):
            folder.chmod(0o755)
    as_server("pg_verifybackup", "-q", str(restored))
    sockets = shop.folder / "others"
    sockets.mkdir()
    shutil.chown(sockets, USER.pw_uid, USER.pw_gid)
    run_server(restored, sockets, on=True)
    kept = sql(sockets, "SELECT id FROM writes")
    run_server(restored, sockets, on=False)
    as_server("pg_checksums", "--check", "-D", str(restored))
    assert has_all(kept, before, after)
    # By belay, with all that came later kept.
    shop.must(DONE, "rollback", "shop", "--to", point, "--level", "full", "--yes")
    assert shop.live() == set(kept)
    newest = max(path.name.removesuffix(".json") for path in (shop.folder / ".belay/points").glob("a-*"))
    shop.must(DONE, "abandoned", "export", newest, "--into", str(shop.folder / "out"))
    assert f"\th{after + 100}\n" in (shop.folder / "out/db/all.sql").read_text()
    # What came back is a server as any other: it is stopped for an upgrade, and copied again.
    shop.must(DONE, "upgrade", "shop", "--to", "2.0", "--yes")
    again = point_of(shop.must(DONE, "backup"))
    for each in (point, again):
        shop.must(DONE, "verify", each)
    shop.must(DONE, "drill", "shop")
    assert left_over(shop) == []


def test_a_role_that_may_not_is_told_what_it_needs(running):
    shop = running("{ postgres: { data: ./data, user: keeper } }")
    sql(shop.sockets, "CREATE ROLE keeper LOGIN")
    said = shop.must(UNCHANGED, "backup")
    assert 'ALTER ROLE "keeper" REPLICATION;' in said
    assert "database 'shop'" not in said and nothing_left(shop)
    sql(shop.sockets, re.search(r"ALTER ROLE .*?;", said).group())
    # It may copy now; but who proves it reads every row.
    assert "GRANT pg_read_all_data TO" in shop.must(UNCHANGED, "backup")
    sql(shop.sockets, "GRANT pg_read_all_data TO keeper; GRANT TEMPORARY ON DATABASE template1 TO keeper")
    shop.must(DONE, "backup")
    assert nothing_left(shop)


@pytest.mark.parametrize("settings, rules, hint", [
    ("", "local all all trust\n", "local replication \"postgres\" peer"),
    ("max_wal_senders = 0\n", None, "max_wal_senders = 10"),
    ("max_replication_slots = 0\n", None, "max_replication_slots = 10"),
])
def test_a_server_that_gives_no_copy_is_told_of(running, make_shop, settings, rules, hint):
    del make_shop
    shop = running(settings=settings)
    if rules:
        (shop.data / "pg_hba.conf").write_text(rules)
        run_server(shop.data, shop.sockets, on=False)
        run_server(shop.data, shop.sockets, on=True)
    assert hint in shop.must(UNCHANGED, "backup")
    assert nothing_left(shop)


def test_a_standby_is_refused(running):
    shop = running()
    run_server(shop.data, shop.sockets, on=False)
    (shop.data / "standby.signal").touch()
    run_server(shop.data, shop.sockets, on=True)
    assert "is the data of a standby" in shop.must(UNCHANGED, "backup")
    (shop.data / "standby.signal").unlink()  # it is one all the same
    assert "is 'in archive recovery'" in shop.must(BLOCKED, "backup")


def test_a_session_that_ends_while_it_copies_leaves_nothing(running):
    shop = running(WITH_TOOLS)
    with_tools(shop, pg_basebackup=SLOW)
    backup = begin_backup(shop)
    sql(shop.sockets, "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_basebackup")
    status, said = end_of(backup)
    assert status == UNCHANGED and "Nothing is left of this copy" in said, said
    assert nothing_left(shop)


def test_killed_while_it_copies_belay_leaves_no_server_in_a_backup(running):
    shop = running(WITH_TOOLS)
    with_tools(shop, pg_basebackup=SLOW)
    backup = begin_backup(shop)
    backup.kill()
    backup.communicate()
    assert throwaways(shop) != [] and left_over(shop) != []
    shop.configure(PHYSICAL)
    shop.must(DONE, "backup")
    assert nothing_left(shop)


def test_a_full_disk_is_told_and_freed(running):
    shop = running(WITH_TOOLS, mebibytes=220)
    with_tools(shop, pg_basebackup=SLOW)
    backup = begin_backup(shop)
    filler = shop.folder / "filler"
    free = shutil.disk_usage(shop.folder).free
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, free - (3 << 20))
    status, said = end_of(backup)
    filler.unlink()
    assert status == UNCHANGED and "Make room there" in said, said
    assert nothing_left(shop)


def test_a_damaged_page_of_a_running_server_is_no_restore_point(running):
    shop = running()
    run_server(shop.data, shop.sockets, on=False)  # so that the page is in no memory
    run_server(shop.data, shop.sockets, on=True)
    damage(shop, "pages")
    assert "checksum" in shop.must(NEEDS_OPERATOR, "backup")
    assert nothing_left(shop)


@pytest.mark.parametrize("verify", [None, "exit 0\n"], ids=["by-its-manifest", "by-recovery"])
def test_a_copy_without_all_its_wal_is_none(running, verify):
    shop = running(WITH_TOOLS)
    with_tools(shop, pg_basebackup=LOSSY, **({"pg_verifybackup": verify} if verify else {}))
    said = shop.must(NEEDS_OPERATOR, "backup")
    assert ("a server does not start on a copy" if verify else "pg_verifybackup") in said
    assert nothing_left(shop)
