#include "drivers/postgres/catalog.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

namespace drivers::postgres {

using base::Result;

namespace {

// One line an object. Members of extensions are the extension's. Grants are written out with their
// defaults, for a dump leaves out what is the default anyway; columns are told in their order, not
// by number, for a dump does not bring back the numbers of dropped ones.
constexpr std::array layout_parts{
    "SELECT 'extension ' || extname || ' ' || extversion || ' in ' || extnamespace::regnamespace "
    "FROM pg_extension;\n",
    "SELECT 'schema ' || quote_ident(n.nspname) || ' owner ' || pg_get_userbyid(n.nspowner) || "
    "pg_temp.grants(n.nspacl, 'n', n.nspowner) FROM pg_temp.ns n;\n",
    "SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN "
    "'m' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' WHEN 'c' "
    "THEN 'type' END || ' ' || c.oid::regclass || concat(' kind ', c.relkind, ' ', "
    "c.relpersistence, ' owner ', pg_get_userbyid(c.relowner), ' options ', c.reloptions, ' rls ', "
    "c.relrowsecurity, c.relforcerowsecurity, ' identity ', c.relreplident, ' of ', (SELECT "
    "string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i WHERE "
    "i.inhrelid = c.oid), ' bound ', pg_get_expr(c.relpartbound, c.oid), ' key ', CASE WHEN "
    "c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END, CASE WHEN c.relkind <> 'c' THEN "
    "pg_temp.grants(c.relacl, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner) "
    "END) FROM pg_temp.rel c WHERE c.relkind IN ('r','p','v','m','S','f','c');\n",
    "SELECT 'column ' || c.oid::regclass || '.' || quote_ident(a.attname) || concat(' ', "
    "format_type(a.atttypid, a.atttypmod), ' at ', row_number() OVER (PARTITION BY c.oid ORDER BY "
    "a.attnum), CASE WHEN a.attnotnull THEN ' not null' END, ' default ', pg_get_expr(d.adbin, "
    "d.adrelid), ' ', a.attidentity, a.attgenerated, CASE WHEN a.attcollation <> 0 THEN ' collate "
    "' || a.attcollation::regcollation END, ' ', a.attacl) FROM pg_temp.rel c JOIN pg_attribute a "
    "ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON "
    "d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind IN ('r','p','v','m','f','c');\n",
    "SELECT 'constraint ' || quote_ident(o.conname) || ' on ' || coalesce(nullif(o.conrelid, "
    "0)::regclass::text, o.contypid::regtype::text) || ' ' || pg_get_constraintdef(o.oid) || ' ' "
    "|| o.convalidated FROM pg_constraint o WHERE o.connamespace IN (SELECT oid FROM pg_temp.ns) "
    "AND (o.conrelid = 0 OR o.conrelid IN (SELECT oid FROM pg_temp.rel));\n",
    "SELECT 'index ' || i.indexrelid::regclass || ' ' || pg_get_indexdef(i.indexrelid) || ' ' || "
    "i.indisvalid || i.indisclustered || i.indisreplident FROM pg_index i WHERE i.indrelid IN "
    "(SELECT oid FROM pg_temp.rel);\n",
    "SELECT 'query of ' || c.oid::regclass || ' ' || md5(pg_get_viewdef(c.oid)) FROM pg_temp.rel c "
    "WHERE c.relkind IN ('v','m');\n",
    "SELECT 'rule ' || quote_ident(r.rulename) || ' ' || pg_get_ruledef(r.oid) || "
    "r.ev_enabled::text "
    "FROM pg_rewrite r WHERE r.rulename <> '_RETURN' AND r.ev_class IN (SELECT oid FROM "
    "pg_temp.rel);\n",
    "SELECT 'function ' || p.oid::regprocedure || concat(' ', p.prokind, ' returns ', "
    "pg_get_function_result(p.oid), ' ', pg_get_function_arguments(p.oid), ' ', l.lanname, ' ', "
    "p.provolatile, p.proisstrict, p.prosecdef, p.proleakproof, p.proparallel, ' ', p.proconfig, ' "
    "', md5(concat(p.prosrc, p.probin, p.prosqlbody::text IS NULL)), (SELECT concat(g.aggtransfn, "
    "g.aggfinalfn, g.agginitval, g.aggtranstype::regtype) FROM pg_aggregate g WHERE g.aggfnoid = "
    "p.oid), ' owner ', pg_get_userbyid(p.proowner), pg_temp.grants(p.proacl, 'f', p.proowner)) "
    "FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace IN (SELECT oid "
    "FROM pg_temp.ns) AND NOT pg_temp.is_member('pg_proc'::regclass, p.oid);\n",
    "SELECT 'trigger ' || quote_ident(t.tgname) || ' ' || pg_get_triggerdef(t.oid) || "
    "t.tgenabled::text "
    "FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgrelid IN (SELECT oid FROM pg_temp.rel);\n",
    "SELECT 'type ' || t.oid::regtype || concat(' ', t.typtype, ' ', CASE WHEN t.typtype = 'd' "
    "THEN format_type(t.typbasetype, t.typtypmod) END, t.typnotnull, ' ', t.typdefault, ' ', "
    "(SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_enum e "
    "WHERE e.enumtypid = t.oid), (SELECT g.rngsubtype::regtype FROM pg_range g WHERE g.rngtypid = "
    "t.oid), ' owner ', pg_get_userbyid(t.typowner), pg_temp.grants(t.typacl, 'T', t.typowner)) "
    "FROM pg_type t WHERE t.typnamespace IN (SELECT oid FROM pg_temp.ns) AND t.typtype IN ('d', "
    "'e', 'r') AND NOT pg_temp.is_member('pg_type'::regclass, t.oid);\n",
    "SELECT 'numbers of ' || s.seqrelid::regclass || concat(' ', s.seqtypid::regtype, ' start ', "
    "s.seqstart, ' by ', s.seqincrement, ' ', s.seqmin, '..', s.seqmax, ' ', s.seqcache, "
    "s.seqcycle) FROM pg_sequence s WHERE s.seqrelid IN (SELECT oid FROM pg_temp.rel);\n",
    "SELECT 'policy ' || quote_ident(p.polname) || ' on ' || p.polrelid::regclass || concat(' ', "
    "p.polcmd, p.polpermissive, ' ', (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE "
    "pg_get_userbyid(r) END, ',' ORDER BY 1) FROM unnest(p.polroles) r), ' ', "
    "pg_get_expr(p.polqual, "
    "p.polrelid), ' ', pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy p;\n",
    "SELECT 'statistics ' || pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s WHERE "
    "s.stxnamespace IN (SELECT oid FROM pg_temp.ns);\n",
    "SELECT 'event trigger ' || concat(evtname, ' ', evtevent, ' ', evtfoid::regprocedure, "
    "evtenabled, evttags) FROM pg_event_trigger e WHERE NOT "
    "pg_temp.is_member('pg_event_trigger'::regclass, e.oid);\n",
    "SELECT 'publication ' || concat(pubname, ' ', puballtables, pubinsert, pubupdate, pubdelete, "
    "pubtruncate) FROM pg_publication;\n",
    "SELECT 'publishes ' || p.pubname || ' ' || r.prrelid::regclass FROM pg_publication_rel r JOIN "
    "pg_publication p ON p.oid = r.prpubid;\n",
    "SELECT 'operator ' || o.oid::regoperator || ' ' || o.oprcode FROM pg_operator o WHERE "
    "o.oprnamespace IN (SELECT oid FROM pg_temp.ns) AND NOT "
    "pg_temp.is_member('pg_operator'::regclass, o.oid);\n",
    "SELECT 'default grants ' || concat(pg_get_userbyid(defaclrole), ' ', nullif(defaclnamespace, "
    "0)::regnamespace, ' ', defaclobjtype, ' ', (SELECT string_agg(g::text, ',' ORDER BY g::text) "
    "FROM unnest(defaclacl) g)) FROM pg_default_acl;\n",
    "SELECT 'foreign server ' || concat(srvname, ' ', srvtype, ' ', srvoptions) FROM "
    "pg_foreign_server;\n",
};

// As temporary views and functions each part stays readable. They need a session that may write;
// nothing of it is left.
constexpr std::string_view layout_helpers =
    "SET default_transaction_read_only = off;\n"
    "CREATE FUNCTION pg_temp.is_member(c regclass, o oid) RETURNS boolean LANGUAGE sql STABLE AS "
    "$$ "
    "SELECT EXISTS (SELECT FROM pg_depend WHERE classid = c AND objid = o AND deptype = 'e') $$;\n"
    "CREATE FUNCTION pg_temp.grants(a aclitem[], k \"char\", o oid) RETURNS text LANGUAGE sql "
    "STABLE "
    "AS $$ SELECT ' grants ' || coalesce(string_agg(concat(CASE x.grantee WHEN 0 THEN 'public' "
    "ELSE "
    "pg_get_userbyid(x.grantee) END, ' ', x.privilege_type, x.is_grantable), ',' ORDER BY "
    "x.grantee = 0, pg_get_userbyid(x.grantee), x.privilege_type), 'none') FROM "
    "aclexplode(coalesce(a, acldefault(k, o))) x $$;\n"
    "CREATE TEMP VIEW ns AS SELECT n.* FROM pg_namespace n WHERE nspname !~ '^pg_' AND nspname "
    "<> 'information_schema' AND NOT pg_temp.is_member('pg_namespace'::regclass, n.oid);\n"
    "CREATE TEMP VIEW rel AS SELECT c.* FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM "
    "pg_temp.ns) AND NOT pg_temp.is_member('pg_class'::regclass, c.oid);\n";

// "column public.orders.note", the name of what a line tells: its first words up to the second
// blank, for most.
std::string subject_of(const std::string& line) {
  const auto words = base::split(line, ' ');
  return words.size() < 2 ? line : words[0] + " " + words[1];
}

} // namespace

std::string layout_script() {
  std::string script{layout_helpers};
  for (const char* part : layout_parts)
    script += part;
  return script;
}

std::vector<std::string> read_layout(const Rows& rows) {
  std::vector<std::string> lines;
  for (const Row& row : rows)
    if (row.size() == 1)
      lines.push_back(row[0]);
  std::ranges::sort(lines);
  return lines;
}

Result<std::vector<std::string>> layout_of(const Psql& psql, const std::string& database,
                                           const RunOptions& options) {
  return read_layout(TRY(psql.run(database, layout_script(), options)));
}

std::string digest_of_layout(const std::vector<std::string>& lines) {
  base::Sha256 digest;
  for (const std::string& line : lines)
    digest.update(std::to_string(line.size()) + ":" + line);
  return digest.hex();
}

std::string tell_layout(const std::vector<std::string>& before,
                        const std::vector<std::string>& after) {
  std::vector<std::string> gone;
  std::vector<std::string> added;
  std::ranges::set_difference(before, after, std::back_inserter(gone));
  std::ranges::set_difference(after, before, std::back_inserter(added));
  std::map<std::string, int> subjects; // 1: gone, 2: new, 3: changed
  for (const std::string& line : gone)
    subjects[subject_of(line)] |= 1;
  for (const std::string& line : added)
    subjects[subject_of(line)] |= 2;
  constexpr std::size_t shown = 5;
  std::vector<std::string> parts;
  for (const auto& [subject, how] : subjects)
    if (parts.size() < shown)
      parts.push_back(base::printable(subject) + (how == 1   ? " is gone"
                                                  : how == 2 ? " is new"
                                                             : " changed"));
  if (subjects.size() > shown)
    parts.push_back("and " + std::to_string(subjects.size() - shown) + " more");
  return base::join(parts, ", ");
}

std::string content_script(Reading reading) {
  // By the key, which costs less than the row.
  const std::string sample =
      "' FILTER (WHERE ' || coalesce((SELECT 'hashtextextended(row(' || string_agg('t.' || "
      "quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')::text, 0) % 16 = 0' FROM pg_index i "
      "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = "
      "c.oid AND i.indisprimary), 'false') || ')'";
  const std::string hashed =
      reading == Reading::counts
          ? "'NULL'"
          : "'sum(hashtextextended(t::text, 0)::numeric)'" +
                (reading == Reading::sampled ? " || " + sample : std::string{});
  const std::string plain =
      " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
      "c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND "
      "n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM "
      "pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid "
      "AND d.deptype = 'e') ORDER BY c.oid::regclass::text";
  // A table may be counted by its smallest index alone: what was read then is not the table.
  return "SET row_security = off;\nSET enable_indexonlyscan = off;\nSET enable_indexscan = off;\n"
         "SET enable_bitmapscan = off;\n"
         "SELECT 'SELECT ' || quote_literal(c.oid::regclass::text) || ', count(*), ' || " +
         hashed + " || ' FROM ONLY ' || c.oid::regclass || ' t'" + plain +
         " \\gexec\n"
         "SELECT 'SELECT ' || quote_literal('sequence ' || c.oid::regclass) || ', 0, last_value || "
         "''/'' || is_called FROM ' || c.oid::regclass FROM pg_class c JOIN pg_namespace n ON "
         "n.oid "
         "= c.relnamespace WHERE c.relkind = 'S' AND c.relpersistence = 'p' AND n.nspname !~ "
         "'^pg_' "
         "AND n.nspname <> 'information_schema' ORDER BY 1 \\gexec\n"
         "SELECT 'large objects', count(*), " +
         (reading == Reading::whole
              ? std::string{"sum(hashtextextended(m.oid || md5(lo_get(m.oid)), 0)::numeric)"}
              : "NULL") +
         " FROM pg_largeobject_metadata m;\n";
}

Content read_content(const Rows& rows) {
  Content content;
  for (const Row& row : rows)
    if (row.size() == 3)
      content.push_back({row[0], number_of(row[1]), row[2]});
  std::ranges::sort(content, {}, &TableContent::name);
  return content;
}

Result<Content> content_of(const Psql& psql, const std::string& database, Reading reading,
                           const RunOptions& options) {
  return read_content(TRY(psql.run(database, content_script(reading), options)));
}

std::string tell_content(const Content& wanted, const Content& found) {
  std::vector<std::string> parts;
  const auto in = [](const Content& all, const std::string& name) {
    return std::ranges::find(all, name, &TableContent::name);
  };
  for (const TableContent& table : wanted) {
    const auto other = in(found, table.name);
    if (other == found.end())
      parts.push_back(table.name + " is missing");
    else if (other->rows != table.rows)
      parts.push_back(table.name + " has " + base::plural(other->rows, "row", "rows") + ", not " +
                      std::to_string(table.rows));
    else if (!table.hash.empty() && other->hash != table.hash)
      parts.push_back(table.name + " has another content");
  }
  for (const TableContent& table : found)
    if (in(wanted, table.name) == wanted.end())
      parts.push_back(table.name + " is new");
  constexpr std::size_t shown = 5;
  if (parts.size() > shown) {
    const std::size_t more = parts.size() - shown;
    parts.resize(shown);
    parts.push_back("and " + std::to_string(more) + " more");
  }
  return base::printable(base::join(parts, ", "));
}

std::uint64_t rows_of(const Content& content) {
  std::uint64_t rows = 0;
  for (const TableContent& table : content)
    rows += table.rows;
  return rows;
}

} // namespace drivers::postgres
