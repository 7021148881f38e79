-- What the classifier says of statements, for classify_test.cpp. Each line is a file of its own.
-- `--= CLASS RULE...` holds for the lines below it: the worst class, and every rule but those that
-- are alike, in the order in which they are found. Nothing is known of the database.

--= additive new-object
CREATE TABLE a (id int)
CREATE TABLE a (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE, age int CHECK (age > 0));
CREATE TABLE shop.a (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS a (id int)
CREATE UNLOGGED TABLE a (id int)
CREATE TABLE a (id int, at date) PARTITION BY RANGE (at)
CREATE TABLE a (LIKE orders INCLUDING ALL)
CREATE TABLE a (id int PRIMARY KEY, parent int REFERENCES a (id))
CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a (id) ON DELETE CASCADE)
CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int, FOREIGN KEY (a) REFERENCES a (id))
CREATE TABLE a AS SELECT id, lower(name) AS name FROM orders
CREATE TABLE a AS SELECT count(*), max(at) FROM orders GROUP BY kind
CREATE MATERIALIZED VIEW m AS SELECT kind, sum(cents) FROM orders GROUP BY kind
SELECT id, name INTO a FROM orders
SELECT id INTO a FROM orders UNION SELECT id FROM customers
CREATE SEQUENCE s START 100
CREATE SEQUENCE IF NOT EXISTS s OWNED BY orders.id
CREATE SCHEMA billing
CREATE SCHEMA IF NOT EXISTS billing AUTHORIZATION app
CREATE VIEW v AS SELECT * FROM orders
CREATE VIEW v (a, b) AS SELECT id, name FROM orders WITH CHECK OPTION
CREATE TYPE mood AS ENUM ('sad', 'ok')
CREATE TYPE pair AS (a int, b text)
CREATE TYPE span AS RANGE (subtype = float8)
CREATE TYPE shell
CREATE DOMAIN email AS text CHECK (VALUE ~ '@')
CREATE EXTENSION IF NOT EXISTS pgcrypto
CREATE EXTENSION "uuid-ossp" WITH SCHEMA public
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$
CREATE STATISTICS more (dependencies) ON cents, pieces FROM orders
CREATE COLLATION german (locale = 'de_DE')
CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)
CREATE FOREIGN DATA WRAPPER w
CREATE SERVER far FOREIGN DATA WRAPPER w
CREATE FOREIGN TABLE f (a int) SERVER far
CREATE USER MAPPING FOR app SERVER far
--= breaking trigger
CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted()
CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON orders DEFERRABLE FOR EACH ROW EXECUTE FUNCTION noted()
CREATE OR REPLACE TRIGGER t AFTER DELETE ON shop.orders FOR EACH STATEMENT EXECUTE FUNCTION noted()
DROP TRIGGER t ON orders
DROP TRIGGER IF EXISTS t ON orders
DROP TRIGGER t ON orders; CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted()
ALTER TABLE orders DISABLE TRIGGER t
ALTER TABLE orders ENABLE TRIGGER ALL
ALTER TABLE orders ENABLE ALWAYS TRIGGER t
ALTER TABLE orders DISABLE RULE r
CREATE RULE r AS ON INSERT TO orders DO ALSO NOTIFY orders
CREATE RULE r AS ON DELETE TO orders DO INSTEAD (SELECT 1; SELECT 2)
DROP RULE r ON orders

--= additive new-object own-object
CREATE TABLE a (id int); CREATE INDEX i ON a (id)
CREATE TABLE a (id int); CREATE UNIQUE INDEX i ON a (lower(id::text))
CREATE TABLE a (id int); ALTER TABLE a ADD COLUMN b text NOT NULL
CREATE TABLE a (id int); ALTER TABLE a ALTER COLUMN id SET NOT NULL
CREATE TABLE a (id int); ALTER TABLE a ALTER COLUMN id TYPE bigint
CREATE TABLE a (id int); ALTER TABLE a DROP COLUMN id
CREATE TABLE a (id int); ALTER TABLE a ADD CONSTRAINT c CHECK (id > 0)
CREATE TABLE a (id int); ALTER TABLE a ADD PRIMARY KEY (id)
CREATE TABLE a (id int); ALTER TABLE a OWNER TO app
CREATE TABLE a (id int); ALTER TABLE a ENABLE ROW LEVEL SECURITY
CREATE TABLE a (id int); CREATE POLICY p ON a USING (id > 0)
CREATE TABLE a (id int); CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION noted()
CREATE TABLE a (id int); INSERT INTO a VALUES (1), (2)
CREATE TABLE a (id int); INSERT INTO a SELECT id FROM orders
CREATE TABLE a (id int); UPDATE a SET id = 2; DELETE FROM a; TRUNCATE a
CREATE TABLE a (id int); DROP TABLE a
CREATE TABLE a (id int); ALTER TABLE a RENAME TO b; DROP TABLE b
CREATE TABLE a (id int); ALTER TABLE a RENAME COLUMN id TO key
CREATE TABLE a (id int); ALTER TABLE a SET SCHEMA shop; DROP TABLE shop.a
CREATE SCHEMA billing; ALTER TABLE billing.a DROP COLUMN b
CREATE SCHEMA billing; DROP TABLE billing.old
CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'b'
CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood RENAME VALUE 'a' TO 'b'
CREATE TYPE pair AS (a int); ALTER TYPE pair ADD ATTRIBUTE b int
CREATE SEQUENCE s; ALTER SEQUENCE s RESTART WITH 5
CREATE TABLE a (at date) PARTITION BY RANGE (at); CREATE TABLE b (at date); ALTER TABLE a ATTACH PARTITION b DEFAULT
CREATE VIEW v AS SELECT 1; CREATE OR REPLACE VIEW v AS SELECT 2
CREATE VIEW v AS SELECT 1; DROP VIEW v
CREATE TABLE a AS SELECT 1 AS id; COPY a FROM '/tmp/rows'
--= additive own-object
CREATE TEMP TABLE a (id int)
CREATE TEMPORARY TABLE a (id int); INSERT INTO a SELECT id FROM orders
--= additive own-object new-object
CREATE TEMP TABLE a (id int); CREATE TABLE b (id int)

--= additive new-column
ALTER TABLE orders ADD COLUMN note text
ALTER TABLE orders ADD note text NULL
ALTER TABLE orders ADD COLUMN IF NOT EXISTS note varchar(20)
ALTER TABLE ONLY shop.orders ADD COLUMN tags text[]
ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b jsonb
ALTER TABLE orders ADD COLUMN a int DEFAULT 0
ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT 0
ALTER TABLE orders ADD COLUMN at timestamptz NOT NULL DEFAULT now()
ALTER TABLE orders ADD COLUMN id2 uuid NOT NULL DEFAULT gen_random_uuid()
ALTER TABLE orders ADD COLUMN a boolean DEFAULT false NOT NULL
ALTER TABLE orders ADD COLUMN a numeric(10, 2) DEFAULT 0.00 NOT NULL
ALTER TABLE orders ADD COLUMN id2 bigint GENERATED ALWAYS AS IDENTITY
ALTER TABLE orders ADD COLUMN id2 int GENERATED BY DEFAULT AS IDENTITY
ALTER TABLE orders ADD COLUMN low text GENERATED ALWAYS AS (lower(name)) STORED
ALTER TABLE orders ADD COLUMN kind text GENERATED ALWAYS AS (data ->> 'kind') STORED
ALTER TABLE orders ADD COLUMN code text UNIQUE
ALTER TABLE orders ADD COLUMN a int CHECK (a > 0)
ALTER TABLE orders ADD COLUMN a int CHECK (a > 0 AND a <= 10)
ALTER TABLE orders ADD COLUMN a text CHECK (a IN ('x', 'y'))
ALTER TABLE orders ADD COLUMN a text NOT NULL DEFAULT 'x' CHECK (a IN ('x', 'y'))
ALTER TABLE orders ADD COLUMN place inet, ADD COLUMN document tsvector
ALTER TABLE orders ADD COLUMN v vector(3)
ALTER TABLE orders ADD COLUMN a int DEFAULT NULL
ALTER TABLE orders ADD COLUMN a mood DEFAULT 'ok'
--= additive new-object new-column
CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE orders ADD COLUMN m mood
CREATE TABLE a (id int PRIMARY KEY); ALTER TABLE orders ADD COLUMN a int REFERENCES a (id)
--= additive new-column own-object
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders DROP COLUMN a
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ALTER COLUMN a TYPE bigint
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders RENAME COLUMN a TO b
ALTER TABLE orders ADD COLUMN a int DEFAULT 1; ALTER TABLE orders ALTER COLUMN a SET NOT NULL
ALTER TABLE orders ADD COLUMN a int DEFAULT 1; ALTER TABLE orders ALTER COLUMN a DROP DEFAULT
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0)
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD CONSTRAINT c UNIQUE (name, a)
--= additive new-column new-index
ALTER TABLE orders ADD COLUMN a int; CREATE INDEX ON orders (a)
ALTER TABLE orders ADD COLUMN a int; CREATE UNIQUE INDEX i ON orders (a)
--= additive new-object new-column own-object
CREATE TABLE a (id int PRIMARY KEY); ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES a (id)
--= compatible new-column backfill
ALTER TABLE orders ADD COLUMN low text; UPDATE orders SET low = lower(name)
ALTER TABLE orders ADD COLUMN low text, ADD COLUMN up text; UPDATE orders SET low = lower(name), up = upper(name) WHERE low IS NULL
ALTER TABLE orders ADD COLUMN who text; UPDATE orders o SET who = c.name FROM customers c WHERE c.id = o.customer
--= compatible new-column backfill set-default
ALTER TABLE orders ADD COLUMN a int; UPDATE orders SET a = 1; ALTER TABLE orders ALTER a SET DEFAULT 1
--= data-changing new-column data
ALTER TABLE orders ADD COLUMN low text; UPDATE orders SET low = lower(name), name = ''
ALTER TABLE orders ADD COLUMN IF NOT EXISTS low text; UPDATE orders SET low = lower(name)
--= unknown new-column function-call data
ALTER TABLE orders ADD COLUMN low text; UPDATE orders SET low = own_function(name)

--= breaking required-column
ALTER TABLE orders ADD COLUMN a int NOT NULL
ALTER TABLE orders ADD COLUMN a text NOT NULL DEFAULT NULL
ALTER TABLE orders ADD COLUMN a text NOT NULL DEFAULT NULL::text
ALTER TABLE orders ADD COLUMN id2 uuid PRIMARY KEY
ALTER TABLE orders ADD COLUMN IF NOT EXISTS a date NOT NULL
--= breaking new-column required-column
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ALTER COLUMN a SET NOT NULL
ALTER TABLE orders ADD COLUMN a int, ALTER COLUMN a SET NOT NULL
--= breaking new-column backfill required-column
ALTER TABLE orders ADD COLUMN a int; UPDATE orders SET a = 0; ALTER TABLE orders ALTER COLUMN a SET NOT NULL
--= breaking new-column drop-default-required
ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT 0; ALTER TABLE orders ALTER COLUMN a DROP DEFAULT
ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT 0; ALTER TABLE orders ALTER COLUMN a SET DEFAULT NULL
--= breaking new-column own-object required-column
ALTER TABLE orders ADD a int DEFAULT 1; ALTER TABLE orders ALTER a DROP DEFAULT; ALTER TABLE orders ALTER a SET NOT NULL
--= breaking column-unique
ALTER TABLE orders ADD COLUMN a int UNIQUE DEFAULT 1
ALTER TABLE orders ADD COLUMN a int DEFAULT 1 PRIMARY KEY
--= breaking column-checked
ALTER TABLE orders ADD COLUMN a int CHECK (a IS NOT NULL)
ALTER TABLE orders ADD COLUMN a int CHECK (coalesce(a, 0) > 0)
ALTER TABLE orders ADD COLUMN a int CHECK (NOT a > 0)
ALTER TABLE orders ADD COLUMN a int CHECK (cents > 0)
ALTER TABLE orders ADD COLUMN a int DEFAULT 0 CHECK (a > 0)
ALTER TABLE orders ADD COLUMN a text DEFAULT 'z' CHECK (a IN ('x', 'y'))
ALTER TABLE orders ADD COLUMN a uuid UNIQUE DEFAULT gen_random_uuid()
--= breaking new-column column-checked
ALTER TABLE orders ADD COLUMN a int UNIQUE; ALTER TABLE orders ALTER COLUMN a SET DEFAULT 1
ALTER TABLE orders ADD COLUMN a int CHECK (a > 0); ALTER TABLE orders ALTER COLUMN a SET DEFAULT 0
--= breaking column-computed
ALTER TABLE orders ADD COLUMN a int GENERATED ALWAYS AS (cents / pieces) STORED
ALTER TABLE orders ADD COLUMN a int GENERATED ALWAYS AS (name::int) STORED
ALTER TABLE orders ADD COLUMN a text GENERATED ALWAYS AS (own_function(name)) STORED
ALTER TABLE orders ADD COLUMN a text GENERATED ALWAYS AS (lower(name)) STORED UNIQUE
ALTER TABLE orders ADD COLUMN a text NOT NULL GENERATED ALWAYS AS (lower(name)) STORED
--= breaking column-sequence
ALTER TABLE orders ADD COLUMN id2 bigserial
ALTER TABLE orders ADD COLUMN id2 serial NOT NULL
ALTER TABLE orders ADD COLUMN id2 bigint DEFAULT nextval('s')
ALTER TABLE orders ALTER COLUMN id SET DEFAULT nextval('s'::regclass)
--= breaking column-own-type
ALTER TABLE orders ADD COLUMN m mood
ALTER TABLE orders ADD COLUMN m shop.mood[]
--= breaking new-object column-own-type
CREATE DOMAIN mood AS text NOT NULL; ALTER TABLE orders ADD COLUMN m mood

--= breaking drop-table
DROP TABLE orders
DROP TABLE IF EXISTS orders
DROP TABLE shop.orders CASCADE
DROP TABLE orders, customers
DROP FOREIGN TABLE f
--= breaking new-object drop-table
CREATE TABLE IF NOT EXISTS a (id int); DROP TABLE a
--= breaking drop-table new-object
DROP TABLE IF EXISTS a; CREATE TABLE a (id int)
--= breaking new-object own-object drop-table
CREATE TABLE new (id int); INSERT INTO new SELECT id FROM orders; DROP TABLE orders; ALTER TABLE new RENAME TO orders
--= breaking own-object drop-table
CREATE TEMP TABLE orders (id int); DROP TABLE orders; DROP TABLE orders
--= breaking drop-column
ALTER TABLE orders DROP COLUMN note
ALTER TABLE orders DROP COLUMN IF EXISTS note CASCADE
ALTER TABLE orders DROP note, DROP COLUMN cents
--= breaking new-column drop-column
ALTER TABLE orders ADD COLUMN a int, DROP COLUMN b
--= breaking drop-view
DROP VIEW v
DROP MATERIALIZED VIEW IF EXISTS m
--= breaking drop-view new-object
DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1
--= breaking drop-object
DROP FUNCTION f(int)
DROP FUNCTION IF EXISTS f
DROP PROCEDURE p
DROP ROUTINE g
DROP TYPE mood
DROP DOMAIN email CASCADE
DROP SEQUENCE s
DROP SCHEMA billing CASCADE
DROP EXTENSION pgcrypto
--= breaking new-object drop-object
CREATE TABLE a (id int); DROP TABLE a CASCADE
--= breaking drop-index
DROP INDEX i
DROP INDEX IF EXISTS shop.i
DROP INDEX CONCURRENTLY i
--= breaking drop-constraint
ALTER TABLE orders DROP CONSTRAINT c
ALTER TABLE orders DROP CONSTRAINT IF EXISTS c CASCADE
--= breaking drop-constraint constraint
ALTER TABLE orders DROP CONSTRAINT c; ALTER TABLE orders ADD CONSTRAINT c CHECK (state IN ('new', 'paid', 'cancelled'))
ALTER TABLE orders DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (cents > 1)
--= breaking drop-constraint foreign-key
ALTER TABLE orders DROP CONSTRAINT c; ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (who) REFERENCES customers (id) ON DELETE CASCADE
--= breaking rename
ALTER TABLE orders RENAME COLUMN note TO remark
ALTER TABLE orders RENAME note TO remark
ALTER TABLE orders RENAME TO bestellungen
ALTER TABLE IF EXISTS shop.orders RENAME TO o
ALTER VIEW v RENAME TO w
ALTER SCHEMA shop RENAME TO store
ALTER FUNCTION f(int) RENAME TO g
ALTER SEQUENCE s RENAME TO t
ALTER TYPE mood RENAME TO feeling
--= breaking rename new-object
ALTER TABLE orders RENAME TO o; CREATE VIEW orders AS SELECT * FROM o
--= breaking rename new-column
ALTER TABLE orders RENAME COLUMN a TO b; ALTER TABLE orders ADD COLUMN a int GENERATED ALWAYS AS (b) STORED
--= breaking rename-quiet
ALTER TABLE orders RENAME CONSTRAINT a TO b
ALTER INDEX i RENAME TO j
ALTER TRIGGER t ON orders RENAME TO u
ALTER DOMAIN email RENAME TO mail
ALTER TYPE pair RENAME ATTRIBUTE a TO b
--= breaking rename-value
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'
--= breaking enum-value
ALTER TYPE mood ADD VALUE 'great'
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'great' BEFORE 'ok'
ALTER TYPE shop.mood ADD VALUE 'great' AFTER 'ok'
--= breaking move-schema
ALTER TABLE orders SET SCHEMA archive
ALTER FUNCTION f(int) SET SCHEMA archive
ALTER TYPE mood SET SCHEMA archive
--= breaking set-not-null
ALTER TABLE orders ALTER COLUMN note SET NOT NULL
ALTER TABLE orders ALTER note SET NOT NULL, ALTER who SET NOT NULL
--= breaking drop-not-null
ALTER TABLE orders ALTER COLUMN note DROP NOT NULL
--= breaking drop-default
ALTER TABLE orders ALTER COLUMN note DROP DEFAULT
ALTER TABLE orders ALTER COLUMN note SET DEFAULT NULL
--= breaking drop-default-required
ALTER TABLE orders ALTER COLUMN id DROP IDENTITY
--= breaking column-type
ALTER TABLE orders ALTER COLUMN cents TYPE bigint
ALTER TABLE orders ALTER cents SET DATA TYPE text USING cents::text
ALTER TABLE orders ALTER COLUMN note TYPE varchar(10)
ALTER TABLE orders ALTER COLUMN data TYPE jsonb USING data::jsonb
--= breaking foreign-key
ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (who) REFERENCES customers (id)
ALTER TABLE orders ADD FOREIGN KEY (who) REFERENCES customers (id) NOT VALID
--= breaking new-object foreign-key
CREATE TABLE a (who int REFERENCES customers (id))
CREATE TABLE a (who int REFERENCES customers ON DELETE CASCADE)
CREATE TABLE a (who int, FOREIGN KEY (who) REFERENCES shop.customers (id))
CREATE TABLE IF NOT EXISTS b (id int PRIMARY KEY); CREATE TABLE a (b int REFERENCES b (id))
--= breaking foreign-key new-column
ALTER TABLE orders ADD COLUMN who int REFERENCES customers (id)
--= breaking new-object foreign-key own-object
CREATE TABLE a (who int); ALTER TABLE a ADD FOREIGN KEY (who) REFERENCES customers (id)
CREATE TABLE a (id int); ALTER TABLE a ADD COLUMN who int REFERENCES customers (id)
--= breaking constraint
ALTER TABLE orders ADD CONSTRAINT c CHECK (cents > 0)
ALTER TABLE orders ADD CHECK (cents > 0) NOT VALID
ALTER TABLE orders ADD CONSTRAINT c UNIQUE (note)
ALTER TABLE orders ADD UNIQUE NULLS NOT DISTINCT (note)
ALTER TABLE orders ADD PRIMARY KEY (id)
ALTER TABLE orders ADD CONSTRAINT c UNIQUE USING INDEX i
ALTER TABLE orders ADD CONSTRAINT c EXCLUDE USING gist (span WITH &&)
ALTER TABLE orders ALTER CONSTRAINT c DEFERRABLE
ALTER DOMAIN email ADD CHECK (VALUE <> '')
ALTER DOMAIN email SET NOT NULL
--= breaking new-column constraint
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD CONSTRAINT c CHECK (a IS NOT NULL)
ALTER TABLE orders ADD COLUMN a int DEFAULT 1; ALTER TABLE orders ADD CONSTRAINT c UNIQUE (a)
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD CONSTRAINT c CHECK (a > 0 OR cents > 0)
--= breaking unique-index
CREATE UNIQUE INDEX i ON orders (note)
CREATE UNIQUE INDEX ON orders (lower(note)) WHERE cents > 0
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (note)
--= breaking index-expression
CREATE INDEX i ON orders ((data ->> 'x')) WHERE own_function(note)
CREATE INDEX i ON orders (((data ->> 'x')::int))
CREATE INDEX i ON orders ((cents / pieces))
--= breaking new-object unique-index
CREATE TABLE IF NOT EXISTS a (id int); CREATE UNIQUE INDEX i ON a (id)
--= breaking row-security
ALTER TABLE orders ENABLE ROW LEVEL SECURITY
ALTER TABLE orders FORCE ROW LEVEL SECURITY
ALTER TABLE orders DISABLE ROW LEVEL SECURITY
CREATE POLICY p ON orders USING (who = current_user)
DROP POLICY p ON orders
--= breaking replace-view
CREATE OR REPLACE VIEW v AS SELECT id FROM orders
ALTER VIEW v ALTER COLUMN a SET DEFAULT 1
--= breaking replace-function
CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'
CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$
CREATE OR REPLACE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'
--= breaking overload
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'
CREATE FUNCTION f(a int, b int DEFAULT 0) RETURNS int LANGUAGE sql RETURN a + b
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int)
CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq)
--= breaking alter-object
ALTER TYPE pair ADD ATTRIBUTE c int
ALTER TABLE orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY
ALTER TABLE orders ALTER COLUMN id SET GENERATED BY DEFAULT
ALTER TABLE orders ALTER COLUMN low DROP EXPRESSION
ALTER FUNCTION f(int) STRICT
ALTER POLICY p ON orders USING (true)
ALTER EXTENSION postgis UPDATE
DROP OWNED BY app
REASSIGN OWNED BY app TO root
DROP CAST (text AS int)
DROP AGGREGATE a(int)
DROP OPERATOR === (int, int)
DROP EVENT TRIGGER e
DROP PUBLICATION p
SECURITY LABEL ON TABLE orders IS 'x'
--= breaking partition
ALTER TABLE measures ATTACH PARTITION m1 FOR VALUES FROM (1) TO (2)
ALTER TABLE measures DETACH PARTITION m1
ALTER TABLE orders NO INHERIT base
--= breaking new-object partition
CREATE TABLE m1 (id int); ALTER TABLE measures ATTACH PARTITION m1 DEFAULT
CREATE TABLE m1 PARTITION OF measures (CHECK (cents > 0)) FOR VALUES IN (1)
CREATE TABLE a (at date) PARTITION BY RANGE (at); ALTER TABLE a ATTACH PARTITION orders DEFAULT
--= compatible new-object new-partition
CREATE TABLE m1 PARTITION OF measures FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')
--= breaking inherits
ALTER TABLE orders INHERIT base
--= breaking new-object inherits
CREATE TABLE a (b int) INHERITS (orders)
CREATE TABLE a (id int); ALTER TABLE a INHERIT orders
--= breaking revoke
REVOKE SELECT ON orders FROM app
REVOKE ALL ON SCHEMA public FROM PUBLIC
REVOKE writers FROM app
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC
--= compatible grant
GRANT SELECT, INSERT ON orders TO app
GRANT USAGE ON SCHEMA shop TO app
GRANT writers TO app
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO app
CREATE ROLE reader NOLOGIN
CREATE USER reader PASSWORD 'x'
--= breaking owner
ALTER TABLE orders OWNER TO app
ALTER FUNCTION f(int) OWNER TO app
ALTER SCHEMA shop OWNER TO app
--= breaking role
ALTER ROLE app NOLOGIN
ALTER USER app PASSWORD 'x'
ALTER ROLE app SET search_path = shop
DROP ROLE app
--= breaking sequence
ALTER SEQUENCE s RESTART
ALTER SEQUENCE s INCREMENT BY 50 CACHE 50
--= breaking publication
CREATE PUBLICATION p FOR ALL TABLES
CREATE PUBLICATION p FOR TABLE orders
ALTER PUBLICATION p ADD TABLE orders

--= additive new-index
CREATE INDEX i ON orders (note)
CREATE INDEX ON orders USING gin (data jsonb_path_ops)
CREATE INDEX IF NOT EXISTS i ON shop.orders (a, b DESC NULLS LAST) INCLUDE (c)
CREATE INDEX i ON orders (lower(note)) WHERE cents > 0
CREATE INDEX i ON orders ((data ->> 'kind'))
CREATE INDEX CONCURRENTLY i ON orders (note)
CREATE INDEX i ON orders USING brin (at) WITH (pages_per_range = 32)
--= additive comment
COMMENT ON TABLE orders IS 'what was asked for'
COMMENT ON COLUMN orders.note IS NULL
COMMENT ON FUNCTION f(int) IS 'x'
--= compatible set-default
ALTER TABLE orders ALTER COLUMN note SET DEFAULT ''
ALTER TABLE orders ALTER COLUMN at SET DEFAULT now(), ALTER note SET DEFAULT 'x'
--= compatible validate
ALTER TABLE orders VALIDATE CONSTRAINT c
--= compatible upkeep
ALTER TABLE orders SET (fillfactor = 70)
ALTER TABLE orders RESET (fillfactor)
ALTER TABLE orders ALTER COLUMN note SET STATISTICS 500
ALTER TABLE orders ALTER COLUMN note SET STORAGE EXTERNAL
ALTER TABLE orders ALTER COLUMN note SET COMPRESSION lz4
ALTER TABLE orders CLUSTER ON i
ALTER TABLE orders SET LOGGED
ALTER TABLE orders SET TABLESPACE fast
ALTER TABLE orders REPLICA IDENTITY FULL
ALTER SEQUENCE s OWNED BY orders.id
ALTER STATISTICS st SET STATISTICS 100
DROP STATISTICS st
ANALYZE
ANALYZE orders (note)
VACUUM
VACUUM (ANALYZE, FREEZE) orders
REINDEX TABLE orders
REINDEX INDEX i
REINDEX DATABASE app
CLUSTER orders USING i
CLUSTER
REFRESH MATERIALIZED VIEW m
REFRESH MATERIALIZED VIEW CONCURRENTLY m
LOCK TABLE orders IN SHARE MODE
CHECKPOINT
SHOW search_path
NOTIFY changed
--= breaking new-column column-unique
ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD COLUMN b int UNIQUE DEFAULT 1
--= compatible setting
SET lock_timeout = '3s'
SET LOCAL statement_timeout = 0
RESET work_mem
SET CONSTRAINTS ALL DEFERRED
--= compatible no-effect
SELECT 1
SELECT count(*) FROM orders WHERE note IS NULL
TABLE orders
VALUES (1), (2)
EXPLAIN SELECT * FROM orders

--= data-changing data
INSERT INTO orders (note) VALUES ('x')
INSERT INTO settings VALUES ('a', 'b') ON CONFLICT DO NOTHING
INSERT INTO archive SELECT * FROM orders
UPDATE orders SET note = '' WHERE note IS NULL
DELETE FROM orders WHERE cents < 0
MERGE INTO orders USING n ON orders.id = n.id WHEN MATCHED THEN UPDATE SET note = n.note
TRUNCATE orders
TRUNCATE orders, customers RESTART IDENTITY CASCADE
COPY orders FROM '/srv/rows.csv' CSV
WITH gone AS (DELETE FROM orders RETURNING *) INSERT INTO archive SELECT * FROM gone
WITH n AS (INSERT INTO orders (note) VALUES ('x') RETURNING id) SELECT id FROM n
--= data-changing new-object data own-object
CREATE TABLE a (id int); WITH gone AS (DELETE FROM orders RETURNING id) INSERT INTO a SELECT id FROM gone; ALTER TABLE a ADD b int
--= data-changing new-object data
CREATE TABLE IF NOT EXISTS a (id int); INSERT INTO a VALUES (1)
CREATE TABLE a (id int); WITH gone AS (DELETE FROM orders RETURNING id) INSERT INTO a SELECT id FROM gone

--= unknown code
DO $$ BEGIN DROP TABLE orders; END $$
DO LANGUAGE plpgsql 'BEGIN NULL; END'
CALL move_rows(10)
EXECUTE prepared(1)
EXPLAIN ANALYZE DELETE FROM orders
--= unknown function-call
SELECT setval('s', 100)
SELECT create_hypertable('measures', 'at')
SELECT pg_catalog.set_config('search_path', '', false)
SELECT lo_import('/etc/passwd')
SELECT shop.lower('x')
CREATE TABLE a AS SELECT * FROM own_rows()
CREATE MATERIALIZED VIEW m AS SELECT own_function(id) FROM orders
SELECT 1 FROM orders WHERE own_function(id)
SELECT dblink_exec('dbname=app', 'DROP TABLE orders')
--= unknown function-call data
UPDATE orders SET note = own_function(note)
INSERT INTO orders SELECT * FROM own_rows()
DELETE FROM orders WHERE own_function(id)
--= unknown data function-call
WITH x AS (INSERT INTO orders (note) VALUES ('x') RETURNING id) SELECT own_function(id) FROM x
--= unknown new-object function-call own-object
CREATE TABLE a (id int); INSERT INTO a SELECT own_function(id) FROM orders
--= unknown session
SET search_path = shop
SET search_path TO DEFAULT
SET ROLE app
SET SESSION AUTHORIZATION app
SET session_replication_role = replica
SET row_security = off
SET "my.setting" = 1
--= breaking new-object session drop-table
CREATE TABLE a (id int); SET search_path = shop; DROP TABLE a
--= unknown not-parsed
ALTER TABLE orders ADD COLUMN
SELEC 1
CREATE TABLE a (id int, b int GENERATED ALWAYS AS (id) VIRTUAL)
SELECT * FROM orders WHERE (a = 1
this is not SQL
--= unknown not-judged
ALTER TABLE orders SET UNLOGGED
CREATE CAST (text AS int) WITHOUT FUNCTION
CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION noted()
CREATE OPERATOR CLASS c FOR TYPE int USING btree AS OPERATOR 1 <
CREATE TRANSFORM FOR hstore LANGUAGE plperl (FROM SQL WITH FUNCTION f(internal))
CREATE SCHEMA s CREATE TABLE a (id int)
IMPORT FOREIGN SCHEMA s FROM SERVER far INTO here
LISTEN changed
PREPARE p AS SELECT 1
DEALLOCATE ALL
DISCARD ALL
LOAD 'auto_explain'
DECLARE c CURSOR FOR SELECT 1
ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b
