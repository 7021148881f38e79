// The classifier against a real server: what it calls additive or compatible is applied to a
// database, and then every statement of an older release must still work there.

#include "base/text.hpp"
#include "drivers/postgres/server_for_test.hpp"
#include "pgsql/file.hpp"

#include <algorithm>

namespace drivers::postgres {
namespace {

// What statements.sql is about.
constexpr const char* schema = R"(RESET search_path;
CREATE SCHEMA shop;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, name text NOT NULL, note text DEFAULT 'none',
  who int, customer int CONSTRAINT c REFERENCES customers (id), cents int NOT NULL DEFAULT 1,
  pieces int DEFAULT 1, at timestamptz DEFAULT now(), kind text, state text DEFAULT 'new',
  data jsonb DEFAULT '{"kind": "x"}', feeling mood DEFAULT 'ok', span int4range);
CREATE TABLE shop.orders (id int PRIMARY KEY, a int, b int, c int, note text);
CREATE TABLE measures (id int NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE measures_rest PARTITION OF measures DEFAULT;
CREATE TABLE archive (id int, note text);
CREATE TABLE settings (key text PRIMARY KEY, value text);
CREATE SEQUENCE s;
CREATE INDEX i ON orders (who);
CREATE STATISTICS st ON cents, pieces FROM orders;
CREATE VIEW v AS SELECT id, note FROM orders;
CREATE MATERIALIZED VIEW m AS SELECT kind, sum(cents) AS cents FROM orders GROUP BY kind;
CREATE UNIQUE INDEX ON m (kind);
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1';
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 9) i;
INSERT INTO orders (name, who, kind, cents) SELECT 'n' || i, i, 'k' || i % 3, i
  FROM generate_series(1, 40) i;
INSERT INTO measures VALUES (1, '2025-06-01');
)";

// What the older release says.
constexpr const char* statements = R"(
INSERT INTO orders (name, note, cents) VALUES ('a', 'b', 3);
INSERT INTO orders (name) VALUES ('a');
INSERT INTO orders (name, note) VALUES ('a', NULL), ('a', NULL);
INSERT INTO orders (name, note) VALUES ('a', repeat('long ', 3000));
INSERT INTO orders (name, customer, feeling, data) VALUES ('', 1, 'sad', '{}');
INSERT INTO orders (name, cents, pieces) VALUES ('', -5, 0);
INSERT INTO orders VALUES (DEFAULT, 'by position', 'x');
INSERT INTO orders (name, note) SELECT name, note FROM orders WHERE id < 4;
INSERT INTO customers (id, name) VALUES (1, 'again') ON CONFLICT (id)
  DO UPDATE SET name = excluded.name;
INSERT INTO settings VALUES ('k', 'v') ON CONFLICT DO NOTHING;
INSERT INTO settings (key, value) VALUES ('k', 'w') ON CONFLICT (key) DO UPDATE SET value = 'w';
INSERT INTO measures (id, at) VALUES (2, '2026-01-15'), (3, '2030-01-01');
INSERT INTO shop.orders VALUES (77, 1, 2, 3, 'n'), (78, NULL, NULL, NULL, NULL);
UPDATE orders SET note = note || '!', cents = cents + 1 WHERE id % 2 = 0;
UPDATE orders SET kind = NULL, state = 'paid', feeling = 'ok' WHERE id = 3;
UPDATE customers SET name = upper(name);
DELETE FROM orders WHERE id = 5;
DELETE FROM customers WHERE id = 9;
TRUNCATE archive;
TRUNCATE customers, orders RESTART IDENTITY;
INSERT INTO orders (name) VALUES ('after') RETURNING id, name, note, cents, at;
SELECT * FROM orders;
SELECT id, name, note, who, customer, cents, pieces, at, kind, state, data ->> 'kind' FROM orders;
SELECT o.id, c.name FROM orders o LEFT JOIN customers c ON c.id = o.customer ORDER BY o.cents;
SELECT kind, count(*), sum(cents), avg(cents / 2.0) FROM orders GROUP BY kind;
SELECT * FROM orders WHERE name = 'after' FOR UPDATE;
SELECT id, note FROM v WHERE id > 0;
SELECT * FROM m;
SELECT f(1), f(2), nextval('s'), lower('X');
SELECT count(*) FROM measures WHERE at > '2026-01-01';
SELECT id FROM shop.orders WHERE a IS NULL OR b = 2;
)";

std::string quoted(const pgsql::File& file) {
  std::string script;
  for (const pgsql::Step& step : file.steps)
    script += "SELECT " + literal(step.piece.sql) + " \\gexec\n";
  return script;
}

class MatrixTest : public OnServer {
protected:
  void SetUp() override {
    database = make_database("old");
    sql(database, schema);
  }
  struct Tried {
    bool was_applied = false;
    std::string broke; // what the server said to the older release
  };
  Tried try_out(const pgsql::File& file) {
    const std::string first = "\\o /dev/null\nRESET search_path;\nBEGIN;\nCREATE ROLE app;\n"
                              "CREATE ROLE writers;\n" +
                              quoted(file) + "RESET ROLE;\nRESET search_path;\n";
    const auto answer = psql().ask(database, first + statements + "ROLLBACK;\n\\o");
    EXPECT_TRUE(answer);
    if (!answer || !answer.value().error)
      return {answer ? true : false, ""};
    const auto lines = static_cast<int>(std::ranges::count(first, '\n'));
    if (answer.value().error->line <= lines)
      return {}; // its names are taken, or what it needs is not there
    return {true, answer.value().error->message + " (statement " +
                      std::to_string(answer.value().error->line - lines - 1) + ")"};
  }
  std::string database;
};

TEST_F(MatrixTest, nothing_that_is_called_safe_breaks_the_release_before) {
  pgsql::File nothing;
  ASSERT_EQ(try_out(nothing).broke, "");
  const std::string here = __FILE__;
  const auto path = files_.resolve(here.substr(0, here.rfind("drivers/")) + "pgsql/statements.sql");
  ASSERT_TRUE(path);
  int applied = 0;
  for (const std::string& line : base::split(files_.read(path.value(), 1U << 20U).value(), '\n')) {
    if (line.empty() || line.starts_with("--"))
      continue;
    pgsql::Classifier classifier;
    const pgsql::File file = pgsql::read_file(line, classifier);
    if (kind_of(file) > pgsql::Kind::compatible || file.is_stepwise || !file.problems.empty())
      continue;
    const Tried tried = try_out(file);
    applied += tried.was_applied ? 1 : 0;
    EXPECT_EQ(tried.broke, "") << line;
  }
  EXPECT_GE(applied, 110);
}

TEST_F(MatrixTest, what_is_certain_to_break_does) {
  for (const char* line :
       {"DROP TABLE archive", "ALTER TABLE orders DROP COLUMN state", "DROP VIEW v",
        "DROP FUNCTION f(int)", "ALTER TABLE orders RENAME COLUMN note TO remark",
        "ALTER TABLE settings RENAME TO options", "ALTER TABLE archive SET SCHEMA shop",
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'",
        "TRUNCATE orders; ALTER TABLE orders ADD COLUMN must int NOT NULL",
        "ALTER TABLE orders ADD COLUMN must int NOT NULL DEFAULT 0; ALTER TABLE orders ALTER must "
        "DROP DEFAULT"}) {
    pgsql::Classifier classifier;
    const pgsql::File file = pgsql::read_file(line, classifier);
    EXPECT_EQ(kind_of(file), pgsql::Kind::breaking) << line;
    const Tried tried = try_out(file);
    EXPECT_TRUE(tried.was_applied && !tried.broke.empty()) << line;
  }
}

} // namespace
} // namespace drivers::postgres
