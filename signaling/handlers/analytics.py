"""What applications count."""

from __future__ import annotations

from signaling.admission import managers
from signaling.context import Context
from signaling.effects import Effects, Record, Send
from signaling.envelope import iso_utc
from signaling.messages.analytics import AnalyticsEvent, AnalyticsEventRequest
from signaling.room import Participant, Room


def analytics_event(room: Room, participant: Participant, message: AnalyticsEventRequest, context: Context) -> Effects:
    """Keep it in the log, and show it to who manages participants."""
    username = participant.username
    told = AnalyticsEvent(
        event_type=message.event_type,
        user_id=username,
        metadata=message.metadata,
        timestamp=iso_utc(context.now_unix),
    )
    kept = {"event_type": message.event_type, "user_id": username, "metadata": message.metadata}
    others = [p for p in managers(room) if p.username != username]
    return [
        Record(AnalyticsEventRequest.type_name, username, kept),
        *(Send(p.username, told, sender=username) for p in others),
    ]
