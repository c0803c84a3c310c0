"""Every knob of Frontdesk, read once from the environment. `docs/reference/settings.md` lists them for people."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Several = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Values come from the environment: `FRONTDESK_<NAME>`, and `DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="FRONTDESK_", frozen=True, extra="ignore")

    data: Path | None = Field(None, description="Folder for the embedded database, files and the secret key.")
    database_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL to use instead of the embedded one, as libpq URL.",
    )
    owner_database_url: SecretStr | None = Field(
        None, description="The same database as its owner, for migrations; default: DATABASE_URL."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        None, description="Address that browsers use, such as https://desk.example.com; default: http://host:port."
    )
    secret_key: SecretStr | None = Field(
        None, description="Base64 of 32 bytes that encrypt stored secrets; default: a file made at first start."
    )
    files_url: str | None = Field(
        None, description="Where files are kept (s3://…, gs://…, az://…); default: a folder in the data."
    )
    outgoing_allow: Several = Field(
        (),
        description="Networks, comma separated, that outgoing calls may reach although private, such as 127.0.0.1/32.",
    )
    model_urls: Several = Field(
        (), description="Base addresses of OpenAI-compatible models, comma separated, that assistants may use."
    )
    embedding_model: str = Field(
        "use-multilingual-v3",
        description="The embedding model of new knowledge bases; also multilingual-e5-small-q4, with frontdesk[e5].",
    )
    smtp_url: SecretStr | None = Field(
        None, description="smtp[s]://user:password@host:port for invitations and resets; default: links are shown once."
    )
    mail_from: str = Field("Frontdesk <frontdesk@localhost>", description="Sender of those e-mails.")
    max_upload_bytes: int = Field(50_000_000, gt=0, description="Largest file that may be uploaded, in bytes.")
    max_import_bytes: int = Field(300_000_000, gt=0, description="Largest file of contacts to import, in bytes.")
    max_body_bytes: int = Field(1_000_000, gt=0, description="Largest request body other than an upload, in bytes.")
    max_connections: int = Field(16, ge=2, description="Connections to the database that one process opens at most.")
    metrics_token: SecretStr | None = Field(
        None,
        description="Opens /metrics to those who send it as bearer token; default: there is no such page.",
    )
    log_json: bool = Field(default=False, description="Write logs as JSON lines instead of text.")
    trusted_proxies: str = Field(
        "127.0.0.1", description="Addresses whose X-Forwarded-* headers count, comma separated."
    )
