-- belay: expand
BEGIN;
CREATE TABLE a (id bigserial PRIMARY KEY, b int REFERENCES c (id), CHECK (b > 0));
ALTER TABLE c ADD COLUMN d text NOT NULL DEFAULT 'x' CHECK (d IN ('x', 'y')), ALTER e SET NOT NULL;
CREATE UNIQUE INDEX i ON c (lower(d)) WHERE b / 2 > 1; /* and */ DROP TABLE f CASCADE;
COMMIT;
