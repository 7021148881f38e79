"""Fifteen files of the shape that those of Artifortress have: its tables as far as the stand-ins use them, in words of our own.

Nine belong to the first release. Forward only, each may be run again; none says its class. 0008 exchanges a foreign key,
0012 adds a column with a volatile default, 0014 exchanges a CHECK, 0015 drops an index.
"""

FILES = {
    "0001_init.sql": """\
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE IF NOT EXISTS tenants (tenant_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), slug citext NOT NULL UNIQUE,
  name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS repos (repo_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), repo_key citext NOT NULL,
  repo_type text NOT NULL CHECK (repo_type IN ('local', 'remote', 'virtual')), UNIQUE (tenant_id, repo_key));
CREATE TABLE IF NOT EXISTS packages (package_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), repo_id uuid NOT NULL REFERENCES repos (repo_id),
  package_type text NOT NULL, namespace text NULL, name text NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS ux_packages_coordinate ON packages (repo_id, package_type, coalesce(namespace, ''), name);
CREATE TABLE IF NOT EXISTS blobs (digest char(64) PRIMARY KEY, length_bytes bigint NOT NULL CHECK (length_bytes > 0),
  storage_key text NOT NULL UNIQUE, object_etag text NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS package_versions (version_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), repo_id uuid NOT NULL REFERENCES repos (repo_id),
  package_id uuid NOT NULL REFERENCES packages (package_id), version text NOT NULL,
  state text NOT NULL CHECK (state IN ('draft', 'published', 'tombstoned')), published_at timestamptz NULL,
  UNIQUE (repo_id, package_id, version));
CREATE TABLE IF NOT EXISTS artifact_entries (entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  version_id uuid NOT NULL REFERENCES package_versions (version_id) ON DELETE CASCADE, relative_path text NOT NULL,
  blob_digest char(64) NOT NULL REFERENCES blobs (digest), size_bytes bigint NOT NULL, UNIQUE (version_id, relative_path));
CREATE TABLE IF NOT EXISTS audit_log (audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL,
  actor_subject text NOT NULL, action text NOT NULL, resource_type text NOT NULL, resource_id text NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS outbox_events (event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL,
  aggregate_type text NOT NULL, aggregate_id text NOT NULL, event_type text NOT NULL, payload jsonb NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now(), available_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz NULL, delivery_attempts int NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS idx_artifact_entries_blob ON artifact_entries (blob_digest);
CREATE INDEX IF NOT EXISTS idx_outbox_pending ON outbox_events (available_at) WHERE delivered_at IS NULL;
""",
    "0002_phase1_identity_and_rbac.sql": """\
CREATE TABLE IF NOT EXISTS personal_access_tokens (token_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), subject text NOT NULL, token_hash char(64) NOT NULL UNIQUE,
  scopes text[] NOT NULL DEFAULT '{}', expires_at timestamptz NOT NULL, revoked_at timestamptz NULL);
CREATE TABLE IF NOT EXISTS role_bindings (binding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), repo_id uuid NOT NULL REFERENCES repos (repo_id) ON DELETE CASCADE,
  subject text NOT NULL, roles text[] NOT NULL, UNIQUE (tenant_id, repo_id, subject));
CREATE INDEX IF NOT EXISTS idx_audit_action_time ON audit_log (action, occurred_at DESC);
""",
    "0003_phase2_upload_sessions.sql": """\
CREATE TABLE IF NOT EXISTS upload_sessions (upload_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), repo_id uuid NOT NULL REFERENCES repos (repo_id) ON DELETE CASCADE,
  state text NOT NULL, committed_blob_digest char(64) NULL REFERENCES blobs (digest), created_at timestamptz DEFAULT now());
""",
    "0004_phase3_publish_guardrails.sql": """\
CREATE OR REPLACE FUNCTION deny_published_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF old.state = 'published' AND new.version <> old.version THEN
    RAISE EXCEPTION 'a published version cannot be changed';
  END IF;
  RETURN new;
END $$;
DROP TRIGGER IF EXISTS trg_deny_published_mutation ON package_versions;
CREATE TRIGGER trg_deny_published_mutation BEFORE UPDATE ON package_versions
  FOR EACH ROW EXECUTE FUNCTION deny_published_mutation();
""",
    "0005_phase3_published_immutability_hardening.sql": """\
CREATE INDEX IF NOT EXISTS idx_package_versions_state ON package_versions (tenant_id, state);
""",
    "0006_phase4_policy_search_quarantine_scaffold.sql": """\
CREATE TABLE IF NOT EXISTS search_index_jobs (job_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  version_id uuid NOT NULL REFERENCES package_versions (version_id) ON DELETE CASCADE,
  status text NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
  available_at timestamptz NOT NULL DEFAULT now(), attempts int NOT NULL DEFAULT 0, last_error text NULL,
  updated_at timestamptz NOT NULL DEFAULT now(), UNIQUE (tenant_id, version_id));
CREATE INDEX IF NOT EXISTS idx_search_index_jobs_pending ON search_index_jobs (status, available_at)
  WHERE status IN ('pending', 'failed');
""",
    "0007_phase3_manifest_persistence.sql": """\
CREATE TABLE IF NOT EXISTS manifests (version_id uuid PRIMARY KEY REFERENCES package_versions (version_id) ON DELETE CASCADE,
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id), manifest_blob_digest char(64) NULL REFERENCES blobs (digest));
""",
    "0008_phase5_tombstones_gc_reconcile.sql": """\
CREATE TABLE IF NOT EXISTS gc_runs (run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL,
  mode text NOT NULL CHECK (mode IN ('dry_run', 'execute')), started_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz NULL, deleted_blob_count int NOT NULL DEFAULT 0);
ALTER TABLE IF EXISTS upload_sessions DROP CONSTRAINT IF EXISTS upload_sessions_committed_blob_digest_fkey;
ALTER TABLE IF EXISTS upload_sessions ADD CONSTRAINT upload_sessions_committed_blob_digest_fkey
  FOREIGN KEY (committed_blob_digest) REFERENCES blobs (digest) ON DELETE SET NULL;
""",
    "0009_post_ga_search_read_model.sql": """\
CREATE TABLE IF NOT EXISTS search_documents (document_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id),
  version_id uuid NOT NULL REFERENCES package_versions (version_id) ON DELETE CASCADE, search_text text NOT NULL,
  search_vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', search_text)) STORED, UNIQUE (tenant_id, version_id));
CREATE INDEX IF NOT EXISTS idx_search_documents_vector ON search_documents USING gin (search_vector);
""",
    "0010_enterprise_identity_and_reliability.sql": """\
ALTER TABLE personal_access_tokens ADD COLUMN IF NOT EXISTS last_used_at timestamptz NULL,
  ADD COLUMN IF NOT EXISTS last_used_auth_source text NULL;
CREATE TABLE IF NOT EXISTS pat_issuance_policies (tenant_id uuid PRIMARY KEY REFERENCES tenants (tenant_id) ON DELETE CASCADE,
  max_ttl_minutes int NOT NULL CHECK (max_ttl_minutes BETWEEN 5 AND 10080));
CREATE INDEX IF NOT EXISTS idx_pat_last_used ON personal_access_tokens (tenant_id, last_used_at DESC NULLS LAST);
""",
    "0011_tenant_isolation_and_admission_controls.sql": """\
CREATE TABLE IF NOT EXISTS tenant_admission_policies (
  tenant_id uuid PRIMARY KEY REFERENCES tenants (tenant_id) ON DELETE CASCADE, max_pending_search_jobs int NOT NULL);
CREATE INDEX IF NOT EXISTS idx_search_index_jobs_tenant_status ON search_index_jobs (tenant_id, status, updated_at DESC);
""",
    "0012_tenant_role_bindings_and_audit_correlation.sql": """\
CREATE TABLE IF NOT EXISTS tenant_role_bindings (binding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE, subject text NOT NULL, roles text[] NOT NULL);
ALTER TABLE audit_log ADD COLUMN IF NOT EXISTS correlation_id uuid NOT NULL DEFAULT gen_random_uuid();
CREATE INDEX IF NOT EXISTS idx_audit_log_correlation ON audit_log (tenant_id, correlation_id, occurred_at DESC);
""",
    "0013_governance_controls.sql": """\
CREATE TABLE IF NOT EXISTS repo_governance_policies (repo_policy_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
  repo_id uuid NOT NULL REFERENCES repos (repo_id) ON DELETE CASCADE, UNIQUE (tenant_id, repo_id));
CREATE TABLE IF NOT EXISTS governance_approvals (approval_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE, action text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'approved', 'consumed', 'cancelled')));
""",
    "0014_search_assurance_controls.sql": """\
ALTER TABLE search_index_jobs DROP CONSTRAINT IF EXISTS search_index_jobs_status_check;
ALTER TABLE search_index_jobs ADD CONSTRAINT search_index_jobs_status_check
  CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled'));
CREATE TABLE IF NOT EXISTS tenant_search_controls (tenant_id uuid PRIMARY KEY REFERENCES tenants (tenant_id) ON DELETE CASCADE,
  is_paused boolean NOT NULL DEFAULT false);
""",
    "0015_worker_claim_path_indexes.sql": """\
CREATE INDEX IF NOT EXISTS idx_outbox_version_published_claim ON outbox_events (occurred_at, available_at, tenant_id)
  WHERE delivered_at IS NULL AND event_type = 'version.published';
DROP INDEX IF EXISTS idx_search_index_jobs_pending;
CREATE INDEX IF NOT EXISTS idx_search_index_jobs_pending_claim ON search_index_jobs (status, available_at, tenant_id)
  WHERE status IN ('pending', 'failed');
""",
}
