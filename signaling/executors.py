"""How each effect is carried out in a room that is open here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from signaling import admission, membership
from signaling import effects as fx
from signaling.delivery import Origin
from signaling.envelope import iso_utc
from signaling.messages.room import Ack
from signaling.messages.waiting import WaitingAdmit

if TYPE_CHECKING:
    from signaling.live_room import LiveRoom


def _end_session(live: LiveRoom, effect: fx.EndSession, origin: Origin | None) -> None:
    session = live.sessions.get(effect.username) or live.waiting_sessions.get(effect.username)
    if session is not None:
        if origin is not None and origin.message_id is not None and origin.username == effect.username:
            live.delivery.send(fx.Send(effect.username, Ack(), reply=True), origin)
        session.close(effect.close_code, effect.reason)
        live.waiting_sessions.pop(effect.username, None)


def _leave(live: LiveRoom, effect: fx.Leave, origin: Origin | None) -> fx.Effects:
    if effect.username not in live.room.participants:
        return []
    live.sessions.pop(effect.username, None)
    # First: closing its transport must not be taken for a publisher that goes by itself.
    live.end_whip(effect.username)
    told = live.negotiation.leave(effect.username)
    live.router.set_group(effect.username, None)
    live.log.info("left", participant=effect.username, reason=effect.reason)
    defaults = live.around.options.permissions
    return told + membership.leave(live.room, effect.username, effect.reason, defaults)


def _let_in(live: LiveRoom, effect: fx.LetIn, origin: Origin | None) -> fx.Effects:
    waiter = live.room.waiting.remove(effect.username)
    session = live.waiting_sessions.pop(effect.username, None)
    if waiter is None or session is None:
        return []
    told = WaitingAdmit(
        user_id=waiter.username,
        username=waiter.username,
        display_name=waiter.display_name,
        joined_waiting_at=iso_utc(waiter.since_unix),
    )
    to_managers = admission.tell_managers(live.room, told)
    live.delivery.deliver(session, live.delivery.letter(told, None), None)
    forget = fx.ForgetEntry(fx.Table.WAITING, waiter.username)
    return [*to_managers, forget, *live.seat(waiter.identity, session)]


def _look_at_waiting(live: LiveRoom, effect: fx.LookAtWaiting, origin: Origin | None) -> fx.Effects:
    return admission.look(live.room, live.around.options)


def _end_viewing(live: LiveRoom, effect: fx.EndViewing, origin: Origin | None) -> None:
    for end in live.around.viewing_enders:
        end(live.room.room_id, effect.username)


def _take_offer(live: LiveRoom, effect: fx.TakeOffer, origin: Origin | None) -> fx.Effects:
    participant = live.room.participants[effect.username]
    return live.negotiation.take_offer(participant, effect.sdp, effect.sources)


def _take_answer(live: LiveRoom, effect: fx.TakeAnswer, origin: Origin | None) -> fx.Effects:
    return live.negotiation.take_answer(live.room.participants[effect.username], effect.sdp)


def _take_candidate(live: LiveRoom, effect: fx.TakeCandidate, origin: Origin | None) -> None:
    live.negotiation.take_candidate(live.room.participants[effect.username], effect.leg, effect.candidate)


def _restart_subscribe(live: LiveRoom, effect: fx.RestartSubscribe, origin: Origin | None) -> fx.Effects:
    return live.negotiation.restart(live.room.participants[effect.username])


def _look_at_offers(live: LiveRoom, effect: fx.LookAtOffers, origin: Origin | None) -> None:
    live.around.offers.ask(live)


def _set_muted(live: LiveRoom, effect: fx.SetMuted, origin: Origin | None) -> None:
    live.negotiation.set_muted(effect.publication_id, effect.muted)


def _take_preferences(live: LiveRoom, effect: fx.TakePreferences, origin: Origin | None) -> None:
    live.negotiation.take_preferences(effect.username, effect.request)


def _move_media(live: LiveRoom, effect: fx.MoveMedia, origin: Origin | None) -> fx.Effects:
    # Some may have left by what came before.
    live.router.set_groups({name: to for name, to in effect.places.items() if name in live.room.participants})
    live.media.speakers_anew()
    return live.negotiation.rearrange()


def _look_at_breakouts(live: LiveRoom, effect: fx.LookAtBreakouts, origin: Origin | None) -> None:
    live.breakout_timer.arm()


def _fetch_preview(live: LiveRoom, effect: fx.FetchPreview, origin: Origin | None) -> None:
    live.around.fetch_preview(live, effect.message_id, effect.url)


def _drop_images(live: LiveRoom, effect: fx.DropImages, origin: Origin | None) -> None:
    live.around.drop_images(live.room.room_id, effect.image_ids)


def _start_live(live: LiveRoom, effect: fx.StartLive, origin: Origin | None) -> None:
    assert live.around.live is not None
    live.around.live.start(live, effect.stream_id, effect.key.get_secret_value())


def _stop_live(live: LiveRoom, effect: fx.StopLive, origin: Origin | None) -> None:
    assert live.around.live is not None
    live.around.live.stop(live, effect.stream_id)


def _arrange_live(live: LiveRoom, effect: fx.ArrangeLive, origin: Origin | None) -> None:
    assert live.around.live is not None
    live.around.live.arrange(live)


# By the kind of effect; what it leads to comes back, and is carried out next.
EXECUTORS: dict[type[Any], Callable[[LiveRoom, Any, Origin | None], fx.Effects | None]] = {
    fx.Send: lambda live, effect, origin: live.delivery.send(effect, origin),
    fx.Broadcast: lambda live, effect, origin: live.delivery.broadcast(effect, origin),
    fx.Relay: lambda live, effect, origin: live.delivery.relay(effect, origin),
    fx.EndSession: _end_session,
    fx.Leave: _leave,
    fx.LetIn: _let_in,
    fx.LookAtWaiting: _look_at_waiting,
    fx.EndViewing: _end_viewing,
    fx.TakeOffer: _take_offer,
    fx.TakeAnswer: _take_answer,
    fx.TakeCandidate: _take_candidate,
    fx.RestartSubscribe: _restart_subscribe,
    fx.LookAtOffers: _look_at_offers,
    fx.SetMuted: _set_muted,
    fx.TakePreferences: _take_preferences,
    fx.MoveMedia: _move_media,
    fx.LookAtBreakouts: _look_at_breakouts,
    fx.StartRecording: lambda live, effect, origin: live.recordings.start(effect),
    fx.StopRecording: lambda live, effect, origin: live.recordings.stop(effect),
    fx.LookAtRecording: lambda live, effect, origin: live.recordings.look(),
    fx.FetchPreview: _fetch_preview,
    fx.DropImages: _drop_images,
    fx.StartLive: _start_live,
    fx.StopLive: _stop_live,
    fx.ArrangeLive: _arrange_live,
}
