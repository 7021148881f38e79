"""Migrations: a folder of SQL files and the ledger in the database, commands and other tools' ledgers,
the order around the switch, and what the ledger decides on a way back. Looked at with the sqlite3 program.
"""
import pathlib
import shutil
import subprocess

import pytest

from project import BLOCKED, DONE, ROLLED_BACK, UNCHANGED, told, wait_until

SQL = '  migrate: [ { sql: "./migrations/{to}" } ]\n'
ONE = "CREATE TABLE prices (id TEXT PRIMARY KEY, cents INTEGER NOT NULL);\n"


def sql(project, statement, database="shop.db"):
    """What the sqlite3 program says, line by line."""
    asked = subprocess.run(["sqlite3", "-bail", str(project.folder / database), statement],
                           capture_output=True, text=True, check=False, timeout=30)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.splitlines()


def ledger(project):
    tables = sql(project, "SELECT count(*) FROM sqlite_schema WHERE name = 'belay_migrations'")
    return sql(project, "SELECT name FROM belay_migrations ORDER BY rowid") if tables == ["1"] else []


def files(project, to, **texts):
    """The migrations of a release: those of the one before, and these."""
    folder = project.folder / "migrations" / to
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name[1:]}.sql").write_text(text)
    return folder


def says(ended, *wanted):
    for words in wanted:
        assert words in ended.stdout + ended.stderr, f"no '{words}' in {told(ended)}"


@pytest.fixture
def shop(make_project):
    project = make_project(upgrade_extra=SQL)
    for label in ("1.0", "2.0"):
        project.release(label)
        files(project, label, _0001_prices=ONE)
    project.upgrade("1.0")
    project.write(3)
    return project


def test_pending_files_run_once_in_natural_order_with_their_ledger(shop):
    files(shop, "2.0", _2_add="-- belay: expand\nALTER TABLE prices ADD COLUMN tax INTEGER;\n",
          _10_fill="INSERT INTO prices VALUES ('tea;', 300, 5); -- not a ';'\n"
                   "CREATE TRIGGER noted AFTER INSERT ON prices BEGIN\n"
                   "  UPDATE prices SET tax = 1 WHERE id = new.id; DELETE FROM writes WHERE 0;\nEND;\n")
    assert ledger(shop) == ["0001_prices.sql"]
    plan = shop.belay("plan", "--to", "2.0")
    says(plan, "2 migrations will run: 2_add.sql (expand, before the switch), 10_fill.sql (change)")
    says(shop.belay("status"), "belay_migrations at 0001_prices.sql (1 applied)")
    shop.upgrade("2.0")
    assert ledger(shop) == ["0001_prices.sql", "2_add.sql", "10_fill.sql"]
    assert sql(shop, "SELECT id, cents, tax FROM prices") == ["tea;|300|5"]
    digest = subprocess.run(["sha256sum", shop.folder / "migrations/2.0/2_add.sql"],
                            capture_output=True, text=True, check=True).stdout.split()[0]
    assert sql(shop, "SELECT sha256 FROM belay_migrations WHERE name = '2_add.sql'") == [digest]
    report = shop.belay("report")
    says(report, "db: ledger belay_migrations went from 0001_prices.sql to 10_fill.sql "
                 "(applied: 2_add.sql, 10_fill.sql)")
    steps = shop.json("report")[0]["steps"]
    done = {step["step"]: step["detail"] for step in steps}
    assert done["expand"][0].startswith("db: applied 2_add.sql in ")
    assert done["migrate"][0].startswith("db: applied 10_fill.sql in ")
    assert not shop.lost()


@pytest.mark.parametrize("change,said", [
    (lambda folder: (folder / "0001_prices.sql").write_text(ONE + "-- edited\n"),
     "0001_prices.sql was changed after it was applied"),
    (lambda folder: (folder / "0001_prices.sql").unlink(),
     "0001_prices.sql was applied, but is not in the folder"),
    (lambda folder: (folder / "0000_before.sql").write_text("SELECT 1;\n"),
     "0000_before.sql was never applied, but comes before 0001_prices.sql"),
    (lambda folder: (folder / "0002_big.sql").write_text("SELECT 1;\n\nVACUUM;\n"),
     "0002_big.sql:3: VACUUM cannot be part of a transaction"),
    (lambda folder: (folder / "0002_wal.sql").write_text("/* a\n*/ pragma journal_mode = wal;\n"),
     "0002_wal.sql:2: PRAGMA journal_mode has no effect in a transaction"),
    (lambda folder: (folder / "0002_far.sql").write_text("attach 'x.db' as x;\n"),
     "0002_far.sql:1: ATTACH cannot be part of a transaction"),
    (lambda folder: (folder / "0002_own.sql").write_text("BEGIN;\nSELECT 1;\nCOMMIT;\n"),
     "0002_own.sql:1: BEGIN is not for a migration"),
    (lambda folder: (folder / "0002_both.sql").write_text("SELECT 1;\n-- migrate:down\nSELECT 2;\n"),
     "0002_both.sql:2: 'migrate:down' is of another tool"),
    (lambda folder: (folder / "0002_end.sql").write_text("SELECT 'one;\n"),
     "0002_end.sql:1: this quotation does not end"),
])
def test_what_must_not_run_is_refused_before_anything_is_touched(shop, change, said):
    change(files(shop, "2.0"))
    pids = shop.processes()
    for ended in (shop.belay("plan", "--to", "2.0"), shop.upgrade("2.0", status=BLOCKED)):
        assert ended.returncode == BLOCKED, told(ended)
        says(ended, said)
    assert shop.processes() == pids and ledger(shop) == ["0001_prices.sql"]


def test_files_alone_are_a_release_too(shop):
    for to in ("2.0", "3.0"): # the program is that of 1.0, to the byte
        shutil.rmtree(shop.folder / "dist" / to, ignore_errors=True)
        shutil.copytree(shop.folder / "dist/1.0", shop.folder / "dist" / to)
    files(shop, "2.0", _0002_a="ALTER TABLE prices ADD COLUMN a;\n")
    shop.upgrade("2.0")
    assert ledger(shop) == ["0001_prices.sql", "0002_a.sql"]
    files(shop, "3.0", _0001_prices=ONE, _0002_a="ALTER TABLE prices ADD COLUMN a;\n")
    says(shop.upgrade("3.0", status=UNCHANGED), "nothing would change")


def test_a_plan_is_not_true_any_more_when_a_file_was_changed(shop):
    files(shop, "2.0", _0002_a="ALTER TABLE prices ADD COLUMN a;\n")
    assert shop.belay("plan", "--to", "2.0", "-o", "plan.json").returncode == DONE
    files(shop, "2.0", _0002_a="ALTER TABLE prices ADD COLUMN b;\n")
    says(shop.belay("upgrade", "--plan", "plan.json"), "the plan is no longer true")


@pytest.mark.parametrize("bad,said", [
    ("INSERT INTO nowhere VALUES (1);\n", "0002_b.sql:1: database"),
    ("INSERT INTO prices VALUES ('x', 1);\nSELECT 1;\nINSERT INTO prices VALUES ('x', 2);\n",
     "0002_b.sql:3: database"),
    ("CREATE TABLE child (id TEXT REFERENCES prices (id));\nINSERT INTO child VALUES ('no');\n",
     "1 rows of table 'child'"),
])
def test_a_file_that_fails_is_undone_whole_and_the_old_release_runs_again(shop, bad, said):
    files(shop, "2.0", _0001b_a="-- belay: expand\nCREATE TABLE kept (x);\n", _0002_b=bad)
    ended = shop.upgrade("2.0", status=ROLLED_BACK)
    says(ended, said)
    # What was applied before it goes back too: nobody has written but the migrations.
    assert ledger(shop) == ["0001_prices.sql"] and sql(shop, "SELECT count(*) FROM prices") == ["0"]
    assert shop.version() == "1.0" and not shop.lost()


def test_a_file_that_takes_too_long_is_undone(make_project):
    shop = make_project(upgrade_extra=SQL.replace('"./migrations/{to}"',
                                                  '"./migrations/{to}", timeout: 300ms'))
    shop.release("1.0")
    shop.release("2.0")
    files(shop, "1.0")
    files(shop, "2.0", _1_slow="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                               "SELECT max(i) FROM n;\n")
    shop.upgrade("1.0")
    says(shop.upgrade("2.0", status=ROLLED_BACK), "1_slow.sql:1: it took too long, and was undone")


@pytest.mark.parametrize("slow", [True, False])
def test_kill_9_in_the_middle_of_a_file_and_resume(shop, slow):
    """The ledger in the database is the evidence: applied whole once, or not at all."""
    count = 40_000_000 if slow else 10
    files(shop, "2.0",
          _0002_first="CREATE TABLE one (i);\nINSERT INTO one VALUES (1);\n",
          _0003_second="INSERT INTO one VALUES (2);\nINSERT INTO prices SELECT 'x', max(i) FROM "
                       f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
                       "SELECT i FROM n);\n")
    shop.expect()
    log = shop.folder / "effects"

    def changes():
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if " sqlite.change " in line]

    if slow:  # it is inside the transaction for seconds
        running = shop.begin("upgrade", "--to", "2.0", "--yes", env={"BELAY_EFFECTS_LOG": str(log)})
        wait_until("the second file runs", lambda: len(changes()) == 2, 60)
        running.kill()
        running.communicate(timeout=20)
        assert ledger(shop) == ["0001_prices.sql", "0002_first.sql"]
        assert sql(shop, "SELECT i FROM one") == ["1"]
        files(shop, "2.0", _0003_second="INSERT INTO one VALUES (2);\n")  # nobody wants to wait again
    else:  # it was committed, and nobody was told
        mark = shop.folder / "paused"
        number = effect_of_change(shop, 2)
        running = shop.begin("upgrade", "--to", "2.0", "--yes",
                             env={"BELAY_PAUSE_AT": f"{number}:after", "BELAY_PAUSE_FILE": str(mark)})
        wait_until("belay pauses", mark.exists, 60)
        assert " sqlite.change " in mark.read_text()
        running.kill()
        running.communicate(timeout=20)
        assert ledger(shop)[-1] == "0003_second.sql"
    ended = shop.belay("resume")
    assert ended.returncode == DONE, told(ended)
    assert ledger(shop) == ["0001_prices.sql", "0002_first.sql", "0003_second.sql"]
    assert sql(shop, "SELECT i FROM one") == ["1", "2"]
    assert shop.version() == "2.0" and not shop.lost()


def effect_of_change(shop, nth):
    """The number that the nth file's effect will have: counted on a copy of the project's own kind."""
    twin = type(shop)(shop.folder.parent / "twin", upgrade_extra=SQL)
    try:
        for label in ("1.0", "2.0"):
            twin.release(label)
            for path in (shop.folder / "migrations" / label).iterdir():
                files(twin, label, **{"_" + path.stem: path.read_text()})
        twin.upgrade("1.0")
        twin.write(3)
        log = twin.folder / "effects"
        twin.upgrade("2.0", env={"BELAY_EFFECTS_LOG": str(log)})
        lines = [line.split() for line in log.read_text().splitlines()]
        return [line[0] for line in lines if line[1] == "sqlite.change"][nth - 1]
    finally:
        twin.end()


# --- the order, and the way back


def test_expand_runs_before_the_switch_and_the_rest_after_it(make_project):
    shop = make_project(upgrade_extra="  migrate:\n"
                        "    - { run: [/usr/bin/python3, note.py, adds], class: expand }\n"
                        "    - { run: [/usr/bin/python3, note.py, takes], class: contract }\n"
                        "    - { run: [/usr/bin/python3, note.py, waits], class: expand }\n")
    (shop.folder / "note.py").write_text(
        "import os, sys\nlink = '.belay/releases/shop/current'\n"
        "if os.path.lexists(link):\n"
        "    open('order', 'a').write(sys.argv[1] + ' ' + os.readlink(link) + chr(10))\n")
    shop.release("1.0")
    shop.upgrade("1.0")
    (shop.folder / "order").unlink(missing_ok=True)
    shop.release("2.0")
    says(shop.belay("plan", "--to", "2.0"),
         "command '/usr/bin/python3' will run (expand, before the switch)",
         "command '/usr/bin/python3' will run (contract)")
    shop.upgrade("2.0")
    order = [line.split() for line in (shop.folder / "order").read_text().splitlines()]
    assert [(name, pathlib.Path(release).name) for name, release in order] == [
        ("adds", "1.0"), ("takes", "2.0"), ("waits", "2.0")]


DATA_ONLY = "UPDATE writes SET id = id; -- the schema stays as it is\n"


def test_a_ledger_that_moved_brings_the_data_back_and_is_named(shop):
    files(shop, "2.0", _0002_data=DATA_ONLY)
    shop.release("2.1", "lying")
    files(shop, "2.1", _0001_prices=ONE, _0002_data=DATA_ONLY)
    ended = shop.upgrade("2.1", status=ROLLED_BACK)
    says(ended, "level data", "the migration ledger of store 'db' moved and nobody declared it compatible")
    assert ledger(shop) == ["0001_prices.sql"] and not shop.lost()


@pytest.mark.parametrize("header", ["-- belay: expand\n", "-- belay: compatible\n"])
def test_what_is_declared_compatible_stays(shop, header):
    shop.release("2.1", "lying")
    files(shop, "2.1", _0001_prices=ONE, _0002_more=header + "CREATE TABLE more (x);\n")
    ended = shop.upgrade("2.1", status=ROLLED_BACK)
    says(ended, "level release", "was declared compatible")
    assert ledger(shop) == ["0001_prices.sql", "0002_more.sql"]
    assert shop.version() == "1.0" and not shop.lost()
    # It was applied, so the next upgrade has nothing to run; the same file must be there.
    files(shop, "2.0", _0002_more=header + "CREATE TABLE more (x);\n")
    says(shop.upgrade("2.0"), "db: no migration is pending, 2 applied so far")


def test_level_release_by_hand_is_refused_unless_somebody_declares_it(shop):
    files(shop, "2.0", _0002_data=DATA_ONLY)
    shop.upgrade("2.0")
    shop.write(2)
    refused = shop.belay("rollback", "--level", "release", "--yes")
    assert refused.returncode == BLOCKED, told(refused)
    says(refused, "the migrations of store 'db' moved since", "--compatible",
         "ledger belay_migrations went from 0001_prices.sql to 0002_data.sql")
    assert shop.version() == "2.0"
    plan = shop.belay("rollback")
    says(plan, "data is picked by evidence",
         "the migration ledger of store 'db' moved and nobody declared it compatible: data goes back",
         "release: not possible: the migrations of store 'db' moved", "=>         data: down about",
         "full: down about", "restart: down about", "is no longer live, and kept as a-")
    ended = shop.belay("rollback", "--level", "release", "--compatible", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert shop.version() == "1.0" and ledger(shop)[-1] == "0002_data.sql"
    assert not shop.acknowledged - shop.live()


def test_a_rollback_without_a_level_takes_data_by_the_ledger(shop):
    files(shop, "2.0", _0002_data=DATA_ONLY)
    shop.upgrade("2.0")
    shop.write(2)
    ended = shop.belay("rollback", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert ledger(shop) == ["0001_prices.sql"] and shop.version() == "1.0"
    assert not shop.lost()


def test_a_rollback_after_the_commit_believes_the_declaration(shop):
    files(shop, "2.0", _0002_more="-- belay: expand\nCREATE TABLE more (x);\n")
    shop.upgrade("2.0")
    shop.write(2)
    says(shop.belay("rollback"), "release is picked by evidence", "was declared compatible")
    shop_2 = shop.belay("rollback", "--yes")
    assert shop_2.returncode == DONE, told(shop_2)
    assert shop.version() == "1.0" and not shop.acknowledged - shop.live()


def test_a_schema_that_moved_beside_the_migrations_was_declared_by_nobody(shop):
    files(shop, "2.0", _0002_more="-- belay: expand\nCREATE TABLE more (x);\n")
    shop.upgrade("2.0")
    sql(shop, "CREATE TABLE foreign_to_belay (x)")
    says(shop.belay("rollback"), "data is picked by evidence")


# --- ledgers of others


OTHERS = {  # as the tools make them
    "golang-migrate": ("CREATE TABLE schema_migrations (version uint64, dirty bool)",
                       "INSERT INTO schema_migrations VALUES (7, 0)", "schema_migrations at 7"),
    "dbmate": ('CREATE TABLE "schema_migrations" (version varchar(128) primary key)',
               "INSERT INTO schema_migrations VALUES ('20261101')", "schema_migrations at 20261101"),
    "flyway": ('CREATE TABLE "flyway_schema_history" ("installed_rank" INT NOT NULL PRIMARY KEY, "version" '
               'VARCHAR(50), "description" VARCHAR(200), "type" VARCHAR(20), "script" VARCHAR(1000), "checksum" '
               'INT, "installed_by" VARCHAR(100), "installed_on" TEXT, "execution_time" INT, "success" BOOLEAN)',
               "INSERT INTO flyway_schema_history VALUES (1,'3','x','SQL','V3__x.sql',1,'me','now',1,1)",
               "flyway_schema_history at 3"),
    "alembic": ("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
                "INSERT INTO alembic_version VALUES ('033_dedupe')", "alembic_version at 033_dedupe"),
    "django": ('CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" '
               'varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL)',
               "INSERT INTO django_migrations (app, name, applied) VALUES ('shop','0004_tax','now')",
               "django_migrations at shop.0004_tax"),
    "goose": ("CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT "
              "NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
              "INSERT INTO goose_db_version (version_id, is_applied) VALUES (5,1),(6,1),(6,0)",
              "goose_db_version at 5"),
    "prisma": ('CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, '
               '"finished_at" DATETIME, "migration_name" TEXT NOT NULL, "logs" TEXT, "rolled_back_at" DATETIME, '
               '"started_at" DATETIME NOT NULL DEFAULT current_timestamp, "applied_steps_count" INTEGER UNSIGNED)',
               "INSERT INTO _prisma_migrations VALUES ('a','b',1,'0002_x',NULL,NULL,1,1)",
               "_prisma_migrations at 0002_x"),
    "knex": ("CREATE TABLE `knex_migrations` (`id` integer not null primary key autoincrement, `name` "
             "varchar(255), `batch` integer, `migration_time` datetime)",
             "INSERT INTO knex_migrations (name, batch) VALUES ('2026_tax.js', 1)",
             "knex_migrations at 2026_tax.js"),
    "typeorm": ('CREATE TABLE "migrations" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "timestamp" '
                'bigint NOT NULL, "name" varchar NOT NULL)',
                "INSERT INTO migrations (timestamp, name) VALUES (1,'Tax1')", "migrations at Tax1"),
}


def test_the_ledgers_of_known_tools_are_found(make_project):
    shop = make_project()
    shop.release("1.0")
    shop.upgrade("1.0")
    for name, (table, row, said) in OTHERS.items():
        made = sql(shop, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'")
        if name == "dbmate" and made == ["1"]:
            sql(shop, "DROP TABLE schema_migrations")  # two tools call it so
        sql(shop, f"{table}; {row}")
        says(shop.belay("status"), said)


def test_the_ledger_of_a_command_is_told_and_decides(make_project):
    shop = make_project(upgrade_extra="  migrate: [ { run: [./migrate.py] } ]\n")
    with_ledger = "CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT PRIMARY KEY)"
    migrate = shop.folder / "migrate.py"
    migrate.write_text("#!/usr/bin/python3\nimport os, sqlite3\ndb = sqlite3.connect('shop.db')\n"
                       f"db.execute('{with_ledger}')\ndb.execute('DELETE FROM alembic_version')\n"
                       "db.execute('INSERT INTO alembic_version VALUES (?)', ('r' + os.environ['BELAY_TO'],))\n"
                       "db.commit()\n")
    migrate.chmod(0o755)
    for label, mode in (("1.0", "good"), ("2.0", "lying")):
        shop.release(label, mode)
    shop.upgrade("1.0")
    shop.write(2)
    ended = shop.upgrade("2.0", status=ROLLED_BACK)
    says(ended, "ledger alembic_version went from r1.0 to r2.0", "level data")
    assert sql(shop, "SELECT * FROM alembic_version") == ["r1.0"] and not shop.lost()
    shop.write_yaml(upgrade_extra="  migrate: [ { run: [./migrate.py], compatible: true } ]\n")
    ended = shop.upgrade("2.0", status=ROLLED_BACK)
    says(ended, "level release", "declared compatible")
    assert sql(shop, "SELECT * FROM alembic_version") == ["r2.0"] and not shop.lost()


def test_a_ledger_of_ones_own_is_asked_as_the_store_says(make_project):
    shop = make_project()
    shop.release("1.0")
    sql(shop, "CREATE TABLE my_steps (step TEXT); INSERT INTO my_steps VALUES ('first')")
    text = (shop.folder / "belay.yaml").read_text()
    for query, said in (("SELECT step FROM my_steps", "ledger at first (1 applied)"),):
        (shop.folder / "belay.yaml").write_text(
            text.replace("{ sqlite: ./shop.db }", f'{{ sqlite: ./shop.db, ledger: "{query}" }}'))
        shop.upgrade("1.0")
        says(shop.belay("status"), said)
    for query, said in (("SELECT step FROM nowhere", "no such table: nowhere"),
                        ("DELETE FROM my_steps", "does not only read"),
                        ("SELECT 1; SELECT 2", "is not one statement")):
        (shop.folder / "belay.yaml").write_text(
            text.replace("{ sqlite: ./shop.db }", f'{{ sqlite: ./shop.db, ledger: "{query}" }}'))
        ended = shop.belay("check")
        assert ended.returncode == BLOCKED, told(ended)
        says(ended, said)
    assert sql(shop, "SELECT step FROM my_steps") == ["first"]


def test_files_that_come_with_a_release_are_looked_at_when_it_is_pinned(make_project):
    shop = make_project(upgrade_extra='  migrate: [ { sql: ".belay/releases/shop/{to}/sql" } ]\n')
    folder = shop.release("1.0") / "sql"
    folder.mkdir()
    (folder / "1_a.sql").write_text("CREATE TABLE a (x);\n")
    says(shop.belay("plan", "--to", "1.0"), "the files come with the release")
    shop.upgrade("1.0")
    assert ledger(shop) == ["1_a.sql"]
    folder = shop.release("2.0") / "sql"
    folder.mkdir()
    (folder / "1_a.sql").write_text("VACUUM;\n")
    says(shop.upgrade("2.0", status=1), "1_a.sql was changed after it was applied")


def test_belay_yaml_is_refused_where_it_makes_no_sense(make_project):
    for extra, said in (("  migrate: [ { sql: ./m, store: data } ]\n", "'data' is no database"),
                        ("  migrate: [ { sql: ./m, class: contract, compatible: true } ]\n",
                         "takes something away"),
                        ("  migrate: [ { run: [x], store: db } ]\n", "store")):
        shop = make_project(name=str(abs(hash(said))), upgrade_extra=extra)
        ended = shop.belay("config")
        assert ended.returncode == 2, told(ended)
        says(ended, said)


def test_the_files_beside_their_ledger_are_shown_without_an_upgrade(shop):
    files(shop, "2.0", _0002_more="-- belay: compatible\nALTER TABLE prices ADD COLUMN a;\n")
    said = shop.belay("migrations", "--to", "2.0")
    assert said.returncode == DONE, told(said)
    says(said, "applied  0001_prices.sql", "pending  0002_more.sql  change, compatible")
    shown = shop.json("migrations", "--to", "2.0")
    assert [(file["name"], file["pending"]) for file in shown[0]["files"]] == [
        ("0001_prices.sql", False), ("0002_more.sql", True)]
    files(shop, "2.0", _0003_big="VACUUM;\n")
    assert shop.belay("migrations", "--to", "2.0").returncode == BLOCKED
    says(shop.belay("migrations"), "is of a release: name it by --to")
