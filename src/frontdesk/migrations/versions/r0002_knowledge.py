"""access, knowledge, assistants: named query metadata, documents with labels, passages for search, assistants.

Safe: only new tables. Undo: drop them. Embeddings carry no dimension and no approximate index on purpose: search is exact
over the permitted documents, and a model may be swapped in the background.
"""

from alembic import op

from frontdesk.migrations.schema import protect

revision = "0002"
down_revision = "0001"

SQL = """
CREATE TABLE access_profiles (
    organization_id   uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id                uuid        NOT NULL,
    name              text        NOT NULL CHECK (name <> ''),
    query_metadata    jsonb,
    minimum_assurance smallint    NOT NULL DEFAULT 2 CHECK (minimum_assurance BETWEEN 0 AND 3),
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    version           integer     NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name)
);
CREATE TABLE knowledge_bases (
    organization_id            uuid             NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id                         uuid             NOT NULL,
    name                       text             NOT NULL CHECK (name <> ''),
    description                text             NOT NULL DEFAULT '',
    embedding_model            text             NOT NULL,
    reranker_model             text,
    number_of_retrieved_chunks integer          NOT NULL DEFAULT 12 CHECK (number_of_retrieved_chunks BETWEEN 1 AND 100),
    sentence_window_size       integer          NOT NULL DEFAULT 2,
    enable_hyde                boolean          NOT NULL DEFAULT false,
    similarity_cutoff          double precision NOT NULL DEFAULT 0,
    enable_rerank              boolean          NOT NULL DEFAULT true,
    created_at                 timestamptz      NOT NULL,
    updated_at                 timestamptz      NOT NULL,
    deleted_at                 timestamptz,     -- gone for every reader; a job removes what is in it, then the row
    PRIMARY KEY (organization_id, id)
);
CREATE TABLE labels (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    knowledge_base_id uuid        NOT NULL,
    name              text        NOT NULL CHECK (name <> ''),
    created_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, knowledge_base_id, name),
    UNIQUE (organization_id, knowledge_base_id, id),
    FOREIGN KEY (organization_id, knowledge_base_id) REFERENCES knowledge_bases (organization_id, id) ON DELETE CASCADE
);
CREATE SEQUENCE document_numbers AS bigint;
CREATE TABLE documents (
    organization_id   uuid        NOT NULL,
    id                uuid        NOT NULL,
    number            bigint      NOT NULL DEFAULT nextval('document_numbers'),
    knowledge_base_id uuid        NOT NULL,
    kind              text        NOT NULL CHECK (kind IN ('file', 'faq')),
    title             text        NOT NULL,
    state             text        NOT NULL CHECK (state IN ('initial', 'processing', 'done', 'failed', 'deleting')),
    progress          smallint    NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    failure_reason    text,
    language          text,
    metadata          jsonb       NOT NULL DEFAULT '{}',
    chunk_count       integer     NOT NULL DEFAULT 0,   -- these two: sums over its chunks, so that the text leg
    term_count        bigint      NOT NULL DEFAULT 0,   -- knows the permitted set's averages without reading it
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, number),
    UNIQUE (organization_id, knowledge_base_id, id),
    FOREIGN KEY (organization_id, knowledge_base_id) REFERENCES knowledge_bases (organization_id, id) ON DELETE CASCADE
);
CREATE TABLE document_labels (
    organization_id   uuid NOT NULL,
    document_id       uuid NOT NULL,
    label_id          uuid NOT NULL,
    knowledge_base_id uuid NOT NULL,    -- the same for both ends: a label stays in its knowledge base
    PRIMARY KEY (organization_id, document_id, label_id),
    FOREIGN KEY (organization_id, knowledge_base_id, document_id)
        REFERENCES documents (organization_id, knowledge_base_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, knowledge_base_id, label_id)
        REFERENCES labels (organization_id, knowledge_base_id, id) ON DELETE CASCADE
);
CREATE INDEX document_labels_of_label ON document_labels (organization_id, label_id);
CREATE TABLE document_files (
    organization_id uuid   NOT NULL,
    document_id     uuid   NOT NULL,
    filename        text   NOT NULL,
    file_key        text   NOT NULL,
    media_type      text   NOT NULL,
    size_bytes      bigint NOT NULL,
    sha256          bytea  NOT NULL,
    parser          text,
    page_count      integer,
    PRIMARY KEY (organization_id, document_id),
    FOREIGN KEY (organization_id, document_id) REFERENCES documents (organization_id, id) ON DELETE CASCADE
);
CREATE TABLE faqs (
    organization_id uuid NOT NULL,
    document_id     uuid NOT NULL,
    question        text NOT NULL CHECK (question <> ''),
    answer          text NOT NULL CHECK (answer <> ''),
    PRIMARY KEY (organization_id, document_id),
    FOREIGN KEY (organization_id, document_id) REFERENCES documents (organization_id, id) ON DELETE CASCADE
);
CREATE TABLE chunks (
    organization_id uuid    NOT NULL,
    id              uuid    NOT NULL,
    document_id     uuid    NOT NULL,
    document_number bigint  NOT NULL,
    position        integer NOT NULL,
    text            text    NOT NULL,
    content_key     bytea   NOT NULL,   -- sha256 of title, position and text: the tie-breaker that no other document can move
    page_number     integer,
    language        text    NOT NULL,
    term_count      integer NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, document_id, position),
    FOREIGN KEY (organization_id, document_id) REFERENCES documents (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX chunks_of_document_number ON chunks (organization_id, document_number) INCLUDE (id, term_count);
CREATE TABLE chunk_terms (
    organization_id uuid    NOT NULL,
    term            text    NOT NULL,
    document_number bigint  NOT NULL,
    chunk_id        uuid    NOT NULL,
    frequency       integer NOT NULL,
    term_count      integer NOT NULL,   -- of the chunk, here too so that scoring reads one table
    PRIMARY KEY (organization_id, term, document_number, chunk_id) INCLUDE (frequency, term_count),
    FOREIGN KEY (organization_id, chunk_id) REFERENCES chunks (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX chunk_terms_of_chunk ON chunk_terms (organization_id, chunk_id);
CREATE TABLE embeddings (
    organization_id uuid   NOT NULL,
    model           text   NOT NULL,
    document_number bigint NOT NULL,
    chunk_id        uuid   NOT NULL,
    content_key     bytea  NOT NULL,
    embedding       halfvec NOT NULL,
    PRIMARY KEY (organization_id, model, document_number, chunk_id),
    FOREIGN KEY (organization_id, chunk_id) REFERENCES chunks (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX embeddings_of_chunk ON embeddings (organization_id, chunk_id);
CREATE TABLE assistants (
    organization_id  uuid        NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id               uuid        NOT NULL,
    name             text        NOT NULL CHECK (name <> ''),
    instructions     text        NOT NULL DEFAULT '',
    model_provider   text        CHECK (model_provider IN ('openai', 'anthropic', 'google')),
    model_name       text,
    model_base_url   text,
    model_key        bytea,      -- encrypted
    webhook_url      text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    deleted_at       timestamptz,    -- its inboxes, and their conversations, still name it
    PRIMARY KEY (organization_id, id),
    CHECK ((model_provider IS NULL) = (model_name IS NULL))
);
CREATE TABLE assistant_bases (
    organization_id   uuid NOT NULL,
    assistant_id      uuid NOT NULL,
    knowledge_base_id uuid NOT NULL,
    PRIMARY KEY (organization_id, assistant_id, knowledge_base_id),
    FOREIGN KEY (organization_id, assistant_id) REFERENCES assistants (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, knowledge_base_id) REFERENCES knowledge_bases (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX assistant_bases_of_base ON assistant_bases (organization_id, knowledge_base_id);
"""

TABLES = (
    "access_profiles knowledge_bases labels documents document_labels document_files faqs chunks chunk_terms embeddings "
    "assistants assistant_bases"
)


def upgrade() -> None:
    op.execute(SQL)
    op.execute("GRANT USAGE ON SEQUENCE document_numbers TO frontdesk_app, frontdesk_maintenance")
    for table in TABLES.split():
        protect(table, personal="no")
