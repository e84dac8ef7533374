"""What an operator may set of the chat."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

ImageType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]


class ChatOptions(BaseModel):
    """The chat of rooms; part of the settings tree as ``rooms.chat``."""

    model_config = ConfigDict(extra="forbid")

    history_messages: int = Field(
        default=1_000, ge=1, le=20_000, description="Chat messages of a room that are kept while it lives."
    )
    history_characters: int = Field(
        default=1_000_000, ge=1_000, le=50_000_000, description="Characters of chat that are kept of a room."
    )
    edit_window_s: int = Field(
        default=900, ge=0, le=86_400, description="Seconds in which a message can be edited by its author; 0: never."
    )
    typing_expires_ms: int = Field(
        default=6_000, ge=1_000, le=60_000, description="Somebody counts as typing for so long after saying so."
    )
    typing_per_minute: int = Field(default=30, ge=1, description="Typing notices of a user in a minute.")
    reads_per_minute: int = Field(default=60, ge=1, description="Read receipts of a user in a minute.")
    link_previews: bool = Field(
        default=False, description="The server fetches title and description of the first link of a message."
    )
    images: bool = Field(default=True, description="Images may be uploaded to the chat.")
    image_types: list[ImageType] = Field(
        default=["image/png", "image/jpeg", "image/gif", "image/webp"], description="Types of images that are taken."
    )
    max_image_bytes: int = Field(default=5_242_880, ge=1_024, le=52_428_800, description="Largest image that is taken.")
    max_image_pixels: int = Field(
        default=40_000_000, ge=1, description="Most pixels, width times height, that an image may have."
    )
    max_room_images_bytes: int = Field(
        default=209_715_200, ge=1_024, description="Bytes that the images of one room may take."
    )
    max_images_bytes: int = Field(
        default=2_147_483_648, ge=1_024, description="Bytes that the images of all rooms may take."
    )
    images_per_minute: int = Field(default=20, ge=1, description="Images that a user may upload in a minute.")
    data_folder: Path | None = Field(
        default=None,
        description="Folder for uploaded images; absent: a temporary one that ends with the server.",
    )
