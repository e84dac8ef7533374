"""The table of all messages: what each carries in which direction, what it does, and which limit it counts for.

To add a message: write its payloads in ``signaling/messages``, its function in ``signaling/handlers``, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from signaling.context import Context
from signaling.effects import Effects
from signaling.handlers import (
    analytics,
    background,
    breakouts,
    chat,
    chat_reading,
    e2ee,
    files,
    hands,
    live,
    media,
    moderation,
    negotiation,
    people,
    preferences,
    presence,
    quality,
    reactions,
    recordings,
    settings,
    waiting,
)
from signaling.messages import analytics as analytics_messages
from signaling.messages import area as area_messages
from signaling.messages import background as background_messages
from signaling.messages import breakouts as breakout_messages
from signaling.messages import chat as chat_messages
from signaling.messages import e2ee as e2ee_messages
from signaling.messages import files as files_messages
from signaling.messages import hands as hands_messages
from signaling.messages import live as live_messages
from signaling.messages import media as media_messages
from signaling.messages import moderation as moderation_messages
from signaling.messages import negotiation as negotiation_messages
from signaling.messages import people as people_messages
from signaling.messages import preferences as preferences_messages
from signaling.messages import quality as quality_messages
from signaling.messages import reactions as reactions_messages
from signaling.messages import recordings as recordings_messages
from signaling.messages import room as room_messages
from signaling.messages import session as session_messages
from signaling.messages import settings as settings_messages
from signaling.messages import waiting as waiting_messages
from signaling.messages.base import Incoming, Outgoing
from signaling.room import Participant, Room
from signaling.waiting import Waiter

M_contra = TypeVar("M_contra", bound=Incoming, contravariant=True)
M = TypeVar("M", bound=Incoming)


class Handler(Protocol[M_contra]):
    """Decides what a message does; raises RoomError when it may not be."""

    def __call__(self, room: Room, participant: Participant, message: M_contra, context: Context) -> Effects:
        """The effects of ``message`` from ``participant``."""
        ...


@dataclass(frozen=True, slots=True)
class MessageType:
    """One line of the table.

    ``receives`` with ``handle``: what clients send; ``sends``: what they get; ``limit``: the rate limit it counts for,
    None for media negotiation and heartbeats. ``while_waiting``: what it does when it comes from one in the waiting
    room; None: ``waiting_for_approval``. ``spared``: payloads that count as any message, not for a limit of their own.
    ``relays``: what they get of it that another participant wrote.
    """

    name: str
    receives: type[Incoming] | None = None
    handle: Callable[[Room, Participant, Any, Context], Effects] | None = None
    sends: type[Outgoing] | None = None
    limit: str | None = None
    while_waiting: Callable[[Room, Waiter, Any, Context], Effects] | None = None
    spared: Callable[[Mapping[str, Any]], bool] | None = None
    relays: type[Outgoing] | None = None

    def limit_for(self, payload: Mapping[str, Any]) -> str | None:
        """The rate limit that a message with ``payload`` counts for."""
        return "messages" if self.spared is not None and self.spared(payload) else self.limit

    @property
    def direction(self) -> str:
        """As the reference writes it."""
        if self.receives is None:
            return "S→C"
        return "C→S" if self.sends is None and self.relays is None else "both"


def _both(
    receives: type[M],
    handle: Handler[M],
    sends: type[Outgoing] | None = None,
    limit: str | None = "messages",
    *,
    waiting: Callable[[Room, Waiter, M, Context], Effects] | None = None,
    spared: Callable[[Mapping[str, Any]], bool] | None = None,
    relays: type[Outgoing] | None = None,
) -> MessageType:
    assert all(model.type_name == receives.type_name for model in (sends, relays) if model is not None)
    return MessageType(receives.type_name, receives, handle, sends, limit, waiting, spared, relays)


def _to_client(sends: type[Outgoing]) -> MessageType:
    return MessageType(sends.type_name, sends=sends)


_LINES = (
    _to_client(room_messages.RoomState),
    _to_client(session_messages.SessionResumed),
    _to_client(session_messages.RoomMoved),
    _to_client(room_messages.UserJoined),
    _to_client(room_messages.UserLeft),
    _to_client(room_messages.RoleUpdated),
    _to_client(room_messages.PermissionUpdated),
    _to_client(room_messages.ErrorMessage),
    _to_client(room_messages.Ack),
    _both(
        room_messages.HeartbeatRequest,
        presence.heartbeat,
        room_messages.Heartbeat,
        limit=None,
        waiting=waiting.heartbeat,
    ),
    _both(room_messages.LeaveRequest, presence.leave, limit=None, waiting=waiting.leave),
    _both(people_messages.RoleUpdateRequest, people.role_update),
    _both(people_messages.PermissionUpdateRequest, people.permission_update),
    _both(
        people_messages.ParticipantUpdateRequest,
        people.participant_update,
        people_messages.ParticipantUpdate,
        waiting=waiting.update,
    ),
    _both(settings_messages.SettingsUpdateRequest, settings.settings_update, settings_messages.SettingsUpdate),
    _both(moderation_messages.UnmuteRequest, moderation.unmute_request, moderation_messages.UnmuteAsked),
    _both(moderation_messages.KickRequest, moderation.kick, moderation_messages.Kicked),
    _both(moderation_messages.BanRequest, moderation.ban),
    _both(moderation_messages.UnbanRequest, moderation.unban),
    _both(moderation_messages.BanListRequest, moderation.ban_list, moderation_messages.BanList),
    _both(
        waiting_messages.WaitingJoinRequest,
        waiting.not_waiting,
        waiting_messages.WaitingJoin,
        waiting=waiting.own_place,
    ),
    _both(waiting_messages.WaitingAdmitRequest, waiting.admit, waiting_messages.WaitingAdmit),
    _both(waiting_messages.WaitingRejectRequest, waiting.reject, waiting_messages.WaitingReject),
    _to_client(waiting_messages.WaitingLeft),
    _to_client(waiting_messages.WaitingResult),
    _both(hands_messages.HandRaiseRequest, hands.hand_raise, limit="hand_raises", spared=hands.lowers),
    _to_client(hands_messages.HandRaiseQueue),
    _both(reactions_messages.ReactionRequest, reactions.reaction, reactions_messages.Reaction, limit="reactions"),
    _both(background_messages.BackgroundRequest, background.background_update, background_messages.BackgroundUpdate),
    _both(files_messages.FileOfferRequest, files.offer, files_messages.FileOffer, limit="file_shares"),
    _both(files_messages.FileAcceptRequest, files.accept, files_messages.FileAccept),
    _both(files_messages.FileRejectRequest, files.reject, files_messages.FileReject),
    _both(files_messages.FileProgressRequest, files.progress, files_messages.FileProgress),
    _both(files_messages.FileCompleteRequest, files.complete, files_messages.FileComplete),
    _both(e2ee_messages.KeyExchangeRequest, e2ee.key_exchange, e2ee_messages.KeyExchange),
    _both(e2ee_messages.RatchetUpdateRequest, e2ee.ratchet_update, e2ee_messages.RatchetUpdate),
    _both(recordings_messages.RecordingControl, recordings.recording_control),
    _to_client(recordings_messages.RecordingChanged),
    _both(live_messages.LiveStartRequest, live.live_stream_start, live_messages.LiveStarted),
    _both(live_messages.LiveStopRequest, live.live_stream_stop, live_messages.LiveStopped),
    _both(live_messages.LivePictureRequest, live.live_stream_picture, live_messages.LivePictureChanged),
    _to_client(live_messages.LiveHealthUpdate),
    _both(
        negotiation_messages.OfferRequest,
        negotiation.offer,
        negotiation_messages.SubscribeOffer,
        limit=None,
        relays=negotiation_messages.RelayedOffer,
    ),
    _both(
        negotiation_messages.AnswerRequest,
        negotiation.answer,
        negotiation_messages.PublishAnswer,
        limit=None,
        relays=negotiation_messages.RelayedAnswer,
    ),
    _both(
        negotiation_messages.CandidateRequest,
        negotiation.ice_candidate,
        limit=None,
        relays=negotiation_messages.RelayedCandidate,
    ),
    _both(negotiation_messages.IceRestartRequest, negotiation.ice_restart, limit=None),
    _to_client(negotiation_messages.TrackPublished),
    _to_client(negotiation_messages.TrackUnpublished),
    _both(media_messages.MediaControlRequest, media.media_control, media_messages.MediaControl),
    _both(media_messages.ScreenShareRequest, media.screen_share_control, media_messages.ScreenShareControl),
    _to_client(media_messages.ActiveSpeakers),
    _both(preferences_messages.PreferencesRequest, preferences.subscription_preferences, limit=None),
    _to_client(preferences_messages.SubscriptionStatus),
    _to_client(preferences_messages.PublishLayers),
    _both(quality_messages.NetworkStatsRequest, quality.network_stats),
    _to_client(quality_messages.QualityUpdate),
    _both(breakout_messages.BreakoutCreateRequest, breakouts.create, breakout_messages.BreakoutCreate),
    _both(breakout_messages.BreakoutAssignRequest, breakouts.assign, breakout_messages.BreakoutAssign),
    _both(breakout_messages.BreakoutCloseRequest, breakouts.close, breakout_messages.BreakoutClose),
    _to_client(breakout_messages.BreakoutClosing),
    _to_client(area_messages.BreakoutArea),
    _both(chat_messages.ChatRequest, chat.chat_message, chat_messages.ChatMessage),
    _both(chat_messages.ChatEditRequest, chat.chat_edit, chat_messages.ChatEdit),
    _both(chat_messages.ChatDeleteRequest, chat.chat_delete, chat_messages.ChatDelete),
    _both(chat_messages.ChatReactionRequest, chat.chat_reaction, chat_messages.ChatReaction),
    _both(chat_messages.ChatReadRequest, chat_reading.chat_read, chat_messages.ChatRead, limit="chat_reads"),
    _both(chat_messages.ChatTypingRequest, chat_reading.chat_typing, chat_messages.ChatTyping, limit="typing"),
    _both(chat_messages.ChatHistoryRequest, chat_reading.chat_history, chat_messages.ChatHistory),
    _to_client(chat_messages.ChatLinkPreview),
    _both(analytics_messages.AnalyticsEventRequest, analytics.analytics_event, analytics_messages.AnalyticsEvent),
)

CATALOGUE: dict[str, MessageType] = {line.name: line for line in _LINES}
assert len(CATALOGUE) == len(_LINES), "a message type is listed twice"
