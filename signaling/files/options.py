"""What an operator may set of file transfers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

TypePattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9!#$&^_.+-]{1,64}/(?:\*|[a-z0-9!#$&^_.+-]{1,64})$")]
Extension = Annotated[str, StringConstraints(pattern=r"^\.[a-z0-9]{1,16}$")]


class FileOptions(BaseModel):
    """File transfers between participants; part of the settings tree as ``rooms.files``."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(default=True, description="Participants may send files to each other.")
    max_bytes: int = Field(default=2_147_483_648, ge=1, le=2**40, description="Largest file that may be offered.")
    allowed_types: list[TypePattern] = Field(
        default=[], description="Media types that may be offered, such as `image/*`; empty: all that are not denied."
    )
    denied_types: list[TypePattern] = Field(
        default=[
            "application/x-msdownload",
            "application/x-msdos-program",
            "application/x-ms-installer",
            "application/x-msi",
            "application/vnd.microsoft.portable-executable",
        ],
        description="Media types that may not be offered.",
    )
    denied_extensions: list[Extension] = Field(
        default=[
            ".bat", ".cmd", ".com", ".cpl", ".exe", ".hta", ".jse", ".lnk", ".msi", ".msp", ".pif", ".ps1", ".reg",
            ".scf", ".scr", ".vbe", ".vbs", ".wsf",
        ],
        description="Ends of names that may not be offered, whatever type the sender's browser gives them.",
    )  # fmt: skip
    offers_per_hour: int = Field(default=10, ge=1, description="Files of a user that may be offered in an hour.")
    max_open: int = Field(
        default=20, ge=1, le=1_000, description="Transfers of one participant that may be under way, either way."
    )
    max_remembered: int = Field(
        default=1_000, ge=1, le=100_000, description="Transfers of a room that are remembered while it lives."
    )
