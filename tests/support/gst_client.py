"""GStreamer's webrtcbin as a WHIP publisher or WHEP player: a WebRTC stack that is nobody's browser.

Runs under the system's Python, which has the bindings:
    /usr/bin/python3 gst_client.py publish URL TOKEN --video vp8|h264 --seconds 8
    /usr/bin/python3 gst_client.py play URL TOKEN --seconds 5
Prints one JSON object a line: {"event": …} as things happen, last {"event": "done", "received": {…}, "states": […]}.
"""

from __future__ import annotations

import argparse
import json
import threading
import urllib.error
import urllib.request
from urllib.parse import urljoin

import gi  # type: ignore[import-not-found,import-untyped]

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # type: ignore[import-not-found,import-untyped]  # noqa: E402

VIDEO = {
    "vp8": "vp8enc deadline=1 target-bitrate=500000 keyframe-max-dist=3000 ! rtpvp8pay picture-id-mode=2"
    " ! application/x-rtp,media=video,encoding-name=VP8,payload=96",
    "h264": "openh264enc bitrate=500000 gop-size=3000 ! video/x-h264,profile=constrained-baseline"
    " ! h264parse config-interval=-1 ! rtph264pay aggregate-mode=zero-latency"
    " ! application/x-rtp,media=video,encoding-name=H264,payload=102",
}
AUDIO = (
    "audiotestsrc is-live=true freq={hz} volume=0.4 ! audioconvert ! audioresample ! opusenc ! rtpopuspay"
    " ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111"
)
PLAY_CAPS = (
    "application/x-rtp,media=video,encoding-name={video},payload=96,clock-rate=90000",
    "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,encoding-params=(string)2",
)


def say(event: str, **details: object) -> None:
    print(json.dumps({"event": event, **details}), flush=True)


class Client:
    """One webrtcbin, one HTTP session."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.loop = GLib.MainLoop()
        self.location: str | None = None
        self.received: dict[str, int] = {}
        self.states: list[str] = []
        self.failed = False
        self.posted = False
        # The parser gives a pipeline only when there is more than one element.
        parsed = Gst.parse_launch(self._description())
        self.pipeline = parsed if isinstance(parsed, Gst.Pipeline) else Gst.Pipeline()
        if parsed is not self.pipeline:
            self.pipeline.add(parsed)
        self.webrtc = self.pipeline.get_by_name("peer")
        self.webrtc.connect("on-negotiation-needed", self._on_negotiation_needed)
        self.webrtc.connect("notify::ice-gathering-state", self._on_gathering)
        self.webrtc.connect("notify::connection-state", self._on_state)
        self.webrtc.connect("pad-added", self._on_pad)
        if arguments.role == "play":
            for caps in PLAY_CAPS:
                caps = caps.format(video=arguments.video.upper())
                direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
                self.webrtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._on_error)

    def run(self) -> int:
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add(int(self.arguments.seconds * 1000), self.loop.quit)
        self.loop.run()
        if self.location is not None:
            self._request("DELETE", self.location)
        say("done", received=self.received, states=self.states)
        self.pipeline.set_state(Gst.State.NULL)
        return 1 if self.failed else 0

    def _description(self) -> str:
        head = "webrtcbin name=peer bundle-policy=max-bundle latency=100"
        if self.arguments.role == "play":
            return head
        video = VIDEO[self.arguments.video]
        audio = AUDIO.format(hz=self.arguments.hz)
        return (
            f"{head}  videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=20/1"
            f" ! videoconvert ! queue ! {video} ! peer.   {audio} ! peer."
        )

    def _on_negotiation_needed(self, element: Gst.Element) -> None:
        element.emit("create-offer", None, Gst.Promise.new_with_change_func(self._on_offer, element))

    def _on_offer(self, promise: Gst.Promise, element: Gst.Element) -> None:
        promise.wait()
        reply = promise.get_reply()  # owns the description and frees it: only a copy of the text is ours
        offer = reply.get_value("offer")
        _, message = GstSdp.SDPMessage.new_from_text(offer.sdp.as_text())
        own = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        element.emit("set-local-description", own, Gst.Promise.new())

    def _on_gathering(self, element: Gst.Element, _: object) -> None:
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if element.get_property("ice-gathering-state") == complete and not self.posted:
            self.posted = True
            threading.Thread(target=self._post).start()

    def _post(self) -> None:
        offer = self.webrtc.get_property("local-description").sdp.as_text()
        try:
            answer, location = self._request("POST", self.arguments.url, offer)
        except urllib.error.HTTPError as error:
            self.failed = True
            say("refused", status=error.code, body=error.read().decode()[:400])
            self.loop.quit()
            return
        self.location = urljoin(self.arguments.url, location or "")
        say("answered", location=self.location)
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.webrtc.emit("set-remote-description", description, Gst.Promise.new())

    def _request(self, method: str, url: str, sdp: str | None = None) -> tuple[str, str | None]:
        headers = {"Authorization": f"Bearer {self.arguments.token}"}
        if sdp is not None:
            headers["Content-Type"] = "application/sdp"
        request = urllib.request.Request(url, method=method, headers=headers, data=sdp.encode() if sdp else None)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode(), answer.headers.get("Location")

    def _on_state(self, element: Gst.Element, _: object) -> None:
        state = element.get_property("connection-state").value_nick
        self.states.append(state)
        say("state", state=state)

    def _on_pad(self, _: Gst.Element, pad: Gst.Pad) -> None:
        if pad.direction != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin")
        self.pipeline.add(decoder)
        decoder.connect("pad-added", self._on_decoded)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def _on_decoded(self, _: Gst.Element, pad: Gst.Pad) -> None:
        name = pad.get_current_caps().get_structure(0).get_name()
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("sync", False)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        self.received[name] = 0

        def counted(*_: object) -> Gst.PadProbeReturn:
            self.received[name] += 1
            return Gst.PadProbeReturn.OK

        pad.add_probe(Gst.PadProbeType.BUFFER, counted)
        pad.link(sink.get_static_pad("sink"))

    def _on_error(self, _: Gst.Bus, message: Gst.Message) -> None:
        self.failed = True
        say("error", text=str(message.parse_error()))
        self.loop.quit()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["publish", "play"])
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--video", choices=sorted(VIDEO), default="vp8")
    parser.add_argument("--hz", type=int, default=440)
    parser.add_argument("--seconds", type=float, default=8)
    Gst.init(None)
    return Client(parser.parse_args()).run()


if __name__ == "__main__":
    raise SystemExit(main())
