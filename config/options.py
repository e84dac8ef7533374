"""Options of the HTTP listener and of the log, which belong to no other part."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class HttpOptions(BaseModel):
    """Where HTTP and WebSocket are served; part of the settings tree as ``http``."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(
        default="*",
        min_length=1,
        description="Address or name to listen on; `*`: every address of this machine, IPv4 and IPv6.",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port to listen on; 0: any free one.")
    tls: bool = Field(default=False, description="Serve HTTPS and WSS with the certificate below.")
    tls_certificate: Path | None = Field(
        default=None, description="PEM file with the certificate, followed by those of its issuers."
    )
    tls_key: Path | None = Field(default=None, description="PEM file with the private key of the certificate.")
    trusted_proxies: list[str] = Field(
        default=["127.0.0.1", "::1"],
        description="Addresses or networks of reverse proxies whose `X-Forwarded-*` headers are believed.",
    )
    shutdown_timeout_s: float = Field(
        default=5.0, gt=0, le=300, description="Longest wait in seconds for open requests when the server stops."
    )

    @model_validator(mode="after")
    def _tls_is_complete(self) -> HttpOptions:
        if self.tls and (self.tls_certificate is None or self.tls_key is None):
            raise ValueError(
                "TLS needs a certificate: set http.tls_certificate and http.tls_key "
                "(`plenum dev --tls` makes one for trying things out)"
            )
        return self


class TracingOptions(BaseModel):
    """Traces of joins; part of the settings tree as ``tracing``."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s]+$",
        description="Receiver of OpenTelemetry traces by OTLP over HTTP, such as `http://127.0.0.1:4318`; absent: none "
        "are made. Needs the packages of `plenum[tracing]`.",
    )
    sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of the joins that are traced; a caller's own choice goes first."
    )


class LoggingOptions(BaseModel):
    """What is logged and how; part of the settings tree as ``logging``."""

    model_config = ConfigDict(extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is shown."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="Coloured lines or JSON; `auto`: lines on a terminal, JSON elsewhere."
    )
