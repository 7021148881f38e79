"""A stack that has a PostgreSQL server of its own: its data folder as a store, while it is stopped."""
import json
import os
import shutil
import signal

from pg_shop import (PHYSICAL, USER, as_server, damage, left_over, made, make_shop, run_server, sql,  # noqa: F401
                     throwaways)
from project import BLOCKED, DONE, ROLLED_BACK, wait_until


def test_a_data_folder_as_a_directory_store_is_captured_stopped_only(make_shop):
    shop = make_shop()
    shop.must(DONE, "upgrade", "shop", "--to", "1.0", "--yes")
    shop.write(3)
    shop.must(DONE, "repo", "init")
    said = shop.must(BLOCKED, "backup")
    assert "server that runs (postmaster.pid)" in said
    # Stopped with the service, which has its own: all is well.
    shop.must(DONE, "upgrade", "shop", "--to", "2.0", "--yes")
    shop.must(ROLLED_BACK, "upgrade", "shop", "--to", "3.0", "--yes")
    wait_until("2.0 serves again", lambda: shop.version() == "2.0")
    assert shop.live() == shop.acknowledged


def test_a_server_that_was_killed_is_no_restore_point(make_shop):
    shop = make_shop()
    shop.must(DONE, "upgrade", "shop", "--to", "4.0", "--yes")
    said = shop.must(ROLLED_BACK, "upgrade", "shop", "--to", "2.0", "--yes")
    assert "postmaster.pid" in said
    wait_until("4.0 serves again", lambda: shop.version() == "4.0")


def test_what_only_looks_stopped_is_refused(make_shop):
    shop = make_shop()
    shop.must(DONE, "repo", "init")
    run_server(shop.data, shop.sockets, on=True)
    pid = int((shop.data / "postmaster.pid").read_text().split()[0])
    assert "server that runs (postmaster.pid)" in shop.must(BLOCKED, "backup")
    os.kill(pid, signal.SIGQUIT)
    wait_until("the server is gone", lambda: not os.path.exists(f"/proc/{pid}/cwd"), 60)
    (shop.data / "postmaster.pid").unlink(missing_ok=True)
    assert "was not shut down (pg_control)" in shop.must(BLOCKED, "backup")
    run_server(shop.data, shop.sockets, on=True)
    run_server(shop.data, shop.sockets, on=False)
    shop.must(DONE, "backup")


def test_a_part_of_a_server_elsewhere_is_refused_before_anything(make_shop):
    shop = make_shop()
    (shop.data / "pg_wal").rename(shop.folder / "wal")
    (shop.data / "pg_wal").symlink_to(shop.folder / "wal")
    assert "would be in no copy" in shop.must(BLOCKED, "upgrade", "shop", "--to", "1.0", "--yes")
    (shop.data / "pg_wal").unlink()
    (shop.folder / "wal").rename(shop.data / "pg_wal")
    run_server(shop.data, shop.sockets, on=True)
    try:
        shutil.chown(shop.folder, USER.pw_uid)
        as_server("psql", "-h", str(shop.sockets), "-U", "postgres", "-X", "-q", "-d", "shop", "-c",
                  f"COPY (SELECT 1) TO PROGRAM 'mkdir {shop.folder}/space'")
        sql(shop.sockets, f"CREATE TABLESPACE space LOCATION '{shop.folder}/space'")
    finally:
        run_server(shop.data, shop.sockets, on=False)
    assert "a tablespace" in shop.must(BLOCKED, "upgrade", "shop", "--to", "1.0", "--yes")


def test_a_data_folder_is_proved_and_goes_back_by_exchange(make_shop):
    shop = make_shop(PHYSICAL)
    shop.must(DONE, "upgrade", "shop", "--to", "1.0", "--yes")
    shop.write(6)
    shop.must(DONE, "upgrade", "shop", "--to", "2.0", "--yes")
    record, = [path for path in shop.folder.glob(".belay-data/p-*/proved.json") if '["public.writes",6,""]' in path.read_text()]
    assert {each["name"] for each in json.loads(record.read_text())["databases"]} == {"postgres", "shop", "template1"}
    shop.write(4)
    before = shop.live()
    said = shop.must(ROLLED_BACK, "upgrade", "shop", "--to", "3.0", "--yes")
    assert "level data" in said or "level full" in said
    wait_until("2.0 serves again", lambda: shop.version() == "2.0")
    assert shop.live() == before == shop.acknowledged
    shop.write(1)  # and by hand, with what is abandoned as SQL
    shop.must(DONE, "rollback", "shop", "--level", "full", "--yes")
    assert shop.version() == "1.0" and shop.live() == {f"w{n}" for n in range(1, 7)}
    newest = max(path.name.removesuffix(".json") for path in (shop.folder / ".belay/points").glob("a-*"))
    shop.must(DONE, "abandoned", "export", newest, "--into", str(shop.folder / "out"))
    assert all(f"\t{name}\n" in (shop.folder / "out/db/all.sql").read_text() for name in shop.acknowledged)
    assert left_over(shop) == []


def test_killed_while_it_proves_belay_leaves_no_server_behind(make_shop):
    first, shop = make_shop(PHYSICAL), make_shop(PHYSICAL)
    log, mark = first.folder / "effects", shop.folder / "paused"
    assert first.begin("upgrade", "shop", "--to", "1.0", "--yes", env={"BELAY_EFFECTS_LOG": str(log)}).wait(240) == DONE
    psql = [line.split()[0] for line in log.read_text().splitlines() if "/psql" in line]
    running = shop.begin("upgrade", "shop", "--to", "1.0", "--yes",
                         env={"BELAY_PAUSE_AT": f"{psql[2]}:after", "BELAY_PAUSE_FILE": str(mark)})
    wait_until("belay pauses", lambda: mark.exists() or running.poll() is not None, 240)
    assert "/psql" in mark.read_text() and throwaways(shop) != []
    running.kill()
    running.wait()
    shop.must(DONE, "resume")
    assert shop.version() == "1.0" and throwaways(shop) == left_over(shop) == []


def test_a_damaged_page_is_no_restore_point(make_shop):
    shop = make_shop(PHYSICAL)
    shop.must(DONE, "upgrade", "shop", "--to", "1.0", "--yes")
    damage(shop, "pages")
    assert "pg_checksums" in shop.must(ROLLED_BACK, "upgrade", "shop", "--to", "2.0", "--yes")
    wait_until("1.0 serves again", lambda: shop.version() == "1.0")
    assert left_over(shop) == []


def test_a_data_folder_goes_into_a_repository_and_comes_back(make_shop):
    shop = make_shop(PHYSICAL)
    shop.must(DONE, "repo", "init")
    shop.must(DONE, "upgrade", "shop", "--to", "1.0", "--yes")
    shop.write(3)
    shop.stop()
    made = shop.must(DONE, "backup")
    point = next(word.strip(".,:") for word in made.split() if word.startswith("p-"))
    shutil.rmtree(shop.data / "base")
    shop.must(DONE, "rollback", "shop", "--to", point, "--level", "full", "--yes")
    assert shop.live() == shop.acknowledged
    shop.must(DONE, "verify", point)
    assert left_over(shop) == []
